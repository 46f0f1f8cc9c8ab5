"""For anybody, without a log-in: to ask for help, and to complain."""

from datetime import datetime
from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, URLEncodedBody

from alerts import tickets_own_pages
from alerts.tickets import Origin, Taken, receive
from alerts.tickets_model import Kind
from alerts.tickets_typed import FIELDS, IntakeForm, new_ticket
from alerts.tickets_units import districts
from alerts.tickets_words import LONGEST
from closedloop.pass_pages import HOTLINE
from closedloop.reporting import Office
from kernel.auth import public
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused
from kernel.i18n import current_locale, other_locale
from kernel.ids import uuid7
from kernel.web import Page, page, url_with
from registry.wording import error, labelled

AnyRequest = Request[Any, Any, Any]
PATHS = {Kind.HELP: "/help", Kind.COMPLAINT: "/complaints"}


@get("/help", guards=[public])
async def help_page(
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    category: FromQuery[str] = "",
) -> Page:
    """What is needed, and a few questions that tell how soon."""
    return await _form(tx, office, Kind.HELP, clock.now(), {"category": category[:40]})


@post("/help", guards=[public], status_code=202)
async def help_form(
    request: AnyRequest,
    data: URLEncodedBody[IntakeForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page:
    """Taken, whatever the hour and however many come: the number and the digits to ask again."""
    return await _take(request, tx, office, Kind.HELP, data, clock.now())


@get("/complaints", guards=[public])
async def complaint_page(
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    category: FromQuery[str] = "",
) -> Page:
    """What happened, where and when; a telephone is not asked for who does not want to give it."""
    return await _form(tx, office, Kind.COMPLAINT, clock.now(), {"category": category[:40]})


@post("/complaints", guards=[public], status_code=202)
async def complaint_form(
    request: AnyRequest,
    data: URLEncodedBody[IntakeForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page:
    """Taken, with the number and the digits to ask again."""
    return await _take(request, tx, office, Kind.COMPLAINT, data, clock.now())


async def _take(
    request: AnyRequest,
    conn: Connection,
    office: Office,
    kind: Kind,
    data: IntakeForm,
    now: datetime,
) -> Page:
    form = await request.form()
    typed = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    try:
        async with conn.transaction():
            said = new_ticket(data, typed)
            made = await receive(conn, office, kind, said, Origin(source="web"), None, now)
    except Refused as refused:
        told = error(FIELDS.get(refused.code, ""), refused)
        return await _form(conn, office, kind, now, typed, told=told)
    return await _form(conn, office, kind, now, {}, made=made, called=bool(data.phone.strip()))


async def _form(
    conn: Connection,
    office: Office,
    kind: Kind,
    now: datetime,
    values: dict[str, str],
    *,
    told: dict[str, str] | None = None,
    made: Taken | None = None,
    called: bool = False,
) -> Page:
    desk, path = (await office.cache.now(conn)).rules_at(now).information, PATHS[kind]
    known = await districts(conn, None)
    return page(
        "ask.html",
        http_status=422 if told else 202 if made else 200,
        kind=kind,
        categories=labelled(desk.categories(kind), "label"),
        triage=labelled(desk.triage, "sentence") if kind is Kind.HELP else [],
        districts=[{"value": code, "label": name} for code, name in known.items()],
        made=made,
        called=called,
        hotline=HOTLINE,
        longest=LONGEST,
        event_id=values.get("event_id") or str(uuid7(now)),
        values=values,
        errors=[told] if told else [],
        path=path,
        other_locale_url=url_with(path, lang=other_locale(current_locale())),
    )


HANDLERS: list[Any] = [
    help_page,
    help_form,
    complaint_page,
    complaint_form,
    *tickets_own_pages.HANDLERS,
]
