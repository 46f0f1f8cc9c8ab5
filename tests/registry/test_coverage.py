"""The ledger of places that should have a code, from real spreadsheets: nasty ones among them."""

from datetime import date, timedelta
from uuid import uuid4

import pytest

from kernel.db import Connection
from kernel.errors import Conflict, Malformed, NotFound, Refused, TooLarge, Unprocessable
from registry import coverage_rows
from registry.coverage import candidates, changes_of, due_row, row_of_place, sources
from registry.coverage_acts import DueAct, act_on_due
from registry.coverage_imports import Listed
from tests.alerts.supervised import (
    HEAD,
    LIST,
    NOON,
    a_place,
    a_shop,
    districts,
    officer,
    take,
)
from tests.registry.workbooks import sheet, workbook

CREDIT = "91410221MA44ABCD1X"


@pytest.fixture(autouse=True)
async def _districts(conn: Connection) -> None:
    await districts(conn)


def told(report) -> list[tuple[int, str, str]]:
    return [(row.line, row.status, row.code) for row in report.rows]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gbk"])
async def test_a_list_becomes_rows_that_name_their_source(conn: Connection, encoding: str):
    data = f"{HEAD}\n烩面馆,{CREDIT},杞县,城关镇,商务局,北大街1号\n书店,,410222,大岗李乡,文旅局,".encode(
        encoding
    )
    trial, _ = await take(conn, data=data, dry_run=True)
    assert await conn.fetchval("SELECT count(*) FROM registry.due_place") == 0
    report, bad = await take(conn, data=data)
    assert told(report) == told(trial) == [(2, "accepted", ""), (3, "accepted", "")]
    assert bad == []
    listed = await sources(conn)
    assert [(s.source, s.office, s.as_of, s.rows) for s in listed] == [
        ("市场主体台账", "市场监督管理局", NOON.date(), 2)
    ]
    again, _ = await take(conn, data=data)
    assert told(again) == [(2, "repeated", ""), (3, "repeated", "")]
    assert sum(s.rows for s in await sources(conn)) == 2


async def test_titles_merged_headings_totals_and_strange_columns_do_no_harm(conn: Connection):
    rows = [
        ["二七区市场主体台账", "", "", "", "", ""],
        ["序号", "单位名称", "区县", "责任单位", "", "联系电话"],
        ["", "", "", "属地", "行业", ""],
        [1.0, "烩面馆", "杞县", "城关镇", "商务局", 13900000001.0],
        [2.0, "=CONCAT(1)", "杞县", "城关镇", "商务局", ""],
        ["合计", "2", "", "", "", ""],
    ]
    report, bad = await take(conn, data=workbook(sheet(rows)))
    assert told(report) == [(4, "accepted", ""), (5, "accepted", "")]
    assert report.ignored == ("序号", "联系电话")
    assert bad == []
    found = await conn.fetch("SELECT name, street, trade FROM registry.due_place ORDER BY id")
    assert [tuple(row) for row in found] == [
        ("烩面馆", "城关镇", "商务局"),
        ("stored", "城关镇", "商务局"),
    ]


async def test_one_bad_row_spoils_nothing(conn: Connection):
    report, bad = await take(
        conn,
        "烩面馆,,杞县,城关镇,商务局,北大街1号",
        ",,杞县,,,",
        "书店,123,杞县,,,",
        "茶馆,,开封府,,,",
        "烩 面馆,,杞县,城关镇,商务局,北大街1号",
        f"{'长' * 101},,杞县,,,",
        '"酒馆,,杞县,,,',
    )
    assert told(report) == [
        (2, "accepted", ""),
        (3, "refused", "due_unnamed"),
        (4, "refused", "credit_code_malformed"),
        (5, "refused", "district_unknown"),
        (6, "refused", "row_twice"),
        (7, "refused", "due_too_long"),
        (8, "refused", "line_quotation"),
    ]
    assert [each.line for each in bad] == [3, 4, 5, 6, 7, 8]
    assert report.refused == 6


async def test_what_is_wrong_with_the_whole_file_is_said_at_once(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
):
    for data, code in (
        (b"a,b\n1,2\n", "header_missing"),
        ("名称,地址\n烩面馆,一号\n".encode(), "column_missing"),
        ("名称,单位名称,辖区\na,b,c\n".encode(), "column_twice"),
        (b"PK\x03\x04 no workbook", "workbook_broken"),
    ):
        with pytest.raises(Malformed) as refused:
            await take(conn, data=data)
        assert refused.value.code == code
    monkeypatch.setattr(coverage_rows, "MOST_ROWS", 1)
    with pytest.raises(TooLarge):
        await take(conn, *[f"店{n},,杞县,,," for n in range(20)])
    for said in (
        Listed(source=" ", office="局", as_of=NOON.date()),
        Listed(source="台账", office="", as_of=NOON.date()),
        Listed(source="台账", office="局", as_of=date(2032, 1, 1)),
    ):
        with pytest.raises(Refused):
            await take(conn, "烩面馆,,杞县,,,", said=said)


