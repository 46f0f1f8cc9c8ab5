"""What the forms of a work item do: one function for each, all with the same facts."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from alerts import tickets_claims as claims
from alerts.case_acts import colleague, number_typed
from alerts.tickets_acts import do
from alerts.tickets_changes import Doing
from alerts.tickets_model import DESK, Ticket, TicketAct
from alerts.tickets_trace import Decision, candidates, link
from alerts.tickets_units import is_own
from alerts.tickets_words import LONGEST, Caller, reveal_caller
from closedloop.reporting import Office
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import NotFound, Unprocessable


class TicketForm(Struct, frozen=True, kw_only=True):
    """Of whichever form of the page was sent."""

    event_id: UUID
    version: str = ""
    act: str = ""
    unit: str = ""
    reason: str = ""
    words: str = ""
    rating: str = ""
    to: str = ""
    plate: str = ""
    movement: str = ""
    about: str = ""
    why: str = ""
    note: str = ""


class At(NamedTuple):
    conn: Connection
    office: Office
    ticket: Ticket
    form: TicketForm
    actor: Actor
    now: datetime


class Shown(Struct, frozen=True, kw_only=True):
    """What an act adds to the page that follows it; None where the page is opened anew."""

    caller: Caller | None = None
    found: list[Decision] | None = None


async def _act(at: At) -> None:
    form = at.form
    if form.act not in set(TicketAct) - {TicketAct.CALL, TicketAct.LINK}:
        raise Unprocessable("ticket_act_needed")
    said = Doing(
        id=form.event_id,
        act=TicketAct(form.act),
        version=number_typed(form.version),
        unit=form.unit,
        reason=form.reason,
        words=form.words[:LONGEST],
        rating=number_typed(form.rating),
    )
    await do(at.conn, at.office, at.ticket.id, said, at.actor, at.now)


async def _claim(at: At) -> None:
    _at_desk(at)
    await claims.claim(at.conn, at.office, at.ticket.id, at.actor, at.now)


async def _release(at: At) -> None:
    _at_desk(at)
    await claims.give_back(at.conn, at.ticket.id, at.actor)


async def _handover(at: At) -> None:
    _at_desk(at)
    to = colleague(at.form.to)
    await claims.hand_over(at.conn, at.office, at.ticket.id, at.actor, to, at.now)


async def _find(at: At) -> Shown:
    _at_desk(at)
    world = await at.office.cache.now(at.conn)
    plate = at.form.plate or at.ticket.plate
    found = await candidates(at.conn, world, at.ticket, at.actor, at.now, plate=plate[:20], at=None)
    return Shown(found=found)


async def _link(at: At) -> None:
    _at_desk(at)
    event_id = event_named(at.form.about)
    await link(
        at.conn,
        at.office,
        at.ticket,
        at.actor,
        at.now,
        act_id=at.form.event_id,
        movement_id=number_typed(at.form.movement) or 0,
        event_id=event_id,
        version=None,
    )


def event_named(text: str) -> UUID:
    """Raises NotFound `unknown_movement`."""
    try:
        return UUID(text)
    except ValueError as wrong:
        raise NotFound("unknown_movement", movement_id="") from wrong


async def _reveal(at: At) -> Shown:
    if not (at.actor.roles & DESK or is_own(at.ticket, at.actor)):
        raise NotFound("unknown_ticket")
    caller = await reveal_caller(
        at.conn,
        at.office.vault,
        at.ticket.id,
        at.actor,
        reason=at.form.why,
        note=at.form.note,
        now=at.now,
    )
    return Shown(caller=caller)


def _at_desk(at: At) -> None:
    """Raises NotFound `not_found`: for the unit there is no such act."""
    if not at.actor.roles & DESK:
        raise NotFound("not_found")


ACTIONS: dict[str, Callable[[At], Awaitable[Shown | None]]] = {
    "act": _act,
    "claim": _claim,
    "release": _release,
    "handover": _handover,
    "find": _find,
    "link": _link,
    "reveal": _reveal,
}
