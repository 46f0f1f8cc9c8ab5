"""Applications from a real spreadsheet: each row judged alone, nothing calculated, nothing lost."""

import csv
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import httpx
import pytest

from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import NotFound
from kernel.i18n import load_catalogues, use_locale
from kernel.privacy import Vault
from registry.bulk import BulkReport, import_applications
from registry.rejects import defused, fetch_rejects, forget_rejects, keep_rejects, rejects_csv
from tests.http import submit
from tests.registry.workbooks import sheet, workbook
from tests.support import REPOSITORY

NOON = datetime(2022, 5, 1, 12, 0, tzinfo=UTC)
ACTOR = Actor(id=uuid4(), kind="account", name="李审核", roles=frozenset({"registrar"}))
CHINESE = ["类型", "名称", "类别", "辖区", "详细地址", "门", "负责人", "电话"]
ENGLISH = ["Type", "Name", "Category", "District", "Address", "Gates", "Contact name", "Contact phone"]  # fmt: skip
MILL = ["目的地场所（货车专属）", "祥云面粉厂", "面粉厂", "杞县", "杞县金城大道18号", "东门；西门", "王小明", "+86 138 1234 5678"]  # fmt: skip
GLASS = ["destination", "东方玻璃制品", "玻璃厂", "410221", "葛岗镇工业路北段7号", "大门", "欧阳𠮷", "13900000001"]  # fmt: skip


@pytest.fixture(autouse=True)
async def _district(conn: Connection) -> None:
    load_catalogues([REPOSITORY / floor / "locale" for floor in ("kernel", "registry")])
    await conn.execute(
        "INSERT INTO registry.district VALUES ('410221', '杞县'), ('410222', '通许县') "
        "ON CONFLICT DO NOTHING"
    )


def a_csv(*rows: list[str]) -> str:
    written = StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()


async def take(
    conn: Connection, vault: Vault, data: bytes, **how: Any
) -> tuple[BulkReport, list[Any]]:
    asked = {"dry_run": False, "confirm_new": False, "actor": ACTOR, "now": NOON} | how
    return await import_applications(conn, vault, data, "text/csv", **asked)


def told(report: BulkReport) -> list[tuple[int, str, str]]:
    return [(row.line, row.status, row.code) for row in report.rows]


@pytest.mark.parametrize(
    "data",
    [
        a_csv(CHINESE, MILL, GLASS).encode("utf-8-sig"),
        a_csv(CHINESE, MILL, [*GLASS[:6], "欧阳吉", GLASS[7]]).encode("gbk"),
        a_csv(ENGLISH, MILL, GLASS).encode(),
        workbook(sheet([CHINESE, MILL, [*GLASS[:3], 410221, *GLASS[4:7], 13900000001.0]])),
    ],
    ids=["utf-8 with a mark", "gbk", "english", "xlsx"],
)
async def test_a_list_becomes_waiting_applications(conn: Connection, vault: Vault, data: bytes):
    trial, _ = await take(conn, vault, data, dry_run=True)
    assert await conn.fetchval("SELECT count(*) FROM registry.application") == 0
    report, rejects = await take(conn, vault, data)
    assert told(report) == told(trial) == [(2, "accepted", ""), (3, "accepted", "")]
    assert rejects == []
    rows = await conn.fetch(
        """
        SELECT name, kind, district_code, gates, channel, filed_by, state
          FROM registry.application ORDER BY cardinality(gates) DESC
        """
    )
    assert [tuple(row) for row in rows] == [
        ("祥云面粉厂", "destination", "410221", ["东门", "西门"], "import", ACTOR.id, "pending"),
        ("东方玻璃制品", "destination", "410221", ["大门"], "import", ACTOR.id, "pending"),
    ]
    again, _ = await take(conn, vault, data)
    assert told(again) == [(2, "repeated", "duplicate_place"), (3, "repeated", "duplicate_place")]


