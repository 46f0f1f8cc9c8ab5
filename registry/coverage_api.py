"""The ledger of places that should have a code, under /api/v1."""

from datetime import date
from typing import Annotated, Any

from litestar import MediaType, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, PathParameter
from msgspec import Struct

from kernel.auth import requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.i18n import LOCAL_ZONE
from kernel.privacy import Vault
from registry.accounts import known_actor
from registry.coverage import DueChange, DueRow, Source, changes_of, due_row, sources
from registry.coverage_acts import DueAct, DueActed, act_on_due
from registry.coverage_imports import CoverageReport, Listed
from registry.coverage_pages import take_due
from registry.coverage_rows import LARGEST_FILE
from registry.framing import INSPECTING, REGISTRARS
from registry.model import Role
from registry.scope import own_district

AnyRequest = Request[Any, Any, Any]
DueId = Annotated[int, PathParameter(description="The row's number.", ge=1, le=2**63 - 1)]
READERS = (Role.REGISTRAR, Role.INSPECTOR, Role.DUTY, Role.POLICE, Role.GRID, Role.AUDITOR)


class Sources(Struct, frozen=True, kw_only=True):
    lists: list[Source]


class DueDetail(Struct, frozen=True, kw_only=True):
    row: DueRow
    changes: list[DueChange]


@post(
    "/coverage/import",
    guards=[requires(*REGISTRARS)],
    status_code=200,
    request_max_body_size=LARGEST_FILE,
    media_type=MediaType.JSON,
    tags=["supervision"],
)
async def import_coverage(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
    source: FromQuery[str] = "",
    of_office: FromQuery[str] = "",
    as_of: FromQuery[date | None] = None,
    dry_run: FromQuery[bool] = True,  # noqa: FBT002 - a query parameter
) -> CoverageReport:
    """A list of places that should have a code, as CSV or XLSX; a result for each row. A trial
    unless `dry_run=false`. `source` and `of_office` say whose list it is, `as_of` of which day.
    """
    now = clock.now()
    said = Listed(source=source, office=of_office, as_of=as_of or now.astimezone(LOCAL_ZONE).date())
    return await take_due(
        tx,
        vault,
        await request.body(),
        request.headers.get("content-type", ""),
        said,
        dry_run=dry_run,
        actor=known_actor(request),
        now=now,
    )


@get("/coverage/sources", guards=[requires(*READERS)], tags=["supervision"])
async def list_sources(request: AnyRequest, tx: NamedDependency[Connection]) -> Sources:
    """The lists behind the ledger: of which office, as of when, and how many rows of each count."""
    return Sources(lists=await sources(tx, own_district(known_actor(request))))


@get("/coverage/rows/{due_id:int}", guards=[requires(*READERS)], tags=["supervision"])
async def read_row(
    request: AnyRequest, due_id: DueId, tx: NamedDependency[Connection]
) -> DueDetail:
    """One row with its history."""
    row = await due_row(tx, due_id, own_district(known_actor(request)))
    return DueDetail(row=row, changes=await changes_of(tx, due_id))


@post(
    "/coverage/rows/{due_id:int}/acts",
    guards=[requires(*INSPECTING)],
    status_code=200,
    tags=["supervision"],
)
async def act_on_row(
    request: AnyRequest,
    due_id: DueId,
    data: JSONBody[DueAct],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> DueActed:
    """Link a row to a registered place, move it to another district, name its units, strike it.
    The same `id` again is `repeated`.
    """
    return await act_on_due(tx, due_id, data, known_actor(request), clock.now())


HANDLERS: list[Any] = [import_coverage, list_sources, read_row, act_on_row]
