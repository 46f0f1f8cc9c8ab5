"""Coverage of a whole district: how long the import of its list takes, with a result for each row,
and how long the day's report over as many codes.

The list is that of seed 001, 80,921 places, of which every second is registered with its code and
was scanned now and then. Environment: BENCH_PLACES (80921), BENCH_VISITS (10 for each place that
has a code). The last line is one JSON object.
"""

import asyncio
import os
import time
from datetime import UTC, datetime, timedelta
from statistics import median
from uuid import uuid4

import msgspec
from msgspec import Struct

from alerts.supervision_figures import Which, figures, moment, rows_of
from alerts.supervision_report import compute
from alerts.supervision_steps import local_day
from bench.city import make_database
from bench.service import own_server
from kernel.auth import Actor
from kernel.db import SERVER_SETTINGS, Connection, connected
from registry.coverage_imports import Listed, import_due
from registry.rules import read_scenario, shipped

PLACES = int(os.environ.get("BENCH_PLACES", "80921"))
VISITS = int(os.environ.get("BENCH_VISITS", "10"))
ROUNDS = 5
NOW = datetime(2022, 5, 24, 4, 0, tzinfo=UTC)
#: Goals in seconds.
IMPORT_GOAL, REPORT_GOAL = 60.0, 2.0


class Found(Struct, frozen=True, kw_only=True):
    places: int
    trial_s: float
    import_s: float
    again_s: float
    rows: int
    matched: int
    report_s: list[float]
    figures_s: list[float]
    rows_s: list[float]


async def register(conn: Connection) -> None:
    """Every second place, its code a month old, its visits strewn over that month."""
    await conn.execute(
        """
        INSERT INTO registry.district
        SELECT '41010' || n, '第' || n || '区' FROM generate_series(1, 6) n
        """
    )
    await conn.execute(
        """
        INSERT INTO registry.place (kind, category, name, district_code, address, screen_secret,
                                    created_at)
        SELECT 'venue', 'shop', '第' || n || '号商户餐饮店', '41010' || n % 6 + 1,
               '大学路' || n || '号', '\\x00', $2
          FROM generate_series(1, $1::int) n WHERE n % 2 = 0
        """,
        PLACES,
        NOW - timedelta(days=30),
        timeout=600,
    )
    await conn.execute(
        """
        INSERT INTO registry.gate (place_id, gate) SELECT id, '1' FROM registry.place;
        INSERT INTO registry.code (code, place_id, gate, issued_at)
        SELECT lpad(id::text, 10, '0'), id, '1', created_at FROM registry.place
        """,
        timeout=600,
    )
    await conn.execute(
        """
        INSERT INTO closedloop.visit (id, body_hash, place_id, way, shown, visited_at, received_at,
                                      actor)
        SELECT gen_random_uuid(), '', p.id, 'scan', 'clear', t.at, t.at, 'bench'
          FROM registry.place p CROSS JOIN generate_series(1, $2::int) n
         CROSS JOIN LATERAL (SELECT $1::timestamptz - random() * interval '30 days' AS at
                              WHERE n > 0) t
        """,
        NOW,
        VISITS,
        timeout=600,
    )
    await conn.execute("VACUUM ANALYZE", timeout=600)


def a_list() -> bytes:
    rows = ["市场主体台账,,,,", "名称,区县,属地,行业主管部门,地址"]
    rows += [
        f"第{n}号商户餐饮店,第{n % 6 + 1}区,第{n % 16}街道,第{n % 12}局,大学路{n}号"
        for n in range(1, PLACES + 1)
    ]
    return "\n".join(rows).encode("gbk")


async def timed_import(conn: Connection, data: bytes, *, dry_run: bool) -> tuple[float, int, int]:
    actor = Actor(id=uuid4(), kind="account", name="bench", roles=frozenset({"registrar"}))
    said = Listed(source="市场主体台账", office="市场监督管理局", as_of=NOW.date())
    began = time.perf_counter()
    async with conn.transaction():
        report, _ = await import_due(
            conn, data, "text/csv", said, dry_run=dry_run, actor=actor, now=NOW
        )
    return time.perf_counter() - began, len(report.rows), report.matched


async def measure(dsn: str) -> Found:
    """With the settings of the service: no statement takes longer than five seconds."""
    async with connected(dsn) as conn:
        await register(conn)
        for name, value in SERVER_SETTINGS.items():
            await conn.execute("SELECT set_config($1, $2, false)", name, value)
        data = a_list()
        trial, _, _ = await timed_import(conn, data, dry_run=True)
        took, rows, matched = await timed_import(conn, data, dry_run=False)
        again, _, _ = await timed_import(conn, data, dry_run=False)
        reports, counted, listed = await timed_reports(conn)
    return Found(
        places=PLACES,
        trial_s=trial,
        import_s=took,
        again_s=again,
        rows=rows,
        matched=matched,
        report_s=reports,
        figures_s=counted,
        rows_s=listed,
    )


async def timed_reports(conn: Connection) -> tuple[list[float], list[float], list[float]]:
    """In turn: the day's report, the figures alone, and a page of rows that hang unused."""
    supervision = read_scenario(shipped()[0]).supervision
    later = NOW + timedelta(hours=1)
    day = local_day(later)
    at = moment(day, later, supervision.idle_days)
    reports: list[float] = []
    counted: list[float] = []
    listed: list[float] = []
    for _ in range(ROUNDS):
        for times, ask in (
            (reports, lambda: compute(conn, supervision, day, later, None)),
            (counted, lambda: figures(conn, at)),
            (listed, lambda: rows_of(conn, at, Which(what="idle"))),
        ):
            began = time.perf_counter()
            await ask()
            times.append(time.perf_counter() - began)
    return reports, counted, listed


async def main() -> None:
    with own_server() as (server, _):
        found = await measure(await make_database(server, "coverage"))
    print(f"import of {found.rows} rows with a result each: {found.import_s:.1f} s "
          f"(goal {IMPORT_GOAL:.0f}); trial {found.trial_s:.1f}, again {found.again_s:.1f}; "
          f"{found.matched} matched")  # fmt: skip
    for name, times, goal in (
        ("day's report", found.report_s, f" (goal {REPORT_GOAL:.0f})"),
        ("figures", found.figures_s, ""),
        ("a page of rows", found.rows_s, ""),
    ):
        spread = f"{min(times):.2f}-{max(times):.2f}"
        print(f"{name} over {found.places} places: median {median(times):.2f} s, {spread}{goal}")
    print(msgspec.json.encode(found).decode())


if __name__ == "__main__":
    asyncio.run(main())