async def test_one_bad_row_spoils_nothing(conn: Connection, vault: Vault):
    rows = [
        MILL,
        ["castle", *MILL[1:]],
        [MILL[0], "仓库", *MILL[2:]],
        [*MILL[:3], "洛阳", *MILL[4:]],
        [*MILL[:5], ";".join(f"{n}门" for n in range(65)), *MILL[6:]],
        [*MILL[:5], "东门、东门", *MILL[6:]],
        [*MILL[:7], "123"],
        [*MILL[:6], "", MILL[7]],
        MILL,
        GLASS,
        [
            MILL[0],
            "祥云面粉有限公司",
            *MILL[2:4],
            "裴村店乡东街200号",
            "东门",
            "李某",
            "13900000003",
        ],
        MILL[:3],
        [MILL[0], "=HYPERLINK()", "厂", "杞县", "=1+1", "东门", "=cmd", "13900000004"],
    ]
    data = a_csv(CHINESE, *rows).encode()
    report, rejects = await take(conn, vault, data)
    expected = [
        (2, "accepted", ""),
        (3, "refused", "kind_not_offered"),
        (4, "refused", "name_vague"),
        (5, "refused", "district_unknown"),
        (6, "refused", "too_many_gates"),
        (7, "refused", "gate_twice"),
        (8, "refused", "phone_malformed"),
        (9, "refused", "name_missing"),
        (10, "repeated", "row_twice"),
        (11, "accepted", ""),
        (12, "accepted", ""),
        (13, "refused", "cell_count"),
        (14, "refused", "address_vague"),
    ]
    assert told(report) == expected
    assert [reject.result.line for reject in rejects] == [3, 4, 5, 6, 7, 8, 9, 10, 13, 14]
    assert (report.accepted, report.repeated, report.refused) == (3, 1, 9)
    assert await conn.fetchval("SELECT count(*) FROM registry.application") == 3


async def test_a_look_alike_waits_until_it_is_said_to_be_none(conn: Connection, vault: Vault):
    await take(conn, vault, a_csv(CHINESE, MILL).encode())
    like = [MILL[0], "祥云面粉有限公司", "厂", "杞县", "裴村店乡东街200号", "门口", "李某", "13900000003"]  # fmt: skip
    data = a_csv(CHINESE, like).encode()
    report, (reject,) = await take(conn, vault, data)
    assert told(report) == [(2, "lookalike", "row_looks_alike")]
    assert "祥云面粉厂" in rejects_csv([reject])
    report, _ = await take(conn, vault, data, confirm_new=True)
    assert told(report) == [(2, "accepted", "")]


async def test_rows_of_another_district_are_refused(conn: Connection, vault: Vault):
    other = Actor(id=uuid4(), kind="account", name="x", roles=ACTOR.roles, district="410222")
    report, _ = await take(conn, vault, a_csv(CHINESE, MILL).encode(), actor=other)
    assert told(report) == [(2, "refused", "not_your_district")]


@pytest.mark.parametrize("locale", ["zh", "en"])
async def test_the_file_of_rejects_is_safe_and_comes_back_mended(
    conn: Connection, vault: Vault, locale: str
):
    bad = [MILL[0], "仓库", "@SUM(A1)", *MILL[3:6], "王小明", "+86 138 1234 5678"]
    _, rejects = await take(conn, vault, a_csv(CHINESE, bad).encode())
    with use_locale(locale):
        text = rejects_csv(rejects)
    assert text.startswith("\ufeff")
    (heading, row) = csv.reader(StringIO(text.removeprefix("\ufeff")))
    assert row[0] == "2"
    assert row[3] == "'@SUM(A1)"
    assert row[8] == "'+86 138 1234 5678"
    assert not any(each.startswith(("=", "+", "-", "@")) for each in row)
    assert len(heading) == len(row)
    mended = text.replace("仓库", "祥云面粉厂").replace("'@SUM(A1)", "面粉厂")
    report, _ = await take(conn, vault, mended.encode())
    assert told(report) == [(2, "accepted", "")]


@pytest.mark.parametrize(
    ("text", "safe"),
    [("=1+1", "'=1+1"), ("\t=1", "'\t=1"), ("-1", "'-1"), ("a=1", "a=1"), ("a\r\n=1", "a  =1")],
)
async def test_a_cell_that_would_be_calculated_is_made_text(text: str, safe: str):
    assert defused(text) == safe


