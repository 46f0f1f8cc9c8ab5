"""The questions asked of the loops."""

from datetime import datetime

from msgspec import Struct, convert

from kernel.db import Connection
from registry.scope import touches_district

#: When the limit that a loop runs against passed, and the same reading of the clock as `state_at`,
#: for lists (a test holds them together).
_DUE = """CASE WHEN l.state IN ('released', 'incident') THEN l.due_at
              WHEN l.state = 'exit_pending' THEN m.expected_exit_at
                   + (l.view ->> 'exit_minutes')::int * interval '1 minute' END"""
STATE_AT = f"""
    CASE WHEN greatest({_DUE}, (l.view ->> 'quiet_until')::timestamptz)
              + coalesce((l.view ->> 'enquiry_minutes')::int, 15) * interval '1 minute' < $1
              AND {_DUE} IS NOT NULL THEN 'enquiry'
         WHEN {_DUE} < $1 THEN 'overdue'
         WHEN l.state IN ('draft', 'issued', 'turned_back', 'voided') AND m.window_to < $1
              THEN 'lapsed'
         ELSE l.state END"""


class LoopRow(Struct, frozen=True, kw_only=True):
    """One line of a list; the driver's name is masked."""

    movement_id: int
    state: str
    plate: str
    driver: str
    stops: tuple[int, ...]
    entry_place_id: int | None
    next_place_id: int | None
    released_at: datetime | None
    due_at: datetime | None
    last_card: str
    flags: tuple[str, ...]
    updated_at: datetime


class LoopQuery(Struct, frozen=True, kw_only=True):
    """`place` matches the entry, any stop or the next one; `own` is the caller's own place, and
    `own_district` the district in which one of these places must lie.
    """

    states: tuple[str, ...] = ()
    place: int | None = None
    own: int | None = None
    own_district: str | None = None
    since: datetime | None = None
    plate: str = ""
    cursor: int = 0
    limit: int = 200


async def loops(conn: Connection, query: LoopQuery, now: datetime) -> list[LoopRow]:
    """In order of movement id, after the cursor; no hidden cap."""
    rows = await conn.fetch(
        f"""
        SELECT movement_id, state, plate, stops, entry_place_id, driver, next_place_id,
               released_at, due_at, last_card, flags, updated_at FROM (
            SELECT l.movement_id, {STATE_AT} AS state, m.plate, m.stops, l.entry_place_id,
                   coalesce(s.masked_name, '') AS driver, l.next_place_id, l.released_at, l.due_at,
                   l.last_card, l.flags, l.updated_at
              FROM closedloop.loop l
              JOIN registry.movement m ON m.movement_id = l.movement_id
              LEFT JOIN registry.movement_person s
                ON s.movement_id = l.movement_id AND s.ordinal = 0
             WHERE l.movement_id > $2
               AND ($3::bigint IS NULL OR l.entry_place_id = $3 OR $3 = ANY(m.stops)
                    OR l.next_place_id = $3)
               AND ($4::bigint IS NULL OR l.entry_place_id = $4 OR $4 = ANY(m.stops)
                    OR l.next_place_id = $4)
               AND ($5::timestamptz IS NULL OR l.updated_at >= $5)
               AND ($6 = '' OR m.plate = $6)
               AND {touches_district("$9")}
        ) AS listed
         WHERE (cardinality($7::text[]) = 0 OR state = ANY($7))
         ORDER BY movement_id LIMIT $8
        """,
        now,
        query.cursor,
        query.place,
        query.own,
        query.since,
        query.plate,
        list(query.states),
        query.limit,
        query.own_district,
    )
    return [convert(dict(row), LoopRow) for row in rows]


class Expected(Struct, frozen=True, kw_only=True):
    """One truck on a firm's page."""

    movement_id: int
    state: str
    plate: str
    driver: str
    entry_place: str
    released_at: datetime | None
    due_at: datetime | None
    claimed: bool
    discrepancy: str | None


_COMING = "('released', 'incident', 'discrepancy', 'referred')"
#: A count of more than this is no help to anybody, and costs as much as the trucks that it counts.
MOST_COUNTED = 1_000


