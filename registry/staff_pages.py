"""Pages of the registrar: applications, a place with its codes, importing evidence."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, MultipartBody, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused
from kernel.i18n import current_locale, other_locale
from kernel.privacy import Vault
from kernel.settings import Settings
from kernel.web import Page, page, url_with
from registry.accounts import known_actor
from registry.applications import Pending, nearest, pending, review
from registry.evidence import usual_source
from registry.imports import ImportReport, import_evidence
from registry.model import Role
from registry.places import (
    GateCode,
    Listing,
    codes_of,
    directory,
    find_place,
    read_contact,
    rotate_code,
)
from registry.posters import place_url, qr_svg
from registry.rules import RuleSet
from registry.wording import error, navigation, reason_stored, report_shown
from registry.world import WorldCache

AnyRequest = Request[Any, Any, Any]

REGISTRARS = (Role.REGISTRAR, Role.ADMIN)
LARGEST_FILE = 32 * 1024 * 1024
#: Under this name a file is kept whose kind has no source yet.
UPLOADED = "upload"


class ReviewForm(Struct, frozen=True, kw_only=True):
    decision: str = ""
    reason: str = ""
    note: str = ""


class RotateForm(Struct, frozen=True, kw_only=True):
    gate: str = ""


class EvidenceForm(Struct, kw_only=True):
    """`source` may be left out: then it is the one that was heard of last."""

    kind: str = ""
    source: str = ""
    dry_run: str = ""
    file: UploadFile | None = None


@get("/reg/applications", guards=[requires(*REGISTRARS)])
async def applications_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
) -> Page:
    """Applications that wait for review, each beside the most similar place."""
    return await _applications(tx, vault, known_actor(request), clock.now())


@post(
    "/reg/applications/{application_id:uuid}/review",
    guards=[requires(*REGISTRARS)],
    status_code=200,
)
async def review_form(
    request: AnyRequest,
    application_id: FromPath[UUID],
    data: URLEncodedBody[ReviewForm],
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Approve or reject; an approved place is shown with its new codes."""
    actor, now = known_actor(request), clock.now()
    reason = reason_stored(data.reason, data.note)
    try:
        done = await review(tx, application_id, data.decision, reason, actor, now)
    except Refused as refused:
        return await _applications(tx, vault, actor, now, refused)
    target = f"/reg/places/{done.place_id}" if done.place_id else "/reg/applications"
    return Redirect(target, status_code=303)


async def _applications(
    tx: Connection, vault: Vault, actor: Actor, now: datetime, refused: Refused | None = None
) -> Page:
    places = await directory(tx)
    waiting = await pending(tx, vault, actor, now)
    return page(
        "applications.html",
        http_status=422 if refused else 200,
        applications=[_waiting(each, places) for each in waiting],
        errors=[error("", refused)] if refused else [],
        **_framing(actor, "/reg/applications"),
    )


def _waiting(each: Pending, places: list[Listing]) -> dict[str, object]:
    filed = each.filed
    return {
        "id": filed.id,
        "name": filed.name,
        "kind": filed.kind.value,
        "category": filed.category,
        "district": filed.district,
        "address": filed.address,
        "gates": filed.gates,
        "contact_name": each.contact.name,
        "contact_phone": each.contact.phone,
        "applied_at": filed.applied_at,
        "nearest": nearest(filed, places),
    }


def _framing(actor: Actor, path: str) -> dict[str, Any]:
    """A refused form is answered under an address that cannot be read: links lead to the page."""
    other = other_locale(current_locale())
    return {
        "nav": navigation(actor),
        "path": path,
        "other_locale_url": url_with(path, lang=other),
    }


@get("/reg/places/{place_id:int}", guards=[requires(*REGISTRARS)])
async def place_page(
    request: AnyRequest,
    place_id: FromPath[int],
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
) -> Page:
    """A place with the code of each gate."""
    actor, now = known_actor(request), clock.now()
    place = await find_place(tx, place_id)
    contact = await read_contact(tx, vault, place_id, actor=actor, reason="place page", now=now)
    codes = await codes_of(tx, place_id, now)
    return page(
        "place.html",
        place={
            "id": place.id,
            "name": place.name,
            "kind": place.kind.value,
            "district": place.district,
            "address": place.address,
            "road": place.road,
            "contact_name": contact.name,
            "contact_phone": contact.phone,
        },
        codes=[_code(place_id, code, settings.public_url) for code in codes],
        **_framing(actor, f"/reg/places/{place_id}"),
    )


def _code(place_id: int, code: GateCode, public_url: str) -> dict[str, object]:
    url = place_url(public_url, code.code)
    return {
        "gate": code.gate,
        "url": url,
        "qr_svg": qr_svg(url),
        "poster_url": url_with(f"/api/v1/places/{place_id}/poster.svg", gate=code.gate),
        "pdf_urls": {
            size: url_with(f"/api/v1/places/{place_id}/poster.pdf", gate=code.gate, size=size)
            for size in ("a4", "a3")
        },
        "issued_at": code.issued_at,
        "scans_7d": code.scans_7d,
    }


@post("/reg/places/{place_id:int}/rotate", guards=[requires(Role.REGISTRAR)], status_code=303)
async def rotate_form(
    place_id: FromPath[int],
    data: URLEncodedBody[RotateForm],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Redirect:
    """Replace the code of one gate."""
    await rotate_code(tx, place_id, data.gate, clock.now())
    return Redirect(f"/reg/places/{place_id}", status_code=303)


@get("/reg/evidence", guards=[requires(*REGISTRARS)])
async def evidence_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
) -> Page:
    """The form with which evidence is imported; a trial unless chosen otherwise."""
    rules = (await cache.now(tx)).rules_at(clock.now())
    return _evidence(known_actor(request), rules, {"dry_run": "yes"})


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
        return _evidence(actor, rules, values, errors=[error(field, refused)])
    return _evidence(actor, rules, values, report=report)


def _content_type(filename: str) -> str:
    """By the name: browsers call these files whatever the machine's own settings say."""
    if filename.lower().endswith((".jsonl", ".ndjson")):
        return "application/x-ndjson"
    return "text/csv"


def _evidence(
    actor: Actor,
    rules: RuleSet,
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
        values=values,
        errors=errors or [],
        result=report_shown(report) if report else None,
        **_framing(actor, "/reg/evidence"),
    )


HANDLERS = [
    applications_page,
    review_form,
    place_page,
    rotate_form,
    evidence_page,
    evidence_form,
]
