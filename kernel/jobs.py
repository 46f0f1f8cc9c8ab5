"""A ticker and nothing more.

APScheduler only says "now"; what must happen exactly once is guarded by the job's own SQL, since
every process has a ticker and any of them may be late or dead.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import structlog
from apscheduler.schedulers.asyncio import (  # pyright: ignore[reportMissingTypeStubs]
    AsyncIOScheduler,
)

from kernel.db import Connection

Job = Callable[[], Awaitable[None]]

_FAREWELL_SECONDS = 5

_log: Any = structlog.get_logger(__name__)


@asynccontextmanager
async def ticker(name: str, seconds: float, job: Job) -> AsyncGenerator[None, None]:
    """Run the job now and then every `seconds`, never twice at once, whatever it raises.

    On leaving, a run under way may finish for five seconds and is then cancelled; either way it is
    over when the context is, so what it uses may be closed next.
    """
    running = asyncio.Lock()
    scheduler: Any = AsyncIOScheduler(timezone=UTC)
    scheduler.add_job(
        _guarded(name, job, running),
        "interval",
        seconds=seconds,
        next_run_time=datetime.now(UTC),
        coalesce=True,
        misfire_grace_time=None,
        max_instances=1,
    )
    scheduler.start()
    try:
        yield
    finally:
        scheduler.remove_all_jobs()
        await _wait_for(running)
        scheduler.shutdown(wait=False)
        await _wait_for(running)


def _guarded(name: str, job: Job, running: asyncio.Lock) -> Job:
    async def run() -> None:
        async with running:
            try:
                await job()
            except Exception:  # noqa: BLE001 -- whatever it is, the next tick must come
                _log.exception("job_failed", job=name)

    return run


async def beat(conn: Connection, name: str, now: datetime) -> None:
    """Says that a job was at work; a beat never goes back."""
    await conn.execute(
        """
        INSERT INTO kernel.heartbeat AS h (name, beat_at) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET beat_at = greatest(h.beat_at, excluded.beat_at)
        """,
        name,
        now,
    )


async def take_turn(conn: Connection, name: str, seconds: float) -> bool:
    """Whether this process does it this time: of all that tick, one in three quarters of `seconds`,
    by the database's clock. It spares work and nothing else; what must happen once is guarded by
    the job's own SQL, and a turn whose process died is over when the next one is due.
    """
    taken = await conn.fetchval(
        """
        INSERT INTO kernel.heartbeat AS h (name, beat_at)
        VALUES ('turn:' || $1::text, clock_timestamp())
        ON CONFLICT (name) DO UPDATE SET beat_at = excluded.beat_at
         WHERE h.beat_at <= excluded.beat_at - $2 * interval '1 second'
        RETURNING true
        """,
        name,
        seconds * 0.75,
    )
    return bool(taken)


async def _wait_for(running: asyncio.Lock) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_FAREWELL_SECONDS), running:
            pass
