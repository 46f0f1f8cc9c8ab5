"""What the forms of a case do: one function for each, all with the same facts."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from alerts import claims
from alerts.acting import call, close
from alerts.closing import Close
from alerts.replies import LONGEST_NOTE, Call
from alerts.same_truck import same_truck
from closedloop.acts import ACTS, Act, propose
from closedloop.commit import append
from closedloop.reporting import Office, accepted
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import NotFound, Unprocessable

LONGEST_PROOF = 200


class CaseForm(Struct, frozen=True, kw_only=True):
    """Of whichever form of the page was sent."""

    event_id: UUID
    minutes: str = ""
    to: str = ""
    whom: str = ""
    code: str = ""
    place: str = ""
    proof: str = ""
    note: str = ""
    decision: str = ""
    reason: str = ""
    other: str = ""


class Doing(NamedTuple):
    """`said` has the answers to the questions of the rule set, as `answer_<code>`."""

    conn: Connection
    office: Office
    movement_id: int
    form: CaseForm
    said: dict[str, str]
    actor: Actor
    now: datetime


async def _claim(at: Doing) -> None:
    await claims.claim(at.conn, at.movement_id, at.actor, at.now)


async def _release(at: Doing) -> None:
    await claims.give_back(at.conn, at.movement_id, at.actor, at.now)


async def _snooze(at: Doing) -> None:
    minutes = number_typed(at.form.minutes) or 0
    await claims.snooze(at.conn, at.movement_id, minutes, at.actor, at.now)


async def _handover(at: Doing) -> None:
    await claims.hand_over(at.conn, at.actor, colleague(at.form.to), at.now, at.movement_id)


async def _call(at: Doing) -> None:
    form = at.form
    answers = {
        name.removeprefix("answer_"): value
        for name, value in at.said.items()
        if name.startswith("answer_") and value
    }
    said = Call(
        id=form.event_id,
        whom=form.whom,
        code=number_typed(form.code) or 0,
        minutes=number_typed(form.minutes),
        place_id=number_typed(form.place),
        proof=form.proof[:LONGEST_PROOF],
        answers=answers,
        note=form.note[:LONGEST_NOTE],
    )
    accepted([await call(at.conn, at.office, at.movement_id, said, at.actor, at.now)])


async def _close(at: Doing) -> None:
    form = at.form
    said = Close(
        id=form.event_id,
        decision=form.decision,
        reason=form.reason,
        proof=form.proof[:LONGEST_PROOF],
    )
    accepted([await close(at.conn, at.office, at.movement_id, said, at.actor, at.now)])


async def _same_truck(at: Doing) -> None:
    outcome = await same_truck(
        at.conn,
        at.office,
        at.movement_id,
        event_id=at.form.event_id,
        other_id=number_typed(at.form.other) or 0,
        actor=at.actor,
        now=at.now,
    )
    accepted([outcome])


async def _resume(at: Doing) -> None:
    """A new limit after an incident, or wherever an officer knows more than the rule."""
    minutes = number_typed(at.form.minutes)
    said = Act(id=at.form.event_id, kind="resumed", minutes=minutes, reason=at.form.reason)
    proposal = propose(at.movement_id, said, at.actor, ACTS)
    accepted(await append(at.conn, at.office.cache, [proposal], at.now))


def colleague(text: str) -> UUID:
    """Raises NotFound("unknown_colleague")."""
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound("unknown_colleague") from error


def number_typed(text: str) -> int | None:
    """None where nothing was typed. Raises Unprocessable("number_malformed")."""
    said = text.strip()
    if not said:
        return None
    if not (said.isascii() and said.isdigit() and len(said) < 19):
        raise Unprocessable("number_malformed")
    return int(said)


ACTIONS: dict[str, Callable[[Doing], Awaitable[None]]] = {
    "claim": _claim,
    "release": _release,
    "snooze": _snooze,
    "handover": _handover,
    "call": _call,
    "close": _close,
    "same-truck": _same_truck,
    "resume": _resume,
}
