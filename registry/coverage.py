"""The ledger of places that should have a code: its rows, where each is from, and its history."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID, uuid4

from msgspec import Struct, convert

from kernel.db import Connection
from kernel.errors import NotFound
from registry.coverage_rows import key_of
from registry.lookalikes import ADDRESS_LIKE, NAME_LIKE
from registry.scope import within

#: The list under which a registered place stands that nobody's list names.
OWN_SOURCE = "registered here"
MOST_CANDIDATES = 5


class DueRow(Struct, frozen=True, kw_only=True):
    """`source`, `office` and `as_of`: who says that it should have a code."""

    id: int
    name: str
    credit_code: str
    district_code: str
    district: str
    street: str
    trade: str
    address: str
    place_id: int | None
    place: str
    matched_by: str
    struck_at: datetime | None
    source: str
    office: str
    as_of: date


class Source(Struct, frozen=True, kw_only=True):
    """`rows` counts what this list was the last to name."""

    id: UUID
    source: str
    office: str
    as_of: date
    imported_at: datetime
    refused: int
    rows: int


class DueChange(Struct, frozen=True, kw_only=True):
    kind: str
    before: str
    after: str
    reason: str
    actor_name: str
    at: datetime


class Alike(Struct, frozen=True, kw_only=True):
    """A registered place without a row, that may be the one."""

    place_id: int
    name: str
    address: str


async def due_row(conn: Connection, due_id: int, district: str | None = None) -> DueRow:
    """`district` is the actor's own. Raises NotFound `unknown_due`."""
    row = await conn.fetchrow(
        f"""
        SELECT d.id, d.name, d.credit_code, d.district_code, t.name AS district, d.street, d.trade,
               d.address, d.place_id, coalesce(p.name, '') AS place, d.matched_by, d.struck_at,
               l.source, l.office, l.as_of
          FROM registry.due_place d
          JOIN registry.district t ON t.code = d.district_code
          JOIN registry.coverage_list l ON l.id = d.list_id
          LEFT JOIN registry.place p ON p.id = d.place_id
         WHERE d.id = $1 AND {within("d.district_code", 2)}
        """,
        due_id,
        district,
    )
    if row is None:
        raise NotFound("unknown_due", due_id=due_id)
    return convert(dict(row), DueRow)


async def sources(conn: Connection, district: str | None = None) -> list[Source]:
    """Lists that still stand behind a row, the newest first."""
    rows = await conn.fetch(
        f"""
        SELECT l.id, l.source, l.office, l.as_of, l.imported_at, l.refused, n.rows
          FROM registry.coverage_list l
          JOIN (SELECT d.list_id, count(*) AS rows FROM registry.due_place d
                 WHERE d.struck_at IS NULL AND {within("d.district_code", 1)}
                 GROUP BY d.list_id) n ON n.list_id = l.id
         ORDER BY l.imported_at DESC, l.id
        """,
        district,
    )
    return [convert(dict(row), Source) for row in rows]


async def changes_of(conn: Connection, due_id: int) -> list[DueChange]:
    """The newest first."""
    rows = await conn.fetch(
        """
        SELECT c.kind, c.before, c.after, c.reason, coalesce(a.name, '') AS actor_name, c.at
          FROM registry.due_change c LEFT JOIN registry.account a ON a.id = c.actor_id
         WHERE c.due_id = $1 ORDER BY c.at DESC, c.id
        """,
        due_id,
    )
    return [convert(dict(row), DueChange) for row in rows]


async def candidates(conn: Connection, due_id: int) -> list[Alike]:
    """Registered places with a name or an address like it, the likest first."""
    rows = await conn.fetch(
        f"""
        SELECT p.id AS place_id, p.name, p.address
          FROM registry.due_place d JOIN registry.place p
            ON p.district_code || '' = d.district_code AND p.status <> 'revoked'
               AND (p.name_key OPERATOR(public.%) d.name_key
                    OR p.address_key OPERATOR(public.%) d.address_key)
         WHERE d.id = $1
           AND NOT EXISTS (SELECT 1 FROM registry.due_place o WHERE o.place_id = p.id)
           AND (public.similarity(p.name_key, d.name_key) >= {NAME_LIKE}
                OR public.similarity(p.address_key, d.address_key) >= {ADDRESS_LIKE})
         ORDER BY public.similarity(p.name_key, d.name_key)
                  + public.similarity(p.address_key, d.address_key) DESC, p.id LIMIT $2
        """,
        due_id,
        MOST_CANDIDATES,
    )
    return [convert(dict(row), Alike) for row in rows]


async def row_of_place(
    conn: Connection, place_id: int, now: datetime, district: str | None = None
) -> int:
    """The row of a registered place; where no list names it, it gets one whose source is the
    record itself. Raises NotFound `unknown_place`.
    """
    place = await conn.fetchrow(
        f"""
        SELECT p.name, p.district_code, p.address, p.credit_code FROM registry.place p
         WHERE p.id = $1 AND {within("p.district_code", 2)} FOR UPDATE
        """,
        place_id,
        district,
    )
    if place is None:
        raise NotFound("unknown_place", place_id=place_id)
    known = await conn.fetchval("SELECT id FROM registry.due_place WHERE place_id = $1", place_id)
    if known is not None:
        return known
    said = (place["credit_code"], place["district_code"], place["name"], place["address"])
    return await conn.fetchval(
        """
        INSERT INTO registry.due_place AS d
               (key, list_id, credit_code, district_code, name, address, place_id, matched_by,
                created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'own', $8)
        ON CONFLICT ON CONSTRAINT due_place_once
        DO UPDATE SET place_id = coalesce(d.place_id, excluded.place_id) RETURNING id
        """,
        key_of(*said),
        await _own_list(conn, now),
        *said,
        place_id,
        now,
    )


async def _own_list(conn: Connection, now: datetime) -> UUID:
    known = await conn.fetchval(
        "SELECT id FROM registry.coverage_list WHERE source = $1 ORDER BY imported_at LIMIT 1",
        OWN_SOURCE,
    )
    return known or await conn.fetchval(
        """
        INSERT INTO registry.coverage_list
               (id, source, office, as_of, accepted, changed, repeated, refused, imported_at)
        VALUES ($1, $2, '', $3, 0, 0, 0, 0, $4) RETURNING id
        """,
        uuid4(),
        OWN_SOURCE,
        now.date(),
        now,
    )


async def streets(conn: Connection, district: str | None = None) -> Sequence[str]:
    """The street offices of the ledger, for choosing."""
    rows = await conn.fetch(
        f"""
        SELECT DISTINCT d.street FROM registry.due_place d
         WHERE d.struck_at IS NULL AND d.street <> '' AND {within("d.district_code", 1)}
         ORDER BY d.street
        """,
        district,
    )
    return [row["street"] for row in rows]
