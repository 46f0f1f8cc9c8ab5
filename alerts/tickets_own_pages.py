"""One's own work item, without a log-in: number and digits open it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from msgspec import Struct

from alerts.case_acts import number_typed
from alerts.desk_views import options
from alerts.tickets_acts import do
from alerts.tickets_changes import Doing
from alerts.tickets_model import RATINGS, REOPEN_REASONS, State, Ticket, TicketAct, offered
from alerts.tickets_own import own_ticket
from alerts.tickets_queries import history
from alerts.tickets_views import what
from alerts.tickets_words import LONGEST, read_words
from closedloop.pass_pages import HOTLINE
from closedloop.reporting import Office
from kernel.auth import public
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import NotFound, Refused, Unprocessable
from kernel.i18n import current_locale, other_locale, t
from kernel.ids import uuid7
from kernel.web import Page, page, url_with
from registry.wording import error

AnyRequest = Request[Any, Any, Any]
#: What a caller is shown of the history: that it goes on, and what they were answered.
TOLD = frozenset({"receive", "push", "accept", "answer", "reopen", "close", "call"})


class OwnForm(Struct, frozen=True, kw_only=True):
    event_id: str = ""
    number: str = ""
    pin: str = ""
    rating: str = ""
    reason: str = ""
    words: str = ""


@get("/complaints/own", guards=[public])
async def own_page() -> Page:
    """The question for number and digits; neither stands in an address."""
    return _ask({})


def _ask(values: dict[str, str], told: dict[str, str] | None = None) -> Page:
    path = "/complaints/own"
    return page(
        "ask_again.html",
        http_status=422 if told else 200,
        hotline=HOTLINE,
        values=values,
        errors=[told] if told else [],
        path=path,
        other_locale_url=url_with(path, lang=other_locale(current_locale())),
    )


@post("/complaints/own", guards=[public], status_code=200)
async def own_form(
    data: URLEncodedBody[OwnForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page:
    """How one's own item stands, and its answer. Five wrong guesses at a number end guessing at it
    for a quarter of an hour.
    """
    now = clock.now()
    found = await _own(tx, office, data, now)
    return found if isinstance(found, Page) else await _show(tx, office, found, data, now)


async def _own(conn: Connection, office: Office, data: OwnForm, now: datetime) -> Ticket | Page:
    """The refusal is answered and not raised, so that the guess stays counted."""
    number, pin = data.number.replace("\0", ""), data.pin.replace("\0", "")
    try:
        async with conn.transaction():
            found = await own_ticket(conn, office.vault, number, pin, now)
    except Refused as refused:
        return _ask({"number": number[:40]}, error("number", refused))
    if found is None:
        return _ask({"number": number[:40]}, error("number", NotFound("ticket_not_opened")))
    return found


async def _show(
    conn: Connection,
    office: Office,
    ticket: Ticket,
    data: OwnForm,
    now: datetime,
    *,
    told: dict[str, str] | None = None,
    notice: str | None = None,
) -> Page:
    desk = (await office.cache.now(conn)).rules_at(now).information
    said = await read_words(conn, office.vault, ticket.id, None, now)
    steps = [each for each in await history(conn, ticket.id) if each.act in TOLD]
    may = offered(ticket.state, frozenset({"hotline"}), own=False, reopened=ticket.reopened)
    return page(
        "ask_own.html",
        http_status=422 if told else 200,
        ticket={
            "number": ticket.number,
            "what": what(ticket, desk),
            "state": ticket.state,
            "received_at": ticket.received_at,
            "answer_by": ticket.answer_by,
            "rating": ticket.rating,
            "open": ticket.finished_at is None,
        },
        steps=[
            {
                "at": each.at,
                "what": t(f"ticket.told.{each.act}"),
                "words": said[each.event_id].words
                if each.act in {"receive", "answer"} and each.event_id in said
                else "",
            }
            for each in reversed(steps)
        ],
        may={"rate": ticket.state is State.ANSWERED, "reopen": TicketAct.REOPEN in may},
        ratings=[{"value": n, "label": t(f"ticket.rating.{n}")} for n in RATINGS],
        reasons=options("ticket.reason", REOPEN_REASONS),
        days=desk.reopen_days,
        hotline=HOTLINE,
        notice=notice,
        event_id=str(uuid7(now)),
        values={
            "number": ticket.number,
            "pin": "".join(data.pin.split()),
            "rating": data.rating,
            "reason": data.reason,
            "words": data.words,
        },
        errors=[told] if told else [],
        path="/complaints/own",
        other_locale_url=url_with("/complaints/own", lang=other_locale(current_locale())),
    )


@post("/complaints/own/{step:str}", guards=[public], status_code=200)
async def own_act(
    step: FromPath[str],
    data: URLEncodedBody[OwnForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page:
    """`step`: rate, reopen (once, within some days) or note."""
    now = clock.now()
    if step not in {TicketAct.RATE, TicketAct.REOPEN, TicketAct.NOTE}:
        raise NotFound("not_found")
    found = await _own(tx, office, data, now)
    if isinstance(found, Page):
        return found
    try:
        async with tx.transaction():
            done = await do(tx, office, found.id, _doing(step, data, now), None, now)
    except Refused as refused:
        fields = {"rating_unknown": "rating", "ticket_reason_needed": "reason"}
        told = error(fields.get(refused.code, "words"), refused)
        return await _show(tx, office, found, data, now, told=told)
    notice = t(f"ui.matter.done.{step}")
    return await _show(tx, office, done.ticket, OwnForm(pin=data.pin), now, notice=notice)


def _doing(what: str, data: OwnForm, now: datetime) -> Doing:
    """Raises Unprocessable `number_malformed`."""
    try:
        event_id = UUID(data.event_id)
    except ValueError:
        event_id = uuid7(now)
    rating = number_typed(data.rating) if what == TicketAct.RATE else None
    if what == TicketAct.RATE and rating is None:
        raise Unprocessable("rating_unknown")
    return Doing(
        id=event_id,
        act=TicketAct(what),
        rating=rating,
        reason=data.reason[:100],
        words=data.words.replace("\0", "")[:LONGEST],
    )


HANDLERS: list[Any] = [own_page, own_form, own_act]
