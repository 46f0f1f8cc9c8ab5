"""Cases of tracing: the list, opening one, and one with its clock, its teams and its files."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect

from closedloop.reporting import Office, situation_of
from closedloop.situation import check_in_district
from closedloop.tracing_cases import OFFICERS, audited, open_case
from closedloop.tracing_clock import clock as clock_of
from closedloop.tracing_clock import marks_set
from closedloop.tracing_exports import exports_of
from closedloop.tracing_form import HOUR_FIELD, NewForm, said
from closedloop.tracing_model import Case, CaseState
from closedloop.tracing_queries import CaseQuery, cases, own_case, subjects_of
from closedloop.tracing_team_queries import tasks_of, teams
from closedloop.tracing_views import (
    case_line,
    export_shown,
    marks_shown,
    open_to_all,
    options_of,
    subject_shown,
    task_shown,
)
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Malformed, Refused
from kernel.i18n import LOCAL_ZONE, t
from kernel.ids import uuid7
from kernel.web import Page, page, url_with
from registry.accounts import home_of, known_actor
from registry.model import Role
from registry.scope import covers, own_district
from registry.wording import error, navigation
from registry.world import World

AnyRequest = Request[Any, Any, Any]
READERS = (Role.TRACER, Role.DUTY, Role.AUDITOR)
PER_PAGE = 50
DONE = {
    "opened", "approve", "refuse", "mark", "assign", "step", "close", "ask-export", "allow-export",
    "refuse-export",
}  # fmt: skip
FIELDS = {
    "trace_number_needed": "number", "trace_number_personal": "number",
    "trace_reason_needed": "reason", "trace_window_wrong": "since",
    "trace_window_too_long": "since", "trace_without_subject": "id_number",
    "trace_person_unknown": "id_number", "plate_malformed": "plates", "id_malformed": "id_number",
    "id_check_digit": "id_number", "id_15_digits": "id_number", "id_birth_date": "id_number",
    "unknown_place": "place_id",
    "unknown_place_chosen": "place_id", "unknown_movement": "movement_id",
    "trace_task_needed": "what", "unknown_trace_team": "team_id",
}  # fmt: skip
_BETWEEN = "~"


@get("/trace", guards=[requires(*READERS)])
async def list_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    before: FromQuery[str] = "",
) -> Page:
    """Cases, the newest first, each with the next mark of its clock."""
    actor, now = known_actor(request), clock.now()
    query = CaseQuery(district=own_district(actor), before=_cursor(before), limit=PER_PAGE)
    found = await cases(tx, query)
    world = await office.cache.now(tx)
    more = f"{found[-1].opened_at.isoformat()}{_BETWEEN}{found[-1].id}" if found else None
    return page(
        "trace.html",
        cases=[await _line(tx, each, world, now) for each in found],
        may_open=bool(actor.roles & set(OFFICERS)),
        next_url=url_with("/trace", before=more) if len(found) == PER_PAGE else None,
        home_url=home_of(actor),
        nav=navigation(actor),
    )


def _cursor(text: str) -> tuple[datetime, UUID] | None:
    if not text:
        return None
    at, _, number = text.partition(_BETWEEN)
    try:
        read = datetime.fromisoformat(at), UUID(number)
    except ValueError as wrong:
        raise Malformed("cursor_malformed") from wrong
    if read[0].tzinfo is None:
        raise Malformed("cursor_malformed")
    return read


async def _line(conn: Connection, case: Case, world: World, now: datetime) -> dict[str, Any]:
    rules = world.rules_of(case.rules_version, case.opened_at)
    marks: list[dict[str, Any]] = []
    if open_to_all(case.state):
        done = await marks_set(conn, case.id)
        waits = [each for each in rules.tracing.marks if each.code not in done]
        marks = marks_shown(clock_of(waits[:1], case.opened_at, {}, now))
    return case_line(case) | {"mark": marks[0] if marks else None}


@get("/trace/new", guards=[requires(*OFFICERS)])
async def new_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    movement: FromQuery[int] = 0,
) -> Page:
    """The form, filled in where a missing truck leads here: its crew, number and reason."""
    actor, now = known_actor(request), clock.now()
    world = await office.cache.now(tx)
    most = world.rules_at(now).tracing.alone_days
    values = {
        "since": _typed(now - timedelta(days=most)),
        "until": _typed(now),
    }
    if movement:
        situation = await situation_of(tx, min(movement, 10**13))
        check_in_district(situation, actor, world)
        values |= {
            "movement_id": str(movement),
            "number": t("trace.new.number", n=movement),
            "reason": t("trace.new.reason"),
        }
    return _new(actor, world, now, values)


def _typed(at: datetime) -> str:
    return at.astimezone(LOCAL_ZONE).strftime(HOUR_FIELD)


def _new(
    actor: Actor,
    world: World,
    now: datetime,
    values: dict[str, str],
    told: dict[str, str] | None = None,
) -> Page:
    own, tracing = own_district(actor), world.rules_at(now).tracing
    places = [each for each in world.places.values() if covers(own, each.district_code)]
    return page(
        "trace_new.html",
        http_status=422 if told else 200,
        places=[
            {"value": each.id, "label": each.name}
            for each in sorted(places, key=lambda each: (each.kind, each.name))
        ],
        alone_days=tracing.alone_days,
        alone_subjects=tracing.alone_subjects,
        most_days=tracing.most_days,
        event_id=str(uuid7(now)),
        values=values,
        errors=[told] if told else [],
        path="/trace/new",
        home_url=home_of(actor),
        nav=navigation(actor),
    )


@post("/trace/new", guards=[requires(*OFFICERS)], status_code=200)
async def new_form(
    request: AnyRequest,
    data: URLEncodedBody[NewForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Opens a case; the clock begins. Sent twice it is one."""
    actor, now = known_actor(request), clock.now()
    try:
        async with tx.transaction():
            case = await open_case(tx, office, said(data), actor, now)
    except Refused as refused:
        values = {name: str(getattr(data, name)) for name in data.__struct_fields__}
        told = error(FIELDS.get(refused.code, ""), refused)
        return _new(actor, await office.cache.now(tx), now, values, told)
    return Redirect(f"/trace/{case.id}?done=opened", status_code=303)


