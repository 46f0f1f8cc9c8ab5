"""Pages for whoever applies for codes: the form, look-alikes, how it stands, mending it."""

from typing import Any
from uuid import UUID, uuid4

import msgspec
from litestar import Request, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from kernel.auth import public
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused
from kernel.i18n import current_locale, other_locale
from kernel.privacy import Vault
from kernel.web import Page, page, url_with
from registry.applications import (
    Filed,
    Mending,
    apply,
    faults_of_mending,
    filed_row,
    find_application,
    masked_contact,
    mend,
    sent_under,
)
from registry.model import PlaceKind
from registry.particulars import Application, check_application
from registry.places import districts, find_place
from registry.venue_kinds import category_options
from registry.wording import error, errors_of, reason_spoken

FIELDS = (
    "kind",
    "category",
    "name",
    "district",
    "address",
    "gates",
    "within",
    "contact_name",
    "contact_phone",
)


AnyRequest = Request[Any, Any, Any]
LAST_APPLIED = "last_applied"
KEPT_SECONDS = 14 * 24 * 3600


class ApplyForm(Struct, frozen=True, kw_only=True):
    """`send` is `new` where look-alikes were seen, `change` where the form is wanted again.
    `event_id` was made when the form was shown, and becomes the application's address.
    """

    kind: str = ""
    category: str = ""
    name: str = ""
    district: str = ""
    address: str = ""
    gates: str = ""
    within: str = ""
    contact_name: str = ""
    contact_phone: str = ""
    send: str = ""
    event_id: str = ""

    @property
    def form_id(self) -> UUID | None:
        """None for what is no id of ours; guessed ones lead nowhere (122 random bits)."""
        return _id_of(self.event_id)


@get("/apply", guards=[public])
async def apply_page(tx: NamedDependency[Connection], kind: FromQuery[str] = "") -> Page:
    """The form with which a place applies for its codes; an ordinary venue has a form of its own,
    with the kinds of venues to choose from.
    """
    return await _apply_page(tx, ApplyForm(kind=kind if kind == PlaceKind.VENUE else ""))


