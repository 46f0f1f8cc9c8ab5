"""The questions that the lane and the desk ask."""

from datetime import datetime

from kernel.db import Connection
from registry.scope import touches_district


async def movement_by_plate(
    conn: Connection, plate: str, kind: str, place_id: int, now: datetime
) -> int | None:
    """The movement that a scan of this plate is about, or None.

    At a gate one that has not been released yet, nearest to its window first; at a firm one
    that is under way, bound for this firm first.
    """
    return await conn.fetchval(
        """
        SELECT l.movement_id
          FROM registry.plate_lookup p
          JOIN registry.movement m ON m.movement_id = p.movement_id
          JOIN closedloop.loop l ON l.movement_id = p.movement_id
         WHERE p.plate = $1
           AND CASE WHEN $2 = 'entry'
                    THEN l.state IN ('draft', 'issued', 'presented', 'verifying', 'turned_back',
                                     'held', 'voided', 'released', 'incident')
                    ELSE l.state IN ('released', 'incident', 'discrepancy', 'exit_pending',
                                     'referred', 'closed_by_officer', 'verifying', 'held') END
           AND (m.window_to IS NULL OR m.window_to > $4 OR l.released_at IS NOT NULL)
         ORDER BY l.next_place_id IS NOT DISTINCT FROM $3 DESC,
                  abs(extract(epoch FROM coalesce(m.expected_entry_at, m.reported_at) - $4)),
                  l.movement_id
         LIMIT 1
        """,
        plate,
        kind,
        place_id,
        now,
    )


async def desk_queue(
    conn: Connection, place_id: int | None, district: str | None = None
) -> list[int]:
    """Trucks with a yellow card, in order of issue; of one checkpoint, of one district, or all."""
    rows = await conn.fetch(
        f"""
        SELECT l.movement_id
          FROM closedloop.loop l JOIN registry.movement m ON m.movement_id = l.movement_id
         WHERE l.state = 'verifying' AND ($1::bigint IS NULL OR l.entry_place_id = $1)
           AND {touches_district("$2")}
         ORDER BY (l.view ->> 'carded_at')::timestamptz, l.movement_id
        """,
        place_id,
        district,
    )
    return [row["movement_id"] for row in rows]


async def driver_of(conn: Connection, movement_id: int) -> str:
    """The driver's masked name, or nothing for a truck that nobody reported."""
    name = await conn.fetchval(
        """
        SELECT masked_name FROM registry.movement_person
         WHERE movement_id = $1 AND ordinal = 0
        """,
        movement_id,
    )
    return name or ""
