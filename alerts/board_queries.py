"""The questions of the board: a day of cards by lane and hour, where loops leak, who is late."""

from collections.abc import Sequence
from datetime import date, datetime

from msgspec import Struct, convert

from kernel.db import Connection
from registry.scope import touches_district, within


class CardCount(Struct, frozen=True, kw_only=True):
    """Cards given at one lane within one hour, which begins at `hour`; `desk`: trucks that the desk
    turned back, which is a white card too.
    """

    place_id: int
    gate: str
    hour: datetime
    card: str
    desk: bool
    n: int


class Funnel(Struct, frozen=True, kw_only=True):
    """Movements reported since: how far they have come."""

    reported: int
    presented: int
    released: int
    arrived: int
    closed: int


class Age(Struct, frozen=True, kw_only=True):
    """Overdue movements in one band of age (0 to 3), claimed or not."""

    band: int
    claimed: bool
    n: int


class Yellow(Struct, frozen=True, kw_only=True):
    """Trucks that a lane has sent to the desk and that the desk has not seen."""

    n: int
    since: datetime | None


class Flow(Struct, frozen=True, kw_only=True):
    """Trucks on their way from a checkpoint to a firm; `late` of them overdue."""

    entry_place_id: int
    place_id: int
    n: int
    late: int


class Day(Struct, frozen=True, kw_only=True):
    """One line of the ledger: trucks let in on a day, by checkpoint or by firm. `open` have not
    arrived; `unentered` arrived without entry.
    """

    day: date
    place_id: int
    place: str
    entered: int
    closed: int
    open: int
    late: int
    unentered: int

    @property
    def rate(self) -> float | None:
        return self.closed / self.entered if self.entered else None


async def cards_by_hour(
    conn: Connection, places: Sequence[int], since: datetime
) -> list[CardCount]:
    rows = await conn.fetch(
        """
        SELECT place_id, gate, date_trunc('hour', occurred_at) AS hour, kind = 'desk' AS desk,
               CASE kind WHEN 'desk' THEN 'white' ELSE body ->> 'card' END AS card, count(*) AS n
          FROM registry.event
         WHERE place_id = ANY($1) AND occurred_at >= $2
           AND (kind = 'entry' AND body ? 'card'
                OR kind = 'desk' AND body ->> 'outcome' = 'turn_back')
         GROUP BY place_id, gate, hour, desk, card ORDER BY place_id, gate, hour, desk, card
        """,
        list(places),
        since,
    )
    return [convert(dict(row), CardCount) for row in rows]


async def funnel(conn: Connection, since: datetime, *, district: str | None = None) -> Funnel:
    row = await conn.fetchrow(
        f"""
        SELECT count(*) AS reported,
               count(l.entry_place_id) AS presented,
               count(l.released_at) AS released,
               count(*) FILTER (WHERE l.released_at IS NOT NULL
                   AND jsonb_path_exists(l.view, '$.stops[*].arrived_at ? (@ != null)')) AS arrived,
               count(*) FILTER (WHERE l.state = 'discharged') AS closed
          FROM closedloop.loop l JOIN registry.movement m ON m.movement_id = l.movement_id
         WHERE l.updated_at >= $1 AND m.reported_at >= $1 AND {touches_district("$2")}
        """,
        since,
        district,
    )
    return convert(dict(row or {}), Funnel)


async def ages(
    conn: Connection, now: datetime, bands: Sequence[int], *, district: str | None = None
) -> list[Age]:
    """`bands`: minutes from which each band but the first begins."""
    rows = await conn.fetch(
        f"""
        SELECT (SELECT count(*) FROM unnest($2::int[]) AS b (start)
                 WHERE late.due_at + b.start * interval '1 minute' <= $1) AS band,
               c.movement_id IS NOT NULL AS claimed, count(*) AS n
          FROM (SELECT movement_id, min(due_at) AS due_at FROM closedloop.deadline
                 WHERE closed_at IS NULL AND flag_at <= $1 GROUP BY movement_id) late
          JOIN closedloop.loop l ON l.movement_id = late.movement_id
          JOIN registry.movement m ON m.movement_id = late.movement_id
          LEFT JOIN alerts.claim c ON c.movement_id = late.movement_id AND c.until > $1
         WHERE {touches_district("$3")}
         GROUP BY 1, 2 ORDER BY 1, 2
        """,
        now,
        list(bands),
        district,
    )
    return [convert(dict(row), Age) for row in rows]


async def yellow_under_way(conn: Connection, *, district: str | None = None) -> Yellow:
    row = await conn.fetchrow(
        f"""
        SELECT count(*) AS n, min((l.view ->> 'state_since')::timestamptz) AS since
          FROM closedloop.loop l JOIN registry.movement m ON m.movement_id = l.movement_id
         WHERE l.state = 'verifying' AND l.view ->> 'at_desk_since' IS NULL
           AND {touches_district("$1")}
        """,
        district,
    )
    return convert(dict(row or {}), Yellow)


