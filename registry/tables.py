"""Reading uploaded lists: JSON lines and CSV, as office programs in China write them.

One physical line is one record. A quoted cell may not hold a line break: so one unclosed quotation
mark costs its own line only, and every line number is the one that an editor shows. What concerns
the whole file is raised before the first row; what concerns one line comes as a `RowError` in its
place. No error carries the content of a cell.
"""

import csv
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

import msgspec
from msgspec import Struct

from kernel.errors import Malformed, Refused, TooLarge, Unprocessable

LINE_LIMIT = 64 * 1024
ROW_CAP = 50_000

_JSON_TYPES = frozenset({"application/x-ndjson", "application/jsonl", "application/jsonlines"})
# Windows browsers call every .csv file an Excel file.
_CSV_TYPES = frozenset({"text/csv", "application/csv", "application/vnd.ms-excel"})
_CHARSETS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "gb18030": "gb18030",
}
_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\n|\r")
# UTF-8 writes Chinese in three bytes or four. Text of two-byte characters only may as well be GBK:
# the plate 豫 in GBK reads as a Cyrillic letter in UTF-8.
_LAST_TWO_BYTE = "\u07ff"
_LAST_LATIN = "\u024f"
_SHOWN_IN_ERRORS = 40


class Row(Struct, frozen=True, kw_only=True):
    """`values` holds every column, an absent optional one as an empty string."""

    line: int
    values: dict[str, str]


class RowError(Struct, frozen=True, kw_only=True):
    line: int
    code: str
    facts: dict[str, object] = {}


class Columns(Struct, frozen=True):
    aliases: dict[str, str]
    names: tuple[str, ...]
    required: frozenset[str]

    def find(self, header: str) -> str | None:
        return self.aliases.get(_folded(header))


def read_rows(
    data: bytes,
    content_type: str,
    *,
    columns: Mapping[str, Collection[str]],
    optional: Collection[str] = (),
    row_cap: int = ROW_CAP,
) -> Iterator[Row | RowError]:
    """`columns` maps each column's name to the other headings it may have, Chinese or English.

    Raises Malformed: `table_type_unknown`, `charset_unknown`, `encoding_unknown`,
    `encoding_ambiguous`, `header_missing`, `unknown_column`, `column_missing`, `column_twice`;
    TooLarge, while it is read: `too_many_rows`.
    """
    media, charset = _media_type(content_type)
    lines = _LINE_END.split(data.removeprefix(_BOM))
    encoding = charset or _encoding(data, lines)
    known = known_columns(columns, optional)
    numbered = ((n, line) for n, line in enumerate(lines, 1) if line.strip())
    if media in _JSON_TYPES:
        return _rows(numbered, lambda line: _from_json(_text(line, encoding), known), row_cap)
    header = _header(numbered, encoding, known)
    return _rows(numbered, lambda line: _from_csv(_text(line, encoding), header, known), row_cap)


def raw_rows(
    data: bytes, content_type: str, *, row_cap: int
) -> Iterator[tuple[int, list[str]] | RowError]:
    """The cells of every line of CSV that has some, before anybody knows which line is the heading.

    Raises what `read_rows` raises about a type, an encoding and too many rows.
    """
    _, charset = _media_type(content_type)
    lines = _LINE_END.split(data.removeprefix(_BOM))
    encoding = charset or _encoding(data, lines)
    filled = ((n, line) for n, line in enumerate(lines, 1) if line.strip())
    for count, (number, line) in enumerate(filled, 1):
        if count > row_cap:
            raise TooLarge("too_many_rows", most=row_cap)
        try:
            cells = [_cell(cell) for cell in _cells(_text(line, encoding))]
        except Refused as refused:
            yield RowError(line=number, code=refused.code, facts=refused.facts)
        else:
            if any(cells):
                yield number, cells


def known_columns(columns: Mapping[str, Collection[str]], optional: Collection[str]) -> Columns:
    aliases = {_folded(a): name for name, also in columns.items() for a in (name, *also)}
    return Columns(aliases, tuple(columns), frozenset(columns) - frozenset(optional))


def _media_type(content_type: str) -> tuple[str, str | None]:
    media, *parameters = (part.strip().lower() for part in content_type.split(";"))
    if media not in _JSON_TYPES | _CSV_TYPES:
        raise Malformed("table_type_unknown", known=sorted(_JSON_TYPES | _CSV_TYPES))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset":
            return media, _charset(value.strip().strip('"'))
    return media, None


def _charset(name: str) -> str:
    if name not in _CHARSETS:
        raise Malformed("charset_unknown", known=sorted(_CHARSETS))
    return _CHARSETS[name]


