"""Stored evidence: what is known of whom, and its copy on the people of open movements."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from kernel.db import Connection
from registry.model import Proof
from registry.rules import About, EvidenceKind

#: A movement whose window is over for so long is looked at by nobody at a gate.
STILL_OPEN = timedelta(days=7)
#: So many rows take a fraction of the time that one statement may take.
CHUNK = 10_000


class Fact(Struct, frozen=True, kw_only=True):
    """One sound row: `subject` is the blind index of a document's number, or a truck's."""

    line: int
    subject: bytes
    value: str
    taken_at: datetime
    reference: str
    valid_until: datetime | None = None


async def evidence_of(conn: Connection, subjects: Sequence[bytes]) -> dict[bytes, dict[str, Proof]]:
    """Subject → kind → the newest evidence; subjects of whom nothing is known are left out."""
    rows = await conn.fetch(
        """
        SELECT DISTINCT ON (subject, kind) subject, kind, value, taken_at, source, reference,
               valid_until
          FROM registry.evidence WHERE subject = ANY($1)
         ORDER BY subject, kind, taken_at DESC, source
        """,
        list(subjects),
    )
    found: dict[bytes, dict[str, Proof]] = {}
    for row in rows:
        found.setdefault(row["subject"], {})[row["kind"]] = Proof(
            value=row["value"],
            taken_at=row["taken_at"],
            source=row["source"],
            reference=row["reference"],
            until=row["valid_until"],
        )
    return found


def truck(plate: str) -> bytes:
    """The subject of evidence about a truck. Plates are stored plain, and so is this."""
    return b"plate:" + plate.encode()


async def evidence_about_truck(conn: Connection, plate: str) -> dict[str, Proof]:
    if not plate:
        return {}
    return (await evidence_of(conn, [truck(plate)])).get(truck(plate), {})


async def one_import_at_a_time(conn: Connection, kind: str, source: str) -> None:
    """Held until the transaction ends, so that what was compared is still so when it is stored."""
    await conn.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"evidence {kind} {source}"
    )


async def known_values(
    conn: Connection, kind: str, source: str, facts: Sequence[Fact]
) -> dict[tuple[bytes, datetime], str]:
    """(subject, taken_at) → the value that this source has given before.

    By a list of subjects and not by a join: while a first file is being stored the planner takes
    the table for empty, and a join would read all of it for each row.
    """
    rows = await conn.fetch(
        """
        SELECT subject, taken_at, value FROM registry.evidence
         WHERE subject = ANY($3) AND kind = $1 AND source = $2
        """,
        kind,
        source,
        [fact.subject for fact in facts],
    )
    return {(row["subject"], row["taken_at"]): row["value"] for row in rows}


async def store_facts(
    conn: Connection, kind: str, source: str, batch_id: UUID, facts: Sequence[Fact]
) -> None:
    await conn.execute(
        """
        INSERT INTO registry.evidence
               (kind, subject, taken_at, value, source, reference, batch_id, valid_until)
        SELECT $1, said.subject, said.taken_at, said.value, $2, said.reference, $3,
               said.valid_until
          FROM unnest($4::bytea[], $5::timestamptz[], $6::text[], $7::text[], $8::timestamptz[])
               AS said (subject, taken_at, value, reference, valid_until)
        ON CONFLICT DO NOTHING
        """,
        kind,
        source,
        batch_id,
        [fact.subject for fact in facts],
        [fact.taken_at for fact in facts],
        [fact.value for fact in facts],
        [fact.reference for fact in facts],
        [fact.valid_until for fact in facts],
    )


#: The newest evidence of the kind $1 about each of the subjects $2.
_NEWEST = """
    newest AS (
        SELECT DISTINCT ON (subject) subject,
               jsonb_build_object('value', value, 'taken_at', taken_at,
                                  'source', source, 'reference', reference,
                                  'until', valid_until) AS proof
          FROM registry.evidence WHERE kind = $1 AND subject = ANY($2)
         ORDER BY subject, taken_at DESC, source)"""


async def project(
    conn: Connection, kind: EvidenceKind, facts: Sequence[Fact], now: datetime
) -> None:
    """Copy the newest evidence of a kind onto open movements, of which a long list names few."""
    subjects = [fact.subject for fact in facts]
    if kind.about is About.VEHICLE:
        await _project_trucks(conn, kind.kind, subjects, now)
    else:
        await _project_people(conn, kind.kind, subjects, now)


async def _project_people(
    conn: Connection, kind: str, subjects: Sequence[bytes], now: datetime
) -> None:
    travelling = await _travelling(conn, subjects, now)
    if not travelling:
        return
    await conn.execute(
        f"""
        WITH {_NEWEST}
        UPDATE registry.movement_person p
           SET evidence = p.evidence || jsonb_build_object($1::text, newest.proof)
          FROM newest, registry.movement m
         WHERE p.subject = newest.subject AND m.movement_id = p.movement_id
           AND (m.window_to IS NULL OR m.window_to > $3)
           AND p.evidence -> $1::text IS DISTINCT FROM newest.proof
        """,
        kind,
        travelling,
        now - STILL_OPEN,
    )


async def _project_trucks(
    conn: Connection, kind: str, subjects: Sequence[bytes], now: datetime
) -> None:
    """By the plate that was reported."""
    await conn.execute(
        f"""
        WITH {_NEWEST}
        UPDATE registry.movement m
           SET vehicle = m.vehicle || jsonb_build_object($1::text, newest.proof)
          FROM newest, registry.plate_lookup l
         WHERE l.plate = convert_from(substring(newest.subject FROM 7), 'UTF8')
           AND m.movement_id = l.movement_id AND m.plate = l.plate
           AND (m.window_to IS NULL OR m.window_to > $3)
           AND m.vehicle -> $1::text IS DISTINCT FROM newest.proof
        """,
        kind,
        list(subjects),
        now - STILL_OPEN,
    )


async def references_of_others(
    conn: Connection, kind: str, facts: Sequence[Fact]
) -> dict[str, bytes]:
    """Reference → the subject to whom it was given first, of those that are named in `facts`."""
    rows = await conn.fetch(
        """
        SELECT DISTINCT ON (reference) reference, subject FROM registry.evidence
         WHERE kind = $1 AND reference = ANY($2) AND reference <> ''
         ORDER BY reference, taken_at, subject
        """,
        kind,
        [fact.reference for fact in facts],
    )
    return {row["reference"]: row["subject"] for row in rows}


async def _travelling(conn: Connection, subjects: Sequence[bytes], now: datetime) -> list[bytes]:
    """Those who are in an open movement: of a long list, a few."""
    rows = await conn.fetch(
        """
        SELECT DISTINCT p.subject
          FROM registry.movement_person p JOIN registry.movement m ON m.movement_id = p.movement_id
         WHERE p.subject = ANY($1) AND (m.window_to IS NULL OR m.window_to > $2)
        """,
        list(subjects),
        now - STILL_OPEN,
    )
    return [row["subject"] for row in rows]


async def refresh_source(conn: Connection, kind: str, source: str, as_of: datetime) -> None:
    """A source never grows older: yesterday's file sent today says nothing about today."""
    await conn.execute(
        """
        INSERT INTO registry.evidence_source AS s (kind, source, as_of) VALUES ($1, $2, $3)
        ON CONFLICT (kind, source) DO UPDATE SET as_of = greatest(s.as_of, excluded.as_of)
        """,
        kind,
        source,
        as_of,
    )


async def usual_source(conn: Connection, kind: str) -> str | None:
    """The source that was heard of last."""
    return await conn.fetchval(
        "SELECT source FROM registry.evidence_source WHERE kind = $1 ORDER BY as_of DESC LIMIT 1",
        kind,
    )
