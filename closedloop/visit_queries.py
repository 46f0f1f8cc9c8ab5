"""Reading and writing visits, for many at once; and what a venue's screen shows of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from closedloop.visit_model import Coming, Way
from kernel.db import Connection
from registry.model import Proof
from registry.visit_judge import Finding, Shown


class Known(Struct, frozen=True, kw_only=True):
    """A visit that is stored under the id already."""

    body_hash: bytes
    shown: Shown
    reasons: tuple[Finding, ...]
    visited_at: datetime
    masked_name: str
    person_id: UUID | None


class Whom(Struct, frozen=True, kw_only=True):
    """What the record knows of whoever comes; all empty of a stranger."""

    known: Known | None
    person_id: UUID | None
    name_sealed: bytes | None
    address_sealed: bytes | None
    declared: dict[str, bool]
    evidence: dict[str, Proof]


class Listed(Struct, frozen=True, kw_only=True):
    """One row of the venue's screen."""

    id: UUID
    gate: str
    masked_name: str
    relation: str
    way: Way
    shown: Shown
    reasons: tuple[Finding, ...]
    visited_at: datetime
    offline: bool
    reported_at: datetime | None


READ = """
    SELECT (SELECT number FROM registry.epoch) AS epoch, v.body_hash, v.shown, v.reasons,
           v.visited_at, v.masked_name, coalesce(v.person_id, v.guardian_id) AS visited_by,
           p.id AS person_id, p.name_sealed, r.address_sealed, r.declared,
           (SELECT jsonb_object_agg(newest.kind, newest.proof)
              FROM (SELECT DISTINCT ON (e.kind) e.kind,
                           jsonb_build_object('value', e.value, 'taken_at', e.taken_at,
                                              'source', e.source, 'reference', e.reference,
                                              'until', e.valid_until) AS proof
                      FROM registry.evidence e WHERE e.subject = coalesce(p.id_blind, s.subject)
                     ORDER BY e.kind, e.taken_at DESC, e.source) newest) AS evidence
      FROM unnest($1::uuid[], $2::uuid[], $3::bytea[]) WITH ORDINALITY
           AS s (id, person_id, subject, place)
      LEFT JOIN closedloop.visit v ON v.id = s.id
      LEFT JOIN LATERAL (
           SELECT id, id_blind, name_sealed FROM registry.person
            WHERE id = s.person_id AND erased_at IS NULL
           UNION ALL
           SELECT id, id_blind, name_sealed FROM registry.person
            WHERE s.person_id IS NULL AND id_blind = s.subject
           LIMIT 1) p ON true
      LEFT JOIN registry.visitor r ON r.person_id = p.id AND r.held
     ORDER BY s.place
"""


async def read_whom(conn: Connection, coming: Sequence[Coming]) -> tuple[int, list[Whom]]:
    """The epoch of the memory, and for each who comes what is known of them, in that order."""
    rows = await conn.fetch(
        READ,
        [each.id for each in coming],
        [each.person_id for each in coming],
        [each.document.subject if each.document else None for each in coming],
    )
    return rows[0]["epoch"], [_whom(row) for row in rows]


def _whom(row: Any) -> Whom:  # noqa: ANN401 - a row of the database
    known = None
    if row["body_hash"] is not None:
        known = Known(
            body_hash=row["body_hash"],
            shown=row["shown"],
            reasons=_findings(row["reasons"]),
            visited_at=row["visited_at"],
            masked_name=row["masked_name"],
            person_id=row["visited_by"],
        )
    return Whom(
        known=known,
        person_id=row["person_id"],
        name_sealed=row["name_sealed"],
        address_sealed=row["address_sealed"],
        declared=row["declared"] or {},
        evidence=msgspec.convert(row["evidence"] or {}, dict[str, Proof]),
    )


def _findings(said: object) -> tuple[Finding, ...]:
    return msgspec.convert(said, tuple[Finding, ...])


class Visit(Struct, frozen=True, kw_only=True):
    """A row to be stored: who comes, and what was found."""

    coming: Coming
    person_id: UUID
    masked_name: str
    shown: Shown
    findings: tuple[Finding, ...]


