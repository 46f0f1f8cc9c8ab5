"""Coming in: the password, the code, and the link with which a person sets a password."""

from datetime import datetime
from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from kernel.auth import Actor, SignedIn, actor_halfway, end_session, halfway, public, start_session
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Forbidden, TooMany, Unauthenticated
from kernel.i18n import t
from kernel.privacy import Vault
from kernel.settings import Settings
from kernel.web import Page, page, safe_next, url_with
from registry.accounts import check_login, home_of
from registry.factor import check_code
from registry.passwords import SHORTEST, Invited, open_link, password_fault, take_link
from registry.sessions import begin, end, factor_shown, limits_of, signed_in
from registry.wording import error

AnyRequest = Request[Any, Any, Any]
#: Where what is still owed can be given.
STEPS = {"code": "/login/code", "enrolment": "/me/factor"}


class LoginForm(Struct, frozen=True, kw_only=True):
    login: str = ""
    password: str = ""
    next: str = ""


class CodeForm(Struct, frozen=True, kw_only=True):
    code: str = ""
    next: str = ""


class PasswordForm(Struct, frozen=True, kw_only=True):
    password: str = ""
    again: str = ""


@get("/login", guards=[public])
async def login_page(request: AnyRequest) -> Page | Redirect:
    """The log-in form of the staff; `?next=` is the page that was asked for, `?again=` says that
    a form was sent without a session and must be sent again.
    """
    wanted = request.query_params.get("next", "")
    actor = actor_halfway(request)
    if actor is not None and actor.owes:
        return _onward(actor, wanted)
    again = request.query_params.get("again", "")
    return page("login.html", next=wanted, again=again, values={}, errors=[])


@post("/login", guards=[public], status_code=200)
async def log_in(
    request: AnyRequest,
    data: URLEncodedBody[LoginForm],
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
) -> Page | Redirect:
    """Log in, and go to what is still owed, to the page that was asked for, or to the role's."""
    now = clock.now()
    try:
        actor = await check_login(tx, vault, login=data.login, password=data.password, now=now)
    except TooMany as refused:
        return _login_again(data, error("", refused), http_status=429)
    if actor is None:
        # Returned, not raised: the guess stays counted.
        return _login_again(data, {"field": "", "message": t("error.wrong_log_in")})
    return _onward(await come_in(request, tx, actor, settings, now), data.next)


def _login_again(data: LoginForm, told: dict[str, str], *, http_status: int = 422) -> Page:
    return page(
        "login.html",
        http_status=http_status,
        next=data.next,
        values={"login": data.login},
        errors=[told],
    )


async def come_in(
    request: AnyRequest,
    conn: Connection,
    actor: Actor,
    settings: Settings,
    now: datetime,
    *,
    factor: bool = False,
) -> Actor:
    """Begin a log-in under a new session id; the actor says what is still owed."""
    agent = request.headers.get("user-agent", "")
    login_id = await begin(conn, actor.id, user_agent=agent, factor=factor, now=now)
    said = SignedIn(account_id=actor.id, login_id=login_id)
    found = await signed_in(conn, said, limits_of(settings), now)
    if found is None:
        raise Unauthenticated("log_in_first")
    start_session(request, found.id, login_id, complete=not found.owes)
    return found


def _onward(actor: Actor, wanted: str) -> Redirect:
    target = safe_next(wanted)
    if actor.owes:
        step = url_with(STEPS[actor.owes], next=None if target == "/" else target)
        return Redirect(step, status_code=303)
    return Redirect(home_of(actor) if target == "/" else target, status_code=303)


def who_is_halfway(request: AnyRequest) -> Actor:
    """A person with a session; a program's token has no second step and no page of its own.

    Raises Unauthenticated `log_in_first`; Forbidden `session_needed`.
    """
    actor = actor_halfway(request)
    if actor is None:
        raise Unauthenticated("log_in_first")
    if actor.login_id is None:
        raise Forbidden("session_needed")
    return actor


@get("/login/code", guards=[halfway])
async def code_page(request: AnyRequest) -> Page | Redirect:
    """The second step: six digits from the telephone, or a code from the paper."""
    wanted = request.query_params.get("next", "")
    actor = who_is_halfway(request)
    if actor.owes != "code":
        return _onward(actor, wanted)
    return page("code.html", next=wanted, values={}, errors=[])


@post("/login/code", guards=[halfway], status_code=200)
async def code_form(
    request: AnyRequest,
    data: URLEncodedBody[CodeForm],
    tx: NamedDependency[Connection],
    vault: NamedDependency[Vault],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """A right code opens the session; a wrong one is counted."""
    actor, now = who_is_halfway(request), clock.now()
    if actor.owes != "code":
        return _onward(actor, data.next)
    try:
        right = await check_code(tx, vault, actor.id, data.code, now)
    except TooMany as refused:
        return page(
            "code.html", http_status=429, next=data.next, values={}, errors=[error("", refused)]
        )
    if not right:
        told = {"field": "code", "message": t("error.wrong_code")}
        return page("code.html", http_status=422, next=data.next, values={}, errors=[told])
    await factor_shown(tx, actor.login_id, now)
    start_session(request, actor.id, actor.login_id)
    target = safe_next(data.next)
    return Redirect(home_of(actor) if target == "/" else target, status_code=303)


@post("/logout", guards=[halfway], status_code=303)
async def log_out(
    request: AnyRequest, tx: NamedDependency[Connection], clock: NamedDependency[Clock]
) -> Redirect:
    """End the session, in the record too."""
    actor = actor_halfway(request)
    if actor is not None and actor.login_id is not None:
        await end(tx, actor.login_id, by=actor.id, now=clock.now())
    end_session(request)
    return Redirect("/", status_code=303)


@get("/invite/{token:str}", guards=[public])
async def invite_page(
    token: FromPath[str], tx: NamedDependency[Connection], clock: NamedDependency[Clock]
) -> Page:
    """Where a person sets the password of a new account, or a new one."""
    return _invite(await open_link(tx, token, clock.now()))


def _invite(invited: Invited, told: dict[str, str] | None = None) -> Page:
    return page(
        "invite.html",
        http_status=422 if told else 200,
        invited=invited,
        least=SHORTEST,
        values={},
        errors=[told] if told else [],
    )


@post("/invite/{token:str}", guards=[public], status_code=200)
async def invite_form(
    request: AnyRequest,
    token: FromPath[str],
    data: URLEncodedBody[PasswordForm],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
) -> Page | Redirect:
    """The password is set, the link is used up, and the person goes on to the second factor."""
    now = clock.now()
    invited = await open_link(tx, token, now)
    fault = password_fault(data.password, data.again, invited.login)
    if fault is not None:
        return _invite(invited, error(field_of(fault.code), fault))
    await take_link(tx, token, data.password, now)
    actor = Actor(id=invited.account_id, kind="account", name=invited.name, roles=frozenset())
    return _onward(await come_in(request, tx, actor, settings, now), "")


def field_of(code: str) -> str:
    return "again" if code == "passwords_differ" else "password"


HANDLERS: list[Any] = [
    login_page,
    log_in,
    code_page,
    code_form,
    log_out,
    invite_page,
    invite_form,
]
