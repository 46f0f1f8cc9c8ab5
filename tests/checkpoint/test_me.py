"""My data: in full for the person who has shown that it is they, and for nobody else."""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from litestar import Litestar

from kernel.clock import SetClock
from kernel.db import Connection
from registry.drivers import COOKIE
from tests.checkpoint.moves import reported, scanned
from tests.city import IDS, City
from tests.http import opened, submit
from tests.phones import known_device

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
TOKEN = "a-driver's-device"
POSTS = ("/d/me/correct", "/d/me/download", "/d/me/withdraw")


@pytest.fixture
async def driver(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    async with opened(app) as client:
        client.cookies.set(COOKIE, TOKEN)
        yield client


async def bind(conn: Connection, clock: SetClock) -> UUID:
    person = await conn.fetchval("SELECT id FROM registry.person")
    await known_device(conn, TOKEN, person, clock.now(), proved_for=timedelta(hours=1))
    return person


async def test_whoever_has_not_shown_who_they_are_is_asked_first(
    conn: Connection, city: City, clock: SetClock, driver: httpx.AsyncClient
) -> None:
    await reported(conn, city)
    for after in (None, timedelta(0), timedelta(hours=2)):
        if after == timedelta(0):
            await bind(conn, clock)
            assert (await driver.get("/d/me")).status_code == 200
        clock.at += after or timedelta(0)
        if after == timedelta(0):
            continue
        form = await driver.get("/login")
        answers = [await driver.get("/d/me"), await driver.get("/d/me/withdraw")]
        answers += [await submit(driver, form, url, {}) for url in POSTS]
        assert {answer.status_code for answer in answers} == {303}
        assert {answer.headers["location"] for answer in answers} == {"/d/again?next=/d/me"}
        assert not any(IDS[0] in answer.text for answer in answers)


async def test_everything_stored_is_shown_with_who_looked_and_how_long_it_is_kept(
    conn: Connection,
    city: City,
    clock: SetClock,
    driver: httpx.AsyncClient,
    logged_in: LogIn,
) -> None:
    movement_id = await reported(conn, city)
    await bind(conn, clock)
    duty, desk = await logged_in("duty"), await logged_in("desk", city.north)
    await duty.get(f"/loops/{movement_id}")
    url = f"/loops/{movement_id}/people/0/reveal"
    form = {"reason": "identity", "note": "ask 张三"}
    await submit(desk, await desk.get(url), url, form)
    shown = (await driver.get("/d/me")).text
    for said in ("李小龙", IDS[0], "+8613812345678", "第一面粉厂", "值班员", "核验台", "北卡口"):
        assert said in shown
    assert "核对证件" in shown
    assert "张三" not in shown
    assert "21 天" in shown
    assert "error." not in shown
    assert not re.search(r">\s*(ui|keeping|reveal)\.", shown)
    english = (await driver.get("/d/me?lang=en")).text
    assert "duty officer" in english
    rows = await conn.fetch("SELECT actor_name FROM kernel.audit WHERE action = 'read_own'")
    assert [row["actor_name"] for row in rows] == ["driver"] * 2


async def test_the_file_to_take_along_holds_all_and_nothing_of_others(
    conn: Connection, city: City, clock: SetClock, driver: httpx.AsyncClient
) -> None:
    movement_id = await reported(conn, city, crew=({"name": "王五", "id_number": IDS[1]},))
    person = await conn.fetchval("SELECT person_id FROM registry.movement_person WHERE ordinal = 0")
    await conn.execute("DELETE FROM registry.driver_device")
    await known_device(conn, TOKEN, person, clock.now(), proved_for=timedelta(hours=1))
    answer = await submit(driver, await driver.get("/d/me"), "/d/me/download", {})
    assert answer.status_code == 200
    assert "attachment" in answer.headers["content-disposition"]
    told = json.loads(answer.text)
    assert told["person"]["id_number"] == IDS[0]
    assert told["journeys"][0]["movement_id"] == movement_id
    assert told["reports"][0]["said"]["name"] == "李小龙"
    assert told["reports"][0]["evidence"]["test"]["value"] == "negative"
    assert "王五" not in answer.text
    assert IDS[1] not in answer.text


async def test_a_correction_reaches_the_record_and_every_open_report(
    conn: Connection, city: City, clock: SetClock, driver: httpx.AsyncClient
) -> None:
    movement_id = await reported(conn, city)
    await bind(conn, clock)
    form = await driver.get("/d/me")
    bad = await submit(driver, form, "/d/me/correct", {"name": "123", "phone": "12"})
    assert bad.status_code == 422
    assert 'value="123"' in bad.text
    fields = {"name": "李大龙", "phone": "13900002222"}
    answer = await submit(driver, form, "/d/me/correct", fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/d/me?done=corrected")
    shown = (await driver.get("/d/me")).text
    assert "李大龙" in shown
    assert "+8613900002222" in shown
    assert "李小龙" not in shown
    version = await conn.fetchval(
        "SELECT version FROM registry.movement WHERE movement_id = $1", movement_id
    )
    assert version == 2
    assert await conn.fetchval("SELECT masked_name FROM registry.movement_person") == "李**"


async def test_withdrawing_cancels_what_was_not_presented_and_forgets_the_devices(
    conn: Connection, city: City, clock: SetClock, driver: httpx.AsyncClient
) -> None:
    under_way = await reported(conn, city)
    await scanned(conn, city, under_way, "entry", clock.now())
    open_one = await reported(conn, city, tested=False)
    await bind(conn, clock)
    asked = await driver.get("/d/me/withdraw")
    assert asked.status_code == 200
    assert "21" in asked.text
    assert await conn.fetchval("SELECT count(*) FROM registry.event WHERE kind = 'cancelled'") == 0
    answer = await submit(driver, asked, "/d/me/withdraw", {})
    assert answer.status_code == 200
    gone = [each for each in answer.headers.get_list("set-cookie") if "Max-Age=0" in each]
    assert {each.partition("=")[0] for each in gone} == {"driver", "last_pass"}
    rows = await conn.fetch("SELECT movement_id, state FROM closedloop.loop")
    states = {row["movement_id"]: row["state"] for row in rows}
    assert states == {under_way: "released", open_one: "cancelled"}
    row = await conn.fetchrow("SELECT erase_asked_at, name_sealed FROM registry.person")
    assert row is not None
    assert row["erase_asked_at"] == clock.now()
    assert row["name_sealed"] is not None, "a journey is under way"
    driver.cookies.set(COOKIE, TOKEN)
    assert (await driver.get("/d/me")).status_code == 303


async def test_the_page_of_a_much_travelled_driver_stays_light(
    conn: Connection, city: City, clock: SetClock, driver: httpx.AsyncClient, logged_in: LogIn
) -> None:
    await reported(conn, city)
    for _ in range(30):
        movement_id = await reported(conn, city, tested=False)
    await bind(conn, clock)
    duty = await logged_in("duty")
    for _ in range(30):
        await duty.get(f"/loops/{movement_id}")
    answer = await driver.get("/d/me")
    print(f"{len(answer.content)} bytes uncompressed")
    assert len(answer.content) <= 30 * 1024
