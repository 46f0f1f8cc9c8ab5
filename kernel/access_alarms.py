"""Alarms about officers who looked at far more people than is usual, for those who watch over them.

An alarm blocks nobody: in an outbreak of anything there is much to look at. It is told once a day.
"""

from datetime import date, datetime
from uuid import UUID

from msgspec import Struct, convert

from kernel.auth import Actor
from kernel.db import Connection
from kernel.outbox import post

WATCHERS = "security"


class AccessAlarm(Struct, frozen=True, kw_only=True):
    """`usual` is the number of people on a usual day, 0 where there is none to compare with."""

    actor_id: UUID
    actor_name: str
    day: date
    shown: int
    usual: int
    raised_at: datetime


async def raise_alarm(
    conn: Connection, actor: Actor, *, day: date, shown: int, usual: int, now: datetime
) -> bool:
    """Whether it is the first of that day; a later one brings the number up to date."""
    first = await conn.fetchval(
        """
        INSERT INTO kernel.access_alarm AS a
               (actor_id, day, actor_name, shown, usual, raised_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (actor_id, day) DO UPDATE SET shown = greatest(a.shown, excluded.shown)
        RETURNING raised_at = $6
        """,
        actor.id,
        day,
        actor.name,
        shown,
        usual,
        now,
    )
    return await post(
        conn,
        kind="access_unusual",
        key=f"access-unusual:{actor.id}:{day}",
        recipient=WATCHERS,
        facts={"account_id": str(actor.id), "shown": shown, "usual": usual},
        now=now,
    ) and bool(first)


async def alarms_since(conn: Connection, day: date) -> list[AccessAlarm]:
    """The newest first."""
    rows = await conn.fetch(
        """
        SELECT actor_id, actor_name, day, shown, usual, raised_at FROM kernel.access_alarm
         WHERE day >= $1 ORDER BY raised_at DESC, actor_id LIMIT 100
        """,
        day,
    )
    return [convert(dict(row), AccessAlarm) for row in rows]
