"""Pages for anyone: home, log-in and the directory."""

import re
from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

import registry.apply_pages
import registry.code_pages
import registry.import_pages
import registry.inspection_pages
import registry.poster_pages
import registry.review_pages
import registry.security_pages
import registry.staff_pages
from kernel.auth import actor_of, end_session, public, requires, start_session
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import TooMany
from kernel.i18n import t
from kernel.privacy import Vault
from kernel.web import Page, page, safe_next
from registry.accounts import check_login, home_of
from registry.directory import search_places
from registry.model import PlaceKind, Role
from registry.places import districts
from registry.wording import error, navigation

AnyRequest = Request[Any, Any, Any]
#: Whoever may open the page of a place.
STAFF = frozenset({Role.REGISTRAR, Role.ADMIN, Role.INSPECTOR})

#: The cookie in which a driver's device keeps its last pass: movement id, a hyphen, the view key.
LAST_PASS = "last_pass"  # noqa: S105 - the name of a cookie
_LAST_PASS = re.compile(r"[0-9]{13}-[0-9a-f]{20}")


class LoginForm(Struct, frozen=True, kw_only=True):
    login: str = ""
    password: str = ""
    next: str = ""


@get("/", guards=[public])
async def home(request: AnyRequest) -> Page:
    """Where everyone begins."""
    kept = request.cookies.get(LAST_PASS, "")
    pass_url = f"/d/{kept}" if _LAST_PASS.fullmatch(kept) else None
    actor = actor_of(request)
    home_url = home_of(actor) if actor else "/"
    return page("home.html", pass_url=pass_url, home_url=home_url, nav=navigation(actor))


@get("/login", guards=[public])
async def login_page(request: AnyRequest) -> Page:
    """The log-in form of the staff; `?next=` is the page that was asked for."""
    wanted = request.query_params.get("next", "")
    return page("login.html", next=wanted, values={}, errors=[])


@post("/login", guards=[public], status_code=200)
async def log_in(
    request: AnyRequest,
    data: URLEncodedBody[LoginForm],
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Log in, and go to the page that was asked for or to the role's own."""
    try:
        actor = await check_login(
            tx, vault, login=data.login, password=data.password, now=clock.now()
        )
    except TooMany as refused:
        return _login_again(data, error("", refused), http_status=429)
    if actor is None:
        # Returned, not raised: the guess stays counted.
        return _login_again(data, {"field": "", "message": t("error.wrong_log_in")})
    start_session(request, actor.id)
    target = safe_next(data.next)
    return Redirect(home_of(actor) if target == "/" else target, status_code=303)


def _login_again(data: LoginForm, told: dict[str, str], *, http_status: int = 422) -> Page:
    return page(
        "login.html",
        http_status=http_status,
        next=data.next,
        values={"login": data.login},
        errors=[told],
    )


@post("/logout", guards=[requires()], status_code=303)
async def log_out(request: AnyRequest) -> Redirect:
    """End the session."""
    end_session(request)
    return Redirect("/", status_code=303)


@get("/places", guards=[public])
async def places_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    kind: FromQuery[PlaceKind] = PlaceKind.CHECKPOINT,
    q: FromQuery[str] = "",
    district: FromQuery[str] = "",
) -> Page:
    """The directory: checkpoints, unless another kind is asked for."""
    places, more = await search_places(tx, kind=kind, said=q, district=district)
    actor = actor_of(request)
    return page(
        "places.html",
        places=places,
        more=more,
        kind=kind.value,
        values={"q": q, "district": district},
        districts=[{"value": code, "label": name} for code, name in await districts(tx)],
        is_staff=bool(actor and actor.roles & STAFF),
        nav=navigation(actor),
    )


HANDLERS = [
    home,
    login_page,
    log_in,
    log_out,
    places_page,
    *registry.apply_pages.HANDLERS,
    *registry.staff_pages.HANDLERS,
    *registry.poster_pages.HANDLERS,
    *registry.review_pages.HANDLERS,
    *registry.code_pages.HANDLERS,
    *registry.import_pages.HANDLERS,
    *registry.inspection_pages.HANDLERS,
    *registry.security_pages.HANDLERS,
]
