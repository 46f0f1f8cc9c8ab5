"""When a device last spoke to us, and how much it keeps: what it has not sent is not missing."""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct, convert

from kernel.db import Connection
from registry.scope import within

#: Written no more often than this while nothing changes.
QUIET = timedelta(seconds=30)
MOST_WAITING = 1_000_000


class Pulse(Struct, frozen=True, kw_only=True):
    """`seen_at` is None for a device that has never spoken."""

    device_id: UUID
    name: str
    place_id: int
    place: str
    seen_at: datetime | None
    waiting: int


async def note_pulse(conn: Connection, device_id: UUID, waiting: int, now: datetime) -> None:
    await conn.execute(
        """
        INSERT INTO registry.device_pulse AS p (device_id, seen_at, waiting)
        SELECT id, $2, $3 FROM registry.device WHERE id = $1
        ON CONFLICT (device_id) DO UPDATE SET seen_at = $2, waiting = $3
         WHERE p.seen_at < $2 - $4::interval OR p.waiting <> $3
        """,
        device_id,
        now,
        min(max(waiting, 0), MOST_WAITING),
        QUIET,
    )


async def pulses(conn: Connection, *, district: str | None = None) -> list[Pulse]:
    """Devices that are in use, the longest silent first; those that never spoke come last."""
    rows = await conn.fetch(
        f"""
        SELECT d.id AS device_id, d.name, d.place_id, p.name AS place, u.seen_at,
               coalesce(u.waiting, 0) AS waiting
          FROM registry.device d
          JOIN registry.place p ON p.id = d.place_id
          LEFT JOIN registry.device_pulse u ON u.device_id = d.id
         WHERE d.revoked_at IS NULL AND {within("p.district_code", 1)}
         ORDER BY u.seen_at NULLS LAST, d.name, d.id LIMIT 500
        """,
        district,
    )
    return [convert(dict(row), Pulse) for row in rows]
