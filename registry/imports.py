"""Importing evidence: a file of rows, judged row by row, tried first if wished.

Kinds and values are the rule set's. A row that is refused never spoils the others. No result
carries a number or the content of a cell.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID, uuid4

from msgspec import Struct
from msgspec.structs import replace

from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import NotFound, Refused, Unprocessable
from kernel.i18n import LOCAL_ZONE
from kernel.privacy import Vault
from registry.evidence import (
    CHUNK,
    Fact,
    evidence_of,
    known_values,
    one_import_at_a_time,
    project,
    refresh_source,
    store_facts,
)
from registry.people import check_document
from registry.rules import EvidenceKind, Mode, RuleSet
from registry.tables import Row, RowError, read_rows

__all__ = ["ImportReport", "RowResult", "evidence_of", "import_evidence"]

COLUMNS = {
    "id_number": ("证件号", "身份证号", "证件号码", "身份证号码", "身份证"),
    "id_type": ("证件类型",),
    "value": ("结果", "颜色", "检测结果"),
    "taken_at": ("采样时间", "更新时间", "检测时间", "时间"),
    "reference": ("编号", "条码", "样本编号"),
}
OPTIONAL = ("id_type", "reference")
MOST_ROWS = 100_000
LONGEST_SOURCE = 100
LONGEST_REFERENCE = 100
FIRST_YEAR = 1900
#: Clocks of laboratories and offices are not ours.
CLOCK_SKEW = timedelta(minutes=10)

Status = Literal["accepted", "repeated", "refused"]


class RowResult(Struct, frozen=True, kw_only=True):
    """`line` is the one an editor shows; `code` says why a row is refused."""

    line: int
    status: Status
    code: str = ""
    facts: dict[str, object] = {}


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


class _Request(Struct, frozen=True, kw_only=True):
    kind: EvidenceKind
    source: str
    as_of: datetime
    now: datetime

    @property
    def today(self) -> date:
        return self.now.astimezone(LOCAL_ZONE).date()


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
    read = await asyncio.to_thread(_read, vault, asked, data, content_type)
    await one_import_at_a_time(conn, kind, asked.source)
    facts = [each for each in read if isinstance(each, Fact)]
    known = await _known(conn, asked, facts)
    results = tuple(_settle(read, known))
    report = _report(asked, results, dry_run=dry_run)
    if dry_run:
        return report
    return await _store(conn, report, _accepted(facts, results), actor, now)


def _request(
    rules: RuleSet, kind: str, source: str, as_of: datetime | None, now: datetime
) -> _Request:
    found = rules.kind(kind)
    if found is None:
        raise NotFound("unknown_evidence_kind", known=[each.kind for each in rules.evidence])
    source = source.strip()
    if not source:
        raise Unprocessable("source_needed")
    if len(source) > LONGEST_SOURCE:
        raise Unprocessable("source_too_long", most=LONGEST_SOURCE)
    complete = _aware(as_of or now)
    if complete > now + CLOCK_SKEW:
        raise Unprocessable("as_of_future")
    return _Request(kind=found, source=source, as_of=complete, now=now)


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo is not None else at.replace(tzinfo=LOCAL_ZONE)


def _read(vault: Vault, asked: _Request, data: bytes, content_type: str) -> list[Fact | RowResult]:
    rows = read_rows(data, content_type, columns=COLUMNS, optional=OPTIONAL, row_cap=MOST_ROWS)
    return [_read_row(vault, asked, row) for row in rows]


def _read_row(vault: Vault, asked: _Request, row: Row | RowError) -> Fact | RowResult:
    if isinstance(row, RowError):
        return RowResult(line=row.line, status="refused", code=row.code, facts=row.facts)
    try:
        return _fact(vault, asked, row)
    except Refused as refused:
        return RowResult(line=row.line, status="refused", code=refused.code, facts=refused.facts)


def _fact(vault: Vault, asked: _Request, row: Row) -> Fact:
    said = row.values
    number = check_document(said["id_type"] or "resident", said["id_number"], today=asked.today)
    if len(said["reference"]) > LONGEST_REFERENCE:
        raise Unprocessable("reference_too_long", most=LONGEST_REFERENCE)
    return Fact(
        line=row.line,
        subject=vault.blind(number, field="person_id"),
        value=_value(asked.kind, said["value"]),
        taken_at=_taken_at(said["taken_at"], asked.now),
        reference=said["reference"],
    )


def _value(kind: EvidenceKind, text: str) -> str:
    value = text.casefold()
    if value not in kind.values:
        raise Unprocessable("value_unknown", known=list(kind.values))
    return value


def _taken_at(text: str, now: datetime) -> datetime:
    try:
        at = _aware(datetime.fromisoformat(text.replace("/", "-")))
    except ValueError as error:
        raise Unprocessable("taken_at_malformed") from error
    if at.year < FIRST_YEAR:
        raise Unprocessable("taken_at_malformed")
    if at > now + CLOCK_SKEW:
        raise Unprocessable("taken_at_future")
    return at


async def _known(
    conn: Connection, asked: _Request, facts: Sequence[Fact]
) -> dict[tuple[bytes, datetime], str]:
    known: dict[tuple[bytes, datetime], str] = {}
    for start in range(0, len(facts), CHUNK):
        chunk = facts[start : start + CHUNK]
        known |= await known_values(conn, asked.kind.kind, asked.source, chunk)
    return known


def _settle(
    read: Sequence[Fact | RowResult], known: dict[tuple[bytes, datetime], str]
) -> Iterable[RowResult]:
    """What a source has said about one person at one time stands: it is repeated, not changed."""
    for each in read:
        if isinstance(each, RowResult):
            yield each
            continue
        before = known.setdefault((each.subject, each.taken_at), "")
        if not before:
            known[each.subject, each.taken_at] = each.value
            yield RowResult(line=each.line, status="accepted")
        elif before == each.value:
            yield RowResult(line=each.line, status="repeated")
        else:
            yield RowResult(line=each.line, status="refused", code="evidence_contradicts")


def _accepted(facts: Sequence[Fact], results: Sequence[RowResult]) -> list[Fact]:
    lines = {result.line for result in results if result.status == "accepted"}
    return [fact for fact in facts if fact.line in lines]


def _report(asked: _Request, rows: tuple[RowResult, ...], *, dry_run: bool) -> ImportReport:
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
    report: ImportReport,
    facts: Sequence[Fact],
    actor: Actor | None,
    now: datetime,
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
        now,
    )
    for start in range(0, len(facts), CHUNK):
        chunk = facts[start : start + CHUNK]
        await store_facts(conn, report.kind, report.source, batch_id, chunk)
        await project(conn, report.kind, [fact.subject for fact in chunk], now)
    if report.fresh:
        await refresh_source(conn, report.kind, report.source, report.as_of)
    return replace(report, batch_id=batch_id)
