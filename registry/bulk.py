"""Applications from a list: judged row by row, tried first unless said otherwise.

A row that is refused spoils no other. What is taken waits for review like any application. No
result carries the content of a cell; the rows that were not taken can be fetched as a file, by
whoever uploaded them, for a day.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

from msgspec import Struct

from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Refused, Unprocessable
from kernel.privacy import Vault
from registry.applications import columns_of, sought_of
from registry.lookalikes import lookalikes_of_rows
from registry.model import PlaceKind
from registry.particulars import Application, check_application
from registry.scope import covers
from registry.spreadsheets import is_workbook, read_sheet
from registry.tables import Row, RowError, read_rows

COLUMNS = {
    "kind": ("类型", "申请类型", "type"),
    "name": ("名称", "场所名称", "单位名称"),
    "category": ("类别", "场所类型", "场所类别"),
    "district": ("辖区", "所在辖区", "区县"),
    "address": ("详细地址", "地址"),
    "gates": ("门", "入口", "门/入口", "gate"),
    "contact_name": ("负责人", "负责人姓名", "联系人", "contact name", "contact"),
    "contact_phone": ("电话", "联系电话", "手机", "手机号", "contact phone", "phone", "telephone"),
    # A file of rows that were not taken may come back as it is, mended.
    "line": ("行", "row"),
    "problem": ("问题",),
}
OPTIONAL = ("line", "problem")
PARTICULARS = tuple(name for name in COLUMNS if name not in OPTIONAL)
#: Each row is compared with every place there is: more would keep its sender waiting too long.
MOST_ROWS = 2000
LARGEST_FILE = 8 * 1024 * 1024
CHANNEL = "import"
CHUNK = 20

_KINDS = {
    "交通卡口": PlaceKind.CHECKPOINT,
    "卡口": PlaceKind.CHECKPOINT,
    **dict.fromkeys(("checkpoint", "road checkpoint"), PlaceKind.CHECKPOINT),
    "目的地场所": PlaceKind.DESTINATION,
    "目的地": PlaceKind.DESTINATION,
    "目的地单位": PlaceKind.DESTINATION,
    "destination": PlaceKind.DESTINATION,
    "destination firm": PlaceKind.DESTINATION,
    **dict.fromkeys(("一般场所", "普通场所", "venue"), PlaceKind.VENUE),
}
_IN_BRACKETS = re.compile(r"[(（].*$")
_BETWEEN_GATES = re.compile(r"[;；、,，|\n\r]+")
#: What a spreadsheet would take for a formula; our own file of rejects puts a quote before it.
RISKY = ("=", "+", "-", "@", "\t", "\r")

Status = Literal["accepted", "repeated", "lookalike", "refused"]


class ApplicationRow(Struct, frozen=True, kw_only=True):
    """`line` is the one an editor shows; `code` says why a row was not taken."""

    line: int
    status: Status
    code: str = ""
    facts: dict[str, object] = {}


class BulkReport(Struct, frozen=True, kw_only=True):
    """`rejects_id` names the file of what was not taken, if anything was not."""

    dry_run: bool
    accepted: int
    repeated: int
    lookalike: int
    refused: int
    rows: tuple[ApplicationRow, ...]
    rejects_id: UUID | None = None


class Reject(Struct, frozen=True, kw_only=True):
    """One row that was not taken, as it came. Its values may be personal."""

    values: Mapping[str, str]
    result: ApplicationRow


class _Sound(Struct, frozen=True, kw_only=True):
    line: int
    application: Application
    values: Mapping[str, str]


async def import_applications(
    conn: Connection,
    vault: Vault,
    data: bytes,
    content_type: str,
    *,
    dry_run: bool,
    confirm_new: bool,
    actor: Actor,
    now: datetime,
) -> tuple[BulkReport, list[Reject]]:
    """The same report for a trial and for the import itself; a trial keeps no application.

    Raises what `read_rows` and `read_sheet` raise about the whole file.
    """
    districts = await _districts(conn)
    read = await asyncio.to_thread(_read, data, content_type, districts, actor.district)
    rejects = [each for each in read if isinstance(each, Reject)]
    sound = _once([each for each in read if isinstance(each, _Sound)], rejects)
    # All are judged before the first is kept: a trial and the import itself say the same.
    judged: dict[int, ApplicationRow] = {}
    for chunk in _chunks(sound):
        judged |= await _judge(conn, vault, chunk, confirm_new=confirm_new)
    if not dry_run:
        taken = [each for each in sound if judged[each.line].status == "accepted"]
        judged |= await _store(conn, vault, taken, actor, now)
    rejects += [
        Reject(values=each.values, result=judged[each.line])
        for each in sound
        if judged[each.line].status != "accepted"
    ]
    rejects.sort(key=lambda each: each.result.line)
    rows = judged | {each.result.line: each.result for each in rejects}
    return _report([rows[line] for line in sorted(rows)], dry_run=dry_run), rejects


def _report(rows: Sequence[ApplicationRow], *, dry_run: bool) -> BulkReport:
    counts = Counter(row.status for row in rows)
    return BulkReport(
        dry_run=dry_run,
        accepted=counts["accepted"],
        repeated=counts["repeated"],
        lookalike=counts["lookalike"],
        refused=counts["refused"],
        rows=tuple(rows),
    )


async def _districts(conn: Connection) -> dict[str, str]:
    """Code by code and by name; the city itself is no district of a place."""
    rows = await conn.fetch("SELECT code, name FROM registry.district WHERE code NOT LIKE '%00'")
    return {row["code"]: row["code"] for row in rows} | {row["name"]: row["code"] for row in rows}


def _read(
    data: bytes, content_type: str, districts: Mapping[str, str], own: str | None
) -> list[_Sound | Reject]:
    if is_workbook(data):
        rows = read_sheet(data, columns=COLUMNS, optional=OPTIONAL, row_cap=MOST_ROWS)
    else:
        rows = read_rows(data, content_type, columns=COLUMNS, optional=OPTIONAL, row_cap=MOST_ROWS)
    return [_read_row(row, districts, own) for row in rows]


def _read_row(
    row: Row | RowError, districts: Mapping[str, str], own: str | None
) -> _Sound | Reject:
    if isinstance(row, RowError):
        return Reject(values={}, result=_refused(row.line, row.code, row.facts))
    values = {name: _plain(row.values[name]) for name in PARTICULARS}
    try:
        return _Sound(line=row.line, application=_sound(values, districts, own), values=values)
    except Refused as refused:
        return Reject(values=values, result=_refused(row.line, refused.code, refused.facts))


def _refused(line: int, code: str, facts: dict[str, object]) -> ApplicationRow:
    return ApplicationRow(line=line, status="refused", code=code, facts=facts)


def _plain(cell: str) -> str:
    """Without the quote that our own file puts before what looks like a formula."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(RISKY) else cell


