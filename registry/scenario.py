"""Installing a scenario: its rule set becomes a version, and that version may come into force."""

from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from kernel.db import Connection
from registry.rule_faults import check_rule_set
from registry.rules import RuleSet, read_scenario


async def install(
    conn: Connection,
    path: Path,
    now: datetime,
    in_force_from: datetime | None = None,
    *,
    actor_id: UUID | None = None,
) -> int:
    """The version. A body that is the newest of its scenario is kept and not stored again; if it
    was only on trial, it comes into force now.

    Raises msgspec.ValidationError naming the place in the file that is wrong, and Unprocessable
    `rule_set_faulty`.
    """
    rules = check_rule_set(read_scenario(path))
    body: dict[str, Any] = msgspec.to_builtins(rules)
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('rule_set', 0))")
    known = await _newest_if_same(conn, rules, body)
    if known is None:
        return await insert(conn, rules, now, in_force_from, actor_id)
    await _put_in_force(conn, known, in_force_from)
    return known


async def _newest_if_same(conn: Connection, rules: RuleSet, body: dict[str, Any]) -> int | None:
    return await conn.fetchval(
        """
        SELECT version FROM (
            SELECT version, body FROM registry.rule_set
             WHERE scenario = $1 ORDER BY version DESC LIMIT 1
        ) newest WHERE body = $2
        """,
        rules.scenario,
        body,
    )


async def insert(
    conn: Connection,
    rules: RuleSet,
    now: datetime,
    in_force_from: datetime | None,
    actor_id: UUID | None,
) -> int:
    return await conn.fetchval(
        """
        INSERT INTO registry.rule_set (scenario, name, body, in_force_from, created_at, created_by)
        VALUES ($1, $2, $3, $4, $5, $6) RETURNING version
        """,
        rules.scenario,
        rules.name.zh,
        msgspec.to_builtins(rules),
        in_force_from,
        now,
        actor_id,
    )


async def _put_in_force(conn: Connection, version: int, in_force_from: datetime | None) -> None:
    if in_force_from is None:
        return
    await conn.execute(
        """
        UPDATE registry.rule_set SET in_force_from = $2
         WHERE version = $1 AND in_force_from IS NULL
        """,
        version,
        in_force_from,
    )
