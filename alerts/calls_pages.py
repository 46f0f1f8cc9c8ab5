"""People on a list are called: whom next, what is asked, and what the call brought."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, MultipartBody, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from alerts.desk_views import options
from alerts.tickets_acts import do
from alerts.tickets_changes import ANSWERS, Doing
from alerts.tickets_claims import next_call
from alerts.tickets_lists import (
    LARGEST,
    Made,
    NewBatch,
    Person,
    Refusal,
    batches,
    people_of,
    people_with_evidence,
    take_list,
)
from alerts.tickets_model import State, Ticket, TicketAct
from alerts.tickets_queries import find_ticket
from alerts.tickets_units import districts, scope_of
from alerts.tickets_views import what
from alerts.tickets_words import LONGEST, read_caller
from closedloop.reporting import Office
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import NotFound, Refused, Unprocessable
from kernel.i18n import current_locale, t
from kernel.ids import uuid7
from kernel.web import Page, page, url_with
from registry.accounts import home_of, known_actor
from registry.model import Role
from registry.rules import About, RuleSet
from registry.wording import MOST_ROWS_SHOWN, error, labelled, navigation

AnyRequest = Request[Any, Any, Any]
CALLERS = (Role.HOTLINE, Role.DUTY)
FIELDS = {
    "ticket_category_unknown": "category", "batch_name_needed": "name",
    "call_result_unknown": "result", "answer_unknown": "result",
}  # fmt: skip
#: Evidence is looked through for so long.
DAYS = 14


class CallForm(Struct, frozen=True, kw_only=True):
    event_id: UUID
    version: str = ""
    result: str = ""
    words: str = ""


class BatchForm(Struct, kw_only=True):
    event_id: UUID
    name: str = ""
    category: str = ""
    district: str = ""
    evidence: str = ""
    file: UploadFile | None = None


@get("/hotline/calls", guards=[requires(*CALLERS)])
async def lists_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    done: FromQuery[str] = "",
) -> Page:
    """Lists to be called, and the button for the next person."""
    notice = t(f"ui.calls.done.{done}") if done in {"called", "none"} else None
    return await _lists(tx, office, known_actor(request), clock.now(), notice=notice)


async def _lists(
    conn: Connection,
    office: Office,
    actor: Actor,
    now: datetime,
    *,
    notice: str | None = None,
    told: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
    made: Made | None = None,
) -> Page:
    rules = (await office.cache.now(conn)).rules_at(now)
    known = await districts(conn, actor)
    return page(
        "calls.html",
        http_status=422 if told else 200,
        batches=await batches(conn),
        categories=labelled(rules.information.screenings, "label"),
        districts=[{"value": code, "label": name} for code, name in known.items()],
        evidence=_evidence(rules),
        made=None if made is None else _made(made),
        event_id=str(uuid7(now)),
        notice=notice,
        values=values or {},
        errors=[told] if told else [],
        path="/hotline/calls",
        home_url=home_of(actor),
        nav=navigation(actor),
    )


def _made(made: Made) -> dict[str, Any]:
    first = made.refused[:MOST_ROWS_SHOWN]
    lines = [{"line": e.line, "detail": t(f"error.{e.code}", **e.facts)} for e in first]
    return {"accepted": made.accepted, "refused": lines}


def _evidence(rules: RuleSet) -> list[dict[str, str]]:
    """What a source may have said of a person, in words."""
    locale = current_locale()
    return [
        {
            "value": f"{kind.kind}:{value}",
            "label": f"{getattr(kind.label, locale)} {getattr(kind.said(value), locale)}",
        }
        for kind in rules.evidence
        if kind.about is About.PERSON
        for value in kind.values
    ]


@post("/hotline/calls", guards=[requires(*CALLERS)], status_code=200, request_max_body_size=LARGEST)
async def lists_form(
    request: AnyRequest,
    data: MultipartBody[BatchForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page:
    """A list from a file, or of those of whom the record has some evidence; every line that was
    not taken is told.
    """
    actor, now = known_actor(request), clock.now()
    batch = NewBatch(
        id=data.event_id, name=data.name, category=data.category, district=data.district[:12]
    )
    try:
        content = await data.file.read() if data.file else b""
        async with tx.transaction():
            people = await _people(tx, office, data.evidence, content, batch.district, now)
            made = await take_list(tx, office, batch, people, actor, now)
    except Refused as refused:
        told = error(FIELDS.get(refused.code, "file"), refused)
        values = {"name": data.name, "category": data.category, "district": data.district}
        return await _lists(
            tx, office, actor, now, told=told, values=values | {"evidence": data.evidence}
        )
    return await _lists(tx, office, actor, now, made=made)


async def _people(
    conn: Connection, office: Office, evidence: str, content: bytes, district: str, now: datetime
) -> list[Person | Refusal]:
    """Raises Unprocessable `file_needed`, and as `read_rows` does."""
    if evidence:
        kind, _, value = evidence.partition(":")
        since = now - timedelta(days=DAYS)
        return [*await people_with_evidence(conn, office, kind, value, since, district)]
    if not content.strip():
        raise Unprocessable("file_needed")
    return list(people_of(content))


@post("/hotline/calls/next", guards=[requires(*CALLERS)], status_code=200)
async def take_next(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Redirect:
    """The next person whom nobody else has, for a quarter of an hour."""
    found = await next_call(tx, office, known_actor(request), clock.now())
    target = "/hotline/calls?done=none" if found is None else f"/hotline/calls/{found.id}"
    return Redirect(target, status_code=303)


@get("/hotline/calls/{ticket_id:uuid}", guards=[requires(*CALLERS)])
async def sheet_page(
    ticket_id: FromPath[UUID],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Whom to call, and what to ask. The number is shown to whoever has the call in hand, and the
    showing leaves an audit row.
    """
    actor, now = known_actor(request), clock.now()
    ticket = await find_ticket(tx, ticket_id, scope_of(actor))
    if ticket is None:
        raise NotFound("unknown_ticket")
    return await _sheet(tx, office, ticket, actor, now)


