"""Workbooks and lists that are broken, too large or lie about their size; formulas; rare signs."""

import struct
import zlib

import pytest

from kernel.db import Connection
from kernel.errors import Refused
from kernel.privacy import Vault
from registry.spreadsheets import MOST_UNPACKED
from tests.registry.test_bulk import CHINESE, GLASS, MILL, a_csv, take, told
from tests.registry.workbooks import cell, sheet, workbook


@pytest.fixture(autouse=True)
async def _district(conn: Connection) -> None:
    await conn.execute("INSERT INTO registry.district VALUES ('410221', '杞县')")


def _lying() -> bytes:
    """A part that says it is small, and is not."""
    honest = bytearray(workbook(sheet([CHINESE, MILL]) + " " * 1000))
    name = b"xl/worksheets/sheet1.xml"
    central = honest.rindex(name) - 46
    small = sheet([CHINESE, MILL]).encode()
    honest[central + 16 : central + 20] = struct.pack("<I", zlib.crc32(small))
    honest[central + 24 : central + 28] = struct.pack("<I", len(small))
    return bytes(honest)


_FAR = sheet([CHINESE, MILL]).replace("</sheetData>", f'<row r="3">{cell("XFD3", "x")}</row></sheetData>')  # fmt: skip
_DEEP = sheet([CHINESE, MILL]).replace("</sheetData>", f'<row r="1048576">{cell("A1048576", "x")}</row></sheetData>')  # fmt: skip
_SHARED = '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>' + "x" * 2**20 + "</t></si></sst>"  # fmt: skip
_COPIES = sheet([CHINESE]).replace("</sheetData>", "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(2, 1500)) + "</sheetData>")  # fmt: skip


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (workbook(sheet([CHINESE, MILL]))[:-40], "workbook_broken"),
        (b"PK\x03\x04" + b"\0" * 200, "workbook_broken"),
        (workbook("<worksheet><sheetData><row"), "workbook_broken"),
        (workbook(sheet([CHINESE, MILL]), {"xl/media/a": b"\0" * (MOST_UNPACKED + 1)}), "workbook_too_large"),
        (workbook(sheet([CHINESE, MILL]), {f"xl/{n}": b"" for n in range(300)}), "workbook_too_large"),
        (workbook(_COPIES, {"xl/sharedStrings.xml": _SHARED.encode()}), "workbook_too_large"),
        (workbook(_FAR), "too_many_columns"),
        (workbook(_DEEP), "too_many_rows"),
        (workbook(sheet([])), "header_missing"),
        (workbook(sheet([MILL])), "header_missing"),
        (workbook(sheet([[*CHINESE, "备注"], MILL])), "unknown_column"),
        (workbook(sheet([CHINESE[:7], MILL[:7]])), "column_missing"),
        (workbook(sheet([[*CHINESE, "电话"], MILL])), "column_twice"),
        (a_csv(MILL, GLASS).encode(), "header_missing"),
        (a_csv(CHINESE[1:], MILL[1:]).encode(), "column_missing"),
        ((a_csv(CHINESE) + a_csv(MILL) * 50_001).encode(), "too_many_rows"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
async def test_a_bad_file_is_one_clear_problem(
    conn: Connection, vault: Vault, data: bytes, code: str
):
    with pytest.raises(Refused) as caught:
        await take(conn, vault, data)
    assert caught.value.code == code
    assert await conn.fetchval("SELECT count(*) FROM registry.application") == 0


async def test_what_a_part_hides_behind_a_false_size_is_not_read(conn: Connection, vault: Vault):
    report, _ = await take(conn, vault, _lying())
    assert told(report) == [(2, "accepted", "")]


async def test_a_formula_is_never_calculated(conn: Connection, vault: Vault):
    formula = [MILL[0], "=CONCAT(A1,A2)", *MILL[2:]]
    report, _ = await take(conn, vault, workbook(sheet([CHINESE, formula])))
    assert told(report) == [(2, "accepted", "")]
    assert await conn.fetchval("SELECT name FROM registry.application") == "stored"


async def test_empty_rows_and_rare_characters_are_read(conn: Connection, vault: Vault):
    rare = [MILL[0], "𠮷祥云䶮面粉厂", *MILL[2:]]
    report, _ = await take(conn, vault, workbook(sheet([CHINESE, [], rare, ["", ""]])))
    assert told(report) == [(3, "accepted", "")]
    assert await conn.fetchval("SELECT name FROM registry.application") == "𠮷祥云䶮面粉厂"
