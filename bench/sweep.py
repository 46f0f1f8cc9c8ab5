"""The sweep: what is due among very many limits, and how fast a backlog is worked off."""

import time
from datetime import UTC, datetime, timedelta
from statistics import median

from msgspec import Struct

from alerts.overdue import sweep, sweep_all
from bench.city import FIRST, RANGE, STRIDE, checkpoint, make_database
from kernel.db import Connection, connected

DUE = 1_000
BACKLOG = 100_000
TIMES = 1 + 7


class Swept(Struct, frozen=True, kw_only=True):
    ms_few: list[float]
    ms_many: list[float]
    flags_per_s: float

    @property
    def ratio(self) -> float:
        return median(self.ms_many) / median(self.ms_few)


async def measure(server: str, limits: int) -> Swept:
    """Among 10^5 open limits, and among so many."""
    now = datetime.now(UTC)
    small, large = [await make_database(server, name) for name in ("sweeps_few", "sweeps_many")]
    async with connected(small) as few, connected(large) as many:
        await _open_limits(few, 10**5, now)
        await _open_limits(many, limits, now)
        taken = [
            (await _once(few, small, now), await _once(many, large, now)) for _ in range(TIMES)
        ]
        backlog = await _backlog(many, large, now)
    counted = taken[1:]  # the first of each is a warm-up
    return Swept(
        ms_few=[ms for ms, _ in counted], ms_many=[ms for _, ms in counted], flags_per_s=backlog
    )


async def _open_limits(conn: Connection, number: int, now: datetime) -> None:
    """Loops on the road; those numbered up to DUE are late, the others' limits lie ahead."""
    ids = f"{FIRST} + n * {STRIDE} % {RANGE}"
    await conn.execute(
        f"""
        INSERT INTO closedloop.loop (movement_id, version, state, view, updated_at)
        SELECT {ids}, 2, 'released', '{{}}', $3 FROM generate_series($1::bigint, $2::bigint) n
        """,
        1,
        number,
        now,
    )
    await conn.execute(
        f"""
        INSERT INTO closedloop.deadline
               (movement_id, stop, limb, limit_no, due_at, flag_at, next_at, place_id)
        SELECT {ids}, 0, 'arrival', 1, at, at, at, 1
          FROM (SELECT n, $3::timestamptz + CASE WHEN n <= $4 THEN n * interval '-1 ms'
                               ELSE interval '1 hour' + n * interval '10 ms' END AS at
                  FROM generate_series($1::bigint, $2::bigint) n) limits
        """,
        1,
        number,
        now,
        DUE,
    )
    await conn.execute("VACUUM ANALYZE")


async def _once(conn: Connection, dsn: str, now: datetime) -> float:
    await _forget(conn, dsn)
    began = time.perf_counter()
    flagged = await sweep(conn, now)
    taken = (time.perf_counter() - began) * 1000
    assert flagged == DUE, f"{flagged} flagged, {DUE} due"
    assert await sweep(conn, now) == 0, "flagged twice"
    return taken


async def _backlog(conn: Connection, dsn: str, now: datetime) -> float:
    """As after an outage: so much later that a tenth of all limits has passed."""
    later = await conn.fetchval(
        "SELECT flag_at FROM closedloop.deadline ORDER BY flag_at LIMIT 1 OFFSET $1", BACKLOG - 1
    )
    assert later > now + timedelta(hours=1)
    rates: list[float] = []
    for _ in range(3):
        await _forget(conn, dsn)
        began = time.perf_counter()
        flagged = await sweep_all(conn, later)
        rates.append(flagged / (time.perf_counter() - began))
        kept = await conn.fetchval("SELECT count(*) FROM alerts.alert")
        assert flagged == kept == BACKLOG, f"{flagged} flagged, {kept} kept, {BACKLOG} due"
    return median(rates)


async def _forget(conn: Connection, dsn: str) -> None:
    await conn.execute("TRUNCATE alerts.alert, kernel.outbox, kernel.delivery")
    await conn.execute(
        "UPDATE closedloop.deadline SET next_at = flag_at, climbed = NULL WHERE climbed IS NOT NULL"
    )
    await conn.execute("VACUUM closedloop.deadline")
    await checkpoint(dsn)
