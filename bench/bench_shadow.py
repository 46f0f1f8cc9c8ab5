"""A stricter rule set in shadow over past scans, compared with a recount in the database alone.

Prints the time and the diff. The last line is one JSON object; ends with an error where the diff
is not that of the recount. Environment: BENCH_SCANS (100,000).
"""

import asyncio
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from bench.city import FIRST, RANGE, STRIDE, Stage, set_up
from bench.service import own_server
from closedloop.shadow import Shadow, run
from kernel.db import Connection, connected
from registry.rules import read_scenario, shipped

SCANS = int(os.environ.get("BENCH_SCANS", "100000"))
#: Of ten drivers so many have no proof at all.
WITHOUT = 3


async def past_scans(conn: Connection, stage: Stage, now: datetime) -> None:
    """Each truck was scanned once; of ten drivers three had no proof, and a yellow card."""
    numbers = f"generate_series(1, {SCANS}::bigint) n"
    ids = f"{FIRST} + n * {STRIDE} % {RANGE}"
    await conn.execute(
        f"""
        UPDATE registry.movement_person p SET subject = sha256(('p' || n)::bytea)
          FROM {numbers} WHERE p.movement_id = {ids}
        """
    )
    batch = "(SELECT id FROM registry.evidence_batch LIMIT 1)"
    await conn.execute(
        f"""
        INSERT INTO registry.evidence (kind, subject, taken_at, value, source, batch_id)
        SELECT 'test', sha256(('p' || n)::bytea), $1, 'negative', 'province', {batch}
          FROM {numbers} WHERE n % 10 >= {WITHOUT}
        """,
        now - timedelta(hours=5),
    )
    missing = [{"code": "test_missing", "card": "yellow", "person": 0}]
    await conn.execute(
        f"""
        INSERT INTO registry.event
               (movement_id, event_id, kind, occurred_at, received_at, place_id, actor, body)
        SELECT {ids}, md5('entry' || n)::uuid, 'entry', $1, $1, $2, 'bench',
               CASE WHEN n % 10 < {WITHOUT} THEN $3::jsonb ELSE $4::jsonb END
          FROM {numbers}
        """,
        now,
        stage.place_id,
        {"card": "yellow", "rules_version": 1, "reasons": missing},
        {"card": "green", "rules_version": 1, "reasons": []},
    )
    await conn.execute("VACUUM ANALYZE")


async def recount(conn: Connection, since: datetime) -> int:
    """Under the stricter rules whoever has no proof is white."""
    return await conn.fetchval(
        """
        SELECT count(*) FROM registry.event v
          JOIN registry.movement_person p USING (movement_id)
         WHERE v.kind = 'entry' AND v.received_at >= $1
           AND NOT EXISTS (SELECT 1 FROM registry.evidence e
                            WHERE e.subject = p.subject AND e.kind = 'test'
                              AND e.value = 'negative')
        """,
        since,
    )


async def measure(server: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    load = round(os.getloadavg()[0], 1)
    print(f"preparing {SCANS} past scans ...", flush=True)
    stage = await set_up(server, SCANS // 2 + 1, now)
    since, until = now - timedelta(days=1), now + timedelta(days=1)
    ruling, stricter = (read_scenario(path) for path in shipped()[:2])
    async with connected(stage.dsn) as conn:
        await past_scans(conn, stage, now)
        expected = await recount(conn, since)
        same, took = await timed(conn, ruling, since, until)
        found, again = await timed(conn, stricter, since, until)
    print(f"{found.scans} scans in {again:.1f} s; changed {found.changes}: {found.cards}")
    if same.changes:
        sys.exit(f"the ruling rule set would change {same.changes}: {same.cards}")
    if found.changes != expected:
        sys.exit(f"{found.changes} would change, the recount says {expected}")
    return {
        "scans": found.scans,
        "changes": found.changes,
        "recount": expected,
        "seconds": [round(took, 1), round(again, 1)],
        "load_before": load,
    }


async def timed(conn: Connection, rules: Any, since: Any, until: Any) -> tuple[Shadow, float]:  # noqa: ANN401
    began = time.perf_counter()
    found = await run(conn, rules, since, until)
    return found, time.perf_counter() - began


def main() -> None:
    with own_server() as (server, _):
        figures = asyncio.run(measure(server))
    print(msgspec.json.encode(figures).decode())


if __name__ == "__main__":
    main()
