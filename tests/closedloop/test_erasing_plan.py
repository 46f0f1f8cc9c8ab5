"""What is due is found by what is still held, however many journeys are stored; and the check can
fail.
"""

from datetime import timedelta
from typing import Any

import pytest

from bench.city import copy_movements
from closedloop.ending import ERASERS, RECORDS
from kernel.db import Connection
from kernel.retention import Cut, Eraser
from tests.city import City, a_report
from tests.conftest import NOON

JOURNEYS = 3_000
CUT = Cut(now=NOON, before=NOON - timedelta(days=21))
WANTED = {
    "submissions": "movement_with_submission",
    "health": "movement_person_with_health",
    "masked_names": "movement_person_with_mask",
    "records": "movement_by_report",
}
BY_NAME = {each.name: each for each in (*ERASERS, RECORDS)}


class Explaining:
    """Stands where a connection does, and keeps the plan instead of the rows."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self.plan = ""

    async def fetch(self, query: str, *values: Any) -> list[Any]:
        rows = await self._conn.fetch(f"EXPLAIN {query}", *values)
        self.plan = "\n".join(row[0] for row in rows)
        return []


async def plan_of(conn: Connection, eraser: Eraser) -> str:
    explaining = Explaining(conn)
    await eraser.due(explaining, CUT, 500)  # type: ignore[arg-type]
    return explaining.plan


@pytest.fixture
async def full(conn: Connection, city: City) -> Connection:
    """Most of what is stored was erased long ago, or is too young."""
    made = await a_report(conn, city, NOON)
    await copy_movements(conn, made.movement.movement_id, JOURNEYS)
    old = "movement_id % 10 <> 0"
    since = NOON - timedelta(days=200)
    await conn.execute(
        f"UPDATE registry.movement SET submission_sealed = NULL, reported_at = $1 WHERE {old}",
        since,
    )
    await conn.execute(
        f"""
        UPDATE registry.movement_person SET declared = '{{}}', evidence = '{{}}', masked_name = '',
               subject = '', attached_at = $1 WHERE {old}
        """,
        since,
    )
    for table in ("registry.movement", "registry.movement_person", "closedloop.loop"):
        await conn.execute(f"ANALYZE {table}")
    return conn


@pytest.mark.parametrize("name", sorted(WANTED))
async def test_what_is_due_is_found_by_its_index(full: Connection, name: str) -> None:
    plan = await plan_of(full, BY_NAME[name])
    assert WANTED[name] in plan, plan


@pytest.mark.parametrize("name", ["health", "masked_names", "submissions"])
async def test_without_its_index_everything_would_be_gone_through(
    full: Connection, name: str
) -> None:
    await full.execute(f"DROP INDEX registry.{WANTED[name]}")
    assert "_with_" not in await plan_of(full, BY_NAME[name])


async def test_an_old_journey_that_is_open_keeps_what_it_has(conn: Connection, city: City) -> None:
    made = await a_report(conn, city, NOON - timedelta(days=100))
    assert await BY_NAME["health"].due(conn, CUT, None) != []
    await conn.execute(
        "UPDATE closedloop.loop SET state = 'released' WHERE movement_id = $1",
        made.movement.movement_id,
    )
    assert await BY_NAME["health"].due(conn, CUT, None) == []
