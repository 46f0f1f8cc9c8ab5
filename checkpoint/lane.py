"""The lanes' own door to `POST /api/v1/scans`, in front of the application; and the venues' to
`POST /api/v1/visits`, which is built alike.

A device sends one scan in a request, thousands in a second, and the way through middleware made
for browsers costs more than the verdict. Whatever is not plain sailing here (a session, an
unknown token, a malformed body, a failure) goes through the application as if this door were not
there, so that there is one place where refusals are worded.
"""

import time
from typing import Any, cast

import msgspec
from litestar import Litestar
from litestar.types import ASGIApp, HTTPReceiveMessage, Receive, Scope, Send

from checkpoint.answers import scan_results
from checkpoint.intake import SCANNERS, Batch
from checkpoint.sandbox import scenario_of
from closedloop.visit_answers import VisitBatch, visit_results
from kernel.auth import Actor, bearer_token, token_hash
from kernel.i18n import use_locale
from kernel.web import fixed_headers, locale_of
from registry.model import Role
from registry.world import WorldCache

PATH = "/api/v1/scans"
#: Longer uploads come seldom; their way does not matter.
MOST_BODY = 64 * 1024

_BATCH = msgspec.json.Decoder(Batch)
_VISITS = msgspec.json.Decoder(VisitBatch)
_ENCODER = msgspec.json.Encoder()


class LaneDoor:
    path = PATH

    def __init__(self, app: Litestar, *, secure: bool, behind: ASGIApp | None = None) -> None:
        """`behind`: another door, for what does not go through this one."""
        self.app = behind or cast("ASGIApp", app)
        self.state = app.state
        self.headers = [
            (b"content-type", b"application/json"),
            (b"cache-control", b"no-store"),
            *(
                (name.encode(), value.encode())
                for name, value in fixed_headers(secure=secure).items()
            ),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        actor = self._device(scope)
        if actor is None:
            await self.app(scope, receive, send)
            return
        scope["path_template"] = self.path  # for the log, which never writes an address as it came
        request = cast("HTTPReceiveMessage", await receive())
        batch = self._read(request)
        if batch is None:
            await self.app(scope, _first(request, receive), send)
            return
        began = time.monotonic()
        try:
            with use_locale(locale_of(scope)):
                answer = _ENCODER.encode(await self._results(batch, actor))
        except Exception as error:  # noqa: BLE001 - the application says what it means
            await self.app(scope, _failing(error), send)
            return
        self._done((time.monotonic() - began) * 1000)
        length = (b"content-length", b"%d" % len(answer))
        headers = [*self.headers, length]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer, "more_body": False})

    def _read(self, request: HTTPReceiveMessage) -> Any:  # noqa: ANN401 - as the door's kind is
        return _body(request, _BATCH)

    async def _results(self, batch: Any, actor: Actor) -> object:  # noqa: ANN401 - what it read
        return await scan_results(self.state.intake, batch, actor)

    def _done(self, ms: float) -> None:
        """What a scan took is what others may have waited for."""
        self.state.pressure.note(ms)

    def _may(self, actor: Actor) -> bool:
        return not actor.roles.isdisjoint(SCANNERS)

    def _device(self, scope: Scope) -> Actor | None:
        """Whoever holds the token, if the world was compared a moment ago and they may scan."""
        if scope["type"] != "http" or scope["path"] != self.path or scope["method"] != "POST":
            return None
        if scenario_of(scope) is not None:  # no scan of a city has one: it is refused
            return None
        token, cache = bearer_token(scope), cast("WorldCache", self.state.office.cache)
        if not token or cache.held is None or not cache.fresh:
            return None
        actor = cache.held.actor(token_hash(token), self.state.clock.now())
        if actor is None or actor.key is not None:  # a key is asked for its scope and its quota
            return None
        return actor if self._may(actor) else None


class VenueDoor(LaneDoor):
    """Visitors come in far greater numbers than trucks, and count as no urgent work."""

    path = "/api/v1/visits"

    def _read(self, request: HTTPReceiveMessage) -> Any:  # noqa: ANN401 - see above
        return _body(request, _VISITS)

    async def _results(self, batch: Any, actor: Actor) -> object:  # noqa: ANN401 - see above
        return await visit_results(self.state.reception, batch, actor)

    def _done(self, ms: float) -> None:
        """Nobody's truck waited for it."""

    def _may(self, actor: Actor) -> bool:
        return Role.FIRM in actor.roles


def _body(
    request: HTTPReceiveMessage, decoder: msgspec.json.Decoder[Any]
) -> Batch | VisitBatch | None:
    """None where the body is long, unfinished or malformed."""
    if request["type"] != "http.request" or request["more_body"]:
        return None
    try:
        return decoder.decode(request["body"]) if len(request["body"]) <= MOST_BODY else None
    except msgspec.MsgspecError:
        return None


def _first(request: HTTPReceiveMessage, receive: Receive) -> Receive:
    """What was taken from the connection is given once more, then the rest."""
    waiting = [request]

    async def again() -> HTTPReceiveMessage:
        return waiting.pop() if waiting else await receive()  # pyright: ignore[reportReturnType]

    return cast("Receive", again)


def _failing(error: Exception) -> Receive:
    """The scans are not taken twice: the application gets the failure in place of the body."""

    async def fail() -> HTTPReceiveMessage:
        raise error

    return cast("Receive", fail)
