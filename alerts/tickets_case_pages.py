"""One work item: what was said, what has been done, and what may be done next."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from alerts import tickets_claims as claims
from alerts.desk_views import people
from alerts.tickets_forms import ACTIONS, At, Shown, TicketForm
from alerts.tickets_model import DESK, OPEN, RATINGS, READERS, Ticket, TicketAct, is_late, offered
from alerts.tickets_queries import find_ticket, history
from alerts.tickets_trace import trace
from alerts.tickets_units import districts, is_own, scope_of
from alerts.tickets_views import decision, reasons, story, unit_said, units, what
from alerts.tickets_words import LONGEST, read_words
from closedloop.reporting import Office
from closedloop.watching import name_of
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import NotFound, Refused, TooMany
from kernel.i18n import t
from kernel.ids import uuid7
from kernel.web import Page, page, url_with
from registry.accounts import home_of, known_actor
from registry.plates import kind_shown
from registry.reveal import REASONS, count_refused
from registry.rules import RuleSet
from registry.wording import error, navigation

AnyRequest = Request[Any, Any, Any]
DONE = {*TicketAct, "claim", "release", "handover"}
FIELDS = {
    "words_needed": "words", "unit_unknown": "unit", "ticket_reason_needed": "reason",
    "rating_unknown": "rating", "plate_too_short": "plate", "reveal_reason_unknown": "why",
    "reveal_note_needed": "note", "unknown_colleague": "to",
}  # fmt: skip


@get("/infodesk/{ticket_id:uuid}", guards=[requires(*READERS)])
async def ticket_page(
    ticket_id: FromPath[UUID],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    done: FromQuery[str] = "",
) -> Page:
    """Everything about one item. Reading what was said leaves an audit row."""
    actor, notice = known_actor(request), t(f"ui.ticket.done.{done}") if done in DONE else None
    ticket = await _own(tx, ticket_id, actor)
    return await _show(tx, office, ticket, actor, clock.now(), notice=notice)


async def _own(conn: Connection, ticket_id: UUID, actor: Actor) -> Ticket:
    """Raises NotFound `unknown_ticket`."""
    found = await find_ticket(conn, ticket_id, scope_of(actor))
    if found is None:
        raise NotFound("unknown_ticket")
    return found


async def _show(
    conn: Connection,
    office: Office,
    ticket: Ticket,
    actor: Actor,
    now: datetime,
    *,
    notice: str | None = None,
    told: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
    shown: Shown | None = None,
    status: int = 422,
) -> Page:
    world, shown = await office.cache.now(conn), shown or Shown()
    rules, desk = world.rules_at(now), bool(actor.roles & DESK)
    acts = offered(ticket.state, actor.roles, own=is_own(ticket, actor), reopened=ticket.reopened)
    acts = [act for act in acts if act not in {TicketAct.CALL, TicketAct.LINK}]
    known = await districts(conn, None)
    own_districts = await districts(conn, actor)
    said = await read_words(conn, office.vault, ticket.id, actor, now)
    traced = await trace(conn, world, ticket, actor, now) if _may_trace(actor) else []
    place = name_of(world, ticket.unit_place_id)
    district = known.get(ticket.unit_district or ticket.district_code, "")
    held = ticket.claimed_until is not None and ticket.claimed_until > now
    return page(
        "ticket.html",
        http_status=status if told else 200,
        ticket=_ticket(ticket, rules, unit_said(ticket, place, district), known, now),
        owner=await _owner(conn, ticket) if held else "",
        mine=held and ticket.claimed_by == actor.id,
        story=story(await history(conn, ticket.id), said, rules, world),
        acts=[{"value": act, "label": t(f"ticket.act.{act}")} for act in acts],
        reasons=reasons(acts),
        units=units(world, own_districts, actor) if TicketAct.PUSH in acts else [],
        ratings=[{"value": n, "label": t(f"ticket.rating.{n}")} for n in RATINGS],
        may={
            "claim": desk and ticket.state in OPEN,
            "trace": desk,
            "reveal": desk or is_own(ticket, actor),
            "rate": TicketAct.RATE in acts,
        },
        traced=[decision(each) for each in traced],
        found=None if shown.found is None else [decision(each) for each in shown.found],
        caller=shown.caller,
        why=[{"value": reason, "label": t(f"reveal.{reason}")} for reason in REASONS],
        colleagues=people(await claims.colleagues(conn, actor)) if desk else [],
        longest=LONGEST,
        event_id=str(uuid7(now)),
        notice=notice,
        values=values or {},
        errors=[told] if told else [],
        path=f"/infodesk/{ticket.id}",
        home_url=home_of(actor),
        nav=navigation(actor),
    )


def _ticket(
    ticket: Ticket, rules: RuleSet, unit: str, districts: Mapping[str, str], now: datetime
) -> dict[str, Any]:
    return {
        "id": ticket.id,
        "number": ticket.number,
        "kind": ticket.kind,
        "what": what(ticket, rules.information),
        "state": ticket.state,
        "priority": ticket.priority,
        "crowded": ticket.crowded,
        "version": ticket.version,
        "source": ticket.source,
        "received_at": ticket.received_at,
        "due_at": ticket.due_at,
        "late": is_late(ticket.due_at, now),
        "answer_by": ticket.answer_by,
        "unit": unit,
        "district": districts.get(ticket.district_code, ""),
        "masked_name": ticket.masked_name,
        "masked_phone": ticket.masked_phone,
        "plate": ticket.plate,
        "plate_kind": kind_shown(ticket.plate) if ticket.plate else "",
        "seen_at": ticket.seen_at,
        "rating": ticket.rating,
        "open": ticket.state in OPEN,
    }


def _may_trace(actor: Actor) -> bool:
    """Whoever complains about an officer is not shown to that officer's own desk."""
    return bool(actor.roles & {*DESK, "auditor", "grid"})


