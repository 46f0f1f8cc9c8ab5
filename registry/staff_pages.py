"""Pages of the registrar: importing evidence."""

from datetime import datetime
from typing import Any

from litestar import Request, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import MultipartBody
from msgspec import Struct

from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused
from kernel.i18n import current_locale
from kernel.privacy import Vault
from kernel.web import Page, page
from registry.accounts import known_actor
from registry.evidence import usual_source
from registry.framing import REGISTRARS, framing
from registry.freshness import heard, sources_shown
from registry.imports import ImportReport, import_evidence
from registry.rules import RuleSet
from registry.wording import error, report_shown
from registry.world import WorldCache

AnyRequest = Request[Any, Any, Any]

LARGEST_FILE = 32 * 1024 * 1024
#: Under this name a file is kept whose kind has no source yet.
UPLOADED = "upload"


class EvidenceForm(Struct, kw_only=True):
    """`source` may be left out: then it is the one that was heard of last."""

    kind: str = ""
    source: str = ""
    dry_run: str = ""
    file: UploadFile | None = None


@get("/reg/evidence", guards=[requires(*REGISTRARS)])
async def evidence_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
) -> Page:
    """The form with which evidence is imported; a trial unless chosen otherwise."""
    now = clock.now()
    rules = (await cache.now(tx)).rules_at(now)
    return await _evidence(tx, known_actor(request), rules, now, {"dry_run": "yes"})


@post(
    "/reg/evidence",
    guards=[requires(*REGISTRARS)],
    status_code=200,
    request_max_body_size=LARGEST_FILE,
)
async def evidence_form(
    request: AnyRequest,
    data: MultipartBody[EvidenceForm],
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
) -> Page:
    """Import a file, or try it; the result of every row stands on the page."""
    actor, now = known_actor(request), clock.now()
    rules = (await cache.now(tx)).rules_at(now)
    values = {"kind": data.kind, "source": data.source, "dry_run": data.dry_run}
    try:
        report = await import_evidence(
            tx,
            vault,
            rules,
            data.kind,
            await data.file.read() if data.file else b"",
            _content_type(data.file.filename if data.file else ""),
            source=data.source or await usual_source(tx, data.kind) or UPLOADED,
            as_of=None,
            dry_run=bool(data.dry_run),
            actor=actor,
            now=now,
        )
    except Refused as refused:
        field = "kind" if refused.code == "unknown_evidence_kind" else "file"
        return await _evidence(tx, actor, rules, now, values, errors=[error(field, refused)])
    return await _evidence(tx, actor, rules, now, values, report=report)


def _content_type(filename: str) -> str:
    """By the name: browsers call these files whatever the machine's own settings say."""
    if filename.lower().endswith((".jsonl", ".ndjson")):
        return "application/x-ndjson"
    return "text/csv"


async def _evidence(
    conn: Connection,
    actor: Actor,
    rules: RuleSet,
    now: datetime,
    values: dict[str, str],
    *,
    errors: list[dict[str, str]] | None = None,
    report: ImportReport | None = None,
) -> Page:
    locale = current_locale()
    return page(
        "evidence.html",
        http_status=422 if errors else 200,
        kinds=[{"value": k.kind, "label": getattr(k.label, locale)} for k in rules.evidence],
        sources=sources_shown(rules, await heard(conn), now),
        values=values,
        errors=errors or [],
        result=report_shown(report) if report else None,
        **framing(actor, "/reg/evidence"),
    )


HANDLERS = [evidence_page, evidence_form]
