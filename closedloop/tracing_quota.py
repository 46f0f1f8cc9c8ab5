"""How many subjects an officer may trace in a day, and who looks at far more people than usual."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from statistics import median
from uuid import UUID

from kernel.access_alarms import raise_alarm
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import TooMany
from kernel.i18n import LOCAL_ZONE
from kernel.retention import TRACE_QUOTA

#: Fewer people on a day are never unusual.
LEAST = 50
#: Unusual where there is nothing to compare with.
WITHOUT_HISTORY = 200
#: So many times one's own usual day, or the office's.
OWN_TIMES, OFFICE_TIMES = 3, 5
#: A usual day is known from so many days on, within so many back.
ENOUGH_DAYS = 5
LOOK_BACK = timedelta(days=30)


def day_of(now: datetime) -> date:
    return now.astimezone(LOCAL_ZONE).date()


def unusual(shown: int, own: Sequence[int], office: Sequence[int]) -> int | None:
    """The usual number that today's is far above, 0 where none is known; None if it is not.

    `own` and `office` are earlier days on which anybody was shown at all.
    """
    if shown < LEAST:
        return None
    own_usual = round(median(own)) if len(own) >= ENOUGH_DAYS else None
    office_usual = round(median(office)) if len(office) >= ENOUGH_DAYS else None
    if own_usual is not None and shown > OWN_TIMES * own_usual:
        return own_usual
    if office_usual is not None and shown > OFFICE_TIMES * office_usual:
        return office_usual
    known = own_usual is not None or office_usual is not None
    return None if known or shown <= WITHOUT_HISTORY else 0


async def count_traced(
    conn: Connection, actor: Actor, case_id: UUID, number: int, now: datetime
) -> None:
    """One subject of a case counts once in a day, however often it is looked at. The officer's day
    is held until the end, so that two requests at once do not pass both.

    Raises TooMany `trace_quota_used` (to be counted: `count_refused`).
    """
    day, most = day_of(now), await _most(conn)
    used = await conn.fetchval(
        """
        INSERT INTO closedloop.trace_count AS c (actor_id, day) VALUES ($1, $2)
        ON CONFLICT (actor_id, day) DO UPDATE SET traced = c.traced RETURNING traced
        """,
        actor.id,
        day,
    )
    status = await conn.execute(
        """
        INSERT INTO closedloop.trace_counted (actor_id, day, case_id, number)
        VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
        """,
        actor.id,
        day,
        case_id,
        number,
    )
    if status != "INSERT 0 1":
        return
    if used >= most:
        raise TooMany("trace_quota_used", most=most)
    await conn.execute(
        "UPDATE closedloop.trace_count SET traced = traced + 1 WHERE actor_id = $1 AND day = $2",
        actor.id,
        day,
    )


async def _most(conn: Connection) -> int:
    return await conn.fetchval("SELECT amount FROM kernel.retention WHERE class = $1", TRACE_QUOTA)


async def count_refused(conn: Connection, actor_id: UUID, now: datetime) -> None:
    """The caller answers with a returned response, so that the count stays."""
    await conn.execute(
        """
        INSERT INTO closedloop.trace_count AS c (actor_id, day, refused) VALUES ($1, $2, 1)
        ON CONFLICT (actor_id, day) DO UPDATE SET refused = c.refused + 1
        """,
        actor_id,
        day_of(now),
    )


async def count_shown(conn: Connection, actor: Actor, people: int, now: datetime) -> None:
    """Adds to the officer's day, and raises the alarm where that is far above what is usual."""
    if not people:
        return
    day = day_of(now)
    shown = await conn.fetchval(
        """
        INSERT INTO closedloop.trace_count AS c (actor_id, day, shown) VALUES ($1, $2, $3)
        ON CONFLICT (actor_id, day) DO UPDATE SET shown = c.shown + $3 RETURNING shown
        """,
        actor.id,
        day,
        people,
    )
    usual = unusual(shown, *await _before(conn, actor.id, day)) if shown >= LEAST else None
    if usual is not None:
        await raise_alarm(conn, actor, day=day, shown=shown, usual=usual, now=now)


async def _before(conn: Connection, actor_id: UUID, day: date) -> tuple[list[int], list[int]]:
    """Of the days before: the officer's own numbers, and those of all others."""
    rows = await conn.fetch(
        """
        SELECT actor_id, shown FROM closedloop.trace_count
         WHERE day >= $1 AND day < $2 AND shown > 0
        """,
        day - LOOK_BACK,
        day,
    )
    own = [row["shown"] for row in rows if row["actor_id"] == actor_id]
    return own, [row["shown"] for row in rows if row["actor_id"] != actor_id]
