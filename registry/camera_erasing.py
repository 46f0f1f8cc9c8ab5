"""Readings of cameras go by their receipt: soon those that led to no truck of ours, and those of a
journey with it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from kernel.db import Connection
from kernel.retention import Cut, Eraser


async def _reads_due(conn: Connection, cut: Cut, limit: int | None) -> Sequence[Any]:
    return await _due(conn, cut, limit, "movement_id IS NOT NULL")


async def _strays_due(conn: Connection, cut: Cut, limit: int | None) -> Sequence[Any]:
    return await _due(conn, cut, limit, "movement_id IS NULL")


async def _due(conn: Connection, cut: Cut, limit: int | None, which: str) -> Sequence[Any]:
    rows = await conn.fetch(
        f"""
        SELECT ctid AS key FROM registry.camera_read
         WHERE received_at < $1 AND {which}
         ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED
        """,
        cut.before,
        limit,
    )
    return [row["key"] for row in rows]


async def _erase(conn: Connection, keys: Sequence[Any], _: datetime) -> None:
    await conn.execute("DELETE FROM registry.camera_read WHERE ctid = ANY($1::tid[])", keys)


ERASERS = (
    Eraser(name="camera_reads", due=_reads_due, erase=_erase),
    Eraser(name="camera_strays", due=_strays_due, erase=_erase),
)
