"""The work on a case of tracing, under /api/v1/traces: marks, tasks and the report's files."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from closedloop.acts import Text
from closedloop.reporting import Office
from closedloop.tracing_case_view import Decision, TraceView, view
from closedloop.tracing_cases import OFFICERS
from closedloop.tracing_clock import set_mark
from closedloop.tracing_exports import Export, ask_export, decide_export, exports_of
from closedloop.tracing_people_pages import within_quota
from closedloop.tracing_queries import own_case
from closedloop.tracing_report_pages import taken_along
from closedloop.tracing_sheet import report_drawing, report_rows
from closedloop.tracing_team_queries import Task, Team, tasks_of, teams
from closedloop.tracing_teams import assign, take_step
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.sheets import as_csv
from registry.accounts import known_actor
from registry.model import Role
from registry.printing import pdf, pdf_headers, printed

AnyRequest = Request[Any, Any, Any]
TRACER = requires(Role.TRACER)


class MarkSaid(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    mark: Text


class NewTask(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: UUID
    what: Text
    team_id: UUID


class StepSaid(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`kind`: acknowledged, done, or handed_over with `team_id`."""

    id: UUID
    kind: Text
    team_id: UUID | None = None


class NewExport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: UUID


class Teams(Struct, frozen=True, kw_only=True):
    teams: list[Team]


@post("/traces/{case_id:uuid}/marks", guards=[TRACER], status_code=200)
async def mark_trace(
    case_id: FromPath[UUID],
    data: JSONBody[MarkSaid],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> TraceView:
    """A mark of the clock is done now. One that stands already stays as it was."""
    actor, now = known_actor(request), clock.now()
    await set_mark(tx, await office.cache.now(tx), case_id, data.mark, actor, now)
    return await view(tx, office, await own_case(tx, case_id, actor), now)


@get("/traces/teams", guards=[requires(*OFFICERS)])
async def list_teams(request: AnyRequest, tx: NamedDependency[Connection]) -> Teams:
    """Teams with their members: an account's name, or the unit's."""
    return Teams(teams=await teams(tx, known_actor(request)))


@post("/traces/{case_id:uuid}/tasks", guards=[TRACER], status_code=200)
async def give_task(
    case_id: FromPath[UUID],
    data: JSONBody[NewTask],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Task:
    """Something for a team to do."""
    actor = known_actor(request)
    await assign(tx, case_id, data.id, data.what, data.team_id, actor, clock.now())
    return await _task(tx, case_id, data.id)


@post("/traces/{case_id:uuid}/tasks/{task_id:uuid}/steps", guards=[TRACER], status_code=200)
async def step_task(
    case_id: FromPath[UUID],
    task_id: FromPath[UUID],
    data: JSONBody[StepSaid],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Task:
    """Acknowledged, done, or handed over."""
    await take_step(
        tx, case_id, task_id, data.id, data.kind, known_actor(request), clock.now(),
        to=data.team_id,
    )  # fmt: skip
    return await _task(tx, case_id, task_id)


async def _task(conn: Connection, case_id: UUID, task_id: UUID) -> Task:
    return next(each for each in await tasks_of(conn, case_id) if each.id == task_id)


@post("/traces/{case_id:uuid}/exports", guards=[TRACER], status_code=200)
async def ask_for_export(
    case_id: FromPath[UUID],
    data: JSONBody[NewExport],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Export:
    """Ask to take the report along."""
    await ask_export(tx, case_id, data.id, known_actor(request), clock.now())
    return await _export(tx, case_id, data.id)


@post(
    "/traces/{case_id:uuid}/exports/{trace_export_id:uuid}/decision",
    guards=[requires(*OFFICERS)],
    status_code=200,
)
async def decide_on_export(
    case_id: FromPath[UUID],
    trace_export_id: FromPath[UUID],
    data: JSONBody[Decision],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Export:
    """A second officer allows it or not."""
    actor = known_actor(request)
    await decide_export(tx, case_id, trace_export_id, actor, clock.now(), yes=data.approve)
    return await _export(tx, case_id, trace_export_id)


async def _export(conn: Connection, case_id: UUID, export_id: UUID) -> Export:
    return next(each for each in await exports_of(conn, case_id) if each.id == export_id)


@get("/traces/{case_id:uuid}/report.csv", guards=[requires(*OFFICERS)])
async def take_file(
    case_id: FromPath[UUID],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    """The report as a spreadsheet reads it, for the two officers who asked and allowed."""
    return await _taken(tx, office, case_id, request, clock, "csv")


@get("/traces/{case_id:uuid}/report.pdf", guards=[requires(*OFFICERS)])
async def take_paper(
    case_id: FromPath[UUID],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    """The report on A4, for the two officers who asked and allowed."""
    return await _taken(tx, office, case_id, request, clock, "pdf")


async def _taken(
    conn: Connection, office: Office, case_id: UUID, request: AnyRequest, clock: Clock, kind: str
) -> Response[Any]:
    actor: Actor = known_actor(request)

    async def read() -> Response[bytes]:
        told = await taken_along(conn, office, case_id, actor, clock)
        if kind == "csv":
            return as_csv(f"trace-{case_id}.csv", report_rows(told))
        made = await printed(pdf, report_drawing(told))
        headers = pdf_headers(f"trace-{case_id}")
        return Response(made, media_type="application/pdf", headers=headers)

    return await within_quota(request, conn, actor, clock.now(), read)


HANDLERS: list[Any] = [
    mark_trace,
    list_teams,
    give_task,
    step_task,
    ask_for_export,
    decide_on_export,
    take_file,
    take_paper,
]
