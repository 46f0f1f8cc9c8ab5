"""Plates that every checkpoint and the field look out for (mission §7, L4). Read off the ladder:
a truck is on the list while its limit has climbed so far, or once it was referred, and no longer
once it was seen.
"""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct, convert

from kernel.db import Connection
from registry.ladder import Does, Rung
from registry.scope import touches_district


class Wanted(Struct, frozen=True, kw_only=True):
    movement_id: int
    plate: str
    trailer_plate: str
    place: str
    entry_place: str
    due_at: datetime


async def wanted(
    conn: Connection,
    ladder: Sequence[Rung],
    *,
    district: str | None = None,
    plates: Sequence[str] | None = None,
    limit: int = 500,
) -> list[Wanted]:
    """The longest missing first. Of one district or of all; with plates, of those alone."""
    rungs = [
        (limb, rung.minutes) for rung in ladder if rung.does is Does.WATCH for limb in rung.limbs
    ]
    rows = await conn.fetch(
        f"""
        WITH missing AS (
            SELECT d.movement_id, min(d.due_at) AS due_at
              FROM closedloop.deadline d
              JOIN unnest($1::text[], $2::int[]) AS r (limb, minutes) ON r.limb = d.limb
             WHERE d.closed_at IS NULL AND d.climbed >= r.minutes
             GROUP BY d.movement_id
            UNION ALL
            SELECT l.movement_id, coalesce(l.due_at, (l.view ->> 'state_since')::timestamptz)
              FROM closedloop.loop l WHERE l.state = 'referred'
        )
        SELECT n.movement_id, m.plate, m.trailer_plate, coalesce(p.name, '') AS place,
               coalesce(e.name, '') AS entry_place, n.due_at
          FROM missing n
          JOIN closedloop.loop l ON l.movement_id = n.movement_id
          JOIN registry.movement m ON m.movement_id = n.movement_id
          LEFT JOIN registry.place p ON p.id = l.next_place_id
          LEFT JOIN registry.place e ON e.id = l.entry_place_id
         WHERE {touches_district("$4")}
           AND ($5::text[] IS NULL OR m.plate = ANY($5) OR m.trailer_plate = ANY($5))
         ORDER BY n.due_at, n.movement_id LIMIT $3
        """,
        [limb for limb, _ in rungs],
        [minutes for _, minutes in rungs],
        limit,
        district,
        plates,
    )
    return [convert(dict(row), Wanted) for row in rows]
