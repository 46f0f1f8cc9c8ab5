"""Drivers who come back: the last four, counted for life; a new phone; a link from somebody."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from closedloop.question_forms import LAST_PASS, to_pass
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.settings import Settings
from registry.drivers import COOKIE
from tests.city import IDS, City
from tests.closedloop.walk import PHONE, Walk, answers
from tests.conftest import NOON
from tests.http import submit
from tests.phones import code_sent, letters

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
RIGHT, WRONG = IDS[0][-4:], "0000"
HEALTHY = {"q_symptom": "no", "q_risk_area": "no"}


@pytest.fixture
async def walk(client: httpx.AsyncClient, conn: Connection, city: City) -> Walk:
    """On a device that has reported before."""
    made = Walk(client, conn, city)
    await made.reports()
    return made


async def guesses(conn: Connection) -> int:
    return await conn.fetchval("SELECT coalesce(sum(failures), 0) FROM registry.person_attempt")


async def test_the_last_journey_is_reported_again_with_four_characters(
    walk: Walk, conn: Connection, clock: SetClock
) -> None:
    clock.at = NOON + timedelta(days=3)
    walk.at = "/d/again"
    assert (await walk.says(last_four=RIGHT.lower())).status_code == 303
    assert walk.at.endswith("/again")
    assert "豫B" in (await walk.client.get(walk.at)).text
    answer = await walk.says(**HEALTHY)
    assert answer.status_code == 303, answer.text
    rows = await conn.fetch(
        "SELECT plate, channel, stops, expected_entry_at FROM registry.movement ORDER BY reported_at"
    )
    assert [row["channel"] for row in rows] == ["driver", "returning"]
    assert rows[0]["stops"] == rows[1]["stops"]
    assert rows[1]["expected_entry_at"] > clock.at


async def test_the_health_questions_are_asked_anew(walk: Walk, conn: Connection) -> None:
    walk.at = "/d/again"
    await walk.says(last_four=RIGHT)
    answer = await walk.says()
    assert answer.status_code == 422
    assert 'href="#f-q_symptom"' in answer.text
    assert await conn.fetchval("SELECT count(*) FROM registry.movement") == 1


async def test_ten_wrong_guesses_are_all_for_life(
    walk: Walk, conn: Connection, clock: SetClock
) -> None:
    """On a device that asks for a code again after five; the right answer is then refused too."""
    for n in range(12):
        clock.at += timedelta(hours=7)
        if n % 4 == 0:
            await walk.begins()  # a code binds nothing by itself: the last four come after it
        shown = await walk.client.get(walk.at)
        answer = await submit(walk.client, shown, walk.at, {"last_four": WRONG})
        assert answer.status_code == 422
    assert await guesses(conn) == 10
    answer = await walk.says(last_four=RIGHT)
    assert answer.status_code == 422
    assert "12328" in answer.text
    assert await guesses(conn) == 10


async def test_staff_who_have_seen_the_document_allow_guesses_again(
    walk: Walk, conn: Connection, logged_in: LogIn, city: City, clock: SetClock
) -> None:
    """And the telephone of that report is then the one that a code is sent to."""
    await conn.execute("INSERT INTO registry.person_attempt SELECT id, 10 FROM registry.person")
    walk.at = "/d/again"
    assert (await walk.says(last_four=RIGHT)).status_code == 422
    desk = await logged_in("desk", city.north)
    movement_id = await conn.fetchval("SELECT movement_id FROM registry.movement")
    page = f"/assist/{movement_id}"
    await submit(desk, await desk.get(page), f"{page}/seen", {})
    clock.at += timedelta(hours=7)
    await walk.begins()
    assert (await walk.says(last_four=RIGHT)).status_code == 303
    assert (
        await conn.fetchval("SELECT count(*) FROM kernel.audit WHERE action = 'reset_guesses'") == 1
    )


async def test_an_unknown_device_and_a_wrong_guess_are_answered_alike(
    walk: Walk, client: httpx.AsyncClient, conn: Connection
) -> None:
    walk.at = "/d/again"
    known = await walk.says(last_four=WRONG)
    client.cookies.set(COOKIE, "a-token-that-nobody-gave")
    unknown = await walk.says(last_four=WRONG)
    assert known.status_code == unknown.status_code == 422
    assert known.text == unknown.text
    assert await guesses(conn) == 1


async def test_five_wrong_guesses_end_a_devices_memory(walk: Walk, conn: Connection) -> None:
    walk.at = "/d/again"
    for _ in range(5):
        await walk.says(last_four=WRONG)
    assert (await walk.says(last_four=RIGHT)).status_code == 422
    assert await guesses(conn) == 5


async def test_a_new_phone_of_a_known_driver_needs_a_code_and_the_last_four(
    walk: Walk, conn: Connection, clock: SetClock
) -> None:
    clock.at += timedelta(hours=7)
    walk.client.cookies.delete(COOKIE)
    await walk.begins()
    assert walk.at.endswith("/known")
    await walk.says(last_four=RIGHT)
    assert walk.at.endswith("/again")
    assert (await walk.says(**HEALTHY)).status_code == 303
    assert await conn.fetchval("SELECT count(*) FROM registry.movement") == 2


async def test_whoever_has_the_phone_and_not_the_document_learns_nothing(
    walk: Walk, clock: SetClock
) -> None:
    clock.at += timedelta(hours=7)
    walk.client.cookies.delete(COOKIE)
    await walk.begins()
    shown = await walk.says(last_four=WRONG)
    assert shown.status_code == 422
    assert "李" not in shown.text
    await walk.says(skip="yes")
    assert walk.at.endswith("/person")
    assert "李小龙" not in (await walk.client.get(walk.at)).text


async def test_known_and_unknown_telephones_are_answered_alike(
    walk: Walk, client: httpx.AsyncClient, clock: SetClock
) -> None:
    clock.at += timedelta(hours=7)
    pages: list[str] = []
    for phone in (PHONE, "13900000001"):
        client.cookies.delete(COOKIE)
        walk.at = "/d/new?first=yes"
        answer = await walk.says(phone=phone)
        assert answer.status_code == 303
        draft = walk.at.split("/")[3]
        told = (await client.get(walk.at)).text + str(sorted(answer.headers))
        pages.append(told.replace(draft, "DRAFT").replace(phone, "PHONE"))
    assert pages[0] == pages[1]


async def test_a_number_gets_three_codes_in_six_hours_and_the_way_leads_on_without(
    client: httpx.AsyncClient, conn: Connection, clock: SetClock, city: City
) -> None:
    walk = Walk(client, conn, city)
    for _ in range(5):
        walk.at = "/d/new?first=yes"
        assert (await walk.says(phone=PHONE)).status_code == 303
        clock.at += timedelta(minutes=5)
    assert len(await letters(conn, city.office.vault)) == 3
    assert 'name="skip"' in (await client.get(walk.at)).text
    await walk.says(skip="yes")
    assert walk.at.endswith("/person")


async def test_a_second_tap_sends_no_second_code(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    walk = Walk(client, conn, city)
    for _ in range(2):
        walk.at = "/d/new?first=yes"
        await walk.says(phone=PHONE)
    (letter,) = await letters(conn, city.office.vault)
    await walk.says(code=letter.facts["code"])
    assert walk.at.endswith("/person")


async def test_a_code_dies_with_the_fifth_wrong_guess_and_with_time(
    client: httpx.AsyncClient, conn: Connection, clock: SetClock, city: City
) -> None:
    walk = Walk(client, conn, city)
    walk.at = "/d/new?first=yes"
    await walk.says(phone=PHONE)
    code = await code_sent(conn, city.office.vault)
    for _ in range(5):
        assert (await walk.says(code="000000" if code != "000000" else "1")).status_code == 422
    assert (await walk.says(code=code)).status_code == 422
    clock.at += timedelta(minutes=2)
    await walk.says(again="yes")
    code = await code_sent(conn, city.office.vault)
    clock.at += timedelta(minutes=11)
    assert (await walk.says(code=code)).status_code == 422


async def test_a_dispatcher_prepares_and_the_driver_answers_only_the_health_questions(
    client: httpx.AsyncClient, conn: Connection, logged_in: LogIn, city: City
) -> None:
    firm = await logged_in("firm", city.mill)
    said = {"phone": PHONE, "id_type": "resident"}
    for page, fields in answers(city).items():
        if page in {"person", "plate", "way"}:
            said |= fields
    said |= {"expected_entry_at": "2022-05-01T21:00", "expected_exit_at": "2022-05-02T18:00"}
    made = await submit(firm, await firm.get("/dispatch"), "/dispatch", said)
    assert made.status_code == 200, made.text
    (letter,) = await letters(conn, city.office.vault)
    assert letter.facts["url"] in made.text
    link = httpx.URL(letter.facts["url"]).path
    shown = await client.get(link)
    assert "豫B" in shown.text
    for private in (IDS[0], PHONE, "李小龙"):
        assert private not in shown.text
    walk = Walk(client, conn, city)
    walk.at = link
    await walk.says()
    shown = await client.get(walk.at)
    assert IDS[0] not in shown.text
    assert (await walk.says(**HEALTHY)).status_code == 303
    assert await conn.fetchval("SELECT channel FROM registry.movement") == "prepared"
    other = await logged_in("auditor")
    assert (await other.get(link)).status_code == 404


async def test_a_link_belongs_to_the_device_that_took_it_up(
    client: httpx.AsyncClient, conn: Connection, logged_in: LogIn, city: City
) -> None:
    firm = await logged_in("firm", city.mill)
    await submit(
        firm, await firm.get("/dispatch"), "/dispatch", {"phone": PHONE, "plate": "豫B12345"}
    )
    (letter,) = await letters(conn, city.office.vault)
    link = httpx.URL(letter.facts["url"]).path
    stranger = await logged_in("lane", city.north)
    shown = {who: await who.get(link) for who in (client, stranger)}
    taken = await submit(client, shown[client], link, {})
    assert taken.status_code == 303
    assert (await submit(stranger, shown[stranger], link, {})).status_code == 404
    assert (await stranger.get(taken.headers["location"])).status_code == 404


async def test_a_poster_that_was_scanned_chooses_the_checkpoint_of_a_returning_driver(
    walk: Walk, client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    first = await client.get("/d/new", params={"entry_place_id": city.south})
    assert first.status_code == 303
    walk.at = first.headers["location"]
    await walk.says(last_four=RIGHT, entry_place_id=str(city.south))
    assert (await walk.says(**HEALTHY)).status_code == 303
    places = await conn.fetch("SELECT entry_place_id FROM registry.movement ORDER BY reported_at")
    assert {row["entry_place_id"] for row in places} == {city.north, city.south}


async def test_behind_tls_the_address_of_the_pass_is_sent_over_https_only(city: City) -> None:
    for secure in (True, False):
        settings = Settings(data_dir=Path(), secure_cookies=secure)
        (kept,) = to_pass(city.office, 4102000000001, settings).cookies
        assert (kept.key, kept.secure, kept.httponly) == (LAST_PASS, secure, True)
