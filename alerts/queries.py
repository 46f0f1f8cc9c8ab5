"""The questions of the duty desk."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct, convert

from kernel.db import Connection
from registry.scope import touches_district


class Overdue(Struct, frozen=True, kw_only=True):
    """A movement with a limit that has passed and is still open: the one that has climbed highest.
    `limits` counts them. Names are masked; `owner` is the officer who has claimed it.
    """

    movement_id: int
    stop: int
    limb: str
    limit_no: int
    due_at: datetime
    limits: int
    step: str
    raised_at: datetime | None
    next_at: datetime | None
    state: str
    plate: str
    driver: str
    place_id: int | None
    place: str
    released_at: datetime | None
    entry_place: str
    owner_id: UUID | None
    owner: str
    claimed_until: datetime | None
    snoozed_until: datetime | None
    called_at: datetime | None
    last_reply: int
    replied_at: datetime | None
    closing: bool
    found: int


async def overdue(
    conn: Connection,
    now: datetime,
    limit: int = 500,
    *,
    district: str | None = None,
    movement_id: int | None = None,
) -> list[Overdue]:
    """One row a movement, grouped by whom one call can ask, the longest overdue first in each.

    Read off the limits themselves: a truck is overdue when its limit has passed, whether or not
    a sweep has flagged it, and no longer once it has arrived. Where the release was uploaded
    late, it is shown, and only the ladder keeps quiet (mission §6). Of one district, or of all.
    """
    rows = await conn.fetch(
        f"""
        WITH late AS (
            SELECT DISTINCT ON (d.movement_id)
                   d.movement_id, d.stop, d.limb, d.limit_no, d.due_at, d.place_id, d.next_at,
                   count(*) OVER (PARTITION BY d.movement_id) AS limits
              FROM closedloop.deadline d
             WHERE d.closed_at IS NULL AND d.flag_at <= $1
               AND ($4::bigint IS NULL OR d.movement_id = $4)
             ORDER BY d.movement_id, d.climbed DESC NULLS LAST, d.due_at, d.limb
        )
        SELECT d.*, coalesce(a.step, '') AS step, a.raised_at, l.state, m.plate,
               coalesce(s.masked_name, '') AS driver, coalesce(p.name, '') AS place,
               l.released_at, coalesce(e.name, '') AS entry_place, c.account_id AS owner_id,
               coalesce(o.name, '') AS owner, c.until AS claimed_until, z.until AS snoozed_until,
               (l.view ->> 'called_at')::timestamptz AS called_at,
               coalesce((l.view ->> 'last_reply')::int, 0) AS last_reply,
               (l.view ->> 'replied_at')::timestamptz AS replied_at,
               jsonb_typeof(l.view -> 'closing') = 'object' AS closing,
               coalesce(jsonb_array_length(r.found), 0) AS found
          FROM late d
          JOIN closedloop.loop l ON l.movement_id = d.movement_id
          JOIN registry.movement m ON m.movement_id = d.movement_id
          LEFT JOIN registry.movement_person s ON s.movement_id = d.movement_id AND s.ordinal = 0
          LEFT JOIN registry.place p ON p.id = d.place_id
          LEFT JOIN registry.place e ON e.id = l.entry_place_id
          LEFT JOIN LATERAL (
              SELECT step, raised_at FROM alerts.alert a
               WHERE (a.movement_id, a.stop, a.limb, a.limit_no)
                     = (d.movement_id, d.stop, d.limb, d.limit_no)
               ORDER BY raised_at DESC, step DESC LIMIT 1) a ON true
          LEFT JOIN alerts.claim c ON c.movement_id = d.movement_id AND c.until > $1
          LEFT JOIN registry.account o ON o.id = c.account_id
          LEFT JOIN alerts.snooze z ON z.movement_id = d.movement_id AND z.until > $1
                AND (a.raised_at IS NULL OR a.raised_at <= z.snoozed_at)
          LEFT JOIN alerts.reconciliation r
            ON (r.movement_id, r.stop, r.limb, r.limit_no)
               = (d.movement_id, d.stop, d.limb, d.limit_no)
         WHERE {touches_district("$3")}
         ORDER BY z.until IS NOT NULL, min(d.due_at) OVER (PARTITION BY d.place_id), d.place_id,
                  d.due_at, d.movement_id
         LIMIT $2
        """,
        now,
        limit,
        district,
        movement_id,
    )
    return [convert(dict(row), Overdue) for row in rows]


class Referred(Struct, frozen=True, kw_only=True):
    """With the police, until it is found or two officers close it."""

    movement_id: int
    plate: str
    driver: str
    place: str
    since: datetime
    closing: bool


async def referred(
    conn: Connection, *, district: str | None = None, limit: int = 200
) -> list[Referred]:
    """The longest first."""
    rows = await conn.fetch(
        f"""
        SELECT l.movement_id, m.plate, coalesce(s.masked_name, '') AS driver,
               coalesce(p.name, '') AS place, (l.view ->> 'state_since')::timestamptz AS since,
               jsonb_typeof(l.view -> 'closing') = 'object' AS closing
          FROM closedloop.loop l
          JOIN registry.movement m ON m.movement_id = l.movement_id
          LEFT JOIN registry.movement_person s ON s.movement_id = l.movement_id AND s.ordinal = 0
          LEFT JOIN registry.place p ON p.id = l.next_place_id
         WHERE l.state = 'referred' AND {touches_district("$2")}
         ORDER BY since, l.movement_id LIMIT $1
        """,
        limit,
        district,
    )
    return [convert(dict(row), Referred) for row in rows]


class Alert(Struct, frozen=True, kw_only=True):
    """One rung of one limit's ladder; `alert_id` names the limit."""

    alert_id: str
    movement_id: int
    stop: int
    limb: str
    limit_no: int
    step: str
    due_at: datetime
    raised_at: datetime
    #: When the limit was closed by what happened; None while the alert is open.
    ended_at: datetime | None


