import json
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Malformed, TooLarge
from registry.tables import LINE_LIMIT, Row, RowError, read_rows

COLUMNS = {"name": ("姓名",), "plate": ("车牌号", "plate number"), "note": ("备注",)}
JSON = "application/x-ndjson"
CSV = "text/csv"

# Whatever survives a cell: no quotation, separator, line break, or outer space.
CELLS = st.text("李小龙王豫京A1·b-é𠮷", min_size=1, max_size=8)


def _read(data: bytes, content_type: str = CSV, *, row_cap: int = 1000) -> list[Row | RowError]:
    return list(read_rows(data, content_type, columns=COLUMNS, optional=["note"], row_cap=row_cap))


def _rows(data: bytes, content_type: str = CSV) -> list[tuple[str, str, str]]:
    found = _read(data, content_type)
    assert all(isinstance(row, Row) for row in found), found
    return [
        (row.values["name"], row.values["plate"], row.values["note"])
        for row in found
        if isinstance(row, Row)
    ]


def _errors(data: bytes, content_type: str = CSV) -> list[tuple[int, str]]:
    return [(r.line, r.code) for r in _read(data, content_type) if isinstance(r, RowError)]


def _refusal(data: bytes, content_type: str = CSV) -> Malformed:
    with pytest.raises(Malformed) as caught:
        _read(data, content_type)
    return caught.value


CHINESE = "姓名,车牌号,备注\r\n李小龙,豫A12345,急\r\n王芳,豫B88888,\r\n"
EXPECTED = [("李小龙", "豫A12345", "急"), ("王芳", "豫B88888", "")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_a_list_is_read_in_every_encoding_of_the_office(encoding: str) -> None:
    assert _rows(CHINESE.encode(encoding)) == EXPECTED


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_is_read_and_counted(end: str) -> None:
    data = end.join(["name,plate", "李小龙,豫A12345", "", "王芳"]).encode()
    assert _errors(data) == [(4, "cell_count")]


def test_headings_may_be_chinese_or_english_in_any_order_case_and_width() -> None:
    data = "Plate Number, ＮＡＭＥ \n豫A12345,李小龙\n".encode()
    assert _rows(data) == [("李小龙", "豫A12345", "")]


def test_quoted_cells_hold_commas_and_quotation_marks() -> None:
    data = '姓名,车牌号,备注\n"李,小龙",豫A12345,"他说""好"""\n'.encode()
    assert _rows(data) == [("李,小龙", "豫A12345", '他说"好"')]


def test_empty_lines_and_rows_of_commas_are_passed_over() -> None:
    data = "\n\nname,plate\n\n,\n李,豫A12345\n \n".encode()
    assert [(r.line, type(r)) for r in _read(data)] == [(6, Row)]


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=20), st.sampled_from(["utf-8", "gb18030"]))
def test_what_is_written_is_read(cells: list[tuple[str, str, str]], encoding: str) -> None:
    text = "姓名,车牌号,备注\n" + "".join(f"{','.join(row)}\n" for row in cells)
    for row in _read(text.encode(encoding)):
        wanted = cells[row.line - 2]
        if isinstance(row, Row):
            assert tuple(row.values.values()) == wanted
        else:
            # Bytes that are Chinese either way are handed back rather than guessed.
            assert (row.code, encoding) == ("line_not_text", "gb18030")


def test_plates_in_gbk_alone_are_not_taken_for_cyrillic() -> None:
    data = "name,plate\nLi,豫A12345\n".encode("gbk")
    data.decode("utf-8")
    assert _rows(data) == [("Li", "豫A12345", "")]


def test_bytes_that_could_be_either_encoding_are_refused_until_the_sender_says() -> None:
    data = "name,plate\nLi,鲁A12345\n".encode("gbk")
    data.decode("utf-8")
    assert _refusal(data).code == "encoding_ambiguous"
    assert _rows(data, "text/csv; charset=GBK") == [("Li", "鲁A12345", "")]


def test_utf_16_and_noise_are_no_encoding_we_know() -> None:
    assert _refusal(CHINESE.encode("utf-16")).code in {"encoding_unknown", "header_missing"}
    assert _refusal(b"name,plate\n\xff\xff\xff\xfe,\x80\xff\n").code == "encoding_unknown"


def test_one_line_in_another_encoding_does_not_spoil_the_others() -> None:
    lines = [
        "姓名,车牌号".encode(),
        "李,豫A1".encode(),
        "王,京A2".encode("gbk"),
        "张,豫A3".encode(),
    ]
    found = _read(b"\n".join(lines))
    assert [(r.line, type(r)) for r in found] == [(2, Row), (3, RowError), (4, Row)]
    lines = [line.decode("utf-8", "ignore").encode("gbk") for line in lines]
    lines[2] = "王小明".encode() + b"," + "京A2".encode()
    found = _read(b"\n".join(lines))
    assert [(r.line, type(r)) for r in found] == [(2, Row), (3, RowError), (4, Row)]


