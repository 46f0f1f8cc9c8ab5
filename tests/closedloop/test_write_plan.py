"""A scan reads the limits of its own truck, whatever was in the table when the plan was made."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from closedloop import write
from kernel.db import SERVER_SETTINGS, Connection
from tests.conftest import NOON

KEYED = "AND d.movement_id = ANY($2) AND coalesce(d.closed_at, 'infinity') = 'infinity'"
MANY_OPEN = """
    INSERT INTO closedloop.deadline
           (movement_id, stop, limb, limit_no, due_at, flag_at, next_at)
    SELECT n, 0, 'arrival', 1, now(), now(), now() FROM generate_series(1, $1::int) n"""


async def reads_of_limits(conn: Connection, sql: str, rows: int) -> list[dict[str, Any]]:
    """How the plan that is kept finds the limits it may close, where so many are open.

    EXPLAIN of the statement with its values would fold them, and show a plan that is not kept.
    """
    await conn.execute("TRUNCATE closedloop.deadline")
    await conn.execute(MANY_OPEN, rows)
    await conn.execute("ANALYZE closedloop.deadline")
    for name in ("enable_seqscan", "jit", "max_parallel_workers_per_gather"):
        await conn.execute(f"SET LOCAL {name} = {SERVER_SETTINGS[name]}")
    await conn.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    await conn.execute(f"PREPARE kept AS {sql}")
    nothing = ", ".join(["now()", *["'{}'"] * (len(write._columns((), NOON)) - 1)])
    try:
        plan = await conn.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE kept({nothing})")
    finally:
        await conn.execute("DEALLOCATE kept")
    return list(_reads((plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"]))


def _reads(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if node.get("Index Name", "").startswith("deadline"):
        yield node
    for child in node.get("Plans", ()):
        yield from _reads(child)


def by_key(nodes: list[dict[str, Any]]) -> bool:
    return bool(nodes) and all("movement_id" in node.get("Index Cond", "") for node in nodes)


@pytest.mark.parametrize("rows", [0, 1, 8, 400, 5_000])
async def test_limits_are_found_by_their_key(conn: Connection, rows: int) -> None:
    assert by_key(await reads_of_limits(conn, write.WRITE, rows))


@pytest.mark.parametrize(
    "twin",
    ["AND d.closed_at IS NULL", "AND coalesce(d.closed_at, 'infinity') = 'infinity'"],
)
async def test_a_statement_that_reads_all_that_are_open_is_found(
    conn: Connection, twin: str
) -> None:
    assert KEYED in write.WRITE
    assert not by_key(await reads_of_limits(conn, write.WRITE.replace(KEYED, twin), rows=8))
