"""Visits that arrive together share one read and one write; lanes go first.

As the group commit of events does (`group`), in small: a short line that is bounded, so that a
venue whose visits cannot be taken now is told so and keeps them; and while a truck waits at a lane
a batch waits a little, and grows meanwhile.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import structlog

from closedloop.reporting import Office
from closedloop.visit_model import Came, Coming
from closedloop.visits import take
from kernel.admission import Pressure
from kernel.clock import Clock
from kernel.db import Pool, retryable
from kernel.errors import Unavailable

MOST = 256
#: In line in one process; more are turned away, and their sender keeps them.
LONGEST_LINE = 4_000
TRIES = 4
BACK_OFF = 0.05
#: Lanes that wait longer are let go first, but not for ever.
YIELD_MS, YIELD_STEPS, STEP_SECONDS = 60.0, 10, 0.02

log = structlog.get_logger()

Waiting = tuple[Coming, "asyncio.Future[Came]"]


class VisitWriter:
    """`submit` from any number of requests; one batch is under way at a time."""

    def __init__(self, pool: Pool, office: Office, clock: Clock, pressure: Pressure) -> None:
        self._pool, self._office, self._clock, self._pressure = pool, office, clock, pressure
        self._line: deque[Waiting] = deque()
        self._filled = asyncio.Event()

    async def submit(self, coming: Sequence[Coming]) -> list[Came]:
        """Raises Unavailable `urgent_first` where the line is full, `try_again` where the database
        does not answer: nothing was acknowledged, and the same ids may be sent again.
        """
        if len(self._line) + len(coming) > LONGEST_LINE:
            raise Unavailable("urgent_first", retry_after=5)
        loop = asyncio.get_running_loop()
        waiting: list[Waiting] = [(each, loop.create_future()) for each in coming]
        self._line.extend(waiting)
        self._filled.set()
        return list(await asyncio.gather(*(future for _, future in waiting)))

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._filled.wait()
            await self._let_lanes_go_first()
            batch = [self._line.popleft() for _ in range(min(MOST, len(self._line)))]
            if not self._line:
                self._filled.clear()
            if batch:
                await self._settle(batch)

    async def _let_lanes_go_first(self) -> None:
        for _ in range(YIELD_STEPS):
            if self._pressure.ms() < YIELD_MS:
                return
            await asyncio.sleep(STEP_SECONDS)

    async def _settle(self, batch: list[Waiting]) -> None:
        try:
            came = await self._take([coming for coming, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever it was, each waiting request is told
            await self._one_by_one(batch, error)
            return
        for (_, future), each in zip(batch, came, strict=True):
            if not future.done():
                future.set_result(each)

    async def _one_by_one(self, batch: list[Waiting], error: Exception) -> None:
        """A batch that fails is split, so that the visit at fault fails alone."""
        if len(batch) > 1 and not isinstance(error, Unavailable):
            for waiting in batch:
                await self._settle([waiting])
            return
        log.warning("visits_failed", error=type(error).__name__, visits=len(batch))
        for _, future in batch:
            if not future.done():
                future.set_exception(error)

    async def _take(self, coming: list[Coming]) -> list[Came]:
        """Retries what is safe to repeat: every visit carries its sender's id."""
        for attempt in range(TRIES):
            try:
                async with self._pool.acquire(timeout=2) as conn, conn.transaction():
                    return await take(conn, self._office, coming, self._now())
            except Exception as error:
                if not retryable(error):
                    raise
                await asyncio.sleep(BACK_OFF * 2**attempt)
        raise Unavailable("try_again")

    def _now(self) -> datetime:
        return self._clock.now()