async def alerts_of(
    conn: Connection,
    *,
    movement_id: int | None,
    is_open: bool | None,
    after: tuple[datetime, int] | None,
    limit: int,
    district: str | None = None,
) -> list[Alert]:
    """In order of raising, from a cursor on; no hidden cap. Of one district, or of all."""
    rows = await conn.fetch(
        f"""
        SELECT concat_ws('-', a.movement_id, a.stop, a.limb, a.limit_no) AS alert_id,
               a.movement_id, a.stop, a.limb, a.limit_no, a.step, a.due_at, a.raised_at,
               d.closed_at AS ended_at
          FROM alerts.alert a
          JOIN closedloop.deadline d
            ON d.movement_id = a.movement_id AND d.stop = a.stop AND d.limb = a.limb
           AND d.limit_no = a.limit_no
          JOIN closedloop.loop l ON l.movement_id = a.movement_id
          JOIN registry.movement m ON m.movement_id = a.movement_id
         WHERE ($1::bigint IS NULL OR a.movement_id = $1)
           AND ($2::boolean IS NULL OR (d.closed_at IS NULL) = $2)
           AND ($3::timestamptz IS NULL OR (a.raised_at, a.movement_id) > ($3, $4::bigint))
           AND {touches_district("$6")}
         ORDER BY a.raised_at, a.movement_id, a.stop, a.limb, a.limit_no, a.step
         LIMIT $5
        """,
        movement_id,
        is_open,
        None if after is None else after[0],
        None if after is None else after[1],
        limit,
        district,
    )
    return [convert(dict(row), Alert) for row in rows]


async def last_beat(conn: Connection, name: str) -> datetime | None:
    return await conn.fetchval("SELECT beat_at FROM kernel.heartbeat WHERE name = $1", name)
