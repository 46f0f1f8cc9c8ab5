"""Plates that cameras read, beside what the duty desk looks for: trucks on the watch-list, and
trucks that nobody reported.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct, convert

from alerts.watch_list import wanted
from kernel.db import Connection
from kernel.outbox import post
from registry.ladder import Rung
from registry.scope import within

#: So long a plate that nobody reported stands on the duty desk.
SHOWN_FOR = timedelta(hours=12)
#: A report that came a little before or after the reading is the truck's.
REPORTED_WITHIN = timedelta(minutes=30)
MOST_SHOWN = 50


class Stranger(Struct, frozen=True, kw_only=True):
    """A plate that nobody reported, its newest reading at a place, and how often it came by."""

    device_id: UUID
    id: str
    plate: str
    place: str
    gate: str
    taken_at: datetime
    times: int


class WantedSeen(Struct, frozen=True, kw_only=True):
    """A truck that is looked for, and where a camera saw it last."""

    movement_id: int
    plate: str
    place: str
    gate: str
    taken_at: datetime


async def tell_wanted(
    conn: Connection,
    ladder: Sequence[Rung],
    plates: Collection[str],
    place_id: int,
    now: datetime,
) -> int:
    """Tells the duty desk once for each truck and place; how many were news."""
    if not plates:
        return 0
    news = 0
    for each in await wanted(conn, ladder, plates=sorted(plates)):
        news += await post(
            conn,
            kind="wanted_seen",
            key=f"{each.movement_id}:seen:{place_id}",
            recipient="duty",
            facts={"movement_id": each.movement_id, "place_id": place_id},
            now=now,
        )
    return news


async def strangers(
    conn: Connection, now: datetime, *, district: str | None = None
) -> list[Stranger]:
    """Plates that wait for an officer's word, the newest first: each once for each place, and none
    that was reported meanwhile.
    """
    rows = await conn.fetch(
        f"""
        WITH waiting AS (
            SELECT r.device_id, r.id, r.plate, r.place_id, r.gate, r.taken_at,
                   count(*) OVER passages AS times,
                   row_number() OVER (passages ORDER BY r.taken_at DESC, r.id) AS newest
              FROM registry.camera_read r
             WHERE r.outcome = 'unregistered' AND r.settled = '' AND r.taken_at >= $1
            WINDOW passages AS (PARTITION BY r.plate, r.place_id)
        )
        SELECT w.device_id, w.id, w.plate, p.name AS place, w.gate, w.taken_at, w.times
          FROM waiting w JOIN registry.place p ON p.id = w.place_id
         WHERE w.newest = 1 AND {within("p.district_code", 3)}
           AND NOT EXISTS (SELECT FROM registry.plate_lookup k
                             JOIN registry.movement m ON m.movement_id = k.movement_id
                            WHERE k.plate = w.plate AND m.reported_at >= w.taken_at - $2::interval)
         ORDER BY w.taken_at DESC, w.id LIMIT $4
        """,
        now - SHOWN_FOR,
        REPORTED_WITHIN,
        district,
        MOST_SHOWN,
    )
    return [convert(dict(row), Stranger) for row in rows]


async def wanted_seen(
    conn: Connection, ladder: Sequence[Rung], now: datetime, *, district: str | None = None
) -> list[WantedSeen]:
    """Trucks of the watch-list that a camera saw since their limit passed."""
    looked_for = await wanted(conn, ladder, district=district)
    rows = await conn.fetch(
        """
        SELECT DISTINCT ON (n.movement_id) n.movement_id, r.plate, p.name AS place, r.gate,
               r.taken_at
          FROM unnest($1::bigint[], $2::text[], $3::timestamptz[])
               AS n (movement_id, plate, since)
          JOIN registry.camera_read r ON r.plate = n.plate AND r.taken_at >= n.since
          JOIN registry.place p ON p.id = r.place_id
         WHERE r.taken_at <= $4
         ORDER BY n.movement_id, r.taken_at DESC
        """,
        [each.movement_id for each in looked_for],
        [each.plate for each in looked_for],
        [each.due_at for each in looked_for],
        now,
    )
    return [convert(dict(row), WantedSeen) for row in rows]
