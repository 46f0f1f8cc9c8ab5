"""The telephone room: what a caller says is taken down, and its number read out to them."""

from datetime import datetime
from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, URLEncodedBody

from alerts import calls_pages
from alerts.tickets import Origin, Taken, receive
from alerts.tickets_model import Kind
from alerts.tickets_typed import FIELDS, IntakeForm, new_ticket
from alerts.tickets_units import districts
from alerts.tickets_words import LONGEST
from closedloop.reporting import Office
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused
from kernel.i18n import t
from kernel.ids import uuid7
from kernel.web import Page, page
from registry.accounts import home_of, known_actor
from registry.model import Role
from registry.wording import error, labelled, navigation

AnyRequest = Request[Any, Any, Any]
CALLERS = (Role.HOTLINE, Role.DUTY)


@get("/hotline/new", guards=[requires(*CALLERS)])
async def intake_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    kind: FromQuery[str] = "complaint",
) -> Page:
    """What a caller says, while they say it."""
    kind = kind if kind in set(Kind) else Kind.COMPLAINT
    return await _intake(tx, office, known_actor(request), clock.now(), Kind(kind), {})


async def _intake(
    conn: Connection,
    office: Office,
    actor: Actor,
    now: datetime,
    kind: Kind,
    values: dict[str, str],
    *,
    told: dict[str, str] | None = None,
    made: Taken | None = None,
) -> Page:
    desk = (await office.cache.now(conn)).rules_at(now).information
    known = await districts(conn, actor)
    return page(
        "hotline_new.html",
        http_status=422 if told else 200,
        kind=kind,
        kinds=[
            {"value": each, "label": t(f"ticket.kind.{each}"), "url": f"/hotline/new?kind={each}"}
            for each in Kind
        ],
        categories=labelled(desk.categories(kind), "label"),
        triage=labelled(desk.triage, "sentence") if kind is Kind.HELP else [],
        districts=[{"value": code, "label": name} for code, name in known.items()],
        made=made,
        longest=LONGEST,
        event_id=values.get("event_id") or str(uuid7(now)),
        values=values,
        errors=[told] if told else [],
        path="/hotline/new",
        home_url=home_of(actor),
        nav=navigation(actor),
    )


@post("/hotline/new", guards=[requires(*CALLERS)], status_code=200)
async def intake_form(
    request: AnyRequest,
    data: URLEncodedBody[IntakeForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page:
    """Taken down, with the number and the digits to be read out to the caller."""
    actor, now = known_actor(request), clock.now()
    form = await request.form()
    typed = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    kind = Kind(data.kind) if data.kind in set(Kind) else Kind.COMPLAINT
    try:
        said = new_ticket(data, typed)
        made = await receive(tx, office, kind, said, Origin(source="phone"), actor, now)
    except Refused as refused:
        told = error(FIELDS.get(refused.code, ""), refused)
        return await _intake(tx, office, actor, now, kind, typed, told=told)
    return await _intake(tx, office, actor, now, kind, {}, made=made)


HANDLERS: list[Any] = [intake_page, intake_form, *calls_pages.HANDLERS]