@get("/trace/{case_id:uuid}", guards=[requires(*READERS)])
async def case_page(
    case_id: FromPath[UUID],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    done: FromQuery[str] = "",
) -> Page:
    """One case: its clock, what was given to whom, and the ways to its people."""
    notice = t(f"trace.done.{done}") if done in DONE else None
    return await show_case(tx, office, known_actor(request), case_id, clock.now(), notice=notice)


async def show_case(
    conn: Connection,
    office: Office,
    actor: Actor,
    case_id: UUID,
    now: datetime,
    *,
    notice: str | None = None,
    told: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
) -> Page:
    case = await own_case(conn, case_id, actor)
    await audited(conn, actor, "read_trace", case_id, case.number, now)
    world = await office.cache.now(conn)
    tracing = world.rules_of(case.rules_version, case.opened_at).tracing
    marks = clock_of(tracing.marks, case.opened_at, await marks_set(conn, case_id), now)
    tracer, known = Role.TRACER in actor.roles, await teams(conn, actor)
    officer = tracer or Role.DUTY in actor.roles
    return page(
        "trace_case.html",
        http_status=422 if told else 200,
        case=case_line(case),
        mine=case.opened_by == actor.id,
        marks=marks_shown(marks),
        subjects=[
            subject_shown(each, world, named=False) for each in await subjects_of(conn, case_id)
        ],
        tasks=[task_shown(each) for each in await tasks_of(conn, case_id)],
        teams=options_of(known),
        exports=[
            export_shown(each, actor, tracing.export_hours, now)
            for each in await exports_of(conn, case_id)
        ],
        may={
            "look": tracer and case.state is CaseState.OPEN,
            "work": tracer and open_to_all(case.state),
            "decide": officer and case.state is CaseState.WAITING,
            "export": officer and case.state is CaseState.OPEN,
            "close": tracer and case.closed_at is None,
        },
        event_id=str(uuid7(now)),
        notice=notice,
        errors=[told] if told else [],
        values=values or {},
        path=f"/trace/{case_id}",
        home_url=home_of(actor),
        nav=navigation(actor),
    )


HANDLERS: list[Any] = [list_page, new_page, new_form, case_page]
