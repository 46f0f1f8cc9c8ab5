"""The page on which a registrar hands in a list of applications."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, MultipartBody
from msgspec import Struct
from msgspec.structs import replace

from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused, Unprocessable
from kernel.i18n import t
from kernel.privacy import Vault
from kernel.web import Page, page
from registry.accounts import known_actor
from registry.bulk import LARGEST_FILE, MOST_ROWS, ApplicationRow, BulkReport, import_applications
from registry.framing import REGISTRARS, framing
from registry.rejects import fetch_rejects, keep_rejects
from registry.wording import MOST_ROWS_SHOWN, error

AnyRequest = Request[Any, Any, Any]
PATH = "/reg/import"
CSV = "text/csv"


class ImportForm(Struct, kw_only=True):
    dry_run: str = ""
    confirm_new: str = ""
    file: UploadFile | None = None


@get(PATH, guards=[requires(*REGISTRARS)])
async def import_page(request: AnyRequest) -> Page:
    """The form; a trial unless chosen otherwise."""
    return _page(known_actor(request), {"dry_run": "yes"})


@post(
    PATH,
    guards=[requires(*REGISTRARS)],
    status_code=200,
    request_max_body_size=LARGEST_FILE,
)
async def import_form(
    request: AnyRequest,
    data: MultipartBody[ImportForm],
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
) -> Page:
    """Import a list, or try it; the result of every row stands on the page."""
    actor = known_actor(request)
    values = {"dry_run": data.dry_run, "confirm_new": data.confirm_new}
    try:
        content = await data.file.read() if data.file else b""
        if not content.strip():
            raise Unprocessable("file_needed")
        report = await take_list(
            tx,
            vault,
            content,
            "text/csv",
            dry_run=bool(data.dry_run),
            confirm_new=bool(data.confirm_new),
            actor=actor,
            clock=clock,
        )
    except Refused as refused:
        return _page(actor, values, errors=[error("file", refused)])
    return _page(actor, values, report=report)


async def take_list(
    tx: Connection,
    vault: Vault,
    content: bytes,
    content_type: str,
    *,
    dry_run: bool,
    confirm_new: bool,
    actor: Actor,
    clock: Clock,
) -> BulkReport:
    """The report, with the number of the file of what was not taken."""
    now = clock.now()
    report, rejects = await import_applications(
        tx,
        vault,
        content,
        content_type,
        dry_run=dry_run,
        confirm_new=confirm_new,
        actor=actor,
        now=now,
    )
    if not rejects:
        return report
    return replace(report, rejects_id=await keep_rejects(tx, vault, rejects, actor, now))


def _page(
    actor: Actor,
    values: dict[str, str],
    *,
    errors: list[dict[str, str]] | None = None,
    report: BulkReport | None = None,
) -> Page:
    return page(
        "import.html",
        http_status=422 if errors else 200,
        values=values,
        errors=errors or [],
        result=_shown(report) if report else None,
        most_rows=MOST_ROWS,
        most_mib=LARGEST_FILE // 2**20,
        **framing(actor, PATH),
    )


def _shown(report: BulkReport) -> dict[str, object]:
    first = sorted(report.rows, key=lambda row: (row.status == "accepted", row.line))
    return {
        "dry_run": report.dry_run,
        "accepted": report.accepted,
        "repeated": report.repeated,
        "lookalike": report.lookalike,
        "refused": report.refused,
        "rows": [_row(row) for row in first[:MOST_ROWS_SHOWN]],
        "rejects_url": f"{PATH}/{report.rejects_id}/rejects.csv" if report.rejects_id else None,
    }


def _row(row: ApplicationRow) -> dict[str, object]:
    detail = t(f"error.{row.code}", **row.facts) if row.code else ""
    return {"line": row.line, "status": row.status, "detail": detail}


@get("/reg/import/{rejects_id:uuid}/rejects.csv", guards=[requires(*REGISTRARS)], media_type=CSV)
async def rejects_file(
    request: AnyRequest,
    rejects_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
) -> Response[bytes]:
    """What was not taken, for whoever uploaded it, for a day."""
    text = await fetch_rejects(tx, vault, rejects_id, known_actor(request), clock.now())
    headers = {"content-disposition": 'attachment; filename="rejects.csv"'}
    return Response(text.encode(), media_type=CSV, headers=headers)


HANDLERS: list[Any] = [import_page, import_form, rejects_file]
