"""The questions about holds."""

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from closedloop.model import Hold
from kernel.db import Connection
from registry.ledger import receipts_of
from registry.scope import touches_district


class Held(Struct, frozen=True, kw_only=True):
    """A hold that stands, with the truck that it holds. Names are masked."""

    movement_id: int
    plate: str
    people: tuple[str, ...]
    place_id: int | None
    hold: Hold


class EndedHold(Struct, frozen=True, kw_only=True):
    """`kind`: hold_released or transferred."""

    movement_id: int
    hold_id: UUID | None
    plate: str
    kind: str
    why: str
    at: datetime


async def standing_holds(
    conn: Connection,
    *,
    place_id: int | None = None,
    receiver_id: int | None = None,
    district: str | None = None,
    limit: int = 200,
) -> list[Held]:
    """The longest held first. Of one checkpoint, of those that a body is asked to take over, of
    one district, or all.
    """
    rows = await conn.fetch(
        f"""
        SELECT l.movement_id, m.plate, l.entry_place_id AS place_id, l.view -> 'hold' AS hold,
               ARRAY(SELECT s.masked_name FROM registry.movement_person s
                      WHERE s.movement_id = l.movement_id ORDER BY s.ordinal) AS people
          FROM closedloop.loop l JOIN registry.movement m ON m.movement_id = l.movement_id
         WHERE l.state = 'held' AND ($1::bigint IS NULL OR l.entry_place_id = $1)
           AND ($2::bigint IS NULL OR (l.view -> 'hold' ->> 'receiver_id')::bigint = $2)
           AND {touches_district("$3")}
         ORDER BY (l.view -> 'hold' ->> 'since')::timestamptz, l.movement_id LIMIT $4
        """,
        place_id,
        receiver_id,
        district,
        limit,
    )
    return [msgspec.convert(dict(row), Held) for row in rows]


async def holds_ended_since(
    conn: Connection, since: datetime, *, place_id: int | None, district: str | None
) -> list[EndedHold]:
    """The last ended first."""
    rows = await conn.fetch(
        f"""
        SELECT e.movement_id, e.body ->> 'hold' AS hold_id, m.plate, e.kind, e.occurred_at AS at,
               coalesce(e.body ->> 'reason', '') AS why
          FROM registry.event e
          JOIN registry.movement m ON m.movement_id = e.movement_id
          JOIN closedloop.loop l ON l.movement_id = e.movement_id
         WHERE e.kind IN ('hold_released', 'transferred') AND e.received_at >= $1
           AND ($2::bigint IS NULL OR l.entry_place_id = $2) AND {touches_district("$3")}
         ORDER BY e.received_at DESC, e.event_id LIMIT 100
        """,
        since,
        place_id,
        district,
    )
    return [msgspec.convert(dict(row), EndedHold) for row in rows]


async def movement_of_hold(conn: Connection, hold_id: UUID) -> int | None:
    """A hold has the id of the event that began it."""
    found = (await receipts_of(conn, [hold_id])).get(hold_id)
    return None if found is None else found[1]


async def names_of(conn: Connection, actors: set[str]) -> dict[str, str]:
    """`account:…` and `device:…` → the name of that account or device."""
    ids = [actor.partition(":")[2] for actor in actors if ":" in actor]
    rows = await conn.fetch(
        """
        SELECT 'account:' || id AS actor, name FROM registry.account WHERE id = ANY($1::uuid[])
        UNION ALL
        SELECT 'device:' || id, name FROM registry.device WHERE id = ANY($1::uuid[])
        """,
        ids,
    )
    return {row["actor"]: row["name"] for row in rows}
