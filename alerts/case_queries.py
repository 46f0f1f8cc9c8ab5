"""The questions about one case of the duty desk."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct, convert

from alerts.reconcile import Finding
from kernel.db import Connection


class Rung(Struct, frozen=True, kw_only=True):
    step: str
    minutes: int


class TakenStep(Struct, frozen=True, kw_only=True):
    step: str
    raised_at: datetime


class Limit(Struct, frozen=True, kw_only=True):
    """A limit that is open, whether it has passed or not."""

    stop: int
    limb: str
    limit_no: int
    due_at: datetime
    flag_at: datetime
    next_at: datetime | None
    place_id: int | None


async def open_limits(conn: Connection, movement_id: int) -> list[Limit]:
    """The one that has climbed highest first."""
    rows = await conn.fetch(
        """
        SELECT stop, limb, limit_no, due_at, flag_at, next_at, place_id
          FROM closedloop.deadline WHERE movement_id = $1 AND closed_at IS NULL
         ORDER BY climbed DESC NULLS LAST, due_at, limb
        """,
        movement_id,
    )
    return [convert(dict(row), Limit) for row in rows]


async def steps_taken(conn: Connection, movement_id: int, limit: Limit) -> list[TakenStep]:
    rows = await conn.fetch(
        """
        SELECT step, raised_at FROM alerts.alert
         WHERE (movement_id, stop, limb, limit_no) = ($1, $2, $3, $4) ORDER BY raised_at, step
        """,
        movement_id,
        limit.stop,
        limit.limb,
        limit.limit_no,
    )
    return [convert(dict(row), TakenStep) for row in rows]


async def found_for(conn: Connection, movement_id: int) -> Sequence[Finding] | None:
    """What the record itself knew when the last limit passed; None where nobody looked yet."""
    found = await conn.fetchval(
        """
        SELECT found FROM alerts.reconciliation WHERE movement_id = $1 ORDER BY at DESC LIMIT 1
        """,
        movement_id,
    )
    return None if found is None else convert(found, list[Finding])
