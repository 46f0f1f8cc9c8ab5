"""The trajectory report: as a page, on paper, and as a file; what leaves the house needs two."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from closedloop.reporting import Office
from closedloop.tracing_cases import OFFICERS, audited
from closedloop.tracing_exports import check_allowed
from closedloop.tracing_people_pages import within_quota
from closedloop.tracing_queries import own_case
from closedloop.tracing_report import read_report
from closedloop.tracing_sheet import report_drawing, report_rows
from closedloop.tracing_views import report_shown
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.sheets import as_csv
from kernel.web import Page, page
from registry.accounts import home_of, known_actor
from registry.model import Role
from registry.printing import pdf, pdf_headers, printed
from registry.wording import navigation

AnyRequest = Request[Any, Any, Any]


@get("/trace/{case_id:uuid}/report", guards=[requires(Role.TRACER)])
async def report_page(
    case_id: FromPath[UUID],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Response[Any]:
    """Every subject's places and times, and contacts by class. Each who is shown is audited."""
    actor, now = known_actor(request), clock.now()

    async def read() -> Page:
        report = await read_report(tx, office, case_id, actor, now)
        return page(
            "trace_report.html",
            report=report_shown(report, await office.cache.now(tx)),
            has_classes=bool(report.rules.tracing.classes),
            home_url=home_of(actor),
            nav=navigation(actor),
        )

    return await within_quota(request, tx, actor, now, read)


async def taken_along(
    conn: Connection, office: Office, case_id: UUID, actor: Actor, clock: Clock
) -> dict[str, Any]:
    """Raises Forbidden `trace_export_not_allowed`, and as the page does."""
    now = clock.now()
    case = await own_case(conn, case_id, actor)
    world = await office.cache.now(conn)
    hours = world.rules_of(case.rules_version, case.opened_at).tracing.export_hours
    await check_allowed(conn, case_id, hours, actor, now)
    report = await read_report(conn, office, case_id, actor, now)
    await audited(conn, actor, "export_trace", case_id, case.number, now)
    return report_shown(report, world)


@get("/trace/{case_id:uuid}/report.pdf", guards=[requires(*OFFICERS)])
async def report_on_paper(
    case_id: FromPath[UUID],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    """On A4, for the two officers who asked and allowed."""
    actor = known_actor(request)

    async def read() -> Response[bytes]:
        told = await taken_along(tx, office, case_id, actor, clock)
        made = await printed(pdf, report_drawing(told))
        headers = pdf_headers(f"trace-{case_id}") | {"cache-control": "no-store"}
        return Response(made, media_type="application/pdf", headers=headers)

    return await within_quota(request, tx, actor, clock.now(), read)


@get("/trace/{case_id:uuid}/report.csv", guards=[requires(*OFFICERS)])
async def report_file(
    case_id: FromPath[UUID],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    """As a spreadsheet reads it (UTF-8 with its mark), for the two who asked and allowed."""
    actor = known_actor(request)

    async def read() -> Response[bytes]:
        told = await taken_along(tx, office, case_id, actor, clock)
        return as_csv(f"trace-{case_id}.csv", report_rows(told))

    return await within_quota(request, tx, actor, clock.now(), read)


HANDLERS: list[Any] = [report_page, report_on_paper, report_file]
