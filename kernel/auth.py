"""Who is calling, and who may."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# Litestar leaves the parameters of its generic classes open.

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any, Literal, cast
from uuid import UUID

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from kernel.errors import Conflict, Forbidden, Unauthenticated
from kernel.kept_forms import KEPT, drop_form, held_form, keep_form

# The session's keys: the account, the log-in, and whether it has gone all the way. A change of any
# of them gives the session a new id.
ACCOUNT = "account_id"
LOGIN = "login_id"
COMPLETE = "complete"
IDENTITY = (ACCOUNT, LOGIN, COMPLETE)

HALFWAY = "halfway"

AnyConnection = ASGIConnection[Any, Any, Any, Any]


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """What a program's token may be used for, and how often."""

    id: UUID
    scopes: frozenset[str]
    per_minute: int
    per_day: int


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    kind: Literal["account", "device", "system"]
    name: str
    roles: frozenset[str]
    place_id: int | None = None
    district: str | None = None
    device_id: UUID | None = None
    #: What this person must do before anything else is open to them: show a code, or set one up.
    owes: Literal["", "code", "enrolment"] = ""
    login_id: UUID | None = None
    demo: bool = False
    #: Of a program that acts for an account; None for people and devices.
    key: Key | None = None


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """What a session says of itself. It proves nothing until the account and log-in are found."""

    account_id: UUID
    login_id: UUID | None = None


FindToken = Callable[[bytes], Awaitable[Actor | None]]
FindAccount = Callable[[SignedIn], Awaitable[Actor | None]]


class Authenticate(ASGIMiddleware):
    """Fill `connection.user` from the bearer token, else from the session, else with None.

    `app.state.find_token` and `app.state.find_account` do the looking up. A request that shows a
    token is judged by the token alone: its cookies are not read. Who still owes the second factor
    is nobody yet, and stands apart, where only `halfway` looks.
    """

    scopes = (ScopeType.HTTP, ScopeType.WEBSOCKET)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        token = bearer_token(scope)
        found = await (_by_session(scope) if token is None else _by_token(scope, token))
        owing = found is not None and found.owes != ""
        scope["user"] = None if owing else found
        scope["state"][HALFWAY] = found if owing else None
        scope["auth"] = token is not None
        await next_app(scope, receive, send)


def bearer_token(scope: Scope) -> str | None:
    """Give what follows `Authorization`; any other scheme is an unknown token, not a visitor."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, token = value.decode("latin-1").partition(" ")
            return token.strip() if scheme.lower() == "bearer" else ""
    return None


async def _by_token(scope: Scope, token: str) -> Actor:
    find: FindToken = scope["litestar_app"].state.find_token
    actor = await find(token_hash(token)) if token else None
    if actor is None:
        raise Unauthenticated("token_unknown")
    return actor


async def _by_session(scope: Scope) -> Actor | None:
    session = cast("object", scope.get("session"))
    if not isinstance(session, dict) or ACCOUNT not in session:
        return None
    held = cast("dict[str, str]", session)
    login_id = UUID(held[LOGIN]) if LOGIN in held else None
    find: FindAccount = scope["litestar_app"].state.find_account
    return await find(SignedIn(account_id=UUID(held[ACCOUNT]), login_id=login_id))


def start_session(
    connection: AnyConnection,
    account_id: UUID,
    login_id: UUID | None = None,
    *,
    complete: bool = True,
) -> None:
    """Log in: the answer carries a new session id, and whatever session was there is dropped, but
    for a form of the same account that was sent too late.
    """
    said = {ACCOUNT: str(account_id), COMPLETE: "yes" if complete else "no"}
    kept = held_form(connection) if _account(connection) == str(account_id) else None
    said |= {} if kept is None else {KEPT: kept}
    connection.set_session(said if login_id is None else said | {LOGIN: str(login_id)})


def _account(connection: AnyConnection) -> str | None:
    """Whom the session names, whether or not that log-in still holds."""
    session = cast("object", connection.scope.get("session"))
    return cast("dict[str, str]", session).get(ACCOUNT) if isinstance(session, dict) else None


def end_session(connection: AnyConnection) -> None:
    connection.clear_session()


class Requires:
    """A guard that lets in an actor who has one of `roles`; without roles, anyone logged in."""

    def __init__(self, roles: frozenset[str]) -> None:
        self.roles = roles

    async def __call__(self, connection: AnyConnection, _: BaseRouteHandler) -> None:
        actor, sends = actor_of(connection), connection.scope.get("method") == "POST"
        if actor is None:
            account = _account(connection)
            if sends and account is not None:
                await keep_form(connection, account)
            raise Unauthenticated("log_in_first")
        _check_meant(connection, actor)
        if sends:
            drop_form(connection)
        if self.roles and not self.roles & actor.roles:
            raise Forbidden("not_your_role")


def account_mark(account_id: UUID) -> str:
    """What a device calls an account by which it keeps something: the same for ever, whatever key
    is changed, and nobody's id.
    """
    return hashlib.sha256(b"device" + account_id.bytes).hexdigest()[:16]


def _check_meant(connection: AnyConnection, actor: Actor) -> None:
    """A device may say on whose behalf it sends what it kept (`x-account`): meanwhile somebody
    else may have logged in. Raises Conflict("other_account").
    """
    meant = connection.headers.get("x-account")
    if meant is not None and meant != account_mark(actor.id):
        raise Conflict("other_account")


def requires(*roles: str) -> Requires:
    return Requires(frozenset(roles))


async def halfway(connection: AnyConnection, _handler: BaseRouteHandler) -> None:
    """A guard that lets in whoever is logged in, and whoever has shown their password only."""
    if actor_halfway(connection) is None:
        raise Unauthenticated("log_in_first")


async def public(_connection: AnyConnection, _handler: BaseRouteHandler) -> None:
    """Mark a route as open to anyone; every route without this or `requires` is a mistake."""


def actor_of(connection: AnyConnection) -> Actor | None:
    # A path that no route owns never met the middleware, yet its error page asks who is there.
    return cast("Actor | None", connection.scope.get("user"))


def actor_halfway(connection: AnyConnection) -> Actor | None:
    """Who is logged in, or has shown a password and still owes the second factor."""
    return actor_of(connection) or connection.scope["state"].get(HALFWAY)


def unguarded(app: Litestar) -> list[str]:
    """Name the routes on which nobody decided who may come in."""
    return sorted(
        f"{'|'.join(sorted(handler.http_methods))} {route.path}"
        for route in app.routes
        for handler in getattr(route, "route_handlers", [])
        if handler.http_methods != {"OPTIONS"}
        and not any(_decides_access(guard) for guard in handler.resolve_guards())
    )


def _decides_access(guard: object) -> bool:
    return guard in {public, halfway} or isinstance(guard, Requires)


def new_token() -> str:
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


@cache
def _hasher() -> PasswordHasher:
    # OWASP's setting for interactive log-in: 19 MiB and two passes.
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@cache
def _nobodys_hash() -> str:
    return _hasher().hash(secrets.token_urlsafe(32))


async def hash_password(password: str) -> str:
    return await asyncio.to_thread(_hasher().hash, password)


async def verify_password(known: str | None, password: str) -> bool:
    """Say whether it fits. `None` (no such log-in) takes as long as a wrong password."""
    return await asyncio.to_thread(_fits, known, password)


def _fits(known: str | None, password: str) -> bool:
    nobody = _nobodys_hash()
    try:
        return _hasher().verify(known or nobody, password)
    except (VerificationError, InvalidHashError):
        return False
