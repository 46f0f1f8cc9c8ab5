"""The lanes' own door to `POST /api/v1/scans`, in front of the application.

A device sends one scan in a request, thousands in a second, and the way through middleware made
for browsers costs more than the verdict. Whatever is not plain sailing here (a session, an
unknown token, a malformed body, a failure) goes through the application as if this door were not
there, so that there is one place where refusals are worded.
"""

import time
from typing import cast

import msgspec
from litestar import Litestar
from litestar.types import ASGIApp, HTTPReceiveMessage, Receive, Scope, Send

from checkpoint.answers import scan_results
from checkpoint.intake import SCANNERS, Batch
from checkpoint.sandbox import scenario_of
from kernel.auth import Actor, bearer_token, token_hash
from kernel.i18n import use_locale
from kernel.web import fixed_headers, locale_of
from registry.world import WorldCache

PATH = "/api/v1/scans"
#: Longer uploads come seldom; their way does not matter.
MOST_BODY = 64 * 1024

_BATCH = msgspec.json.Decoder(Batch)
_ENCODER = msgspec.json.Encoder()


class LaneDoor:
    def __init__(self, app: Litestar, *, secure: bool) -> None:
        self.app = cast("ASGIApp", app)
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
        scope["path_template"] = PATH  # for the log, which never writes an address as it came
        request = cast("HTTPReceiveMessage", await receive())
        batch = _batch(request)
        if batch is None:
            await self.app(scope, _first(request, receive), send)
            return
        began = time.monotonic()
        try:
            with use_locale(locale_of(scope)):
                answer = _ENCODER.encode(await scan_results(self.state.intake, batch, actor))
        except Exception as error:  # noqa: BLE001 - the application says what it means
            await self.app(scope, _failing(error), send)
            return
        self.state.pressure.note((time.monotonic() - began) * 1000)
        length = (b"content-length", b"%d" % len(answer))
        headers = [*self.headers, length]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer, "more_body": False})

    def _device(self, scope: Scope) -> Actor | None:
        """Whoever holds the token, if the world was compared a moment ago and they may scan."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            return None
        if scenario_of(scope) is not None:  # no scan of a city has one: it is refused
            return None
        token, cache = bearer_token(scope), cast("WorldCache", self.state.office.cache)
        if not token or cache.held is None or not cache.fresh:
            return None
        actor = cache.held.actor(token_hash(token), self.state.clock.now())
        if actor is None or actor.key is not None:  # a key is asked for its scope and its quota
            return None
        return None if actor.roles.isdisjoint(SCANNERS) else actor


def _batch(request: HTTPReceiveMessage) -> Batch | None:
    """None where the body is long, unfinished or malformed."""
    if request["type"] != "http.request" or request["more_body"]:
        return None
    try:
        return _BATCH.decode(request["body"]) if len(request["body"]) <= MOST_BODY else None
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
