"""Every version of every loop, in an order that a reader can come back to.

A position is given when the feed is read or by the job, by one hand after the other, to what is
committed: so nothing appears behind a cursor that somebody has passed. The versions of one loop
are in their order; between loops it is that of their times.
"""

from datetime import datetime, timedelta

from msgspec import Struct, convert

from kernel.db import Connection
from kernel.errors import Unprocessable
from registry.scope import touches_district

#: Held by whoever gives out positions, until the end of the transaction.
POSITIONS_LOCK = 0x63686E67  # "chng"
#: So many are given a position at a time, and so many are gone through for one answer.
MOST_GIVEN, MOST_READ = 5_000, 5_000
KEPT_FOR = timedelta(days=30)


class Change(Struct, frozen=True, kw_only=True):
    """A loop was moved: `state` is the one of that `version`; the rest is of now."""

    position: int
    movement_id: int
    version: int
    state: str
    at: datetime
    plate: str
    entry_place_id: int | None
    next_place_id: int | None


class ChangeQuery(Struct, frozen=True, kw_only=True):
    """`own` is the caller's own place, `own_district` their district, as in `LoopQuery`."""

    after: int
    limit: int
    own: int | None = None
    own_district: str | None = None


class Changes(Struct, frozen=True, kw_only=True):
    """`after` asks for what comes next; with `more` there is more already."""

    changes: list[Change]
    after: int
    more: bool


async def changes(conn: Connection, query: ChangeQuery) -> Changes:
    """Raises Unprocessable("cursor_too_old", oldest=…) where what follows it is no longer kept."""
    await give_positions(conn)
    await _check_kept(conn, query.after)
    rows = await conn.fetch(
        f"""
        WITH gone_through AS (
            SELECT position, movement_id, version, state, at FROM closedloop.change
             WHERE position > $1 ORDER BY position LIMIT $2
        )
        SELECT g.position, g.movement_id, g.version, g.state, g.at, m.plate, l.entry_place_id,
               l.next_place_id,
               ($3::bigint IS NULL OR l.entry_place_id = $3 OR $3 = ANY(m.stops)
                OR l.next_place_id = $3) AND {touches_district("$4")} AS own
          FROM gone_through g
          LEFT JOIN closedloop.loop l ON l.movement_id = g.movement_id
          LEFT JOIN registry.movement m ON m.movement_id = g.movement_id
         ORDER BY g.position
        """,
        query.after,
        MOST_READ,
        query.own,
        query.own_district,
    )
    own = [row for row in rows if row["own"] and row["plate"] is not None][: query.limit]
    full = len(own) == query.limit
    reached = own[-1]["position"] if full else (rows[-1]["position"] if rows else query.after)
    return Changes(
        changes=[convert(dict(row), Change) for row in own],
        after=reached,
        more=full or len(rows) == MOST_READ,
    )


async def _check_kept(conn: Connection, after: int) -> None:
    oldest = await conn.fetchval(
        "SELECT position FROM closedloop.change WHERE position > 0 ORDER BY position LIMIT 1"
    )
    last = await conn.fetchval("SELECT last_value FROM closedloop.change_position")
    gone = last if oldest is None else oldest - 1
    if 0 < after < gone:
        raise Unprocessable("cursor_too_old", oldest=gone)


async def give_positions(conn: Connection) -> int:
    """How many were given one. Of a loop, whatever comes before a version is given its own first,
    also where the clocks of two machines say otherwise.
    """
    await conn.execute("SELECT pg_advisory_xact_lock($1)", POSITIONS_LOCK)
    last: int = await conn.fetchval("SELECT last_value FROM closedloop.change_position")
    status = await conn.execute(
        """
        WITH few AS (
            SELECT movement_id, max(version) AS upto FROM (
                SELECT movement_id, version FROM closedloop.change
                 WHERE position IS NULL ORDER BY at LIMIT $2) AS oldest
             GROUP BY movement_id
        ), moved AS (
            SELECT c.movement_id, c.version,
                   max(c.at) OVER (PARTITION BY c.movement_id ORDER BY c.version) AS shown_at
              FROM few JOIN closedloop.change c
                ON c.movement_id = few.movement_id AND c.version <= few.upto
             WHERE c.position IS NULL
        ), numbered AS (
            SELECT movement_id, version,
                   row_number() OVER (ORDER BY shown_at, movement_id, version) AS number
              FROM moved
        )
        UPDATE closedloop.change AS c SET position = $1::bigint + n.number
          FROM numbered n WHERE c.movement_id = n.movement_id AND c.version = n.version
        """,
        last,
        MOST_GIVEN,
    )
    given = int(status.rpartition(" ")[2])
    if given:
        await conn.execute("SELECT setval('closedloop.change_position', $1::bigint)", last + given)
    return given


async def keep_up(conn: Connection, now: datetime) -> None:
    """Gives positions to all that wait, and forgets what is over; each step a transaction."""
    while True:
        async with conn.transaction():
            given = await give_positions(conn)
        if given < MOST_GIVEN:
            break
    while await _forget(conn, now - KEPT_FOR) == MOST_GIVEN:
        pass


async def _forget(conn: Connection, before: datetime) -> int:
    status = await conn.execute(
        """
        DELETE FROM closedloop.change c
         USING (SELECT movement_id, version, at FROM closedloop.change
                 WHERE position > 0 ORDER BY position LIMIT $2) AS oldest
         WHERE c.movement_id = oldest.movement_id AND c.version = oldest.version
           AND oldest.at < $1
        """,
        before,
        MOST_GIVEN,
    )
    return int(status.rpartition(" ")[2])
