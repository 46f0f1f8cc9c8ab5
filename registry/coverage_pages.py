"""The page on which a registrar hands in a list of places that should have a code."""

import csv
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

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
from kernel.i18n import LOCAL_ZONE, t
from kernel.privacy import Vault
from kernel.web import Page, page
from registry.accounts import known_actor
from registry.coverage_imports import CoverageReport, DueRow, Listed, import_due
from registry.coverage_rows import COLUMNS, LARGEST_FILE, MOST_ROWS, Bad
from registry.framing import REGISTRARS, framing
from registry.rejects import BOM, FIELD, KEPT, defused, fetch_rejects
from registry.wording import MOST_ROWS_SHOWN, error

AnyRequest = Request[Any, Any, Any]
PATH = "/supervision/import"
CSV = "text/csv"


class CoverageForm(Struct, kw_only=True):
    dry_run: str = ""
    source: str = ""
    office: str = ""
    as_of: str = ""
    file: UploadFile | None = None


@get(PATH, guards=[requires(*REGISTRARS)])
async def coverage_import_page(request: AnyRequest, clock: NamedDependency[Clock]) -> Page:
    """The form; a trial unless chosen otherwise."""
    today = clock.now().astimezone(LOCAL_ZONE).date()
    return _page(known_actor(request), {"dry_run": "yes", "as_of": today.isoformat()})


@post(PATH, guards=[requires(*REGISTRARS)], status_code=200, request_max_body_size=LARGEST_FILE)
async def coverage_import_form(
    request: AnyRequest,
    data: MultipartBody[CoverageForm],
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
) -> Page:
    """Import a list, or try it; rows that were not taken come first."""
    actor, now = known_actor(request), clock.now()
    values = {name: getattr(data, name) for name in ("dry_run", "source", "office", "as_of")}
    try:
        content = await data.file.read() if data.file else b""
        if not content.strip():
            raise Unprocessable("file_needed")
        said = Listed(source=data.source, office=data.office, as_of=_day(data.as_of, now))
        report = await take_due(
            tx, vault, content, CSV, said, dry_run=bool(data.dry_run), actor=actor, now=now
        )
    except Refused as refused:
        return _page(actor, values, errors=[error(_field(refused), refused)])
    return _page(actor, values, report=report)


def _day(text: str, now: datetime) -> date:
    try:
        return date.fromisoformat(text) if text else now.astimezone(LOCAL_ZONE).date()
    except ValueError as wrong:
        raise Unprocessable("as_of_malformed") from wrong


def _field(refused: Refused) -> str:
    fields = {
        "source_needed": "source",
        "office_needed": "office",
        "as_of_future": "as_of",
        "as_of_malformed": "as_of",
    }
    return fields.get(refused.code, "file")


async def take_due(
    conn: Connection,
    vault: Vault,
    content: bytes,
    content_type: str,
    said: Listed,
    *,
    dry_run: bool,
    actor: Actor,
    now: datetime,
) -> CoverageReport:
    """The report, with the number of the file of what was not taken."""
    report, bad = await import_due(
        conn, content, content_type, said, dry_run=dry_run, actor=actor, now=now
    )
    if not bad:
        return report
    rejects_id = await conn.fetchval(
        """
        INSERT INTO registry.import_rejects (id, account_id, sealed, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5) RETURNING id
        """,
        uuid4(),
        actor.id,
        vault.seal(_rejects(bad), field=FIELD),
        now,
        now + KEPT,
    )
    return replace(report, rejects_id=rejects_id)


def _rejects(bad: Iterable[Bad]) -> str:
    """In the reader's language; mended, it can be handed in again as it is."""
    written = StringIO()
    table = csv.writer(written, lineterminator="\r\n")
    heads = [t(f"ui.coverage.column.{name}") for name in COLUMNS]
    table.writerow([t("ui.import.column.line"), *heads, t("ui.import.column.problem")])
    for each in bad:
        problem = t(f"error.{each.code}", **each.facts)
        cells = (each.values.get(name, "") for name in COLUMNS)
        table.writerow([each.line, *map(defused, cells), problem])
    return BOM + written.getvalue()


def _page(
    actor: Actor,
    values: dict[str, str],
    *,
    errors: Sequence[dict[str, str]] = (),
    report: CoverageReport | None = None,
) -> Page:
    return page(
        "coverage_import.html",
        http_status=422 if errors else 200,
        values=values,
        errors=errors,
        result=_shown(report) if report else None,
        columns=list(COLUMNS),
        most_rows=MOST_ROWS,
        most_mib=LARGEST_FILE // 2**20,
        **framing(actor, PATH) | {"path": "/supervision"},
    )


def _shown(report: CoverageReport) -> dict[str, object]:
    first = sorted(report.rows, key=lambda row: (row.status != "refused", row.line))
    return {
        "report": report,
        "rows": [_row(row) for row in first[:MOST_ROWS_SHOWN]],
        "rejects_url": f"{PATH}/{report.rejects_id}/rejects.csv" if report.rejects_id else None,
    }


def _row(row: DueRow) -> dict[str, object]:
    detail = t(f"error.{row.code}", **row.facts) if row.code else ""
    return {"line": row.line, "status": row.status, "detail": detail, "matched": row.place_id}


@get(
    "/supervision/import/{rejects_id:uuid}/rejects.csv",
    guards=[requires(*REGISTRARS)],
    media_type=CSV,
)
async def coverage_rejects(
    request: AnyRequest,
    rejects_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
) -> Response[bytes]:
    """What was not taken, for whoever uploaded it, for a day."""
    text = await fetch_rejects(tx, vault, rejects_id, known_actor(request), clock.now())
    headers = {"content-disposition": 'attachment; filename="coverage-rejects.csv"'}
    return Response(text.encode(), media_type=CSV, headers=headers)


HANDLERS: list[Any] = [coverage_import_page, coverage_import_form, coverage_rejects]