def _sound(values: Mapping[str, str], districts: Mapping[str, str], own: str | None) -> Application:
    kind = _IN_BRACKETS.sub("", values["kind"]).strip().casefold()
    checked, faults = check_application(
        Application(
            kind=_KINDS.get(kind, ""),
            category=values["category"],
            name=values["name"],
            district=districts.get(values["district"], ""),
            address=values["address"],
            gates=tuple(_BETWEEN_GATES.split(values["gates"])),
            contact_name=values["contact_name"],
            contact_phone=values["contact_phone"],
        )
    )
    if faults:
        raise faults[0].refused
    if not checked.district:
        raise Unprocessable("district_unknown")
    if not covers(own, checked.district):
        raise Unprocessable("not_your_district")
    return checked


def _once(sound: Iterable[_Sound], rejects: list[Reject]) -> list[_Sound]:
    """The first of several rows about one place; the others go to the rejects as repeated."""
    seen: set[tuple[str, ...]] = set()
    first: list[_Sound] = []
    for each in sound:
        said = each.application
        key = (said.kind, said.name.lower(), said.district)
        if key in seen:
            told = ApplicationRow(line=each.line, status="repeated", code="row_twice")
            rejects.append(Reject(values=each.values, result=told))
        else:
            seen.add(key)
            first.append(each)
    return first


def _chunks(sound: Sequence[_Sound]) -> Iterable[Sequence[_Sound]]:
    return (sound[start : start + CHUNK] for start in range(0, len(sound), CHUNK))


async def _judge(
    conn: Connection, vault: Vault, chunk: Sequence[_Sound], *, confirm_new: bool
) -> dict[int, ApplicationRow]:
    known = await _known(conn, chunk)
    sought = [(each.line, sought_of(vault, each.application)) for each in chunk]
    # Rows of the same file are no look-alikes of each other: the registrar sees them together.
    alike = {} if confirm_new else await lookalikes_of_rows(conn, sought)
    judged: dict[int, ApplicationRow] = {}
    for each in chunk:
        row = ApplicationRow(line=each.line, status="accepted")
        if each.line in known:
            row = ApplicationRow(line=each.line, status="repeated", code="duplicate_place")
        elif found := alike.get(each.line):
            facts: dict[str, object] = {"names": " / ".join(candidate.name for candidate in found)}
            row = ApplicationRow(
                line=each.line, status="lookalike", code="row_looks_alike", facts=facts
            )
        judged[each.line] = row
    return judged


async def _known(conn: Connection, chunk: Sequence[_Sound]) -> set[int]:
    """Lines whose place exists, or waits for review."""
    rows = await conn.fetch(
        """
        SELECT s.line FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[])
               AS s (line, kind, name, district, address)
         WHERE EXISTS (SELECT 1 FROM registry.place p
                        WHERE p.kind = s.kind AND lower(p.name) = lower(s.name)
                              AND p.district_code = s.district AND p.status <> 'revoked')
            OR EXISTS (SELECT 1 FROM registry.application a
                        WHERE a.kind = s.kind AND lower(a.name) = lower(s.name)
                              AND a.district_code = s.district
                              AND lower(a.address) = lower(s.address) AND a.state <> 'rejected')
        """,
        [each.line for each in chunk],
        [each.application.kind for each in chunk],
        [each.application.name for each in chunk],
        [each.application.district for each in chunk],
        [each.application.address for each in chunk],
    )
    return {row["line"] for row in rows}


async def _store(
    conn: Connection, vault: Vault, taken: Sequence[_Sound], actor: Actor, now: datetime
) -> dict[int, ApplicationRow]:
    """What another sender was quicker with is repeated."""
    late: dict[int, ApplicationRow] = {}
    for each in taken:
        stored = await conn.fetchval(
            """
            INSERT INTO registry.application
                   (id, kind, category, name, district_code, address, gates, contact_sealed,
                    contact_phone_sealed, contact_phone_blind, applied_at, channel, filed_by)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
            ON CONFLICT DO NOTHING RETURNING true
            """,
            uuid4(),
            *columns_of(vault, each.application),
            now,
            CHANNEL,
            actor.id,
        )
        if not stored:
            late[each.line] = ApplicationRow(
                line=each.line, status="repeated", code="duplicate_place"
            )
    return late
