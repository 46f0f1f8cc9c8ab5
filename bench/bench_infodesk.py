"""The information desk under a surge: how many requests for help are taken in a second, on how many
connections, and how long the list takes among so many that are open.

Rounds on one connection and on four, in turn; medians with their spread. The last line is one JSON
object. Ends with an error where a request was lost or a number given twice. Environment:
BENCH_REQUESTS (20,000) is how many are open at the end.
"""

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from uuid import uuid4

import asyncpg
import msgspec

from alerts.tickets import NewTicket, Origin, receive
from alerts.tickets_model import Kind
from alerts.tickets_queries import queue
from alerts.tickets_units import Scope
from bench.service import own_server
from closedloop.reporting import Office
from kernel.db import SERVER_SETTINGS, Connection, prepare
from kernel.migrate import migrate
from kernel.privacy import Vault
from registry.desk_rules import shipped_desk
from registry.world import WorldCache
from tests.city import build
from tests.support import make_database

REQUESTS = int(os.environ.get("BENCH_REQUESTS", "20000"))
MIGRATIONS = Path(__file__).parents[1] / "migrations"
NOW = datetime(2022, 5, 1, 12, tzinfo=UTC)
ROUNDS = 6
ALL = Scope(desk=True, district=None, unit="", place_id=None)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    requests: int
    numbers: int
    one_per_s: list[float]
    four_per_s: list[float]
    list_ms: list[float]


async def main() -> None:
    with own_server() as (server, _):
        found = await measured(server)
    for name, rates in (("one connection", found.one_per_s), ("four", found.four_per_s)):
        print(f"{name}: {median(rates):.0f} requests/s ({min(rates):.0f}-{max(rates):.0f})")
    spread = f"{min(found.list_ms):.1f}-{max(found.list_ms):.1f}"
    print(f"list among {found.requests} open, ms: {median(found.list_ms):.1f} ({spread})")
    print(msgspec.json.encode(found).decode())
    if found.numbers != found.requests:
        sys.exit("a request was lost, or a number given twice")


async def measured(server: str) -> Found:
    dsn = await make_database(server, prefix="bench_infodesk")
    await migrate(dsn, MIGRATIONS)
    conns = [await asyncpg.connect(dsn, server_settings=SERVER_SETTINGS) for _ in range(4)]
    for conn in conns:
        await prepare(conn)
    office = (await build(conns[0], Vault(bytes(range(32))), NOW)).office
    one, four, each = list[float](), list[float](), max(4, REQUESTS // (2 * ROUNDS))
    for _ in range(ROUNDS):
        one.append(await _rate(office, conns[:1], each))
        four.append(await _rate(office, conns, each))
    row = await conns[0].fetchrow(
        "SELECT count(*) AS n, count(DISTINCT number) AS d FROM alerts.ticket"
    )
    times = [await _listed(conns[0]) for _ in range(10)]
    for conn in conns:
        await conn.close()
    counted = (0, 0) if row is None else (row["n"], row["d"])
    return Found(
        requests=counted[0], numbers=counted[1], one_per_s=one, four_per_s=four, list_ms=times
    )


async def _rate(office: Office, conns: Sequence[Connection], count: int) -> float:
    needs, share = shipped_desk().needs, count // len(conns)

    async def sends(conn: Connection, number: int) -> None:
        own = Office(cache=WorldCache(), vault=office.vault, city=office.city)
        for n in range(share):
            said = NewTicket(
                id=uuid4(),
                category=needs[n % len(needs)].code,
                words="求助",
                phone=f"139{number}{n % 10**7:07d}",
            )
            async with conn.transaction():
                await receive(conn, own, Kind.HELP, said, Origin(source="api"), None, NOW)

    began = time.perf_counter()
    await asyncio.gather(*(sends(conn, n) for n, conn in enumerate(conns)))
    return share * len(conns) / (time.perf_counter() - began)


async def _listed(conn: Connection) -> float:
    began = time.perf_counter()
    await queue(conn, ALL, NOW, 60, limit=101)
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    asyncio.run(main())
