"""Pages for anyone: home and the directory."""

import re
from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

import registry.admin_pages
import registry.apply_pages
import registry.audit_pages
import registry.body_pages
import registry.channel_pages
import registry.code_pages
import registry.coverage_pages
import registry.device_pages
import registry.import_pages
import registry.inspection_pages
import registry.key_pages
import registry.lane_pages
import registry.login_pages
import registry.me_pages
import registry.poster_pages
import registry.retention_pages
import registry.review_pages
import registry.rules_pages
import registry.security_pages
import registry.staff_pages
import registry.transport_pages
from kernel.auth import actor_of, public
from kernel.clock import Clock
from kernel.db import Connection
from kernel.web import Page, page
from registry.accounts import home_of
from registry.directory import search_places
from registry.gate_notices import standing, told
from registry.model import PlaceKind, Role
from registry.places import districts
from registry.wording import navigation

AnyRequest = Request[Any, Any, Any]
#: Whoever may open the page of a place.
STAFF = frozenset({Role.REGISTRAR, Role.ADMIN, Role.INSPECTOR})

#: The cookie in which a driver's device keeps its last pass: movement id, a hyphen, the view key.
LAST_PASS = "last_pass"  # noqa: S105 - the name of a cookie
_LAST_PASS = re.compile(r"[0-9]{13}-[0-9a-f]{20}")


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
    clock: NamedDependency[Clock],
    kind: FromQuery[PlaceKind] = PlaceKind.CHECKPOINT,
    q: FromQuery[str] = "",
    district: FromQuery[str] = "",
) -> Page:
    """The directory: checkpoints, unless another kind is asked for."""
    places, more = await search_places(tx, kind=kind, said=q, district=district)
    notices: dict[int, list[str]] = {}
    for notice in await standing(tx, clock.now()):
        notices.setdefault(notice.place_id, []).append(told(notice))
    actor = actor_of(request)
    return page(
        "places.html",
        places=places,
        notices=notices,
        more=more,
        kind=kind.value,
        values={"q": q, "district": district},
        districts=[{"value": code, "label": name} for code, name in await districts(tx)],
        is_staff=bool(actor and actor.roles & STAFF),
        nav=navigation(actor),
    )


HANDLERS = [
    home,
    places_page,
    *registry.apply_pages.HANDLERS,
    *registry.login_pages.HANDLERS,
    *registry.me_pages.HANDLERS,
    *registry.admin_pages.HANDLERS,
    *registry.channel_pages.HANDLERS,
    *registry.device_pages.HANDLERS,
    *registry.key_pages.HANDLERS,
    *registry.security_pages.HANDLERS,
    *registry.audit_pages.HANDLERS,
    *registry.retention_pages.HANDLERS,
    *registry.rules_pages.HANDLERS,
    *registry.staff_pages.HANDLERS,
    *registry.body_pages.HANDLERS,
    *registry.lane_pages.HANDLERS,
    *registry.transport_pages.HANDLERS,
    *registry.poster_pages.HANDLERS,
    *registry.review_pages.HANDLERS,
    *registry.code_pages.HANDLERS,
    *registry.import_pages.HANDLERS,
    *registry.inspection_pages.HANDLERS,
    *registry.coverage_pages.HANDLERS,
]
