"""Posters over HTTP: who may print which, one by one and in bulk."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from io import BytesIO

import httpx
import pypdfium2
import pytest
import zxingcpp

from kernel.clock import SetClock
from kernel.db import Connection
from registry.places import NewPlace, create_place
from registry.poster_queries import area_of
from tests.city import City
from tests.http import add_account, log_in

Browsers = Callable[..., Awaitable[httpx.AsyncClient]]


async def _place(
    conn: Connection, kind: str, name: str, district: str, now: datetime, *gates: str
) -> int:
    for code, called in (("410221", "杞县"), ("410222", "通许县"), ("410122", "中牟县")):
        await conn.execute(
            "INSERT INTO registry.district VALUES ($1, $2) ON CONFLICT DO NOTHING", code, called
        )
    facts = NewPlace(
        kind=kind,
        category="test",
        name=name,
        district_code=district,
        address="",
        gates=gates,
        source="test",
    )
    return await create_place(conn, facts, now)


@pytest.fixture
async def mill(conn: Connection, clock: SetClock) -> int:
    """In Qi county with two gates; a station in Tongxu, a shop in Zhongmu of another city."""
    now = clock.now()
    await _place(conn, "checkpoint", "通许站", "410222", now, "1号车道")
    await _place(conn, "venue", "中牟超市", "410122", now, "正门")
    return await _place(conn, "destination", "祥云面粉厂", "410221", now, "东门", "西门")


async def _registrar(
    client: httpx.AsyncClient, conn: Connection, clock: SetClock, district: str
) -> None:
    await conn.execute(
        "INSERT INTO registry.district VALUES ($1, '全市') ON CONFLICT DO NOTHING", district
    )
    login = await add_account(conn, "registrar", clock)
    await conn.execute(
        "UPDATE registry.account SET district_code = $2 WHERE login = $1", login, district
    )
    assert (await log_in(client, login)).status_code == 303


async def _codes(conn: Connection) -> set[str]:
    rows = await conn.fetch("SELECT code FROM registry.code WHERE status = 'active'")
    return {row["code"] for row in rows}


def _read(file: bytes) -> list[str]:
    """The code on each page."""
    return [
        zxingcpp.read_barcodes(page.render(scale=2).to_pil())[0].text
        for page in pypdfium2.PdfDocument(BytesIO(file))
    ]


async def test_one_poster_is_printed_for_the_staff_of_its_place(
    conn: Connection, client: httpx.AsyncClient, logged_in: Browsers, mill: int
):
    path = f"/api/v1/places/{mill}/poster.pdf"
    assert (await client.get(path)).status_code == 401
    other = await logged_in("firm", await conn.fetchval("SELECT min(id) FROM registry.place"))
    assert (await other.get(path)).json()["code"] == "not_your_place"
    code = await conn.fetchval(
        "SELECT code FROM registry.code WHERE place_id = $1 AND gate = '西门'", mill
    )
    before = await _codes(conn)
    for role in ("firm", "registrar"):
        browser = await logged_in(role, mill)
        for size in ("a4", "a3"):
            answer = await browser.get(path, params={"gate": "西门", "size": size})
            assert answer.headers["content-type"] == "application/pdf"
            assert "inline" in answer.headers["content-disposition"]
            assert [url.rsplit("/", 1)[-1] for url in _read(answer.content)] == [code]
    assert await _codes(conn) == before


async def test_what_cannot_be_printed_is_said(logged_in: Browsers, mill: int):
    browser = await logged_in("registrar")
    path = f"/api/v1/places/{mill}/poster.pdf"
    assert (await browser.get(path, params={"size": "a5"})).status_code == 400
    assert (await browser.get(path, params={"gate": "南门"})).json()["code"] == "unknown_gate"
    assert (await browser.get("/api/v1/places/999999/poster.pdf")).json()["code"] == "unknown_place"
    bulk = {
        "?size=a5": (422, "poster_size_unknown"),
        "?kind=castle": (422, "place_kind_unknown"),
        "?district=999999": (422, "district_unknown"),
        "?page=99": (404, "no_posters"),
        "?per=501": (400, "malformed"),
        "?page=0": (400, "malformed"),
        "?page=x": (400, "malformed"),
    }
    for query, told in bulk.items():
        answer = await browser.get(
            f"/reg/posters.pdf{query}", headers={"accept": "application/json"}
        )
        assert (answer.status_code, answer.json()["code"]) == told, query


@pytest.mark.usefixtures("mill")
async def test_posters_come_in_chunks_and_each_once(conn: Connection, logged_in: Browsers):
    browser = await logged_in("registrar")
    before = await _codes(conn)
    urls: list[str] = []
    for page in (1, 2):
        answer = await browser.get("/reg/posters.pdf", params={"per": 3, "page": page})
        urls += _read(answer.content)
    assert {url.rsplit("/", 1)[-1] for url in urls} == before
    assert len(urls) == len(before) == 4
    assert await _codes(conn) == before
    mills = await browser.get("/reg/posters.pdf", params={"kind": "destination", "size": "a3"})
    assert len(_read(mills.content)) == 2


@pytest.mark.usefixtures("mill")
async def test_the_page_says_how_many_there_are_and_links_to_the_files(logged_in: Browsers):
    browser = await logged_in("registrar")
    shown = await browser.get("/reg/posters", params={"lang": "en"})
    assert "Posters: 4" in shown.text
    chosen = await browser.get("/reg/posters", params={"district": "410221", "per": 1})
    links = re.findall(r'href="(/reg/posters\.pdf[^"]+)"', chosen.text)
    assert len(links) == 2
    files = [await browser.get(link.replace("&amp;", "&")) for link in links]
    assert len({_read(file.content)[0] for file in files}) == 2
    wrong = await browser.get("/reg/posters", params={"kind": "castle"})
    assert wrong.status_code == 422
    assert 'href="#f-kind"' in wrong.text
    none = await browser.get("/reg/posters", params={"district": "410222", "kind": "venue"})
    assert none.status_code == 200
    assert "/reg/posters.pdf" not in none.text


@pytest.mark.parametrize(
    ("district", "count"), [("410221", 2), ("410222", 1), ("410200", 3), ("410000", 4)]
)
async def test_a_registrar_prints_in_the_own_district_alone(
    conn: Connection,
    client: httpx.AsyncClient,
    clock: SetClock,
    mill: int,
    district: str,
    count: int,
):
    await _registrar(client, conn, clock, district)
    assert len(_read((await client.get("/reg/posters.pdf")).content)) == count
    own = district in {"410221", "410200", "410000"}
    one = await client.get(f"/api/v1/places/{mill}/poster.pdf")
    assert one.status_code == (200 if own else 403)
    picture = await client.get(f"/api/v1/places/{mill}/poster.svg")
    assert picture.status_code == one.status_code
    foreign = await client.get(
        "/reg/posters.pdf", params={"district": "410122"}, headers={"accept": "application/json"}
    )
    allowed = district == "410000"
    assert (foreign.status_code == 200) == allowed
    if not allowed:
        assert foreign.json()["code"] == "not_your_district"


def test_a_citys_code_means_all_its_districts():
    assert [area_of(code) for code in (None, "", "410221", "410200", "410000")] == [
        "",
        "",
        "410221",
        "4102",
        "41",
    ]


async def test_suspended_places_and_ended_codes_are_not_printed(
    conn: Connection, logged_in: Browsers, mill: int
):
    browser = await logged_in("registrar")
    await conn.execute("UPDATE registry.place SET status = 'suspended' WHERE id = $1", mill)
    await conn.execute("UPDATE registry.code SET status = 'revoked' WHERE gate = '正门'")
    assert len(_read((await browser.get("/reg/posters.pdf")).content)) == 1


async def test_the_hood_and_the_posters_are_closed_to_others(logged_in: Browsers, city: City):
    browser = await logged_in("lane", city.north)
    for path in ("/reg/posters", "/reg/posters.pdf", "/reg/hood.pdf"):
        assert (await browser.get(path)).status_code == 403
    hood = await (await logged_in("registrar")).get("/reg/hood.pdf")
    assert hood.content.startswith(b"%PDF")


async def test_others_are_answered_while_posters_are_printed(
    conn: Connection, logged_in: Browsers, clock: SetClock
):
    """Neither the loop nor the one connection of this test is held by the press."""
    gates = tuple(f"{at}号门" for at in range(60))
    await _place(conn, "destination", "大市场", "410221", clock.now(), *gates)
    browser = await logged_in("registrar")
    printing = asyncio.create_task(browser.get("/reg/posters.pdf", params={"per": 60}))
    answered = 0
    while not printing.done():
        assert (await browser.get("/healthz")).status_code == 200
        answered += 1
    assert len(pypdfium2.PdfDocument((await printing).content)) == 60
    assert answered >= 5
