"""What an act makes of a work item: its next state, its unit, what its history keeps. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from alerts.tickets import Long, Short
from alerts.tickets_model import (
    RATINGS,
    REASONS,
    WORDY,
    State,
    Ticket,
    TicketAct,
    after,
    after_call,
)
from alerts.tickets_units import Unit, read_unit
from alerts.tickets_words import plain
from kernel.auth import Actor
from kernel.errors import Conflict, Unprocessable
from registry.rules import RuleSet
from registry.world import World

ANSWERS = ("yes", "no", "unknown")


class Doing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`version`: of the item as it was seen; left out, nobody else's act is in the way. `unit` with
    a push, `reason` where one must be chosen, `result` and `answers` with a call, `rating` 1 to 5.
    """

    id: UUID
    act: TicketAct
    version: Annotated[int, Meta(ge=1)] | None = None
    unit: Short = ""
    reason: Short = ""
    words: Long = ""
    result: Short = ""
    answers: dict[str, str] = {}
    rating: int | None = None
    event_id: UUID | None = None
    movement_id: Annotated[int, Meta(ge=1, lt=10**13)] | None = None


class Change(Struct, frozen=True, kw_only=True):
    """What an act makes of the item, besides its state."""

    state: State
    unit: Unit | None = None
    body: dict[str, Any] = {}
    columns: dict[str, Any] = {}


class Situation(Struct, frozen=True, kw_only=True):
    """What an act may look at, besides the item."""

    world: World
    rules: RuleSet
    districts: Sequence[str]
    actor: Actor | None
    now: datetime


def change_of(ticket: Ticket, said: Doing, at: Situation) -> Change:
    """Raises Conflict `ticket_moved_on`, `ticket_reopened_before`; Unprocessable
    `ticket_reason_needed`, `words_needed`, and what the act itself needs.
    """
    state = after(ticket.state, said.act, reopened=ticket.reopened)
    if said.act in REASONS and said.reason not in REASONS[said.act]:
        raise Unprocessable("ticket_reason_needed", known=list(REASONS[said.act]))
    if said.act in WORDY and not plain(said.words):
        raise Unprocessable("words_needed")
    own = _OWN.get(said.act)
    body = {"reason": said.reason} if said.act in REASONS else {}
    return Change(state=state, body=body) if own is None else own(ticket, said, state, at)


def _push(_: Ticket, said: Doing, state: State, at: Situation) -> Change:
    unit = read_unit(said.unit, at.world, at.districts, at.actor)
    return Change(state=state, unit=unit, body={"unit": msgspec.to_builtins(unit)})


def _send_back(_: Ticket, said: Doing, state: State, __: Situation) -> Change:
    return Change(state=state, unit=Unit(), body={"reason": said.reason})


def _reopen(ticket: Ticket, said: Doing, state: State, at: Situation) -> Change:
    days = at.rules.information.reopen_days
    if ticket.finished_at is not None and at.now > ticket.finished_at + timedelta(days=days):
        raise Conflict("reopen_too_late", days=days)
    fresh = {"reopened": True, "rating": None, "tries": 0, "not_before": None}
    return Change(state=state, unit=Unit(), body={"reason": said.reason}, columns=fresh)


def _rate(_: Ticket, said: Doing, state: State, __: Situation) -> Change:
    if said.rating not in RATINGS:
        raise Unprocessable("rating_unknown")
    return Change(state=state, body={"rating": said.rating}, columns={"rating": said.rating})


def _link(_: Ticket, said: Doing, state: State, __: Situation) -> Change:
    event = None if said.event_id is None else str(said.event_id)
    return Change(
        state=state,
        body={"movement_id": said.movement_id, "event_id": event},
        columns={"about_movement": said.movement_id, "about_event": said.event_id},
    )


def _call(ticket: Ticket, said: Doing, _: State, at: Situation) -> Change:
    """The result is mandatory, and decides what follows."""
    desk = at.rules.information
    if said.result not in {each.code for each in desk.call_results}:
        raise Unprocessable("call_result_unknown", known=[e.code for e in desk.call_results])
    check_answers(said.answers, at.rules)
    what, wait = after_call(desk, said.result, ticket.tries)
    columns: dict[str, Any] = {"tries": ticket.tries + 1, "not_before": None}
    body = {"result": said.result, "after": what}
    if what == "close":
        return Change(state=State.ANSWERED, body=body, columns=columns)
    if what == "push" and ticket.district_code in at.districts:
        unit = Unit(kind="district", district=ticket.district_code)
        told = body | {"unit": msgspec.to_builtins(unit)}
        return Change(state=State.PUSHED, unit=unit, body=told, columns=columns)
    # Nobody knows to which unit: it stays at the desk, to be pushed by hand, or is called again.
    later = at.now + wait if what == "again" else None
    return Change(state=ticket.state, body=body, columns=columns | {"not_before": later})


def check_answers(answers: dict[str, str], rules: RuleSet) -> None:
    """Raises Unprocessable `answer_unknown` naming the question."""
    questions = {each.code: each for each in rules.screening}
    for code, answer in answers.items():
        asked = questions.get(code)
        own = () if asked is None else tuple(each.code for each in asked.answers)
        if asked is None or answer not in (own or ANSWERS):
            raise Unprocessable("answer_unknown", question=code)


_OWN = {
    TicketAct.PUSH: _push,
    TicketAct.SEND_BACK: _send_back,
    TicketAct.REOPEN: _reopen,
    TicketAct.RATE: _rate,
    TicketAct.LINK: _link,
    TicketAct.CALL: _call,
}
