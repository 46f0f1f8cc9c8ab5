"""Reading a file of evidence row by row: about people, about trucks, about areas. Pure."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Literal

from msgspec import Struct

from kernel.errors import Refused, Unprocessable
from kernel.i18n import LOCAL_ZONE
from kernel.privacy import Vault
from registry.evidence import Fact, truck
from registry.model import Area
from registry.people import check_document
from registry.plates import parse
from registry.rules import About, EvidenceKind
from registry.tables import Row, RowError, read_rows

_ALIKE = {
    "value": ("结果", "颜色", "检测结果"),
    "taken_at": ("采样时间", "更新时间", "检测时间", "签发时间", "时间"),
    "reference": ("编号", "条码", "样本编号", "证书编号"),
    "valid_until": ("有效期至", "有效期", "到期时间"),
}
#: What a file has, by whom the kind speaks of; beside each name the other headings it may have.
COLUMNS: dict[About, dict[str, tuple[str, ...]]] = {
    About.PERSON: {
        "id_number": ("证件号", "身份证号", "证件号码", "身份证号码", "身份证"),
        "id_type": ("证件类型",),
        **_ALIKE,
    },
    About.VEHICLE: {"plate": ("车牌", "车牌号", "车牌号码", "号牌"), **_ALIKE},
    About.AREA: {
        "name": ("名称", "地区", "区域"),
        "level": ("级别", "等级", "风险等级"),
        "since": ("起始时间", "开始时间", "自"),
        "until": ("解除时间", "结束时间", "至"),
        "words": ("所在地", "地址"),
        "included": ("包括", "范围"),
        "spared": ("除外", "不包括"),
    },
}
OPTIONAL = {
    About.PERSON: ("id_type", "reference", "valid_until"),
    About.VEHICLE: ("reference", "valid_until"),
    About.AREA: ("until", "included", "spared"),
}
#: Between the words of one cell.
BETWEEN = "、,;；，"
MOST_ROWS = 100_000
MOST_WORDS = 50
LONGEST_REFERENCE = 100
LONGEST_NAME = 100
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


class AreaRow(Struct, frozen=True, kw_only=True):
    line: int
    area: Area


Read = Fact | AreaRow | RowResult


class Asked(Struct, frozen=True, kw_only=True):
    """Which kind is imported, from whom, complete up to when."""

    kind: EvidenceKind
    source: str
    as_of: datetime
    now: datetime

    @property
    def today(self) -> date:
        return self.now.astimezone(LOCAL_ZONE).date()


def read_file(vault: Vault, asked: Asked, data: bytes, content_type: str) -> list[Read]:
    """Raises what `read_rows` raises about the whole file."""
    about = asked.kind.about
    rows = read_rows(
        data, content_type, columns=COLUMNS[about], optional=OPTIONAL[about], row_cap=MOST_ROWS
    )
    return [_read_row(vault, asked, row) for row in rows]


def _read_row(vault: Vault, asked: Asked, row: Row | RowError) -> Read:
    if isinstance(row, RowError):
        return RowResult(line=row.line, status="refused", code=row.code, facts=row.facts)
    try:
        return READERS[asked.kind.about](vault, asked, row)
    except Refused as refused:
        return RowResult(line=row.line, status="refused", code=refused.code, facts=refused.facts)


def _about_person(vault: Vault, asked: Asked, row: Row) -> Fact:
    said = row.values
    number = check_document(said["id_type"] or "resident", said["id_number"], today=asked.today)
    return _fact(asked, row, vault.blind(number, field="person_id"))


def _about_truck(_: Vault, asked: Asked, row: Row) -> Fact:
    return _fact(asked, row, truck(parse(row.values["plate"]).text))


def _fact(asked: Asked, row: Row, subject: bytes) -> Fact:
    said = row.values
    if len(said["reference"]) > LONGEST_REFERENCE:
        raise Unprocessable("reference_too_long", most=LONGEST_REFERENCE)
    if asked.kind.single and not said["reference"]:
        raise Unprocessable("reference_needed")
    taken_at = _taken_at(said["taken_at"], asked.now)
    until = _hour(said["valid_until"]) if said["valid_until"] else None
    if until is not None and until <= taken_at:
        raise Unprocessable("valid_until_before")
    return Fact(
        line=row.line,
        subject=subject,
        value=_value(asked.kind, said["value"]),
        taken_at=taken_at,
        reference=said["reference"],
        valid_until=until,
    )


def _about_area(_: Vault, asked: Asked, row: Row) -> AreaRow:
    """An area may be announced before its hour, and end in the future."""
    said = row.values
    name, words = said["name"][:LONGEST_NAME], _words(said["words"])
    if not name or not words:
        raise Unprocessable("area_unnamed")
    since = _hour(said["since"])
    until = _hour(said["until"]) if said["until"] else None
    if until is not None and until <= since:
        raise Unprocessable("area_ends_before_it_begins")
    area = Area(
        kind=asked.kind.kind,
        name=name,
        level=_value(asked.kind, said["level"]),
        since=since,
        until=until,
        words=words,
        included=_words(said["included"]),
        spared=_words(said["spared"]),
        source=asked.source,
    )
    return AreaRow(line=row.line, area=area)


READERS: dict[About, Callable[[Vault, Asked, Row], Fact | AreaRow]] = {
    About.PERSON: _about_person,
    About.VEHICLE: _about_truck,
    About.AREA: _about_area,
}


def _words(cell: str) -> tuple[str, ...]:
    for sign in BETWEEN:
        cell = cell.replace(sign, "\n")
    words = tuple(word.strip()[:LONGEST_NAME] for word in cell.splitlines() if word.strip())
    if len(words) > MOST_WORDS:
        raise Unprocessable("too_many_words", most=MOST_WORDS)
    return words


def _value(kind: EvidenceKind, text: str) -> str:
    value = text.casefold()
    if value not in kind.values:
        raise Unprocessable("value_unknown", known=list(kind.values))
    return value


def _taken_at(text: str, now: datetime) -> datetime:
    at = _hour(text)
    if at > now + CLOCK_SKEW:
        raise Unprocessable("taken_at_future")
    return at


def _hour(text: str) -> datetime:
    try:
        at = aware(datetime.fromisoformat(text.replace("/", "-")))
    except ValueError as error:
        raise Unprocessable("taken_at_malformed") from error
    if at.year < FIRST_YEAR:
        raise Unprocessable("taken_at_malformed")
    return at


def aware(at: datetime) -> datetime:
    """Local where it names no zone."""
    return at if at.tzinfo is not None else at.replace(tzinfo=LOCAL_ZONE)
