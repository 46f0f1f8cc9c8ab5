"""What each of the staff does for themselves: password, second factor, own log-ins."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from kernel.auth import Actor, end_session, halfway, requires, start_session
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Conflict, Refused, TooMany
from kernel.i18n import t
from kernel.privacy import Vault
from kernel.settings import Settings
from kernel.web import Page, page, safe_next, url_with
from registry.accounts import check_login, home_of, login_of
from registry.factor import (
    Enrolment,
    check_code,
    codes_left,
    confirm,
    drop_factor,
    enrolment,
    has_factor,
)
from registry.login_pages import CodeForm, come_in, field_of, who_is_halfway
from registry.office_views import framed, roles_spoken
from registry.passwords import SHORTEST, password_fault, set_password
from registry.posters import qr_svg
from registry.sessions import Session, end, end_all, factor_owed_again, factor_shown, limits_of
from registry.sessions import open_sessions as sessions_of
from registry.wording import error

AnyRequest = Request[Any, Any, Any]
DONE = {"password", "factor", "session"}


class NewPasswordForm(Struct, frozen=True, kw_only=True):
    current: str = ""
    password: str = ""
    again: str = ""


@get("/me", guards=[requires()])
async def me_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
    done: FromQuery[str] = "",
) -> Page:
    """The reader's own account."""
    notice = t(f"ui.me.done.{done}") if done in DONE else None
    return await _me(tx, who_is_halfway(request), settings, clock.now(), notice=notice)


async def _me(
    conn: Connection,
    actor: Actor,
    settings: Settings,
    now: datetime,
    *,
    notice: str | None = None,
    told: dict[str, str] | None = None,
    http_status: int = 422,
) -> Page:
    found = await sessions_of(conn, limits_of(settings), now, actor.id)
    return page(
        "me.html",
        http_status=http_status if told else 200,
        roles=roles_spoken(actor.roles),
        least=SHORTEST,
        factor=await has_factor(conn, actor.id),
        codes_left=await codes_left(conn, actor.id),
        sessions=[_session(each, actor) for each in found],
        notice=notice,
        values={},
        errors=[told] if told else [],
        **framed(actor, "/me"),
    )


def _session(each: Session, actor: Actor) -> dict[str, Any]:
    return {
        "id": each.id,
        "started_at": each.started_at,
        "seen_at": each.seen_at,
        "browser": each.browser,
        "this": each.id == actor.login_id,
    }


@post("/me/password", guards=[requires()], status_code=200)
async def password_form(
    request: AnyRequest,
    data: URLEncodedBody[NewPasswordForm],
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
) -> Page | Redirect:
    """Whoever changes it knows the old one. All other log-ins end."""
    actor, now = who_is_halfway(request), clock.now()
    login = await login_of(tx, actor.id)
    try:
        right = await check_login(tx, vault, login=login, password=data.current, now=now)
    except TooMany as refused:
        return await _me(tx, actor, settings, now, told=error("", refused), http_status=429)
    if right is None:
        told = {"field": "current", "message": t("error.wrong_password")}
        return await _me(tx, actor, settings, now, told=told)
    fault = password_fault(data.password, data.again, login)
    if fault is not None:
        return await _me(tx, actor, settings, now, told=error(field_of(fault.code), fault))
    await set_password(tx, actor.id, data.password, now)
    await come_in(request, tx, actor, settings, now, factor=await has_factor(tx, actor.id))
    return Redirect("/me?done=password", status_code=303)


@post("/me/sessions/{session_id:uuid}/end", guards=[requires()], status_code=303)
async def end_one(
    request: AnyRequest,
    session_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Redirect:
    """End one of one's own log-ins."""
    actor = who_is_halfway(request)
    await end(tx, session_id, by=actor.id, now=clock.now(), of=actor.id)
    return Redirect("/me?done=session", status_code=303)


@post("/me/sessions/end", guards=[requires()], status_code=303)
async def end_every_one(
    request: AnyRequest, tx: NamedDependency[Connection], clock: NamedDependency[Clock]
) -> Redirect:
    """End all of one's own log-ins, this one too."""
    actor = who_is_halfway(request)
    await end_all(tx, actor.id, by=actor.id, now=clock.now())
    end_session(request)
    return Redirect("/", status_code=303)


@get("/me/factor", guards=[halfway])
async def factor_page(
    request: AnyRequest, tx: NamedDependency[Connection], vault: NamedDependency[Vault]
) -> Page | Redirect:
    """The secret for the telephone, as a picture and in groups, until its first code has come."""
    actor = who_is_halfway(request)
    wanted = request.query_params.get("next", "")
    try:
        given = await enrolment(tx, vault, actor.id, actor.login_id)
    except Conflict:
        return Redirect("/login/code" if actor.owes else "/me", status_code=303)
    return _factor(given, actor, wanted)


def _factor(
    given: Enrolment,
    actor: Actor,
    wanted: str,
    told: dict[str, str] | None = None,
    http_status: int = 422,
) -> Page:
    return page(
        "factor.html",
        http_status=http_status if told else 200,
        next=wanted,
        qr_svg=qr_svg(given.uri),
        secret=given.secret,
        owing=bool(actor.owes),
        values={},
        errors=[told] if told else [],
        **_framed_so_far(actor, url_with("/me/factor", next=wanted or None)),
    )


def _framed_so_far(actor: Actor, path: str) -> dict[str, Any]:
    """Without the ways that are closed until the second step is set up."""
    frame = framed(actor, path)
    return frame | {"nav": [], "home_url": "/"} if actor.owes else frame


@post("/me/factor", guards=[halfway], status_code=200)
async def factor_form(
    request: AnyRequest,
    data: URLEncodedBody[CodeForm],
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """The first code makes it valid; the codes for the paper are shown this once."""
    actor, now = who_is_halfway(request), clock.now()
    try:
        codes = await confirm(tx, vault, actor.id, actor.login_id, data.code, now)
    except Refused as refused:
        if not isinstance(refused, TooMany):
            return Redirect(url_with("/me/factor", next=data.next or None), status_code=303)
        given = await enrolment(tx, vault, actor.id, actor.login_id)
        return _factor(given, actor, data.next, error("", refused), 429)
    if codes is None:
        given = await enrolment(tx, vault, actor.id, actor.login_id)
        told = {"field": "code", "message": t("error.wrong_code")}
        return _factor(given, actor, data.next, told)
    await factor_shown(tx, actor.login_id, now)
    start_session(request, actor.id, actor.login_id)
    target = safe_next(data.next)
    onward = home_of(actor) if target == "/" else target
    return page("recovery.html", codes=codes, onward=onward, **framed(actor, "/me"))


@post("/me/factor/replace", guards=[requires()], status_code=200)
async def replace_factor(
    request: AnyRequest,
    data: URLEncodedBody[CodeForm],
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
) -> Page | Redirect:
    """Another telephone: the present one, or a code from the paper, is shown a last time."""
    actor, now = who_is_halfway(request), clock.now()
    try:
        right = await check_code(tx, vault, actor.id, data.code, now)
    except TooMany as refused:
        return await _me(tx, actor, settings, now, told=error("", refused), http_status=429)
    if not right:
        told = {"field": "code", "message": t("error.wrong_code")}
        return await _me(tx, actor, settings, now, told=told)
    await drop_factor(tx, actor.id)
    await factor_owed_again(tx, actor.login_id)
    return Redirect("/me/factor", status_code=303)


HANDLERS: list[Any] = [
    me_page,
    password_form,
    end_one,
    end_every_one,
    factor_page,
    factor_form,
    replace_factor,
]