def _coming(most: str) -> str:
    """`coming`, the next due, at least `most` of them, of whoever is on its way to the place $1 or
    stands there with a question; and all that have a stop there among several, which may be taken
    in any order. These are found by where they go, and only then looked at for their state: there
    are few of them, and a city may have any number under way.
    """
    return f"""several AS MATERIALIZED (
        SELECT n.movement_id, n.due_at, n.state, n.view FROM closedloop.loop n
         WHERE n.view -> 'stops' @> jsonb_build_array(jsonb_build_object('place_id', $1::bigint))
           AND n.view -> 'stops' -> 1 IS NOT NULL
           AND n.state NOT IN ('confirmed', 'discharged', 'transferred', 'closed_by_officer',
                               'voided', 'cancelled')
    ), coming AS (
        (SELECT n.movement_id, n.due_at FROM closedloop.loop n
          WHERE n.next_place_id = $1 AND n.state IN {_COMING}
          ORDER BY n.due_at, n.movement_id LIMIT {most})
        UNION
        SELECT n.movement_id, n.due_at FROM several n
         WHERE n.state IN {_COMING}
           AND EXISTS (SELECT 1 FROM jsonb_array_elements(n.view -> 'stops') AS stop
                        WHERE (stop ->> 'place_id')::bigint = $1
                          AND stop ->> 'confirmed_at' IS NULL))"""


async def count_expected(conn: Connection, place_id: int, most: int = MOST_COUNTED) -> int:
    """Counts up to `most`."""
    return await conn.fetchval(
        f"WITH {_coming('$2::bigint')} SELECT least($2::bigint, count(*)) FROM coming",
        place_id,
        most,
    )


async def expected_at(
    conn: Connection, place_id: int, now: datetime, *, skip: int, limit: int
) -> list[Expected]:
    """Trucks on their way to a firm or standing there with a question, the next due first."""
    rows = await conn.fetch(
        f"""
        WITH {_coming("$3::bigint + $4")}, shown AS (
            SELECT movement_id FROM coming
             ORDER BY due_at NULLS LAST, movement_id OFFSET $3 LIMIT $4)
        SELECT l.movement_id,
               {STATE_AT.replace("$1", "$2")} AS state,
               m.plate, coalesce(s.masked_name, '') AS driver, coalesce(e.name, '') AS entry_place,
               l.released_at, l.due_at, l.view ->> 'discrepancy' AS discrepancy,
               EXISTS (SELECT 1 FROM jsonb_array_elements(l.view -> 'stops') AS stop
                        WHERE (stop ->> 'place_id')::bigint = $1
                          AND stop ->> 'confirmed_at' IS NULL
                          AND stop ->> 'claimed_at' IS NOT NULL) AS claimed
          FROM shown
          JOIN closedloop.loop l USING (movement_id)
          JOIN registry.movement m USING (movement_id)
          LEFT JOIN registry.movement_person s ON s.movement_id = l.movement_id AND s.ordinal = 0
          LEFT JOIN registry.place e ON e.id = l.entry_place_id
         ORDER BY l.due_at NULLS LAST, l.movement_id
        """,
        place_id,
        now,
        skip,
        limit,
    )
    return [convert(dict(row), Expected) for row in rows]


class Arrived(Struct, frozen=True, kw_only=True):
    movement_id: int
    plate: str
    arrived_at: datetime
    late: bool
    #: Whether it has another stop to go to, and has not left for it yet.
    goes_on: bool


async def arrived_at(conn: Connection, place_id: int, since: datetime) -> list[Arrived]:
    """Trucks whose stop at this firm closed since then, the newest first."""
    rows = await conn.fetch(
        """
        SELECT DISTINCT ON (l.movement_id) l.movement_id, m.plate, l.view -> 'stops' AS stops,
               l.next_place_id
          FROM registry.event v
          JOIN closedloop.loop l ON l.movement_id = v.movement_id
          JOIN registry.movement m ON m.movement_id = v.movement_id
         WHERE v.place_id = $1 AND v.occurred_at >= $2 AND v.kind IN ('arrival', 'confirm')
        """,
        place_id,
        since,
    )
    found = [
        Arrived(
            movement_id=row["movement_id"],
            plate=row["plate"],
            arrived_at=convert(stop["arrived_at"], datetime),
            late=stop["late"],
            goes_on=row["next_place_id"] is not None and not stop.get("departed_at"),
        )
        for row in rows
        for stop in row["stops"]
        if stop["place_id"] == place_id and stop["confirmed_at"]
    ]
    return sorted(found, key=lambda each: each.arrived_at, reverse=True)
