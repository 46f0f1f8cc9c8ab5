"""Pages for anyone: home, the directory, and applying for codes."""

import re
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

import registry.admin_pages
import registry.audit_pages
import registry.device_pages
import registry.login_pages
import registry.me_pages
import registry.security_pages
import registry.staff_pages
from kernel.auth import actor_of, public
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused
from kernel.privacy import Vault
from kernel.web import Page, page
from registry.accounts import home_of
from registry.applications import Filed, apply, find_application
from registry.model import PlaceKind
from registry.particulars import Application, check_application
from registry.places import directory, districts, find_place
from registry.wording import error, errors_of, navigation, reason_spoken

AnyRequest = Request[Any, Any, Any]

#: The cookie in which a driver's device keeps its last pass: movement id, a hyphen, the view key.
LAST_PASS = "last_pass"  # noqa: S105 - the name of a cookie
_LAST_PASS = re.compile(r"[0-9]{13}-[0-9a-f]{20}")


class ApplyForm(Struct, frozen=True, kw_only=True):
    kind: str = ""
    category: str = ""
    name: str = ""
    district: str = ""
    address: str = ""
    gates: str = ""
    contact_name: str = ""
    contact_phone: str = ""


@get("/", guards=[public])
async def home(request: AnyRequest) -> Page:
    """Where everyone begins."""
    kept = request.cookies.get(LAST_PASS, "")
    pass_url = f"/d/{kept}" if _LAST_PASS.fullmatch(kept) else None
    actor = actor_of(request)
    home_url = home_of(actor) if actor else "/"
    return page("home.html", pass_url=pass_url, home_url=home_url, nav=navigation(actor))


@get("/places", guards=[public])
async def places_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    kind: FromQuery[PlaceKind] = PlaceKind.CHECKPOINT,
) -> Page:
    """The directory: checkpoints, unless another kind is asked for."""
    places = await directory(tx, kind)
    return page("places.html", places=places, nav=navigation(actor_of(request)))


@get("/apply", guards=[public])
async def apply_page(tx: NamedDependency[Connection]) -> Page:
    """The form with which a place applies for its codes."""
    return await _apply_page(tx, ApplyForm())


@post("/apply", guards=[public], status_code=200)
async def apply_form(
    data: URLEncodedBody[ApplyForm],
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Apply for codes; what is wrong is told beside its field."""
    said = _application(data)
    _, faults = check_application(said)
    if faults:
        return await _apply_page(tx, data, errors=errors_of(faults))
    try:
        application_id = await apply(tx, vault, said, clock.now())
    except Refused as refused:
        return await _apply_page(
            tx,
            data,
            errors=[error(_field(refused), refused)],
            lookalike=await _lookalike(tx, refused),
        )
    return Redirect(f"/applications/{application_id}", status_code=303)


def _application(data: ApplyForm) -> Application:
    return Application(
        kind=data.kind,
        category=data.category,
        name=data.name,
        district=data.district,
        address=data.address,
        gates=tuple(data.gates.splitlines()),
        contact_name=data.contact_name,
        contact_phone=data.contact_phone,
    )


def _field(refused: Refused) -> str:
    return {"district_unknown": "district", "duplicate_place": "name"}.get(refused.code, "")


async def _lookalike(tx: Connection, refused: Refused) -> dict[str, str] | None:
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
    lookalike: dict[str, str] | None = None,
) -> Page:
    options = [{"value": code, "label": name} for code, name in await districts(tx)]
    return page(
        "apply.html",
        http_status=422 if errors else 200,
        districts=options or None,
        lookalike=lookalike,
        values={name: getattr(data, name) for name in data.__struct_fields__},
        errors=errors or [],
    )


@get("/applications/{application_id:uuid}", guards=[public])
async def application_page(application_id: FromPath[UUID], tx: NamedDependency[Connection]) -> Page:
    """How an application stands. Its address is known to the applicant alone; no contacts."""
    filed = await find_application(tx, application_id)
    return page("application.html", application=_shown(filed))


def _shown(filed: Filed) -> dict[str, object]:
    return {
        "status": filed.state,
        "reason": reason_spoken(filed.reason),
        "name": filed.name,
        "kind": filed.kind.value,
        "district": filed.district,
        "address": filed.address,
        "gates": filed.gates,
        "applied_at": filed.applied_at,
    }


HANDLERS = [
    home,
    places_page,
    apply_page,
    apply_form,
    application_page,
    *registry.login_pages.HANDLERS,
    *registry.me_pages.HANDLERS,
    *registry.admin_pages.HANDLERS,
    *registry.device_pages.HANDLERS,
    *registry.security_pages.HANDLERS,
    *registry.audit_pages.HANDLERS,
    *registry.staff_pages.HANDLERS,
]
