"""What the record knew at a time: evidence and lists as they had been imported by then."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from kernel.db import Connection
from registry.model import Proof
from registry.rules import Mode, RuleSet


class Fact(Struct, frozen=True, kw_only=True):
    kind: str
    proof: Proof
    imported_at: datetime


class SourceHistory(Struct, frozen=True, kw_only=True):
    """`known[n]` holds from `times[n - 1]` on: kind → up to when it was complete."""

    times: Sequence[datetime]
    known: Sequence[Mapping[str, datetime]]

    def at(self, when: datetime) -> Mapping[str, datetime]:
        return self.known[bisect_right(self.times, when)]


async def source_history(conn: Connection, rules: RuleSet) -> SourceHistory:
    """From the imports; of a source that came without one, its last word counts from then on."""
    rows = await conn.fetch(
        """
        SELECT kind, source, as_of, refused, imported_at AS known_at FROM registry.evidence_batch
        UNION ALL
        SELECT s.kind, s.source, s.as_of, 0, s.as_of FROM registry.evidence_source s
         WHERE NOT EXISTS (SELECT 1 FROM registry.evidence_batch b
                            WHERE b.kind = s.kind AND b.source = s.source)
         ORDER BY known_at
        """
    )
    lists = {kind.kind for kind in rules.evidence if kind.mode is Mode.LIST}
    by_source: dict[tuple[str, str], datetime] = {}
    times: list[datetime] = []
    known: list[dict[str, datetime]] = [{}]
    for row in rows:
        if row["kind"] in lists and row["refused"]:
            continue  # a list with a row missing clears nobody anew
        key = (row["kind"], row["source"])
        by_source[key] = max(row["as_of"], by_source.get(key, row["as_of"]))
        times.append(row["known_at"])
        known.append(_oldest(by_source))
    return SourceHistory(times=times, known=known)


def _oldest(by_source: Mapping[tuple[str, str], datetime]) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for (kind, _), as_of in by_source.items():
        found[kind] = min(as_of, found.get(kind, as_of))
    return found


async def subjects_of(
    conn: Connection, movement_ids: Sequence[int]
) -> dict[tuple[int, int], bytes]:
    """(movement, ordinal) → subject; empty where the person was erased."""
    rows = await conn.fetch(
        """
        SELECT movement_id, ordinal, subject FROM registry.movement_person
         WHERE movement_id = ANY($1)
        """,
        movement_ids,
    )
    return {(row["movement_id"], row["ordinal"]): row["subject"] for row in rows}


async def facts_of(conn: Connection, subjects: Sequence[bytes]) -> dict[bytes, list[Fact]]:
    """All that was ever imported about each, so that of one kind the later in the list counts."""
    rows = await conn.fetch(
        """
        SELECT e.subject, e.kind, e.value, e.taken_at, e.source, e.reference,
               e.valid_until, b.imported_at
          FROM registry.evidence e JOIN registry.evidence_batch b ON b.id = e.batch_id
         WHERE e.subject = ANY($1) ORDER BY e.taken_at, e.source DESC
        """,
        subjects,
    )
    found: dict[bytes, list[Fact]] = {}
    for row in rows:
        proof = Proof(
            value=row["value"],
            taken_at=row["taken_at"],
            source=row["source"],
            reference=row["reference"],
            until=row["valid_until"],
        )
        fact = Fact(kind=row["kind"], proof=proof, imported_at=row["imported_at"])
        found.setdefault(row["subject"], []).append(fact)
    return found