async def test_rows_find_their_place_by_code_else_by_name_and_address(conn: Connection):
    mill = await a_place(conn, "祥云面粉厂有限公司", address="金城大道18号")
    await a_place(conn, "同名店", address="东街1号")
    far = await a_place(conn, "通许书店", district="410222")
    report, _ = await take(
        conn,
        f"祥云面粉厂,{CREDIT},杞县,,,金城大道18号",
        "同名店,,杞县,,,西环路远处999号大院",
        "通许书店,,杞县,,,",
        "没有的店,,杞县,,,",
    )
    assert [row.place_id for row in report.rows] == [mill, None, None, None]
    assert report.matched == 1
    assert await conn.fetchval("SELECT credit_code FROM registry.place WHERE id = $1", mill) == (
        CREDIT
    )
    # Renamed in a later list, the same firm is the same row and keeps its history.
    later = Listed(source="市场主体台账", office="市场监督管理局", as_of=NOON.date())
    report, _ = await take(conn, f"祥云粮业,{CREDIT},杞县,,,金城大道18号", said=later)
    assert told(report) == [(2, "changed", "")]
    row = await due_row(conn, await row_of_place(conn, mill, NOON))
    assert (row.name, row.matched_by) == ("祥云粮业", "name")
    changes = await changes_of(conn, row.id)
    assert [(c.kind, c.before, c.after) for c in changes] == [("renamed", "祥云面粉厂", "祥云粮业")]
    assert far


async def test_two_rows_never_share_a_place_and_two_places_never_a_row(conn: Connection):
    first = await a_place(conn, "连锁店", address="东街1号")
    second = await a_place(conn, "连锁店", address="东街1号")
    report, _ = await take(
        conn, "连锁店,,杞县,,,东街1号", "连锁店,,杞县,,,东街1号二层", "连锁店,,杞县,,,东街1号三层"
    )
    found = [row.place_id for row in report.rows if row.place_id]
    assert len(found) == len(set(found))
    assert set(found) <= {first, second}


async def test_a_registrar_of_one_district_takes_no_other(conn: Connection):
    mine = officer("registrar", district="410221")
    report, _ = await take(conn, "甲,,杞县,,,", "乙,,通许县,,,", actor=mine)
    assert told(report) == [(2, "accepted", ""), (3, "refused", "not_your_district")]


async def act(conn: Connection, due_id: int, what: str, **said):
    asked = DueAct(id=said.pop("id", uuid4()), act=what, reason=said.pop("reason", "核实"), **said)
    return await act_on_due(conn, due_id, asked, said.get("actor") or officer("registrar"), NOON)


async def test_an_officer_links_a_row_that_nothing_matched(conn: Connection):
    due = await a_shop(conn, "老烩面馆")
    place = await a_place(conn, "老烩面馆北大街店", address="北大街1号")
    assert [each.place_id for each in await candidates(conn, due)] == [place]
    event = uuid4()
    assert (await act(conn, due, "link", place_id=place, id=event)).result == "recorded"
    assert (await act(conn, due, "link", place_id=place, id=event)).result == "repeated"
    assert (await due_row(conn, due)).matched_by == "officer"
    other = await a_shop(conn, "另一家")
    with pytest.raises(Conflict) as refused:
        await act(conn, other, "link", place_id=place)
    assert refused.value.code == "place_has_row"
    with pytest.raises(Conflict):
        await act(conn, due, "unlink", id=event)
    await act(conn, due, "unlink")
    assert (await due_row(conn, due)).place_id is None


async def test_a_place_that_moves_takes_its_history_and_its_registered_place(conn: Connection):
    due = await a_shop(conn)
    place = await a_place(conn, "烩面馆", address="烩面馆路1号")
    await act(conn, due, "link", place_id=place)
    with pytest.raises(Unprocessable):
        await act(conn, due, "move", district="410222", reason=" ")
    await act(conn, due, "move", district="410222", reason="区划调整")
    row = await due_row(conn, due, "410222")
    assert row.district == "通许县"
    assert (
        await conn.fetchval("SELECT district_code FROM registry.place WHERE id = $1", place)
        == "410222"
    )
    assert {c.kind for c in await changes_of(conn, due)} == {"moved", "linked"}
    with pytest.raises(NotFound):
        await due_row(conn, due, "410221")
    # The next list of the new district finds the row; a list of the old one names it anew.
    report, _ = await take(conn, "烩面馆,,通许县,城关镇,商务局,烩面馆路1号")
    assert told(report) == [(2, "repeated", "")]


async def test_a_place_that_no_list_names_gets_a_row_whose_source_is_the_record(
    conn: Connection,
):
    place = await a_place(conn, "没人登记的厂")
    due = await row_of_place(conn, place, NOON)
    assert due == await row_of_place(conn, place, NOON + timedelta(days=1))
    row = await due_row(conn, due)
    assert (row.source, row.matched_by) == ("registered here", "own")
    assert LIST.source not in {each.source for each in await sources(conn)}


async def test_a_row_that_was_struck_comes_back_with_the_next_list(conn: Connection):
    due = await a_shop(conn)
    await act(conn, due, "strike", reason="已注销")
    assert (await due_row(conn, due)).struck_at == NOON
    await take(conn, "烩面馆,,杞县,城关镇,商务局,烩面馆路1号")
    assert (await due_row(conn, due)).struck_at is None
