"""Attempts to turn a compliant truck back, or to hold somebody without a source (I10, I11): all
are refused or put right, and all are shown to the duty desk.
"""

from datetime import datetime
from uuid import UUID

import structlog
from msgspec import Struct, convert

from kernel.db import Connection
from registry.scope import touches_district

#: Refusals of what an officer asked for.
REFUSED = frozenset({"must_not_turn_back", "hold_needs_source"})

log = structlog.get_logger()


class Breach(Struct, frozen=True, kw_only=True):
    """`code` says what was tried; `actor` is who tried it, `account:…` or `device:…`."""

    movement_id: int
    event_id: UUID
    code: str
    plate: str
    actor: str
    place: str
    tried_at: datetime


class Today(Struct, frozen=True, kw_only=True):
    """`turned_back`: cards and decisions. `without_source`: people held now with none; only 0."""

    turned_back: int
    without_source: int


async def keep_breach(
    conn: Connection,
    movement_id: int,
    event_id: UUID,
    code: str,
    *,
    actor: str,
    place_id: int | None,
    now: datetime,
) -> None:
    """Once, however often it is tried under the same id."""
    log.warning("breach", code=code)
    await conn.execute(
        """
        INSERT INTO closedloop.breach (movement_id, event_id, code, actor, place_id, tried_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
        """,
        movement_id,
        event_id,
        code,
        actor,
        place_id,
        now,
    )


async def breaches_since(
    conn: Connection, since: datetime, *, district: str | None = None, limit: int = 50
) -> list[Breach]:
    """The newest first: what was asked for and refused, and what devices showed by themselves."""
    rows = await conn.fetch(
        f"""
        SELECT t.movement_id, t.event_id, t.code, t.actor, t.tried_at, m.plate,
               coalesce(p.name, '') AS place
          FROM (SELECT movement_id, event_id, code, actor, place_id, tried_at
                  FROM closedloop.breach WHERE tried_at >= $1
                UNION ALL
                SELECT movement_id, event_id,
                       CASE WHEN body -> 'flags' ? 'white_against_rules'
                            THEN 'white_against_rules' ELSE 'hold_without_source' END,
                       actor, place_id, received_at
                  FROM registry.event
                 WHERE received_at >= $1
                   AND body -> 'flags' ?| ARRAY['white_against_rules', 'hold_without_source']) t
          JOIN registry.movement m ON m.movement_id = t.movement_id
          JOIN closedloop.loop l ON l.movement_id = t.movement_id
          LEFT JOIN registry.place p ON p.id = coalesce(t.place_id, l.entry_place_id)
         WHERE {touches_district("$2")}
         ORDER BY t.tried_at DESC, t.event_id LIMIT $3
        """,
        since,
        district,
        limit,
    )
    return [convert(dict(row), Breach) for row in rows]


async def today(conn: Connection, midnight: datetime, *, district: str | None = None) -> Today:
    """Of one district, or of all."""
    row = await conn.fetchrow(
        f"""
        SELECT (SELECT count(*) FROM registry.event e
                  JOIN registry.movement m ON m.movement_id = e.movement_id
                  JOIN closedloop.loop l ON l.movement_id = e.movement_id
                 WHERE e.received_at >= $1
                   AND (e.body ->> 'card' = 'white' OR e.body ->> 'outcome' = 'turn_back')
                   AND {touches_district("$2")}) AS turned_back,
               (SELECT count(*) FROM closedloop.loop l
                  JOIN registry.movement m ON m.movement_id = l.movement_id
                 WHERE l.state = 'held' AND {touches_district("$2")}
                   AND coalesce(btrim(l.view -> 'hold' ->> 'source'), '') = '') AS without_source
        """,
        midnight,
        district,
    )
    return convert(dict(row or {}), Today)