async def flows(
    conn: Connection, now: datetime, *, district: str | None = None, limit: int = 40
) -> list[Flow]:
    """The heaviest first."""
    rows = await conn.fetch(
        f"""
        SELECT l.entry_place_id, l.next_place_id AS place_id, count(*) AS n,
               count(*) FILTER (WHERE l.due_at < $1) AS late
          FROM closedloop.loop l JOIN registry.movement m ON m.movement_id = l.movement_id
         WHERE l.state IN ('released', 'incident') AND l.entry_place_id IS NOT NULL
           AND l.next_place_id IS NOT NULL AND {touches_district("$2")}
         GROUP BY l.entry_place_id, l.next_place_id
         ORDER BY n DESC, l.entry_place_id, l.next_place_id LIMIT $3
        """,
        now,
        district,
        limit,
    )
    return [convert(dict(row), Flow) for row in rows]


#: SQL: the day in Shanghai on which a truck was let in.
_DAY = "(l.released_at AT TIME ZONE 'Asia/Shanghai')::date"
_CLOSED = "l.state IN ('discharged', 'exit_pending', 'closed_by_officer')"


async def ledger(
    conn: Connection, since: datetime, side: str, *, district: str | None = None
) -> list[Day]:
    """Two-way: by `checkpoint` that let in, or by `firm` that expected; the newest day first. A
    truck of several stops counts at its last one, and an arrival without entry on its own day.
    """
    place = "l.entry_place_id" if side == "checkpoint" else "m.stops[cardinality(m.stops)]"
    rows = await conn.fetch(
        f"""
        WITH counted AS (
            SELECT {_DAY} AS day, {place} AS place_id, count(*) AS entered,
                   count(*) FILTER (WHERE {_CLOSED}) AS closed,
                   count(*) FILTER (WHERE NOT {_CLOSED}) AS open,
                   count(*) FILTER (WHERE 'late' = ANY(l.flags)) AS late, 0 AS unentered
              FROM closedloop.loop l JOIN registry.movement m ON m.movement_id = l.movement_id
             WHERE l.released_at >= $1 AND l.updated_at >= $1
             GROUP BY 1, 2
            UNION ALL
            SELECT ((l.view ->> 'state_since')::timestamptz AT TIME ZONE 'Asia/Shanghai')::date,
                   CASE WHEN $3 = 'firm' THEN m.stops[1] END, 0, 0, 0, 0, count(*)
              FROM closedloop.loop l JOIN registry.movement m ON m.movement_id = l.movement_id
             WHERE 'arrived_without_entry' = ANY(l.flags) AND l.updated_at >= $1
               AND 'same_truck_as_another' <> ALL(l.flags)
             GROUP BY 1, 2
        )
        SELECT c.day, c.place_id, p.name AS place, sum(c.entered)::int AS entered,
               sum(c.closed)::int AS closed, sum(c.open)::int AS open, sum(c.late)::int AS late,
               sum(c.unentered)::int AS unentered
          FROM counted c JOIN registry.place p ON p.id = c.place_id
         WHERE {within("p.district_code", 2)}
         GROUP BY c.day, c.place_id, p.name ORDER BY c.day DESC, entered DESC, p.name LIMIT 1000
        """,
        since,
        district,
        side,
    )
    return [convert(dict(row), Day) for row in rows]


class Found(Struct, frozen=True, kw_only=True):
    """A movement that a plate leads to."""

    movement_id: int
    plate: str
    state: str
    place: str
    changed_at: datetime
    overdue: bool


async def by_plate(
    conn: Connection, said: str, now: datetime, *, district: str | None = None
) -> list[Found]:
    """Plates that end so or are so, the newest first; from four characters on."""
    rows = await conn.fetch(
        f"""
        SELECT l.movement_id, m.plate, l.state, coalesce(p.name, '') AS place,
               l.updated_at AS changed_at,
               EXISTS (SELECT 1 FROM closedloop.deadline d WHERE d.movement_id = l.movement_id
                          AND d.closed_at IS NULL AND d.flag_at <= $2) AS overdue
          FROM registry.plate_lookup k
          JOIN closedloop.loop l ON l.movement_id = k.movement_id
          JOIN registry.movement m ON m.movement_id = k.movement_id
          LEFT JOIN registry.place p ON p.id = l.next_place_id
         WHERE right(k.plate, length($1)) = $1 AND {touches_district("$3")}
         ORDER BY l.updated_at DESC LIMIT 20
        """,
        said,
        now,
        district,
    )
    return [convert(dict(row), Found) for row in rows]