@post("/apply", guards=[public], status_code=200)
async def apply_form(
    request: AnyRequest,
    data: URLEncodedBody[ApplyForm],
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Apply for codes; what is wrong is told beside its field, what looks alike is asked about."""
    if data.send == "change":
        return await _apply_page(tx, data)
    said = _application(data)
    checked, faults = check_application(said)
    if faults:
        return await _apply_page(tx, data, errors=errors_of(faults))
    last = _id_of(request.cookies.get(LAST_APPLIED, ""))
    if last is not None and await sent_under(tx, vault, last) == checked:
        return _to_application(last)  # back after sending, and sent again
    try:
        made = await apply(
            tx, vault, said, clock.now(), confirm_new=data.send == "new", form_id=data.form_id
        )
    except Refused as refused:
        if refused.code == "looks_alike":
            return _lookalikes(data, refused, "/apply")
        return await _apply_page(tx, data, errors=[_told(refused)], twin=await _twin(tx, refused))
    return _to_application(made)


def _to_application(made: UUID) -> Redirect:
    """Its address is known to this device alone, which remembers the last one."""
    kept = Cookie(
        key=LAST_APPLIED, value=str(made), max_age=KEPT_SECONDS, httponly=True, samesite="lax"
    )
    return Redirect(f"/applications/{made}", status_code=303, cookies=[kept])


def _id_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _application(data: ApplyForm) -> Application:
    said: dict[str, Any] = {name: getattr(data, name) for name in FIELDS}
    said["gates"] = tuple(data.gates.splitlines())
    return Application(**said)


FIELD_OF = {"district_unknown": "district", "duplicate_place": "name", "within_unknown": "within"}


def _told(refused: Refused) -> dict[str, str]:
    field = FIELD_OF.get(refused.code, "")
    return error(field, refused)


async def _twin(tx: Connection, refused: Refused) -> dict[str, str] | None:
    place_id = refused.facts.get("place_id")
    if not isinstance(place_id, int):
        return None
    place = await find_place(tx, place_id)
    return {"name": place.name, "district": place.district, "address": place.address}


async def _apply_page(
    tx: Connection,
    data: ApplyForm,
    *,
    errors: list[dict[str, str]] | None = None,
    twin: dict[str, str] | None = None,
    action: str = "/apply",
    **more: object,
) -> Page:
    options = [{"value": code, "label": name} for code, name in await districts(tx)]
    return page(
        "apply.html",
        http_status=422 if errors else 200,
        districts=options or None,
        lookalike=twin,
        values=_values(data),
        categories=category_options(current_locale()) if data.kind == PlaceKind.VENUE else None,
        errors=errors or [],
        action=action,
        event_id=data.event_id or str(uuid4()),
        **_readable(action),
        **more,
    )


def _values(data: ApplyForm) -> dict[str, str]:
    return {name: getattr(data, name) for name in FIELDS}


def _readable(path: str) -> dict[str, Any]:
    return {"path": path, "other_locale_url": url_with(path, lang=other_locale(current_locale()))}


def _lookalikes(data: ApplyForm, refused: Refused, action: str) -> Page:
    """Everything typed goes along in the form, so that nothing is lost without a script."""
    return page(
        "lookalikes.html",
        candidates=refused.facts["candidates"],
        values=_values(data) | {"event_id": data.event_id},
        action=action,
        **_readable(action),
    )


@get("/applications/{application_id:uuid}", guards=[public])
async def application_page(application_id: FromPath[UUID], tx: NamedDependency[Connection]) -> Page:
    """How an application stands. Its address is known to the applicant alone; no contacts."""
    filed = await find_application(tx, application_id)
    return page("application.html", application=_shown(filed))


def _shown(filed: Filed) -> dict[str, object]:
    return {
        "id": filed.id,
        "status": filed.state,
        "reason": reason_spoken(filed.reason),
        "name": filed.name,
        "kind": filed.kind.value,
        "district": filed.district,
        "address": filed.address,
        "gates": filed.gates,
        "applied_at": filed.applied_at,
        "mended_at": filed.mended_at,
    }


@get("/applications/{application_id:uuid}/mend", guards=[public])
async def mend_page(
    application_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
) -> Page | Redirect:
    """What was sent back, in the form again; the contact stays sealed and is shown masked."""
    filed, row = await filed_row(tx, application_id)
    if filed.state != "rejected":
        return Redirect(f"/applications/{application_id}", status_code=303)
    data = ApplyForm(
        kind=filed.kind.value,
        category=filed.category,
        name=filed.name,
        district=filed.district_code,
        address=filed.address,
        gates="\n".join(filed.gates),
        within=filed.within_code,
    )
    return await _mend_page(tx, vault, filed, row, data)


async def _mend_page(
    tx: Connection,
    vault: Vault,
    filed: Filed,
    row: dict[str, Any],
    data: ApplyForm,
    *,
    errors: list[dict[str, str]] | None = None,
    twin: dict[str, str] | None = None,
) -> Page:
    return await _apply_page(
        tx,
        data,
        errors=errors,
        twin=twin,
        action=f"/applications/{filed.id}/mend",
        sent_back=reason_spoken(filed.reason),
        kept=masked_contact(vault, row),
        back=f"/applications/{filed.id}",
    )


@post("/applications/{application_id:uuid}/mend", guards=[public], status_code=200)
async def mend_form(
    application_id: FromPath[UUID],
    data: URLEncodedBody[ApplyForm],
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Sent again, under the same id."""
    filed, row = await filed_row(tx, application_id)
    said = _mending(data)
    if filed.state == "rejected" and data.send != "change":
        faults = faults_of_mending(vault, row, said)
        if faults:
            return await _mend_page(tx, vault, filed, row, data, errors=errors_of(faults))
    elif filed.state == "rejected":
        return await _mend_page(tx, vault, filed, row, data)
    try:
        await mend(tx, vault, application_id, said, clock.now())
    except Refused as refused:
        if refused.code == "looks_alike":
            return _lookalikes(data, refused, f"/applications/{application_id}/mend")
        if refused.code == "not_sent_back":
            # Sent twice, or settled in another window: the page that says how it stands.
            return Redirect(f"/applications/{application_id}", status_code=303)
        twin = await _twin(tx, refused)
        return await _mend_page(tx, vault, filed, row, data, errors=[_told(refused)], twin=twin)
    return Redirect(f"/applications/{application_id}", status_code=303)


def _mending(data: ApplyForm) -> Mending:
    said = msgspec.structs.asdict(_application(data))
    return Mending(**said, confirm_new=data.send == "new")


HANDLERS: list[Any] = [apply_page, apply_form, application_page, mend_page, mend_form]