async def test_rejects_are_for_whoever_uploaded_them_and_for_a_day(conn: Connection, vault: Vault):
    _, rejects = await take(conn, vault, a_csv(CHINESE, [MILL[0], "仓库", *MILL[2:]]).encode())
    kept = await keep_rejects(conn, vault, rejects, ACTOR, NOON)
    sealed = await conn.fetchval("SELECT sealed FROM registry.import_rejects")
    assert "王小明".encode() not in bytes(sealed)
    assert "王小明" in await fetch_rejects(conn, vault, kept, ACTOR, NOON)
    assert await conn.fetchval("SELECT action FROM kernel.audit") == "read_rejects"
    other = Actor(id=uuid4(), kind="account", name="x", roles=ACTOR.roles)
    day = timedelta(hours=24)
    for actor, at in ((other, NOON), (ACTOR, NOON + day)):
        with pytest.raises(NotFound) as caught:
            await fetch_rejects(conn, vault, kept, actor, at)
        assert caught.value.code == "rejects_gone"
    await forget_rejects(conn, NOON + day - timedelta(seconds=1))
    assert await conn.fetchval("SELECT count(*) FROM registry.import_rejects") == 1
    await forget_rejects(conn, NOON + day)
    assert await conn.fetchval("SELECT count(*) FROM registry.import_rejects") == 0


async def test_the_page_tries_imports_and_gives_the_rejects(
    logged_in: Callable[..., Awaitable[httpx.AsyncClient]],
    conn: Connection,
):
    browser = await logged_in("registrar")
    shown = await browser.get("/reg/import")
    assert "checked" in shown.text
    data = a_csv(CHINESE, MILL, [MILL[0], "仓库", *MILL[2:]]).encode("gbk")
    token = shown.text.partition('name="_csrf_token" value="')[2].partition('"')[0]

    async def send(content: bytes, **fields: str) -> httpx.Response:
        said = {"_csrf_token": token} | fields
        return await browser.post("/reg/import", data=said, files={"file": ("a.csv", content)})

    tried = await send(data, dry_run="yes")
    assert tried.status_code == 200
    assert await conn.fetchval("SELECT count(*) FROM registry.application") == 0
    done = await send(data)
    assert "王小明" not in done.text
    assert await conn.fetchval("SELECT count(*) FROM registry.application") == 1
    link = done.text.partition('href="/reg/import/')[2].partition('"')[0]
    fetched = await browser.get(f"/reg/import/{link}")
    assert fetched.status_code == 200
    assert fetched.headers["content-type"] == "text/csv; charset=utf-8"
    assert "仓库" in fetched.text
    other = await logged_in("registrar")
    assert (await other.get(f"/reg/import/{link}")).status_code == 404
    for content in (b"", b"PK\x03\x04broken", b"\xff\xfe\x00"):
        assert (await send(content)).status_code == 422
    assert (await submit(await logged_in("duty"), shown, "/reg/import", {})).status_code == 403


async def test_the_api_tries_unless_told_otherwise(
    logged_in: Callable[..., Awaitable[httpx.AsyncClient]], conn: Connection
):
    browser = await logged_in("registrar")
    shown = await browser.get("/reg/import")
    token = shown.text.partition('name="_csrf_token" value="')[2].partition('"')[0]
    headers = {"x-csrftoken": token, "content-type": "text/csv"}
    path = "/api/v1/places/applications/import"
    data = a_csv(CHINESE, MILL).encode()
    trial = await browser.post(path, content=data, headers=headers)
    assert (trial.status_code, trial.json()["dry_run"]) == (200, True)
    assert await conn.fetchval("SELECT count(*) FROM registry.application") == 0
    real = await browser.post(path, content=data, headers=headers, params={"dry_run": "false"})
    assert real.json()["accepted"] == 1
    xlsx = headers | {"content-type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}  # fmt: skip
    again = await browser.post(path, content=workbook(sheet([CHINESE, MILL])), headers=xlsx)
    assert again.json()["rows"][0]["status"] == "repeated"
    wrong = await browser.post(path, content=b"x", headers=headers | {"content-type": "image/png"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "table_type_unknown")