async def insert_visits(conn: Connection, visits: Sequence[Visit], now: datetime) -> set[UUID]:
    """The ids that are stored now; one that was stored meanwhile is left as it is."""
    child = [bool(each.coming.relation) for each in visits]
    rows = await conn.fetch(
        """
        INSERT INTO closedloop.visit
               (id, body_hash, place_id, gate, person_id, guardian_id, masked_name, relation, way,
                shown, reasons, visited_at, received_at, uncertainty_ms, offline, own, actor)
        SELECT id, body_hash, place_id, gate, person_id, guardian_id, masked_name, relation, way,
               shown, reasons::jsonb, visited_at, $16, uncertainty_ms, offline, own, actor
          FROM unnest($1::uuid[], $2::bytea[], $3::bigint[], $4::text[], $5::uuid[], $6::uuid[],
                      $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
                      $12::timestamptz[], $13::int[], $14::boolean[], $15::boolean[],
                      $17::text[])
               AS said (id, body_hash, place_id, gate, person_id, guardian_id, masked_name,
                        relation, way, shown, reasons, visited_at, uncertainty_ms, offline, own,
                        actor)
        ON CONFLICT (id) DO NOTHING RETURNING id
        """,
        [each.coming.id for each in visits],
        [each.coming.digest for each in visits],
        [each.coming.place_id for each in visits],
        [each.coming.gate for each in visits],
        [
            None if is_child else each.person_id
            for each, is_child in zip(visits, child, strict=True)
        ],
        [
            each.person_id if is_child else None
            for each, is_child in zip(visits, child, strict=True)
        ],
        [each.masked_name for each in visits],
        [each.coming.relation for each in visits],
        [each.coming.way for each in visits],
        [each.shown for each in visits],
        [msgspec.json.encode(each.findings).decode() for each in visits],
        [each.coming.at for each in visits],
        [each.coming.uncertainty_ms for each in visits],
        [each.coming.offline for each in visits],
        [each.coming.own for each in visits],
        now,
        [each.coming.actor for each in visits],
    )
    return {row["id"] for row in rows}


#: A screen looks back so far; whoever came earlier is no visitor at the door any more.
SCREEN = timedelta(hours=12)
MOST_ON_SCREEN = 30


async def on_screen(conn: Connection, place_id: int, gate: str, now: datetime) -> list[Listed]:
    """The last visitors of a place, or of one of its doors; the newest first."""
    rows = await conn.fetch(
        """
        SELECT v.id, v.gate, v.masked_name, v.relation, v.way, v.shown, v.reasons, v.visited_at,
               v.offline, r.reported_at
          FROM closedloop.visit v LEFT JOIN closedloop.visit_report r ON r.visit_id = v.id
         WHERE v.place_id = $1 AND v.visited_at > $2 AND v.visited_at <= $3
           AND ($4::text = '' OR v.gate = $4 OR v.gate = '')
         ORDER BY v.visited_at DESC LIMIT $5
        """,
        place_id,
        now - SCREEN,
        now,
        gate,
        MOST_ON_SCREEN,
    )
    return [msgspec.convert(dict(row), Listed) for row in rows]


async def find_visit(conn: Connection, visit_id: UUID, place_id: int) -> Listed | None:
    """Of that place; another's is not there."""
    row = await conn.fetchrow(
        """
        SELECT v.id, v.gate, v.masked_name, v.relation, v.way, v.shown, v.reasons, v.visited_at,
               v.offline, r.reported_at
          FROM closedloop.visit v LEFT JOIN closedloop.visit_report r ON r.visit_id = v.id
         WHERE v.id = $1 AND v.place_id = $2
        """,
        visit_id,
        place_id,
    )
    return None if row is None else msgspec.convert(dict(row), Listed)


async def insert_report(
    conn: Connection, visit_id: UUID, place_id: int, actor: str, now: datetime
) -> bool:
    """False where it was reported before."""
    made = await conn.fetchval(
        """
        INSERT INTO closedloop.visit_report (visit_id, place_id, reported_at, actor)
        VALUES ($1, $2, $3, $4) ON CONFLICT (visit_id) DO NOTHING RETURNING true
        """,
        visit_id,
        place_id,
        now,
        actor,
    )
    return bool(made)


async def carded(conn: Connection, visit_id: UUID, place_id: int, since: datetime) -> UUID | None:
    """Whose document the staff of a place have seen lately; a child has none of its own."""
    return await conn.fetchval(
        """
        SELECT person_id FROM closedloop.visit
         WHERE id = $1 AND place_id = $2 AND received_at >= $3 AND NOT offline
           AND way IN ('id_card', 'assisted')
        """,
        visit_id,
        place_id,
        since,
    )


async def visits_of(conn: Connection, person_id: UUID) -> list[dict[str, Any]]:
    """A person's visits, for that person; the newest first. Those that staff wrote down are shown
    once the document was seen (see `registry.holders`).
    """
    rows = await conn.fetch(
        """
        SELECT v.place_id, v.gate, v.way, v.visited_at FROM closedloop.visit v
          JOIN registry.person p ON p.id = v.person_id
         WHERE v.person_id = $1 AND (v.own OR p.verified_at IS NOT NULL)
         ORDER BY v.visited_at DESC
        """,
        person_id,
    )
    return [dict(row) for row in rows]