def test_a_bad_line_is_named_and_the_others_are_read() -> None:
    lines = [
        b"name,plate,note",
        b"a,1,x",
        b"b,2",
        b'c,"3,x',
        b'd,"4"x,y',
        b"e,5\0,x",
        b"f,6," + b"x" * LINE_LIMIT,
        b"g,7,x",
    ]
    found = _read(b"\n".join(lines))
    assert [r.values["name"] for r in found if isinstance(r, Row)] == ["a", "g"]
    assert [(r.line, r.code) for r in found if isinstance(r, RowError)] == [
        (3, "cell_count"),
        (4, "line_quotation"),
        (5, "line_quotation"),
        (6, "line_holds_nul"),
        (7, "line_too_long"),
    ]


def test_an_error_holds_nothing_of_the_cells() -> None:
    found = _read(b'name,plate\nsecret\n"secret\nsecret,\0\nsecret,1,2\n')
    assert len(found) == 4
    assert "secret" not in str(found)


@pytest.mark.parametrize("data", [b"", b"\n\n", b"1,2\n3,4\n", b'"unclosed\n', b"\0\0\n"])
def test_without_a_header_the_columns_are_named(data: bytes) -> None:
    refusal = _refusal(data)
    assert refusal.code == "header_missing"
    assert refusal.facts == {"expected": ["name", "plate", "note"]}


def test_unknown_missing_and_double_columns_are_refused_by_name() -> None:
    refusal = _refusal(b"name,plate,colour\n")
    assert (refusal.code, refusal.facts["columns"]) == ("unknown_column", ["colour"])
    refusal = _refusal(b"name,note\n")
    assert (refusal.code, refusal.facts["columns"]) == ("column_missing", ["plate"])
    refusal = _refusal("name,plate,车牌号\n".encode())
    assert (refusal.code, refusal.facts["columns"]) == ("column_twice", ["plate"])
    assert _refusal(b"name,plate,\n").code == "unknown_column"


def test_the_row_cap_ends_the_reading() -> None:
    data = b"name,plate\n" + b"a,1\n" * 11
    assert len(_read(b"name,plate\n" + b"a,1\n" * 10, row_cap=10)) == 10
    with pytest.raises(TooLarge) as caught:
        _read(data, row_cap=10)
    assert (caught.value.code, caught.value.facts) == ("too_many_rows", {"most": 10})
    rows = read_rows(data, CSV, columns=COLUMNS, optional=["note"], row_cap=10)
    assert len(list(islice(rows, 10))) == 10


@pytest.mark.parametrize("content_type", ["", "text/html", "application/json", "image/png"])
def test_other_types_are_refused(content_type: str) -> None:
    assert _refusal(b"name,plate\n", content_type).code == "table_type_unknown"


def test_an_unknown_charset_is_refused() -> None:
    assert _refusal(b"name,plate\n", "text/csv; charset=big5").code == "charset_unknown"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_json_lines_are_read(encoding: str) -> None:
    lines = [
        {"name": "李小龙", "车牌号": "豫A12345", "note": None},
        {"plate": 12345, "name": " 王芳 "},
    ]
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    assert _rows(text.encode(encoding), JSON) == [("李小龙", "豫A12345", ""), ("王芳", "12345", "")]


def test_a_bad_json_line_does_not_spoil_the_others() -> None:
    good = b'{"name":"a","plate":"1"}'
    lines = [
        good,
        b"{",
        b"[1]",
        b'{"name":"a","plate":1.5}',
        b'{"name":"a","plate":{"x":1}}',
        b'{"name":"a","plate":"1","colour":"x"}',
        b'{"name":"a"}',
        '{"name":"a","plate":"1","车牌号":"2"}'.encode(),
        b'{"name":"a","plate":"\\u0000"}',
        b"[" * 5000,
        b'{"name":"a","plate":' + b"9" * 5000 + b"}",
        good,
    ]
    found = _read(b"\n".join(lines), JSON)
    assert [r.line for r in found if isinstance(r, Row)] == [1, 12]
    assert [r.code for r in found if isinstance(r, RowError)][:8] == [
        "line_not_json",
        "line_not_record",
        "line_not_record",
        "line_not_record",
        "unknown_column",
        "column_missing",
        "column_twice",
        "line_holds_nul",
    ]
    assert len(found) == len(lines)


@given(st.binary(max_size=200), st.sampled_from([CSV, JSON]))
def test_no_bytes_make_the_reader_fail_otherwise_than_by_refusal(data: bytes, kind: str) -> None:
    try:
        found = _read(data, kind)
    except Malformed:
        return
    assert all(isinstance(row, Row | RowError) for row in found)


@given(st.binary(max_size=200))
def test_no_bytes_after_a_header_make_the_reader_fail(data: bytes) -> None:
    found = _read(b"name,plate\n" + data, "text/csv; charset=utf-8")
    assert [row.line for row in found] == sorted({row.line for row in found})
    assert all(row.line > 1 for row in found)
