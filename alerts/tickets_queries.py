"""The questions asked of work items."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, convert

from alerts.tickets_model import Ticket
from alerts.tickets_units import Scope, seen_by
from kernel.db import Connection

COLUMNS = ", ".join(f"t.{name}" for name in Ticket.__struct_fields__)
#: SQL: the urgency of ticket `t` at $1, one step more for each $2 minutes (a test holds it together
#: with `tickets_model.urgency`).
URGENCY = """greatest(1, t.priority
    - floor(greatest(extract(epoch FROM $1::timestamptz - t.received_at), 0) / ($2 * 60))::int)"""
ORDER = f"""coalesce(t.not_before > $1, false), NOT (t.due_at < $1), {URGENCY}, t.crowded,
            t.received_at, t.id"""


class Row(Struct, frozen=True, kw_only=True):
    """One line of the list, with the names that it is shown with."""

    ticket: Ticket
    urgency: int
    owner: str
    place: str
    district: str


class Asked(Struct, frozen=True, kw_only=True):
    """What a list is narrowed to; empty means all."""

    kind: str = ""
    state: str = ""
    unit: str = ""


async def queue(
    conn: Connection,
    scope: Scope,
    now: datetime,
    ageing_minutes: int,
    *,
    asked: Asked | None = None,
    limit: int = 200,
    skip: int = 0,
) -> list[Row]:
    """What is open: late steps first, then by urgency and age; what was put off, last."""
    asked = asked or Asked()
    rows = await conn.fetch(
        f"""
        SELECT {COLUMNS}, {URGENCY} AS urgency,
               CASE WHEN t.claimed_until > $1 THEN coalesce(a.name, '') ELSE '' END AS owner,
               coalesce(p.name, '') AS place,
               coalesce(d.name, '') AS district
          FROM alerts.ticket t
          LEFT JOIN registry.account a ON a.id = t.claimed_by
          LEFT JOIN registry.place p ON p.id = t.unit_place_id
          LEFT JOIN registry.district d
            ON d.code = coalesce(nullif(t.unit_district, ''), t.district_code)
         WHERE t.finished_at IS NULL AND {seen_by(3)}
           AND ($7 = '' OR t.kind = $7) AND ($8 = '' OR t.state = $8)
           AND ($9 = '' OR t.unit_kind = $9)
         ORDER BY {ORDER} LIMIT $10 OFFSET $11
        """,
        now,
        ageing_minutes,
        *scope.arguments(),
        asked.kind,
        asked.state,
        asked.unit,
        limit,
        skip,
    )
    return [_row(dict(row)) for row in rows]


def _row(row: dict[str, Any]) -> Row:
    fields = {name: row[name] for name in Ticket.__struct_fields__}
    return Row(
        ticket=convert(fields, Ticket),
        urgency=row["urgency"],
        owner=row["owner"],
        place=row["place"],
        district=row["district"],
    )


async def find_ticket(conn: Connection, ticket_id: UUID, scope: Scope) -> Ticket | None:
    row = await conn.fetchrow(
        f"SELECT {COLUMNS} FROM alerts.ticket t WHERE t.id = $1 AND {seen_by(2)}",
        ticket_id,
        *scope.arguments(),
    )
    return None if row is None else convert(dict(row), Ticket)


async def ticket_numbered(conn: Connection, number: str) -> Ticket | None:
    row = await conn.fetchrow(f"SELECT {COLUMNS} FROM alerts.ticket t WHERE t.number = $1", number)
    return None if row is None else convert(dict(row), Ticket)


class Step(Struct, frozen=True, kw_only=True):
    """One line of the history; `who` is a name, or empty where it was no account."""

    sequence: int
    event_id: UUID
    act: str
    state: str
    due_at: datetime | None
    late: bool
    actor: str
    who: str
    body: dict[str, Any]
    at: datetime


async def history(conn: Connection, ticket_id: UUID) -> list[Step]:
    rows = await conn.fetch(
        """
        SELECT e.sequence, e.event_id, e.act, e.state, e.due_at, e.late, e.actor,
               coalesce(a.name, '') AS who, e.body, e.at
          FROM alerts.ticket_event e
          LEFT JOIN registry.account a ON 'account:' || a.id = e.actor
         WHERE e.ticket_id = $1 ORDER BY e.sequence
        """,
        ticket_id,
    )
    return [convert(dict(row), Step) for row in rows]


async def finished(conn: Connection, scope: Scope, since: datetime, limit: int) -> list[Ticket]:
    """What was ended since, the newest first."""
    rows = await conn.fetch(
        f"""
        SELECT {COLUMNS} FROM alerts.ticket t
         WHERE t.finished_at >= $1 AND {seen_by(2)} ORDER BY t.finished_at DESC, t.id LIMIT $6
        """,
        since,
        *scope.arguments(),
        limit,
    )
    return [convert(dict(row), Ticket) for row in rows]


class Load(Struct, frozen=True, kw_only=True):
    """Open items of one unit in one band of age (0 to 3); `late` of them behind their step."""

    unit: str
    band: int
    n: int
    late: int


async def load(conn: Connection, scope: Scope, now: datetime, bands: Sequence[int]) -> list[Load]:
    """By kind of unit; `bands`: minutes from which each band but the first begins."""
    rows = await conn.fetch(
        f"""
        SELECT t.unit_kind AS unit,
               (SELECT count(*) FROM unnest($2::int[]) AS b (start)
                 WHERE t.received_at + b.start * interval '1 minute' <= $1) AS band,
               count(*) AS n, count(*) FILTER (WHERE t.due_at < $1) AS late
          FROM alerts.ticket t
         WHERE t.finished_at IS NULL AND {seen_by(3)}
         GROUP BY 1, 2 ORDER BY 1, 2
        """,
        now,
        list(bands),
        *scope.arguments(),
    )
    return [convert(dict(row), Load) for row in rows]


async def seats_taken(conn: Connection, now: datetime) -> int:
    """Officers who have claimed a call now."""
    return await conn.fetchval(
        """
        SELECT count(DISTINCT claimed_by) FROM alerts.ticket
         WHERE finished_at IS NULL AND claimed_until > $1 AND kind = 'screening'
        """,
        now,
    )
