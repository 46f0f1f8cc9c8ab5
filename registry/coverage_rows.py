"""Reading a list of the places that should have a code, as an office's spreadsheet has it. Pure.

Such lists have a title over their headings, headings of two storeys with merged cells, columns
that nobody here needs, totals at their end and formulas. The headings are looked for; what is not
asked for is never read, telephone numbers among it.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from kernel.errors import Malformed, Refused, TooLarge, Unprocessable
from registry.scope import covers
from registry.spreadsheets import is_workbook, sheet_cells
from registry.tables import RowError, check_columns, known_columns, raw_rows

#: Beside each name the other headings it may have.
COLUMNS: dict[str, tuple[str, ...]] = {
    "name": ("名称", "场所名称", "单位名称", "市场主体名称", "企业名称", "店名", "商户名称"),
    "credit_code": (
        "统一社会信用代码", "信用代码", "社会信用代码", "统一信用代码", "注册号", "credit code",
    ),
    "district": ("辖区", "所在辖区", "区县", "县区", "所属区"),
    "street": (
        "镇办", "街道", "乡镇", "乡镇街道", "乡镇（街道）", "所属街道", "属地", "属地镇办",
        "属地责任单位", "street office",
    ),
    "trade": (
        "行业主管部门", "主管部门", "行业部门", "行业", "行业责任单位", "行业主管", "trade office",
    ),
    "address": ("地址", "详细地址", "经营地址", "住所", "经营场所"),
}  # fmt: skip
NEEDED = ("name", "district")
LEADING_ROWS = 12
MOST_ROWS = 200_000
LARGEST_FILE = 48 * 1024 * 1024
MOST_UNPACKED = 256 * 1024 * 1024
LONGEST = {"name": 100, "street": 60, "trade": 60, "address": 200}
_CREDIT = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}|[0-9]{15}|[0-9]{13}")
#: The last line of a list adds up; it is no place.
_TOTALS = frozenset({"合计", "总计", "小计", "共计", "total"})
_SPACES = re.compile(r"[\s\W_]+")


class Due(Struct, frozen=True, kw_only=True):
    """A sound row. `key` is the same in every list that names this place."""

    line: int
    key: str
    credit_code: str
    name: str
    district: str
    street: str
    trade: str
    address: str


class Bad(Struct, frozen=True, kw_only=True):
    """A row that is not taken. `values` are its cells as they came, by column."""

    line: int
    code: str
    facts: dict[str, object] = {}
    values: Mapping[str, str] = {}


class Sheet(Struct, frozen=True, kw_only=True):
    """`ignored`: headings of columns that were not read."""

    rows: list[Due | Bad]
    ignored: tuple[str, ...]


def read_due(
    data: bytes, content_type: str, districts: Mapping[str, str], own: str | None
) -> Sheet:
    """`districts`: codes by code and by name; `own`: the actor's.

    Raises Malformed `header_missing`, `column_missing`, `column_twice` and what is raised of a file
    that cannot be read; TooLarge `too_many_rows`, `workbook_too_large`.
    """
    table = _table(data, content_type)
    header, first = _header([row for row in table if not isinstance(row, RowError)])
    known = known_columns(COLUMNS, [name for name in COLUMNS if name not in NEEDED])
    found = [cell for cell in header if known.find(cell)]
    check_columns(found, known)
    at = {known.find(cell): place for place, cell in enumerate(header) if known.find(cell)}
    rows = [_read(row, at, districts, own) for row in table if _line(row) >= first]
    ignored = tuple(cell for cell in header if cell and not known.find(cell))
    return Sheet(rows=[row for row in rows if row is not None], ignored=ignored)


def _table(data: bytes, content_type: str) -> list[tuple[int, list[str]] | RowError]:
    cap = MOST_ROWS + LEADING_ROWS
    if not is_workbook(data):
        return list(raw_rows(data, content_type, row_cap=cap))
    cells = sheet_cells(data, row_cap=cap, most_unpacked=MOST_UNPACKED)
    filled = [(n, row) for n, row in enumerate(cells, 1) if any(row)]
    if len(filled) > cap:
        raise TooLarge("too_many_rows", most=MOST_ROWS)
    return list(filled)


def _line(row: tuple[int, list[str]] | RowError) -> int:
    return row.line if isinstance(row, RowError) else row[0]


def _header(rows: Sequence[tuple[int, list[str]]]) -> tuple[list[str], int]:
    """The headings and the first line below them; of two storeys the lower one counts, where it
    says something. Raises Malformed `header_missing`.
    """
    known = known_columns(COLUMNS, ())
    counts = [sum(bool(known.find(cell)) for cell in cells) for _, cells in rows[:LEADING_ROWS]]
    best = max(range(len(counts)), key=lambda n: counts[n], default=-1)
    if best < 0 or not counts[best]:
        raise Malformed("header_missing", expected=list(COLUMNS))
    upper, lower = rows[best][1], rows[best + 1][1] if best + 1 < len(rows) else []
    under = [n for n, cell in enumerate(lower) if known.find(cell)]
    over = rows[best - 1][1] if best else []
    if under and all(n >= len(upper) or not known.find(upper[n]) for n in under):
        return _storeys(upper, lower), rows[best + 1][0] + 1
    if any(known.find(cell) for cell in over):
        return _storeys(over, upper), rows[best][0] + 1
    return upper, rows[best][0] + 1


def _storeys(upper: Sequence[str], lower: Sequence[str]) -> list[str]:
    width = max(len(upper), len(lower))
    pairs = [
        (upper[n] if n < len(upper) else "", lower[n] if n < len(lower) else "")
        for n in range(width)
    ]
    return [low or up for up, low in pairs]


def _read(
    row: tuple[int, list[str]] | RowError,
    at: Mapping[str | None, int],
    districts: Mapping[str, str],
    own: str | None,
) -> Due | Bad | None:
    """None for a line that adds up."""
    if isinstance(row, RowError):
        return Bad(line=row.line, code=row.code, facts=row.facts)
    line, cells = row
    said = {
        name: _tidy(cells[at[name]]) if name in at and at[name] < len(cells) else ""
        for name in COLUMNS
    }
    if _is_total(cells):
        return None
    try:
        return _sound(line, said, districts, own)
    except Refused as refused:
        return Bad(line=line, code=refused.code, facts=refused.facts, values=said)


def _is_total(cells: Iterable[str]) -> bool:
    first = next((cell for cell in cells if cell), "")
    return plain(first) in _TOTALS


def _tidy(cell: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", cell.removeprefix("'")).split())


def _sound(
    line: int, said: Mapping[str, str], districts: Mapping[str, str], own: str | None
) -> Due:
    """Raises Unprocessable `due_unnamed`, `due_too_long`, `credit_code_malformed`,
    `district_unknown`, `not_your_district`.
    """
    if not plain(said["name"]):
        raise Unprocessable("due_unnamed")
    for name, most in LONGEST.items():
        if len(said[name]) > most:
            raise Unprocessable("due_too_long", column=name, most=most)
    credit = said["credit_code"].replace(" ", "").upper()
    if credit and not _CREDIT.fullmatch(credit):
        raise Unprocessable("credit_code_malformed")
    district = districts.get(said["district"], "")
    if not district:
        raise Unprocessable("district_unknown")
    if not covers(own, district):
        raise Unprocessable("not_your_district")
    return Due(
        line=line,
        key=key_of(credit, district, said["name"], said["address"]),
        credit_code=credit,
        name=said["name"],
        district=district,
        street=said["street"],
        trade=said["trade"],
        address=said["address"],
    )


def key_of(credit: str, district: str, name: str, address: str) -> str:
    """One code of one firm may stand for several shops: the address is part of the key. Without a
    code the district and the name are, so that a list with a new name names a new place.
    """
    where = plain(address)
    return f"c|{credit}|{where}" if credit else f"n|{district}|{plain(name)}|{where}"


def plain(text: str) -> str:
    """Without spaces and signs, in one width and case."""
    return _SPACES.sub("", unicodedata.normalize("NFKC", text)).casefold()
