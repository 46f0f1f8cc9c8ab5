"""Importing evidence: a file of rows, judged row by row, tried first if wished.

Kinds and values are the rule set's. A row that is refused never spoils the others. No result
carries a number or the content of a cell.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID, uuid4

from msgspec import Struct
from msgspec.structs import replace

from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import NotFound, Unprocessable
from kernel.privacy import Vault
from registry.areas import read_areas, store_areas
from registry.evidence import (
    CHUNK,
    Fact,
    evidence_of,
    known_values,
    one_import_at_a_time,
    project,
    references_of_others,
    refresh_source,
    store_facts,
)
from registry.import_rows import (
    CLOCK_SKEW,
    AreaRow,
    Asked,
    Read,
    RowResult,
    aware,
    read_file,
)
from registry.model import Area
from registry.rules import About, Mode, RuleSet

__all__ = ["ImportReport", "RowResult", "evidence_of", "import_evidence"]

LONGEST_SOURCE = 100
_Of = TypeVar("_Of", Fact, AreaRow)


class ImportReport(Struct, frozen=True, kw_only=True):
    """`fresh` tells whether the source counts as complete up to `as_of` from now on."""

    kind: str
    source: str
    as_of: datetime
    dry_run: bool
    accepted: int
    repeated: int
    refused: int
    fresh: bool
    rows: tuple[RowResult, ...]
    batch_id: UUID | None = None


async def import_evidence(
    conn: Connection,
    vault: Vault,
    rules: RuleSet,
    kind: str,
    data: bytes,
    content_type: str,
    *,
    source: str,
    as_of: datetime | None,
    dry_run: bool,
    actor: Actor | None,
    now: datetime,
) -> ImportReport:
    """The same report for a trial and for the import itself; a trial writes nothing.

    `as_of` is the hour up to which the source is complete; now if not given, local if naive.
    Raises NotFound `unknown_evidence_kind`; Unprocessable `source_needed`, `source_too_long`,
    `as_of_future`; and what `read_rows` raises about the whole file.
    """
    asked = _request(rules, kind, source, as_of, now)
    # Many thousands of keyed hashes: other requests must not wait for them.
    read = await asyncio.to_thread(read_file, vault, asked, data, content_type)
    await one_import_at_a_time(conn, kind, asked.source)
    if asked.kind.about is About.AREA:
        results = tuple(_settle_areas(read, await read_areas(conn)))
    else:
        results = tuple(await _settle(conn, asked, read))
    report = _report(asked, results, dry_run=dry_run)
    return report if dry_run else await _store(conn, asked, report, read, actor)


def _request(
    rules: RuleSet, kind: str, source: str, as_of: datetime | None, now: datetime
) -> Asked:
    found = rules.kind(kind)
    if found is None:
        raise NotFound("unknown_evidence_kind", known=[each.kind for each in rules.evidence])
    source = source.strip()
    if not source:
        raise Unprocessable("source_needed")
    if len(source) > LONGEST_SOURCE:
        raise Unprocessable("source_too_long", most=LONGEST_SOURCE)
    complete = aware(as_of or now)
    if complete > now + CLOCK_SKEW:
        raise Unprocessable("as_of_future")
    return Asked(kind=found, source=source, as_of=complete, now=now)


async def _settle(conn: Connection, asked: Asked, read: Sequence[Read]) -> list[RowResult]:
    """What a source has said about one subject at one time stands: it is repeated, not changed."""
    facts = [each for each in read if isinstance(each, Fact)]
    known: dict[tuple[bytes, datetime], str] = {}
    holders: dict[str, bytes] = {}
    for start in range(0, len(facts), CHUNK):
        chunk = facts[start : start + CHUNK]
        known |= await known_values(conn, asked.kind.kind, asked.source, chunk)
        if asked.kind.single:
            holders |= await references_of_others(conn, asked.kind.kind, chunk)
    return list(_results(asked, read, known, holders))


def _results(
    asked: Asked,
    read: Iterable[Read],
    known: dict[tuple[bytes, datetime], str],
    holders: dict[str, bytes],
) -> Iterable[RowResult]:
    for each in read:
        if not isinstance(each, Fact):
            yield each if isinstance(each, RowResult) else _refused(each.line, "internal")
            continue
        holder = holders.setdefault(each.reference, each.subject) if asked.kind.single else None
        before = known.setdefault((each.subject, each.taken_at), "")
        if holder not in {None, each.subject}:
            yield _refused(each.line, "reference_of_another")
        elif not before:
            known[each.subject, each.taken_at] = each.value
            yield RowResult(line=each.line, status="accepted")
        elif before == each.value:
            yield RowResult(line=each.line, status="repeated")
        else:
            yield _refused(each.line, "evidence_contradicts")


def _refused(line: int, code: str) -> RowResult:
    return RowResult(line=line, status="refused", code=code)


def _settle_areas(read: Iterable[Read], known: Iterable[Area]) -> Iterable[RowResult]:
    """The same area with the same beginning may get another end, level or extent."""
    before = set(known)
    for each in read:
        if not isinstance(each, AreaRow):
            yield each if isinstance(each, RowResult) else _refused(each.line, "internal")
            continue
        yield RowResult(line=each.line, status="repeated" if each.area in before else "accepted")
        before.add(each.area)


def _taken(read: Iterable[Read], rows: Iterable[RowResult], of: type[_Of]) -> list[_Of]:
    lines = {row.line for row in rows if row.status == "accepted"}
    return [each for each in read if isinstance(each, of) and each.line in lines]


def _report(asked: Asked, rows: tuple[RowResult, ...], *, dry_run: bool) -> ImportReport:
    counts = Counter(row.status for row in rows)
    return ImportReport(
        kind=asked.kind.kind,
        source=asked.source,
        as_of=asked.as_of,
        dry_run=dry_run,
        accepted=counts["accepted"],
        repeated=counts["repeated"],
        refused=counts["refused"],
        # A list clears whoever it does not name: with a row missing it may not clear anyone anew.
        fresh=asked.kind.mode is Mode.RECORD or not counts["refused"],
        rows=rows,
    )


async def _store(
    conn: Connection,
    asked: Asked,
    report: ImportReport,
    read: Sequence[Read],
    actor: Actor | None,
) -> ImportReport:
    batch_id = uuid4()
    await conn.execute(
        """
        INSERT INTO registry.evidence_batch
               (id, kind, source, as_of, actor_id, accepted, refused, imported_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        batch_id,
        report.kind,
        report.source,
        report.as_of,
        actor.id if actor else None,
        report.accepted,
        report.refused,
        asked.now,
    )
    areas = [row.area for row in _taken(read, report.rows, AreaRow)]
    await store_areas(conn, report.kind, report.source, batch_id, areas)
    facts = _taken(read, report.rows, Fact)
    for start in range(0, len(facts), CHUNK):
        chunk = facts[start : start + CHUNK]
        await store_facts(conn, report.kind, report.source, batch_id, chunk)
        await project(conn, asked.kind, chunk, asked.now)
    if report.fresh:
        await refresh_source(conn, report.kind, report.source, report.as_of)
    return replace(report, batch_id=batch_id)
