"""Group commit: events that arrive together share one read, one write and one commit.

While one batch waits for the disk the next one fills, so batches grow with the load and a lone
event never waits. Each caller gets its own answer; one bad event never spoils the others.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import asyncpg
import structlog

from closedloop.commit import Outcome, Proposal, append
from kernel.clock import Clock
from kernel.db import Pool, retryable
from kernel.errors import Refused, Unavailable
from registry.world import WorldCache

MOST = 128
TRIES = 4
BACK_OFF = 0.05
#: What an event that can never be stored raises; sent again it would raise the same.
NEVER = (asyncpg.DataError, ArithmeticError, LookupError, TypeError, ValueError)

log = structlog.get_logger()

Waiting = tuple[Proposal, asyncio.Future[Outcome]]


class GroupCommit:
    """`submit` from any number of requests; `committers` batches are under way at once."""

    def __init__(self, pool: Pool, cache: WorldCache, clock: Clock, committers: int = 2) -> None:
        self._pool, self._cache, self._clock = pool, cache, clock
        self._queue: deque[Waiting] = deque()
        self._filled = asyncio.Event()
        self._committers = committers

    async def submit(self, proposals: Sequence[Proposal]) -> list[Outcome]:
        """Raises Unavailable when the database does not answer: nothing was acknowledged,
        and the same ids may be sent again.
        """
        loop = asyncio.get_running_loop()
        waiting = [(proposal, loop.create_future()) for proposal in proposals]
        self._queue.extend(waiting)
        self._filled.set()
        return list(await asyncio.gather(*(future for _, future in waiting)))

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        async with asyncio.TaskGroup() as tasks:
            started = [tasks.create_task(self._run()) for _ in range(self._committers)]
            try:
                yield
            finally:
                for task in started:
                    task.cancel()

    async def _run(self) -> None:
        while True:
            await self._filled.wait()
            batch = self._take()
            if batch:
                await self._settle(batch)

    def _take(self) -> list[Waiting]:
        batch = [self._queue.popleft() for _ in range(min(MOST, len(self._queue)))]
        if not self._queue:
            self._filled.clear()
        return batch

    async def _settle(self, batch: list[Waiting]) -> None:
        try:
            outcomes = await self._append([proposal for proposal, _ in batch])
        except Exception as error:  # noqa: BLE001 - whatever it was, each waiting request is told
            await self._one_by_one(batch, error)
            return
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if not future.done():
                future.set_result(outcome)

    async def _one_by_one(self, batch: list[Waiting], error: Exception) -> None:
        """A batch that fails is split, so that the event at fault fails alone."""
        if len(batch) > 1 and not isinstance(error, Unavailable):
            for waiting in batch:
                await self._settle([waiting])
            return
        log.warning("append_failed", error=type(error).__name__, events=len(batch))
        for proposal, future in batch:
            if future.done():
                continue
            if isinstance(error, NEVER):
                future.set_result(_refused(proposal))
            else:
                future.set_exception(error)

    async def _append(self, proposals: list[Proposal]) -> list[Outcome]:
        """Retries what is safe to repeat: every event carries its sender's id."""
        for attempt in range(TRIES):
            try:
                async with self._pool.acquire(timeout=2) as conn:
                    return await append(conn, self._cache, proposals, self._clock.now())
            except Exception as error:
                if not retryable(error):
                    raise
                await asyncio.sleep(BACK_OFF * 2**attempt)
        raise Unavailable("try_again")


def _refused(proposal: Proposal) -> Outcome:
    """Its sender keeps it and shows it; the other events of its batch must not wait for it."""
    return Outcome(
        event_id=proposal.event_id,
        movement_id=proposal.movement_id,
        status="refused",
        refusal=Refused("internal"),
    )