async def _owner(conn: Connection, ticket: Ticket) -> str:
    return (
        await conn.fetchval("SELECT name FROM registry.account WHERE id = $1", ticket.claimed_by)
        or ""
    )


@post("/infodesk/{ticket_id:uuid}/{what:str}", guards=[requires(*READERS)], status_code=200)
async def act(
    ticket_id: FromPath[UUID],
    what: FromPath[str],
    request: AnyRequest,
    data: URLEncodedBody[TicketForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """`what`: act, claim, release, handover, find, link or reveal. Whoever comes second is told so,
    and keeps what they typed.
    """
    actor, now = known_actor(request), clock.now()
    step = ACTIONS.get(what)
    if step is None:
        raise NotFound("not_found")
    ticket = await _own(tx, ticket_id, actor)
    form = await request.form()
    typed = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    try:
        async with tx.transaction():
            shown = await step(At(tx, office, ticket, data, actor, now))
    except Refused as refused:
        if isinstance(refused, TooMany):
            await count_refused(tx, actor.id, now)
        told, status = error(FIELDS.get(refused.code, ""), refused), _status(refused)
        ticket = await _own(tx, ticket_id, actor)
        return await _show(tx, office, ticket, actor, now, told=told, values=typed, status=status)
    if shown is not None:
        return await _show(tx, office, ticket, actor, now, shown=shown, values=typed)
    if await find_ticket(tx, ticket_id, scope_of(actor)) is None:
        return Redirect("/infodesk?done=release", status_code=303)
    back = "/infodesk" if typed.get("back") == "list" else f"/infodesk/{ticket_id}"
    return Redirect(url_with(back, done=data.act or what), status_code=303)


def _status(refused: Refused) -> int:
    return {"conflict": 409, "forbidden": 403, "too_many": 429}.get(refused.kind, 422)


HANDLERS: list[Any] = [ticket_page, act]
