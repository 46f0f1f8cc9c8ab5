"""One scheduler in a process of its own, to be killed or stopped: sweeps again and again.

Usage: sweeper DSN KIND WARP. KIND is `ours`; `naive`, what a scheduler would do that reads what is
due and then writes it; or `own-clock`, which believes its own. Each one's own clock jumps about by
hours. WARP lets an hour pass in less, by the database's clock.
"""

import asyncio
import random
import sys
from datetime import UTC, datetime, timedelta

import asyncpg

from alerts.climbing import sweep_time
from alerts.overdue import SETTLING, sweep_all
from kernel.clock import SystemClock
from kernel.db import SERVER_SETTINGS, Connection, prepare

PAUSE = 0.02


async def run(dsn: str, kind: str, warp: float) -> None:
    conn = await asyncpg.connect(dsn, server_settings=SERVER_SETTINGS)
    await prepare(conn)
    print("ready", flush=True)
    while True:
        now = await _warped(conn, kind, warp)
        await (_naive(conn, now) if kind == "naive" else sweep_all(conn, now))
        await asyncio.sleep(PAUSE)


class JumpingClock(SystemClock):
    """A clock that somebody sets forwards and back all the time."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=random.uniform(-2, 2))


async def _warped(conn: Connection, kind: str, warp: float) -> datetime:
    clock = JumpingClock()
    now = clock.now() if kind == "own-clock" else await sweep_time(conn, clock) + SETTLING
    if warp == 1:
        return now
    began = await conn.fetchval("SELECT beat_at FROM kernel.heartbeat WHERE name = 'warp'")
    return began + (now - began) * warp if began else now


async def _naive(conn: Connection, now: datetime) -> None:
    due = await conn.fetch(
        """
        SELECT movement_id, due_at FROM closedloop.deadline
         WHERE closed_at IS NULL AND next_at <= $1 AND climbed IS NULL LIMIT 400
        """,
        now,
    )
    for row in due:
        await conn.execute(
            """
            INSERT INTO alerts.alert (movement_id, stop, limb, limit_no, step, due_at, raised_at)
            VALUES ($1, 0, 'arrival', 1, 'L1', $2, $3)
            """,
            row["movement_id"],
            row["due_at"],
            now,
        )
        await conn.execute(
            "UPDATE closedloop.deadline SET climbed = 0 WHERE movement_id = $1", row["movement_id"]
        )


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], float(sys.argv[3])))
