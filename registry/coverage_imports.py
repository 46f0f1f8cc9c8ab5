"""Taking a list of places that should have a code: copied into a table of its own, judged and kept
by statements over whole sets, a result for each row. A trial is the import itself, undone.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from msgspec import Struct

from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Unprocessable
from kernel.i18n import LOCAL_ZONE
from registry.coverage_rows import Bad, Due, Sheet, read_due
from registry.coverage_staging import (
    CHUNK,
    copy_rows,
    judge_rows,
    keep_rows,
    match_rows,
    staged_rows,
)

LONGEST_SOURCE = 100
AWAKE_SECONDS = 2.0

Status = Literal["accepted", "changed", "repeated", "refused"]


class DueRow(Struct, frozen=True, kw_only=True):
    """`place_id`: the registered place that it was matched to."""

    line: int
    status: Status
    code: str = ""
    facts: dict[str, object] = {}
    place_id: int | None = None


class CoverageReport(Struct, frozen=True, kw_only=True):
    """`ignored`: columns that were not read. `rejects_id` names the file of what was not taken."""

    dry_run: bool
    source: str
    office: str
    as_of: date
    accepted: int
    changed: int
    repeated: int
    refused: int
    matched: int
    ignored: tuple[str, ...]
    rows: tuple[DueRow, ...]
    rejects_id: UUID | None = None


class Listed(Struct, frozen=True, kw_only=True):
    """Which list it is, whose, and as of when: no denominator without."""

    source: str
    office: str
    as_of: date


async def import_due(
    conn: Connection,
    data: bytes,
    content_type: str,
    said: Listed,
    *,
    dry_run: bool,
    actor: Actor,
    now: datetime,
) -> tuple[CoverageReport, list[Bad]]:
    """The report, and the rows that were not taken as they came.

    Raises Unprocessable `source_needed`, `office_needed`, `source_too_long`, `as_of_future`, and
    what `read_due` raises about the whole file.
    """
    said = _checked(said, now)
    districts = await _districts(conn)
    sheet = await _read(conn, data, content_type, districts, actor.district)
    due = [row for row in sheet.rows if isinstance(row, Due)]
    bad = [row for row in sheet.rows if isinstance(row, Bad)]
    attempt = conn.transaction()
    await attempt.start()
    try:
        taken = await _take(conn, due, len(bad), said, actor, now)
    except BaseException:
        await attempt.rollback()
        raise
    await (attempt.rollback() if dry_run else attempt.commit())
    by_line = {each.line: each for each in due}
    bad += [_bad(by_line[row.line], row) for row in taken if row.status == "refused"]
    rows = [*taken, *(_refused(each) for each in bad if each.line not in by_line)]
    rows.sort(key=lambda row: row.line)
    bad.sort(key=lambda row: row.line)
    return _report(said, rows, sheet.ignored, dry_run=dry_run), bad


async def _read(
    conn: Connection, data: bytes, content_type: str, districts: dict[str, str], own: str | None
) -> Sheet:
    """A long list is read for longer than the server lets a transaction lie idle."""
    reading = asyncio.create_task(asyncio.to_thread(read_due, data, content_type, districts, own))
    while not (await asyncio.wait({reading}, timeout=AWAKE_SECONDS))[0]:
        await conn.execute("SELECT 1")
    return await reading


def _checked(said: Listed, now: datetime) -> Listed:
    source, office = " ".join(said.source.split()), " ".join(said.office.split())
    if not source:
        raise Unprocessable("source_needed")
    if not office:
        raise Unprocessable("office_needed")
    if max(len(source), len(office)) > LONGEST_SOURCE:
        raise Unprocessable("source_too_long", most=LONGEST_SOURCE)
    if said.as_of > now.astimezone(LOCAL_ZONE).date():
        raise Unprocessable("as_of_future")
    return Listed(source=source, office=office, as_of=said.as_of)


def _bad(due: Due, row: DueRow) -> Bad:
    values = {
        "name": due.name, "credit_code": due.credit_code, "district": due.district,
        "street": due.street, "trade": due.trade, "address": due.address,
    }  # fmt: skip
    return Bad(line=row.line, code=row.code, facts=row.facts, values=values)


def _refused(bad: Bad) -> DueRow:
    return DueRow(line=bad.line, status="refused", code=bad.code, facts=bad.facts)


def _report(
    said: Listed, rows: Sequence[DueRow], ignored: tuple[str, ...], *, dry_run: bool
) -> CoverageReport:
    counts = Counter(row.status for row in rows)
    return CoverageReport(
        dry_run=dry_run,
        source=said.source,
        office=said.office,
        as_of=said.as_of,
        accepted=counts["accepted"],
        changed=counts["changed"],
        repeated=counts["repeated"],
        refused=counts["refused"],
        matched=sum(row.place_id is not None for row in rows),
        ignored=ignored,
        rows=tuple(rows),
    )


async def _districts(conn: Connection) -> dict[str, str]:
    rows = await conn.fetch("SELECT code, name FROM registry.district WHERE code NOT LIKE '%00'")
    return {row["code"]: row["code"] for row in rows} | {row["name"]: row["code"] for row in rows}


async def _take(
    conn: Connection, due: Sequence[Due], refused: int, said: Listed, actor: Actor, now: datetime
) -> list[DueRow]:
    # Two lists at a time would each find the other's rows missing.
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('coverage', 0))")
    # Whole tables are read on purpose here; plans of the lane do not.
    await conn.execute("SET LOCAL enable_seqscan = on")
    await copy_rows(conn, due)
    chunks = [(start, start + CHUNK) for start in range(0, len(due), CHUNK)]
    counts: Counter[str] = Counter()
    for chunk in chunks:
        counts += await judge_rows(conn, *chunk)
    list_id = uuid4()
    await conn.execute(
        """
        INSERT INTO registry.coverage_list (id, source, office, as_of, actor_id, accepted, changed,
                                            repeated, refused, imported_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        """,
        list_id,
        said.source,
        said.office,
        said.as_of,
        actor.id,
        counts["accepted"],
        counts["changed"],
        counts["repeated"],
        counts["refused"] + refused,
        now,
    )
    rows: list[Any] = []
    for chunk in chunks:
        await keep_rows(conn, *chunk, list_id, actor, now)
        await match_rows(conn, *chunk)
        rows += await staged_rows(conn, *chunk)
    await conn.execute("SET LOCAL enable_seqscan = off")
    return [
        DueRow(line=r["line"], status=r["status"], code=r["code"], place_id=r["place_id"])
        for r in rows
    ]
