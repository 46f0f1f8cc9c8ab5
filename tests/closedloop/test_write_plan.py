"""A scan reads the limits of its own truck, whatever the planner thought when it made the plan."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from closedloop import write
from kernel.db import SERVER_SETTINGS, Connection
from tests.conftest import NOON

KEYED = "AND d.movement_id = ANY($2) AND coalesce(d.closed_at, 'infinity') = 'infinity'"


async def reads_of_limits(conn: Connection, sql: str) -> list[dict[str, Any]]:
    """How the kept plan of a city without trucks finds the limits that it may close."""
    for name in ("enable_seqscan", "max_parallel_workers_per_gather", "jit"):
        await conn.execute(f"SET LOCAL {name} = {SERVER_SETTINGS[name]}")
    await conn.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    columns = write._columns((), NOON)
    plan = await conn.fetchval("EXPLAIN (FORMAT JSON) " + sql, *columns)
    return list(_scans((plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"]))


def _scans(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    of_limits = node.get("Alias", "").startswith("d_") or "deadline" in node.get("Index Name", "")
    if of_limits and "Scan" in node["Node Type"]:
        yield node
    for child in node.get("Plans", ()):
        yield from _scans(child)


def by_key(nodes: list[dict[str, Any]]) -> bool:
    return bool(nodes) and all("movement_id" in node.get("Index Cond", "") for node in nodes)


async def test_limits_are_found_by_their_key(conn: Connection) -> None:
    assert by_key(await reads_of_limits(conn, write.WRITE))


@pytest.mark.parametrize(
    "twin",
    ["AND d.closed_at IS NULL", "AND coalesce(d.closed_at, 'infinity') = 'infinity'"],
)
async def test_a_statement_that_reads_all_that_are_open_is_found(
    conn: Connection, twin: str
) -> None:
    assert KEYED in write.WRITE
    assert not by_key(await reads_of_limits(conn, write.WRITE.replace(KEYED, twin)))
