"""Shadow runs that somebody asked for on the page: run one after the other, by whoever comes first.

A run that is cut short is run again from its beginning: it writes one row, at its end.
"""

from datetime import datetime
from typing import Any

import msgspec
import structlog

from closedloop import shadow
from closedloop.shadow import Change
from kernel.db import Connection
from registry.rule_sets import version_of

log = structlog.get_logger()

_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('shadow', 0))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended('shadow', 0))"


def _without_plate(change: Change) -> dict[str, Any]:
    """Kept for longer than plates are; the movement's number leads to it as long as it is there."""
    return {name: value for name, value in msgspec.to_builtins(change).items() if name != "plate"}


async def run_asked(conn: Connection, now: datetime) -> int:
    """How many were run. One process runs at a time; the lock ends with its connection."""
    if not await conn.fetchval(_LOCK):
        return 0
    try:
        done = 0
        while await _run_next(conn, now):
            done += 1
        return done
    finally:
        await conn.execute(_UNLOCK)


async def _run_next(conn: Connection, now: datetime) -> bool:
    asked = await conn.fetchrow(
        """
        SELECT id, version, since, until FROM registry.shadow_run
         WHERE ran_at IS NULL ORDER BY asked_at, id LIMIT 1
        """
    )
    if asked is None:
        return False
    _, rules = await version_of(conn, asked["version"])
    found = await shadow.run(conn, rules, asked["since"], asked["until"])
    log.info("shadow", version=asked["version"], scans=found.scans, changes=found.changes)
    await conn.execute(
        """
        UPDATE registry.shadow_run
           SET ran_at = $2, scans = $3, unknown = $4, changes = $5, cards = $6, changed = $7
         WHERE id = $1
        """,
        asked["id"],
        now,
        found.scans,
        found.unknown,
        found.changes,
        found.cards,
        [_without_plate(change) for change in found.changed],
    )
    return True
