"""What a firm asks of its own trucks, and the city of a firm's."""

from datetime import datetime
from typing import Any

from kernel.db import Connection


async def count_announced(conn: Connection, place_id: int, now: datetime) -> int:
    """Trucks that have a pass to come to a firm and have not been seen yet."""
    return await conn.fetchval(
        """
        SELECT count(*) FROM closedloop.loop l JOIN registry.movement m USING (movement_id)
         WHERE l.state = 'issued' AND $1 = ANY(m.stops) AND m.window_to > $2
        """,
        place_id,
        now,
    )


async def trucks_of(conn: Connection, place_id: int, since: datetime) -> list[dict[str, Any]]:
    """Trucks that were let in for a firm since then, or that arrived there; the last let in first.
    Each with `arrived_at` and `late` of its stop at this firm.
    """
    rows = await conn.fetch(
        """
        SELECT l.movement_id, m.plate, coalesce(e.name, '') AS gate, l.released_at, l.state,
               (s ->> 'due_at')::timestamptz AS due_at,
               (s ->> 'arrived_at')::timestamptz AS arrived_at,
               coalesce((s ->> 'late')::boolean, false) AS late
          FROM closedloop.loop l
          JOIN registry.movement m ON m.movement_id = l.movement_id
          CROSS JOIN LATERAL jsonb_array_elements(l.view -> 'stops') s
          LEFT JOIN registry.place e ON e.id = l.entry_place_id
         WHERE $1 = ANY(m.stops || l.next_place_id) AND (s ->> 'place_id')::bigint = $1
           AND (l.released_at >= $2 OR (s ->> 'arrived_at')::timestamptz >= $2
                OR l.next_place_id = $1)
         ORDER BY l.released_at DESC NULLS LAST, l.movement_id LIMIT 5000
        """,
        place_id,
        since,
    )
    return [dict(row) for row in rows]
