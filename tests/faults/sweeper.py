"""One scheduler in a process of its own, to be killed or stopped: sweeps again and again.

Usage: sweeper DSN KIND WARP. KIND is `ours`, or `naive`: what a scheduler would do that reads
what is due and then writes it. WARP lets an hour pass in less, by the database's clock.
"""

import asyncio
import sys
from datetime import datetime

import asyncpg

from alerts.overdue import database_time, sweep_all
from kernel.db import SERVER_SETTINGS, Connection, prepare

PAUSE = 0.02


async def run(dsn: str, kind: str, warp: float) -> None:
    conn = await asyncpg.connect(dsn, server_settings=SERVER_SETTINGS)
    await prepare(conn)
    print("ready", flush=True)
    while True:
        now = await _warped(conn, warp)
        await (_naive(conn, now) if kind == "naive" else sweep_all(conn, now))
        await asyncio.sleep(PAUSE)


async def _warped(conn: Connection, warp: float) -> datetime:
    now = await database_time(conn)
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
