"""Reading an XLSX workbook as rows: the first sheet, its first row the headings.

A workbook is a ZIP archive of XML, made by anybody. Whatever it unpacks to is counted before it
is read, and what was counted is what is read: the archive is packed anew from the counted parts.
Nothing is calculated: of a formula only the result is read that the office program stored.
"""

import re
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from io import BytesIO
from itertools import pairwise
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from kernel.errors import Malformed, TooLarge
from registry.tables import Columns, Row, RowError, check_columns, known_columns

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAGIC = b"PK\x03\x04"
MOST_UNPACKED = 32 * 1024 * 1024
MOST_PARTS = 200
MOST_COLUMNS = 64
LONGEST_CELL = 2000

_CHUNK = 64 * 1024
#: A cell that holds something, and where it stands: an empty one ends with a slash.
_CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*[^/>])?>")
_AT = re.compile(rb"""\br=["']([A-Z]{1,4})([0-9]{1,8})["']""")
_ROW = re.compile(rb"""<(?:\w+:)?row\b[^>]*\br=["']([0-9]{1,8})["'][^>]*[^/>]>""")
_SHARED = re.compile(rb"<(?:\w+:)?si\b")


def is_workbook(data: bytes) -> bool:
    return data.startswith(MAGIC)


def read_sheet(
    data: bytes,
    *,
    columns: Mapping[str, Collection[str]],
    optional: Collection[str] = (),
    row_cap: int,
) -> Iterator[Row | RowError]:
    """As `tables.read_rows`, for a workbook.

    Raises Malformed `workbook_broken`, `header_missing`, `unknown_column`, `column_missing`,
    `column_twice`; TooLarge `workbook_too_large`, `too_many_rows`, `too_many_columns`.
    """
    table = sheet_cells(data, row_cap=row_cap)
    known = known_columns(columns, optional)
    numbered = [(n, cells) for n, cells in enumerate(table, 1) if any(cells)]
    header = _header(numbered[0][1] if numbered else [], known)
    return (_row(n, cells, header, known) for n, cells in numbered[1:])


def sheet_cells(
    data: bytes, *, row_cap: int, most_unpacked: int = MOST_UNPACKED
) -> list[list[str]]:
    """Every row of the first sheet, before anybody knows which one is the heading. Of merged cells
    the first has the text. Raises as `read_sheet`, but for what concerns headings.
    """
    parts = _unpacked(data, most_unpacked)
    _check_extent(parts, row_cap)
    return _cells(_packed(parts))


def _unpacked(data: bytes, most: int) -> dict[str, bytes]:
    """Each part by its name. A part that says it is smaller than it is, is cut where it said."""
    parts: dict[str, bytes] = {}
    left = most
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > MOST_PARTS:
                raise TooLarge("workbook_too_large", most_mib=most // 2**20)
            for member in members:
                with archive.open(member) as file:
                    parts[member.filename] = _counted(file, left, most)
                left -= len(parts[member.filename])
    # A broken archive, one with a password, and a way of packing that nobody uses.
    except (zipfile.BadZipFile, OSError, RuntimeError, ValueError, EOFError, zlib.error) as error:
        raise Malformed("workbook_broken") from error
    return parts


def _counted(file: Any, left: int, most: int) -> bytes:  # noqa: ANN401 - a file of the archive
    read = BytesIO()
    while chunk := file.read(_CHUNK):
        left -= len(chunk)
        if left < 0:
            raise TooLarge("workbook_too_large", most_mib=most // 2**20)
        read.write(chunk)
    return read.getvalue()


def _packed(parts: Mapping[str, bytes]) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return packed.getvalue()


def _check_extent(parts: Mapping[str, bytes], row_cap: int) -> None:
    """A reader makes room for every cell up to the farthest one, and copies every shared text."""
    longest = _longest_shared(parts)
    for name, content in parts.items():
        if not name.lower().startswith("xl/worksheets/"):
            continue
        cells = 0
        for cell in _CELL.finditer(content):
            cells += 1
            if at := _AT.search(cell[1] or b""):
                _check_place(_column(at[1]), int(at[2]), row_cap)
        for row in _ROW.finditer(content):
            _check_place(1, int(row[1]), row_cap)
        if cells > (row_cap + 1) * MOST_COLUMNS or cells * longest > 8 * MOST_UNPACKED:
            raise TooLarge("workbook_too_large", most_mib=MOST_UNPACKED // 2**20)


def _check_place(column: int, row: int, row_cap: int) -> None:
    if row > row_cap + 1:
        raise TooLarge("too_many_rows", most=row_cap)
    if column > MOST_COLUMNS:
        raise TooLarge("too_many_columns", most=MOST_COLUMNS)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _longest_shared(parts: Mapping[str, bytes]) -> int:
    shared = parts.get("xl/sharedStrings.xml", b"")
    edges = [*(found.start() for found in _SHARED.finditer(shared)), len(shared)]
    return max((later - earlier for earlier, later in pairwise(edges)), default=0)


def _cells(data: bytes) -> list[list[str]]:
    try:
        book = CalamineWorkbook.from_filelike(BytesIO(data))
        sheet = book.get_sheet_by_index(0)
        return [[_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    except (CalamineError, IndexError, ValueError, OSError) as error:
        raise Malformed("workbook_broken") from error


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer():
        # Every number of a workbook has a point: a telephone number has none.
        return str(int(value))
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return str(value).replace("\0", "").strip()


def _header(cells: list[str], known: Columns) -> list[str]:
    while cells and not cells[-1]:
        cells = cells[:-1]
    if not any(known.find(cell) for cell in cells):
        raise Malformed("header_missing", expected=list(known.names))
    check_columns(cells, known)
    return [known.find(cell) or "" for cell in cells]


def _row(number: int, cells: list[str], header: list[str], known: Columns) -> Row | RowError:
    if any(cells[len(header) :]):
        facts: dict[str, object] = {"expected": len(header), "found": len(cells)}
        return RowError(line=number, code="cell_count", facts=facts)
    if max(map(len, cells), default=0) > LONGEST_CELL:
        return RowError(line=number, code="cell_too_long", facts={"most": LONGEST_CELL})
    values = dict(zip(header, cells, strict=False))
    return Row(line=number, values=dict.fromkeys(known.names, "") | values)
