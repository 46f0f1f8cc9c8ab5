"""One pass that was let through in two lanes (invariant I6): who the duty desk must look at."""

from datetime import datetime

import msgspec
from msgspec import Struct

from kernel.db import Connection
from registry.scope import touches_district


class Seen(Struct, frozen=True, kw_only=True):
    """One time that the pass was let through, at the time put right, how sure it is, and when the
    server heard of it.
    """

    place: str
    gate: str
    at: datetime
    uncertainty_ms: int
    received_at: datetime


class TwoLanes(Struct, frozen=True, kw_only=True):
    movement_id: int
    plate: str
    seen: tuple[Seen, ...]


_SEEN = msgspec.json.Decoder(tuple[Seen, ...])


async def passes_in_two_lanes(
    conn: Connection, since: datetime, *, district: str | None = None, limit: int = 50
) -> list[TwoLanes]:
    """The newest first; of each pass every time it was let through, in no claimed order."""
    rows = await conn.fetch(
        f"""
        SELECT l.movement_id, m.plate,
               (SELECT json_agg(json_build_object(
                           'place', coalesce(p.name, ''), 'gate', v.gate, 'at', v.occurred_at,
                           'uncertainty_ms', v.uncertainty_ms, 'received_at', v.received_at)
                           ORDER BY v.occurred_at, v.event_id)::text
                  FROM registry.event v LEFT JOIN registry.place p ON p.id = v.place_id
                 WHERE v.movement_id = l.movement_id AND v.kind = 'entry'
                   AND v.body ->> 'card' = 'green') AS seen
          FROM closedloop.loop l JOIN registry.movement m ON m.movement_id = l.movement_id
         WHERE l.flags @> ARRAY['used_in_two_lanes'] AND l.updated_at >= $1
           AND {touches_district("$2")}
         ORDER BY l.updated_at DESC LIMIT $3
        """,
        since,
        district,
        limit,
    )
    return [
        TwoLanes(
            movement_id=row["movement_id"],
            plate=row["plate"],
            seen=_SEEN.decode(row["seen"] or "[]"),
        )
        for row in rows
    ]
