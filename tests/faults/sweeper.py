"""One scheduler in a process of its own, to be killed: sweeps again and again, by the real clock."""

import asyncio
import sys
from datetime import UTC, datetime

import asyncpg

from alerts.overdue import sweep_all
from kernel.db import SERVER_SETTINGS, prepare

PAUSE = 0.02


async def run(dsn: str) -> None:
    conn = await asyncpg.connect(dsn, server_settings=SERVER_SETTINGS)
    await prepare(conn)
    print("ready", flush=True)
    while True:
        await sweep_all(conn, datetime.now(UTC))
        await asyncio.sleep(PAUSE)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1]))
