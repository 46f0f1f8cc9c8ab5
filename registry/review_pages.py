"""Pages of the registrar: applications beside what they look like, and reviewing them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused
from kernel.i18n import current_locale
from kernel.privacy import Vault
from kernel.web import Page, page
from registry.accounts import known_actor
from registry.contacts import WholeContact, reveal_contact
from registry.framing import REGISTRARS, framing
from registry.reviews import Pending, Review, pending, review
from registry.venue_kinds import category_label
from registry.wording import error, reason_spoken, reason_stored

AnyRequest = Request[Any, Any, Any]
PATH = "/reg/applications"


class ReviewForm(Struct, frozen=True, kw_only=True):
    decision: str = ""
    reason: str = ""
    note: str = ""


class RevealForm(Struct, frozen=True, kw_only=True):
    reason: str = ""


@get(PATH, guards=[requires(*REGISTRARS)])
async def applications_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
) -> Page:
    """Applications that wait for review, each beside what it looks like."""
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
        done = await review(
            tx, application_id, data.decision, reason, actor, now, district=actor.district
        )
    except Refused as refused:
        if refused.code == "unknown_application":
            raise
        return await _applications(tx, vault, actor, now, refused=refused)
    target = f"/reg/places/{done.place_id}" if done.place_id else PATH
    return Redirect(target, status_code=303)


@post(
    "/reg/applications/{application_id:uuid}/contact",
    guards=[requires(*REGISTRARS)],
    status_code=200,
)
async def application_contact(
    request: AnyRequest,
    application_id: FromPath[UUID],
    data: URLEncodedBody[RevealForm],
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
) -> Page:
    """The contact of one application, whole; who looked and what for is on record."""
    actor, now = known_actor(request), clock.now()
    try:
        whole = await reveal_contact(
            tx,
            vault,
            "application",
            str(application_id),
            reason=data.reason,
            actor=actor,
            now=now,
            district=actor.district,
        )
    except Refused as refused:
        if refused.code == "unknown_application":
            raise
        return await _applications(tx, vault, actor, now, refused=refused)
    return await _applications(tx, vault, actor, now, whole={application_id: whole})


async def _applications(
    tx: Connection,
    vault: Vault,
    actor: Actor,
    now: datetime,
    *,
    refused: Refused | None = None,
    whole: dict[UUID, WholeContact] | None = None,
) -> Page:
    waiting = await pending(tx, vault, actor, now, district=actor.district)
    return page(
        "applications.html",
        http_status=422 if refused else 200,
        applications=[_waiting(each, (whole or {}).get(each.filed.id)) for each in waiting],
        errors=[error("", refused)] if refused else [],
        **framing(actor, PATH),
    )


def _waiting(each: Pending, whole: WholeContact | None) -> dict[str, object]:
    filed = each.filed
    return {
        "id": filed.id,
        "name": filed.name,
        "kind": filed.kind.value,
        "category": category_label(filed.category, current_locale()),
        "within": filed.within,
        "district": filed.district,
        "address": filed.address,
        "gates": filed.gates,
        "contact_name": (whole or each.contact).name,
        "contact_phone": (whole or each.contact).phone,
        "whole": whole is not None,
        "applied_at": filed.applied_at,
        "mended_at": filed.mended_at,
        "alike": each.alike,
        "history": [_before(review) for review in each.history],
    }


def _before(review: Review) -> dict[str, object]:
    return {
        "decision": review.decision,
        "reason": reason_spoken(review.reason),
        "by": review.reviewer_name,
        "at": review.reviewed_at,
    }


HANDLERS: list[Any] = [applications_page, review_form, application_contact]
