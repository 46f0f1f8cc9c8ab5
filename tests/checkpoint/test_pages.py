"""The lane's page: ready, scan, card."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from closedloop.model import State
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from kernel.privacy import Vault
from registry.passes import check_digit, pass_number
from tests.checkpoint.moves import loop_of, number_of, reported
from tests.city import City
from tests.conftest import NOON
from tests.http import submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]


async def scan(browser: httpx.AsyncClient, said: str, **fields: str) -> httpx.Response:
    shown = await browser.get("/gate?gate=1&lang=en")
    return await submit(browser, shown, "/gate", {"input": said, "gate": "1"} | fields)


def card(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return answer.text.partition('data-card="')[2].partition('"')[0]


async def events(conn: Connection) -> int:
    return await conn.fetchval("SELECT count(*) FROM registry.event")


async def test_a_truck_in_order_is_green_and_its_driver_masked(
    logged_in: LogIn, conn: Connection, city: City
) -> None:
    movement_id = await reported(conn, city)
    lane = await logged_in("lane", city.north)
    answer = await scan(lane, number_of(city, movement_id))
    assert card(answer) == "green"
    assert "豫B12345" in answer.text.replace("·", "").replace("\u2060", "")
    assert "李**" in answer.text
    assert "李小龙" not in answer.text
    loop = await loop_of(conn, movement_id)
    assert (loop.state, loop.entry_gate) == (State.RELEASED, "1")


@pytest.mark.parametrize(("lang", "sentence"), [("zh", "没有核酸"), ("en", "No negative")])
async def test_a_failed_rule_is_told_in_the_readers_language(
    logged_in: LogIn, conn: Connection, city: City, lang: str, sentence: str
) -> None:
    movement_id = await reported(conn, city, tested=False)
    lane = await logged_in("lane", city.north)
    await lane.get("/gate", params={"lang": lang})
    shown = await lane.get("/gate")
    said = {"input": number_of(city, movement_id), "gate": "1"}
    answer = await submit(lane, shown, "/gate", said)
    assert card(answer) == "yellow"
    assert sentence in answer.text


async def test_spaces_and_wide_digits_are_the_same_pass(
    logged_in: LogIn, conn: Connection, city: City
) -> None:
    number = number_of(city, await reported(conn, city))
    wide = number[:12].translate({ord("0") + n: ord("０") + n for n in range(10)})
    lane = await logged_in("lane", city.north)
    assert card(await scan(lane, f" {wide} {number[12:]} ")) == "green"


async def test_a_plate_finds_the_report_and_an_unknown_one_goes_to_the_desk(
    logged_in: LogIn, conn: Connection, city: City
) -> None:
    movement_id = await reported(conn, city)
    lane = await logged_in("lane", city.north)
    assert card(await scan(lane, "豫b·12345")) == "green"
    assert (await loop_of(conn, movement_id)).state == State.RELEASED
    assert card(await scan(lane, "豫B77777")) == "yellow"


async def test_another_plate_than_the_one_reported_is_yellow(
    logged_in: LogIn, conn: Connection, city: City
) -> None:
    movement_id = await reported(conn, city)
    lane = await logged_in("lane", city.north)
    answer = await scan(lane, number_of(city, movement_id), plate_seen="豫B54321")
    assert card(answer) == "yellow"


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("134512345678901234", "payment code"),
        ("wxp://f2f0abc", "payment code"),
        ("https://xc.caict.ac.cn/x", "itinerary code"),
        ("健康码", "health code"),
        ("http://test/t/0123456789", "place code"),
        ("https://example.org/", "web address"),
        ("41020000000000000000000", "digit by digit"),
        ("12345", "not a pass"),
        ("hello", "not a plate number"),
    ],
)
async def test_what_is_no_pass_says_what_it_is_and_leaves_no_trace(
    logged_in: LogIn, conn: Connection, city: City, said: str, sentence: str
) -> None:
    lane = await logged_in("lane", city.north)
    answer = await scan(lane, said)
    assert card(answer) == "wrong_code"
    assert sentence in answer.text
    assert await events(conn) == 0
    assert await conn.fetchval("SELECT count(*) FROM registry.movement") == 0


async def test_forged_foreign_and_mistyped_numbers_each_say_so(
    logged_in: LogIn, conn: Connection, vault: Vault, city: City
) -> None:
    number = number_of(city, await reported(conn, city))
    forged = number[:-2] + str((int(number[-2]) + 1) % 10)
    other = pass_number(1100 * 10**9 + 7, vault)
    cases = {
        forged + check_digit(forged): "not issued here",
        other: "another city",
        number[:-1] + str((int(number[-1]) + 1) % 10): "digit by digit",
    }
    lane = await logged_in("lane", city.north)
    before = await events(conn)
    for said, sentence in cases.items():
        answer = await scan(lane, said)
        assert card(answer) == "wrong_code"
        assert sentence in answer.text
    assert await events(conn) == before


async def test_a_scan_sent_twice_is_counted_once_and_shows_its_card_again(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    number = number_of(city, await reported(conn, city))
    lane = await logged_in("lane", city.north)
    event_id = str(uuid7(NOON))
    assert card(await scan(lane, number, event_id=event_id)) == "green"
    count = await events(conn)
    clock.at += timedelta(seconds=2)
    assert card(await scan(lane, number, event_id=event_id)) == "green"
    assert await events(conn) == count


async def test_a_second_showing_names_the_lane_and_the_time_of_the_first(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    number = number_of(city, await reported(conn, city))
    lane = await logged_in("lane", city.north)
    await scan(lane, number)
    clock.at += timedelta(minutes=3)
    answer = await scan(lane, number)
    assert card(answer) == "duplicate"
    assert "let through lane 1 at 1 May 20:00" in answer.text


async def test_the_page_offers_its_own_lanes_only(logged_in: LogIn, city: City) -> None:
    lane = await logged_in("lane", city.north)
    shown = await lane.get("/gate", params={"gate": "9"})
    assert 'name="gate" value=""' in shown.text
    shown = await lane.get("/gate", params={"gate": "1"})
    assert 'name="gate" value="1"' in shown.text


@pytest.mark.parametrize(
    ("role", "pages"),
    [
        ("lane", {"/gate", "/desk", "/loops"}),
        ("desk", {"/desk", "/loops"}),
        ("firm", {"/firm", "/loops"}),
        ("duty", {"/desk", "/duty", "/duty/rows", "/loops"}),
        ("auditor", {"/duty", "/duty/rows", "/loops"}),
        ("registrar", set[str]()),
    ],
)
async def test_each_role_opens_its_own_pages(
    logged_in: LogIn, city: City, role: str, pages: set[str]
) -> None:
    browser = await logged_in(role, city.mill if role == "firm" else city.north)
    asked = ("/gate", "/desk", "/firm", "/duty", "/duty/rows", "/loops")
    found = {path: (await browser.get(path)).status_code for path in asked}
    assert found == {path: 200 if path in pages else 403 for path in asked}


async def test_a_visitor_is_led_to_the_log_in(client: httpx.AsyncClient, city: City) -> None:
    del city
    for path in ("/gate", "/desk", "/firm", "/duty", "/loops", "/loops/4102000000000"):
        answer = await client.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login?next=")


@pytest.mark.parametrize("event_id", ["", "x"])
async def test_a_form_with_a_damaged_id_records_nothing(
    logged_in: LogIn, conn: Connection, city: City, event_id: str
) -> None:
    number = number_of(city, await reported(conn, city))
    lane = await logged_in("lane", city.north)
    before = await events(conn)
    answer = await scan(lane, number, event_id=event_id)
    assert answer.status_code == 400
    assert await events(conn) == before


async def test_a_hold_is_shown_again_at_every_lane(
    logged_in: LogIn, conn: Connection, city: City, clock: SetClock
) -> None:
    movement_id = await reported(conn, city, tested=False)
    number = number_of(city, movement_id)
    lane = await logged_in("lane", city.north)
    await scan(lane, number)
    clock.at += timedelta(minutes=1)
    desk = await logged_in("desk", city.north)
    shown = await desk.get("/desk?lang=en")
    rules: Any = (await city.office.cache.now(conn)).rules_at(NOON)
    said = {
        "event_id": str(uuid7(NOON)),
        "source": "令〔2022〕7号",
        "reason": rules.hold_reasons[0].code,
    }
    done = await submit(desk, shown, f"/desk/{movement_id}/hold", said)
    assert done.status_code == 303, done.text
    clock.at += timedelta(minutes=1)
    answer = await scan(lane, number)
    assert card(answer) == "red"
    assert "under hold" in answer.text


async def test_styles_come_small_and_pages_are_never_squeezed(client: httpx.AsyncClient) -> None:
    """What is secret in a page could be weighed from outside, if the page were compressed."""
    style = await client.get("/static/base.css")
    assert style.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in style.headers["vary"].lower()
    assert int(style.headers["content-length"]) < 8_000 < len(style.content)
    shown = await client.get("/d/new")
    assert "content-encoding" not in shown.headers
    assert "content-encoding" not in (await client.get("/static/voice/zh/ui.ask.phone.mp3")).headers


async def test_a_duplicate_is_let_through_with_a_reason(
    logged_in: LogIn, conn: Connection, city: City, clock: SetClock
) -> None:
    number = number_of(city, await reported(conn, city))
    lane = await logged_in("lane", city.north)
    for minutes, card in ((0, "green"), (3, "duplicate")):
        clock.at = NOON + timedelta(minutes=minutes)
        shown = await lane.get("/gate?gate=1")
        said = {"input": number, "gate": "1", "event_id": str(uuid7(clock.at))}
        answer = await submit(lane, shown, "/gate", said)
        assert f'data-card="{card}"' in answer.text
    assert f'name="input" value="{number}"' in answer.text
    said |= {"override": "回车", "event_id": str(uuid7(clock.at + timedelta(seconds=1)))}
    answer = await submit(lane, answer, "/gate", said)
    assert 'data-card="green"' in answer.text
