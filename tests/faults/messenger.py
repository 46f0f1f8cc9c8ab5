"""One sender of messages in a process of its own, to be killed: delivers again and again.

Usage: messenger DSN KIND WARP. KIND is `ours`, or `careless`: it marks before it sends. WARP lets a
lease of a minute end in less, by the database's clock.
"""

import asyncio
import sys
from datetime import UTC, datetime

from kernel import deliveries
from kernel.db import Connection, open_pool
from kernel.deliveries import Due, deliver
from kernel.keyring import unlock
from kernel.outgoing import allowed
from kernel.privacy import Vault
from tests.http import MASTER_KEY

PAUSE = 0.02
BEGAN = datetime(2022, 5, 1, tzinfo=UTC)


async def tell(_: Connection, due: Due, __: str) -> str:
    return due.key


def careless() -> None:
    """Marks everything as sent, and then sends it."""
    post, settle = deliveries._to_webhook, deliveries._settle

    async def first_mark(pool, way, due, error, now):
        if not error:
            return
        await settle(pool, way, due, error, now)

    async def then_send(way, due, allow):
        await settle(POOL[0], way, [due], None, datetime.now(UTC))
        await post(way, due, allow)

    deliveries._settle, deliveries._to_webhook = first_mark, then_send


POOL: list = []


async def run(dsn: str, kind: str, warp: float) -> None:
    pool, vault = await open_pool(dsn, size=3), Vault(MASTER_KEY)
    POOL.append(pool)
    if kind == "careless":
        careless()
    async with pool.acquire() as conn:
        began = await conn.fetchval("SELECT beat_at FROM kernel.heartbeat WHERE name = 'warp'")
        await unlock(conn, vault, began)
    print("ready", flush=True)
    while True:
        async with pool.acquire() as conn:
            now = await conn.fetchval("SELECT clock_timestamp()")
        await deliver(pool, vault, tell, allowed(["127.0.0.0/8"]), began + (now - began) * warp)
        await asyncio.sleep(PAUSE)


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], float(sys.argv[3])))