async def _sheet(
    conn: Connection,
    office: Office,
    ticket: Ticket,
    actor: Actor,
    now: datetime,
    *,
    told: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
) -> Page | Redirect:
    held = ticket.claimed_until is not None and ticket.claimed_until > now
    mine = held and ticket.claimed_by == actor.id
    if ticket.state is not State.RECEIVED or not (mine or told):
        return Redirect(f"/infodesk/{ticket.id}", status_code=303)
    rules, locale = (await office.cache.now(conn)).rules_at(now), current_locale()
    caller, words = await read_caller(conn, office.vault, ticket.id, actor, now)
    return page(
        "call_sheet.html",
        http_status=409 if told and not mine else 422 if told else 200,
        ticket={
            "id": ticket.id,
            "number": ticket.number,
            "what": what(ticket, rules.information),
            "version": ticket.version,
            "tries": ticket.tries,
            "most_tries": rules.information.call_tries,
        },
        caller=caller,
        words=words,
        until=ticket.claimed_until,
        script=[
            {
                "code": asked.code,
                "sentence": getattr(asked.sentence, locale),
                "answers": [
                    {"value": each.code, "label": getattr(each.label, locale)}
                    for each in asked.answers
                ]
                or options("ui.case.answer", ANSWERS),
            }
            for asked in rules.screening
        ],
        results=labelled(rules.information.call_results, "label"),
        longest=LONGEST,
        event_id=str(uuid7(now)),
        values=values or {},
        errors=[told] if told else [],
        path=f"/hotline/calls/{ticket.id}",
        home_url=home_of(actor),
        nav=navigation(actor),
    )


@post("/hotline/calls/{ticket_id:uuid}", guards=[requires(*CALLERS)], status_code=200)
async def sheet_form(
    ticket_id: FromPath[UUID],
    request: AnyRequest,
    data: URLEncodedBody[CallForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """What the call brought; the result decides what follows, and the next person comes up."""
    actor, now = known_actor(request), clock.now()
    form = await request.form()
    typed = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    said_to = (item for item in typed.items() if item[0].startswith("answer_") and item[1])
    answers = {name.removeprefix("answer_"): value for name, value in said_to}
    version = data.version if data.version.isascii() and data.version.isdigit() else ""
    try:
        said = Doing(
            id=data.event_id,
            act=TicketAct.CALL,
            version=int(version[:9]) if version else None,
            result=data.result[:100],
            words=data.words.replace("\0", "")[:LONGEST],
            answers=answers,
        )
        async with tx.transaction():
            await do(tx, office, ticket_id, said, actor, now)
    except Refused as refused:
        ticket = await find_ticket(tx, ticket_id, scope_of(actor))
        if ticket is None:
            raise
        told = error(FIELDS.get(refused.code, ""), refused)
        return await _sheet(tx, office, ticket, actor, now, told=told, values=typed)
    return Redirect(url_with("/hotline/calls", done="called"), status_code=303)


HANDLERS: list[Any] = [lists_page, lists_form, take_next, sheet_page, sheet_form]
