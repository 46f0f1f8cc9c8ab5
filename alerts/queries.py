"""The questions of the duty desk."""

from datetime import datetime

from msgspec import Struct, convert

from kernel.db import Connection
from registry.scope import touches_district


class Overdue(Struct, frozen=True, kw_only=True):
    """One limit that has passed and is still open. Names are masked."""

    movement_id: int
    stop: int
    limb: str
    limit_no: int
    due_at: datetime
    raised_at: datetime | None
    state: str
    plate: str
    driver: str
    place_id: int | None
    place: str
    released_at: datetime | None
    entry_place: str


async def overdue(
    conn: Connection, now: datetime, limit: int = 500, *, district: str | None = None
) -> list[Overdue]:
    """Grouped by destination, the longest overdue first in each.

    Read off the limits themselves: a truck is overdue when its limit has passed, whether or not
    a sweep has flagged it, and no longer once it has arrived. Where the release was uploaded
    late, it is shown, and only the ladder keeps quiet (mission §6). Of one district, or of all.
    """
    rows = await conn.fetch(
        f"""
        SELECT d.movement_id, d.stop, d.limb, d.limit_no, d.due_at, a.raised_at, l.state, m.plate,
               coalesce(s.masked_name, '') AS driver, d.place_id, coalesce(p.name, '') AS place,
               l.released_at, coalesce(e.name, '') AS entry_place
          FROM closedloop.deadline d
          JOIN closedloop.loop l ON l.movement_id = d.movement_id
          JOIN registry.movement m ON m.movement_id = d.movement_id
          LEFT JOIN registry.movement_person s ON s.movement_id = d.movement_id AND s.ordinal = 0
          LEFT JOIN registry.place p ON p.id = d.place_id
          LEFT JOIN registry.place e ON e.id = l.entry_place_id
          LEFT JOIN alerts.alert a
            ON a.movement_id = d.movement_id AND a.stop = d.stop AND a.limb = d.limb
           AND a.limit_no = d.limit_no AND a.step = 'L1'
         WHERE d.closed_at IS NULL AND d.flag_at <= $1 AND {touches_district("$3")}
         ORDER BY min(d.due_at) OVER (PARTITION BY d.place_id), d.place_id, d.due_at, d.movement_id
         LIMIT $2
        """,
        now,
        limit,
        district,
    )
    return [convert(dict(row), Overdue) for row in rows]


class Alert(Struct, frozen=True, kw_only=True):
    movement_id: int
    stop: int
    limb: str
    limit_no: int
    step: str
    due_at: datetime
    raised_at: datetime
    #: When the limit was closed by what happened; None while the alert is open.
    ended_at: datetime | None


async def alerts_of(
    conn: Connection,
    *,
    movement_id: int | None,
    is_open: bool | None,
    after: tuple[datetime, int] | None,
    limit: int,
    district: str | None = None,
) -> list[Alert]:
    """In order of raising, from a cursor on; no hidden cap. Of one district, or of all."""
    rows = await conn.fetch(
        f"""
        SELECT a.movement_id, a.stop, a.limb, a.limit_no, a.step, a.due_at, a.raised_at,
               d.closed_at AS ended_at
          FROM alerts.alert a
          JOIN closedloop.deadline d
            ON d.movement_id = a.movement_id AND d.stop = a.stop AND d.limb = a.limb
           AND d.limit_no = a.limit_no
          JOIN closedloop.loop l ON l.movement_id = a.movement_id
          JOIN registry.movement m ON m.movement_id = a.movement_id
         WHERE ($1::bigint IS NULL OR a.movement_id = $1)
           AND ($2::boolean IS NULL OR (d.closed_at IS NULL) = $2)
           AND ($3::timestamptz IS NULL OR (a.raised_at, a.movement_id) > ($3, $4::bigint))
           AND {touches_district("$6")}
         ORDER BY a.raised_at, a.movement_id, a.stop, a.limb, a.limit_no, a.step
         LIMIT $5
        """,
        movement_id,
        is_open,
        None if after is None else after[0],
        None if after is None else after[1],
        limit,
        district,
    )
    return [convert(dict(row), Alert) for row in rows]


async def last_beat(conn: Connection, name: str) -> datetime | None:
    return await conn.fetchval("SELECT beat_at FROM kernel.heartbeat WHERE name = $1", name)
