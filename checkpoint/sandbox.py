"""The sandbox: the same application once more, on a database, a key and a city number of its own.

Nothing of it can reach the city, because nothing is shared: neither connection nor key nor memory
(decision 0042). What a call there comes to is chosen by the header `Checkpoint-Scenario`; the city
itself refuses every call that has it.
"""
# pyright: reportUnknownMemberType=false
# Litestar leaves the parameters of its generic classes open.

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import (
    ASGIApp,
    HTTPReceiveMessage,
    HTTPScope,
    Message,
    Receive,
    Scope,
    Send,
)
from msgspec.structs import replace

from checkpoint.scenarios import (
    KNOWN,
    OF_READINGS,
    OF_REPORTS,
    OF_TROUBLE,
    play_report,
    prepare_plates,
)
from kernel.db import Connection, Pool, with_database
from kernel.errors import Malformed, TooMany
from kernel.i18n import t
from kernel.settings import Settings

HEADER = b"checkpoint-scenario"
PREFIX = "/sandbox"
#: No city of GB/T 2260 has this number: a pass of the sandbox is a stranger's at every gate.
CITY = "9900"
REPORTS, READINGS = "/api/v1/movements", "/api/v1/camera-reads"
MOST_BODY = 2 * 1024 * 1024
_SPACE = "space"


class WrongSpaceError(RuntimeError):
    """The city was given the sandbox's database, or the sandbox the city's."""


def sandbox_settings(settings: Settings) -> Settings:
    """Another city number, another folder, and with it another master key."""
    return replace(
        settings,
        city=CITY,
        data_dir=settings.data_dir / "sandbox",
        master_key=None,
        old_master_key=None,
        sms="",
        sms_secret="",
        pool_size=min(settings.pool_size, 4),
        public_url=f"{settings.public_url}{PREFIX}",
    )


def sandbox_dsn(dsn: str) -> str:
    """Beside the city's, on the same server."""
    return with_database(dsn, f"{urlsplit(dsn).path.removeprefix('/')}_sandbox")


async def mark_space(conn: Connection) -> None:
    """Says of a database, for ever, that it is the sandbox's."""
    await conn.execute(
        "INSERT INTO kernel.fact (name, value) VALUES ($1, 'sandbox') ON CONFLICT DO NOTHING",
        _SPACE,
    )


async def check_space(pool: Pool, *, sandbox: bool) -> None:
    """Raises WrongSpaceError: then the application does not start."""
    async with pool.acquire() as conn:
        said = await conn.fetchval("SELECT value FROM kernel.fact WHERE name = $1", _SPACE)
    if (said == "sandbox") is not sandbox:
        message = "This database is the sandbox's." if said else "This database is a city's."
        raise WrongSpaceError(message)


class Scenarios(ASGIMiddleware):
    """Plays what the header asks for; in the city itself (`playing` is off) it is refused.

    Raises Malformed `not_a_sandbox`, `unknown_scenario`; and the troubles that were asked for.
    """

    scopes = (ScopeType.HTTP,)

    def __init__(self, *, playing: bool) -> None:
        self.playing = playing

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        scenario = scenario_of(scope)
        if scenario is None:
            await next_app(scope, receive, send)
            return
        if not self.playing:
            raise Malformed("not_a_sandbox")
        if scenario not in KNOWN:
            raise Malformed("unknown_scenario", known=sorted(KNOWN))
        call = (cast("HTTPScope", scope)["method"], scope["path"])
        if scenario in OF_TROUBLE:
            await _trouble(scenario, scope, receive, send, next_app)
        elif scenario in OF_REPORTS and call == ("POST", REPORTS):
            await _after_report(scenario, scope, receive, send, next_app)
        elif scenario in OF_READINGS and call == ("POST", READINGS):
            await _before_readings(scenario, scope, receive, send, next_app)
        else:
            raise Malformed("scenario_elsewhere", scenario=scenario)


def scenario_of(scope: Scope) -> str | None:
    found = (value for name, value in scope["headers"] if name == HEADER)
    return next((value.decode("latin-1").strip() for value in found), None)


async def _trouble(
    scenario: str, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp
) -> None:
    if scenario == "too_many":
        raise TooMany("quota_used", span="minute", quota=60, retry_after=2)
    if scenario == "lost_answer":
        # What was sent is done; the sender only does not hear of it, and sends it again.
        await next_app(scope, receive, _nowhere)
    await _busy(send)


async def _busy(send: Send) -> None:
    """Said here and not raised: the framework has answered already, and nobody heard it."""
    told = {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "code": "try_again",
        "detail": t("error.try_again"),
        "detail_other": t("error.try_again"),
    }
    headers = [(b"content-type", b"application/problem+json"), (b"retry-after", b"1")]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    body = msgspec.json.encode(told)
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _nowhere(_: Message) -> None:
    return


async def _after_report(
    scenario: str, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp
) -> None:
    answered: list[Message] = []

    async def keep(message: Message) -> None:
        answered.append(message)

    await next_app(scope, receive, keep)
    movement_id = _reported(answered)
    if movement_id is not None:
        state = scope["litestar_app"].state
        async with state.pool.acquire(timeout=2) as conn, conn.transaction():
            await play_report(conn, state.intake, scenario, movement_id, state.clock.now())
    for message in answered:
        await send(message)


def _reported(answered: Sequence[Message]) -> int | None:
    """None where the report was refused."""
    start: Any = answered[0]
    if start.get("status") != 201:
        return None
    body = b"".join(cast("Any", message).get("body", b"") for message in answered[1:])
    return json.loads(body)["id"]


async def _before_readings(
    scenario: str, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp
) -> None:
    body, more = b"", True
    while more and len(body) <= MOST_BODY:
        message = cast("Any", await receive())
        body += message.get("body", b"")
        more = message.get("more_body", False)
    state = scope["litestar_app"].state
    async with state.pool.acquire(timeout=2) as conn, conn.transaction():
        plates = _plates(body)
        await prepare_plates(conn, state.intake, scenario, plates, state.clock.now())
    waiting = [body]

    async def again() -> HTTPReceiveMessage:
        if not waiting:
            return cast("HTTPReceiveMessage", await receive())
        return {"type": "http.request", "body": waiting.pop(), "more_body": False}

    await next_app(scope, cast("Receive", again), send)


class _Said(msgspec.Struct):
    plate: str = ""


class _Batch(msgspec.Struct):
    reads: list[_Said] = []


def _plates(body: bytes) -> list[str]:
    """None of a body that nobody can read: the application says what is wrong with it."""
    try:
        batch = msgspec.json.decode(body, type=_Batch)
    except msgspec.MsgspecError:
        return []
    return sorted({read.plate for read in batch.reads if read.plate})[:20]


class Spaces:
    """Two applications at one address: the city, and below `/sandbox/api/` the sandbox."""

    def __init__(
        self,
        city: ASGIApp,
        sandbox: ASGIApp,
        running: Callable[[], AbstractAsyncContextManager[None]],
    ) -> None:
        self.city, self.sandbox, self.running = city, sandbox, running

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":  # pyright: ignore[reportUnnecessaryComparison] - it comes
            async with self.running():
                await self.city(scope, receive, send)
        elif scope["path"].startswith(f"{PREFIX}/api/"):
            await self.sandbox(below(scope), receive, send)
        else:
            await self.city(scope, receive, send)


def below(scope: Scope) -> Scope:
    path = scope["path"].removeprefix(PREFIX)
    raw = scope.get("raw_path", b"").removeprefix(PREFIX.encode())
    return cast("Scope", dict(scope) | {"path": path, "raw_path": raw})
