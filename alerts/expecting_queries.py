"""Trucks that a firm is asked about before they come, and what was answered."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct, convert

from kernel.db import Connection
from registry.scope import touches_district

#: While the answer may still help somebody: it has a pass, and has not arrived.
COMING = (
    "'issued', 'presented', 'verifying', 'turned_back', 'held', 'released', 'incident', 'referred'"
)
#: SQL: the last word about a stop; `w` is empty where there is none.
_LAST = """
    LEFT JOIN LATERAL (
        SELECT a.answer, a.other_place_id, a.later_at, a.answered_at, a.after_entry, a.actor
          FROM alerts.expectation_answer a
         WHERE (a.movement_id, a.stop, a.place_id) = (s.movement_id, s.stop, s.place_id)
         ORDER BY a.answered_at DESC, a.event_id DESC LIMIT 1) w ON true"""


class Expectation(Struct, frozen=True, kw_only=True):
    """One truck and one of its stops. `answer` is empty where none came; `due_at`: until when one
    is asked for.
    """

    movement_id: int
    stop: int
    place_id: int
    place: str
    plate: str
    driver: str
    origin: str
    goods: str
    state: str
    expected_entry_at: datetime | None
    due_at: datetime
    answer: str
    other_place: str
    later_at: datetime | None
    answered_at: datetime | None
    after_entry: bool


async def expectations(
    conn: Connection,
    now: datetime,
    minutes: int,
    *,
    place_id: int | None = None,
    district: str | None = None,
    movement_id: int | None = None,
    limit: int = 200,
) -> list[Expectation]:
    """Of a firm, a district or the whole city; those without an answer first, the next to enter
    first. Read off the reports themselves: no scheduler has to have asked.
    """
    rows = await conn.fetch(
        f"""
        WITH s AS (
            SELECT m.movement_id, (n.number - 1)::int AS stop, n.place_id, m.plate, m.origin,
                   m.goods, l.state, m.expected_entry_at,
                   coalesce(e.due_at, m.reported_at + $2 * interval '1 minute') AS due_at
              FROM closedloop.loop l
              JOIN registry.movement m ON m.movement_id = l.movement_id
              CROSS JOIN LATERAL unnest(m.stops) WITH ORDINALITY AS n (place_id, number)
              LEFT JOIN alerts.expectation e
                ON (e.movement_id, e.stop, e.place_id)
                   = (m.movement_id, (n.number - 1)::int, n.place_id)
             WHERE l.state IN ({COMING}) AND (l.state <> 'issued' OR m.window_to > $1)
               AND ($3::bigint IS NULL OR n.place_id = $3)
               AND ($5::bigint IS NULL OR m.movement_id = $5)
        )
        SELECT s.movement_id, s.stop, s.place_id, p.name AS place, s.plate,
               coalesce(d.masked_name, '') AS driver, s.origin, s.goods, s.state,
               s.expected_entry_at, s.due_at, coalesce(w.answer, '') AS answer,
               coalesce(o.name, '') AS other_place, w.later_at, w.answered_at,
               coalesce(w.after_entry, false) AS after_entry
          FROM s
          JOIN registry.place p ON p.id = s.place_id
          LEFT JOIN registry.movement_person d ON d.movement_id = s.movement_id AND d.ordinal = 0
          {_LAST}
          LEFT JOIN registry.place o ON o.id = w.other_place_id
         WHERE $4::text IS NULL OR p.district_code = $4
         ORDER BY w.answer IS NOT NULL, s.expected_entry_at NULLS LAST, s.movement_id, s.stop
         LIMIT $6
        """,
        now,
        minutes,
        place_id,
        district,
        movement_id,
        limit,
    )
    return [convert(dict(row), Expectation) for row in rows]


class Refusal(Struct, frozen=True, kw_only=True):
    """A firm that does not expect the truck. It advises whoever looks at it and decides nothing."""

    movement_id: int
    plate: str
    place: str
    answer: str
    other_place: str
    at: datetime


async def refusals(
    conn: Connection, *, movement_id: int | None = None, district: str | None = None
) -> list[Refusal]:
    """Where the last word is “no” or “not us” and no truck has come yet; the newest first."""
    rows = await conn.fetch(
        f"""
        WITH s AS (
            SELECT DISTINCT movement_id, stop, place_id FROM alerts.expectation_answer
             WHERE answer IN ('no', 'not_us') AND ($1::bigint IS NULL OR movement_id = $1)
        )
        SELECT s.movement_id, m.plate, p.name AS place, w.answer,
               coalesce(o.name, '') AS other_place, w.answered_at AS at
          FROM s {_LAST}
          JOIN closedloop.loop l ON l.movement_id = s.movement_id
          JOIN registry.movement m ON m.movement_id = s.movement_id
          JOIN registry.place p ON p.id = s.place_id
          LEFT JOIN registry.place o ON o.id = w.other_place_id
         WHERE w.answer IN ('no', 'not_us') AND l.state IN ({COMING})
           AND s.place_id = ANY(m.stops) AND {touches_district("$2")}
         ORDER BY w.answered_at DESC, s.movement_id LIMIT 100
        """,
        movement_id,
        district,
    )
    return [convert(dict(row), Refusal) for row in rows]


class Said(Struct, frozen=True, kw_only=True):
    event_id: UUID
    stop: int
    place_id: int
    answer: str
    actor: str
    after_entry: bool
    answered_at: datetime


async def answers_of(conn: Connection, movement_id: int) -> list[Said]:
    """Every word about a movement, the first first."""
    rows = await conn.fetch(
        """
        SELECT event_id, stop, place_id, answer, actor, after_entry, answered_at
          FROM alerts.expectation_answer WHERE movement_id = $1 ORDER BY answered_at, event_id
        """,
        movement_id,
    )
    return [convert(dict(row), Said) for row in rows]