def _encoding(data: bytes, lines: list[bytes]) -> str:
    """What the lines themselves bear witness to; a file that could be either is refused."""
    if data.startswith(_BOM):
        return "utf-8"
    foreign = [line for line in lines if not line.isascii()]
    decoded = [_decoded(line, "utf-8") for line in foreign]
    certain = sum(text is not None and max(text) > _LAST_TWO_BYTE for text in decoded)
    against = sum(text is None for text in decoded)
    if certain > against:
        return "utf-8"
    if against > certain:
        return _gb18030(foreign)
    if certain:
        raise Malformed("encoding_unknown")
    return _of_two_bytes([text for text in decoded if text is not None], foreign)


def _of_two_bytes(texts: list[str], lines: list[bytes]) -> str:
    if not texts:
        return "utf-8"
    if any(character > _LAST_LATIN for text in texts for character in text):
        return _gb18030(lines)
    raise Malformed("encoding_ambiguous")


def _gb18030(lines: list[bytes]) -> str:
    """GB 18030 gives a character to nearly any bytes: most lines must give plain ones."""
    readable = sum(_is_plain(_decoded(line, "gb18030")) for line in lines)
    if readable * 2 <= len(lines):
        raise Malformed("encoding_unknown")
    return "gb18030"


def _is_plain(text: str | None) -> bool:
    return text is not None and not any(
        unicodedata.category(c) in {"Co", "Cn", "Cc"} and c != "\t" for c in text
    )


def _decoded(line: bytes, encoding: str) -> str | None:
    try:
        return line.decode(encoding)
    except UnicodeDecodeError:
        return None


def _text(line: bytes, encoding: str) -> str:
    if len(line) > LINE_LIMIT:
        raise Unprocessable("line_too_long", most=LINE_LIMIT)
    if b"\0" in line:
        raise Unprocessable("line_holds_nul")
    text = _decoded(line, encoding)
    if text is None or (encoding == "gb18030" and _is_other_encoding(line)):
        raise Unprocessable("line_not_text", encoding=encoding)
    return text


def _is_other_encoding(line: bytes) -> bool:
    text = None if line.isascii() else _decoded(line, "utf-8")
    return text is not None and max(text) > _LAST_TWO_BYTE


def _rows(
    numbered: Iterable[tuple[int, bytes]],
    read: Callable[[bytes], dict[str, str]],
    row_cap: int,
) -> Iterator[Row | RowError]:
    for count, (number, line) in enumerate(numbered, 1):
        if count > row_cap:
            raise TooLarge("too_many_rows", most=row_cap)
        try:
            values = read(line)
        except Refused as refused:
            yield RowError(line=number, code=refused.code, facts=refused.facts)
        else:
            if any(values.values()):
                yield Row(line=number, values=values)


def _header(
    numbered: Iterator[tuple[int, bytes]], encoding: str, known: Columns
) -> tuple[str, ...]:
    _, line = next(numbered, (0, b""))
    try:
        cells = _cells(_text(line, encoding))
    except Refused as refused:
        raise Malformed("header_missing", expected=list(known.names)) from refused
    names = [known.find(cell) for cell in cells]
    if not any(names):
        raise Malformed("header_missing", expected=list(known.names))
    check_columns(cells, known)
    return tuple(name for name in names if name)


def check_columns(given: Collection[str], known: Columns) -> None:
    unknown = [name[:_SHOWN_IN_ERRORS] for name in given if not known.find(name)]
    if unknown:
        raise Malformed("unknown_column", columns=unknown, expected=list(known.names))
    found = [known.find(name) for name in given]
    missing = [n for n in known.names if n in known.required and n not in found]
    if missing:
        raise Malformed("column_missing", columns=missing)
    twice = [n for n in known.names if found.count(n) > 1]
    if twice:
        raise Malformed("column_twice", columns=twice)


def _cells(text: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([text], strict=True))]
    except csv.Error as error:
        raise Unprocessable("line_quotation") from error


def _from_csv(text: str, header: tuple[str, ...], known: Columns) -> dict[str, str]:
    cells = _cells(text)
    if any(cells) and len(cells) != len(header):
        raise Unprocessable("cell_count", expected=len(header), found=len(cells))
    return dict.fromkeys(known.names, "") | dict(zip(header, cells, strict=False))


def _from_json(text: str, known: Columns) -> dict[str, str]:
    try:
        record = msgspec.json.decode(text, type=dict[str, str | int | None])
    except msgspec.ValidationError as error:
        raise Unprocessable("line_not_record") from error
    except msgspec.DecodeError as error:
        raise Unprocessable("line_not_json") from error
    check_columns(record, known)
    values = {known.find(name) or name: _cell(value) for name, value in record.items()}
    return dict.fromkeys(known.names, "") | values


def _cell(value: str | int | None) -> str:
    text = "" if value is None else str(value).strip()
    if "\0" in text:
        raise Unprocessable("line_holds_nul")
    return text


def _folded(header: str) -> str:
    return unicodedata.normalize("NFKC", header).strip().casefold()
