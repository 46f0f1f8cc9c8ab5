"""Urgent work goes first: other work waits in line, and is turned away while the urgent waits.

One process does both kinds, and whatever it does for one it does not do for the other. So what
counts is how long the urgent work waits now, measured where it is done, and not a rate that
somebody typed in on another machine.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import cast

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send
from prometheus_client import Counter, Gauge

from kernel.errors import Unavailable

#: Requests of this kind that one process works on at a time: what one of them computes, urgent
#: work waits for, and there must always be connections for who cannot wait.
AT_ONCE = 2
WAIT_SECONDS = 2.0
RETRY_SECONDS = 5
TICK_SECONDS = 0.02
#: What was measured counts half after so long, so that one slow moment is soon forgotten.
HALF_LIFE_SECONDS = 0.25
#: Where no urgent work came in for so long, nobody waits, and nobody is turned away.
LATELY_SECONDS = 10.0
READING = frozenset({"GET", "HEAD"})

TURNED_AWAY = Counter(
    "checkpoint_turned_away", "Requests turned away because urgent work was waiting"
)
WAITING = Gauge("checkpoint_urgent_wait_ms", "How long urgent work waits in this process")

#: Whether requests of this path template can wait.
Sorts = Callable[[str], bool]


class Pressure:
    """How long urgent work waits in this process, in ms: the longest lately, fading by itself."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._peak_ms, self._at = 0.0, clock()
        self._urgent_at = -LATELY_SECONDS

    def ms(self) -> float:
        since = self._clock() - self._at
        return self._peak_ms * 0.5 ** (since / HALF_LIFE_SECONDS)

    def note(self, ms: float) -> None:
        """What one piece of urgent work took."""
        self._urgent_at = self._clock()
        self._keep(ms)

    def late(self, ms: float) -> None:
        """How late this process came to what was due: it counts where urgent work comes in."""
        if self._clock() - self._urgent_at < LATELY_SECONDS:
            self._keep(ms)

    def _keep(self, ms: float) -> None:
        self._peak_ms, self._at = max(ms, self.ms()), self._clock()

    def forget(self) -> None:
        self._peak_ms = 0.0

    @asynccontextmanager
    async def watched(self) -> AsyncGenerator[None]:
        """Measures all the while how late the event loop comes to what is due."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            due = self._clock() + TICK_SECONDS
            await asyncio.sleep(TICK_SECONDS)
            self.late((self._clock() - due) * 1000)
            WAITING.set(round(self.ms(), 1))


class Admission(ASGIMiddleware):
    """Holds back the requests that `can_wait` names, a few at a time.

    Only reading is held back: whoever sends a form or an act has done the work already. Raises
    Unavailable("urgent_first"), at once where urgent work waits longer than `most_ms` (0: never),
    or after waiting in line.
    """

    scopes = (ScopeType.HTTP,)

    def __init__(self, can_wait: Sorts, pressure: Pressure, most_ms: float) -> None:
        self.can_wait, self.pressure, self.most_ms = can_wait, pressure, most_ms
        self.places = asyncio.Semaphore(AT_ONCE)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        if self.most_ms <= 0 or not self._waits(cast("HTTPScope", scope)):
            await next_app(scope, receive, send)
            return
        await self._wait_for(self.places.acquire())
        try:
            if self.pressure.ms() > self.most_ms:
                raise _turned_away()
            await next_app(scope, receive, send)
        finally:
            self.places.release()

    def _waits(self, scope: HTTPScope) -> bool:
        return scope["method"] in READING and self.can_wait(scope["path_template"])

    async def _wait_for(self, place: Awaitable[object]) -> None:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await place
        except TimeoutError:
            raise _turned_away() from None


def _turned_away() -> Unavailable:
    TURNED_AWAY.inc()
    return Unavailable("urgent_first", retry_after=RETRY_SECONDS)
