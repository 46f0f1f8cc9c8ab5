"""The whole report on one page, as staff type it for a driver."""

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import httpx
import pytest

from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from registry.passes import pass_number
from registry.submission import LOCAL
from tests.city import IDS, City
from tests.conftest import NOON
from tests.http import submit
from tests.phones import letters

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def client(logged_in: LogIn, city: City) -> httpx.AsyncClient:
    """The desk's."""
    return await logged_in("desk", city.north)


def typed_at(at: datetime) -> str:
    return at.astimezone(LOCAL).strftime("%Y-%m-%dT%H:%M")


def filled(city: City, **changes: str) -> dict[str, str]:
    """The form as a driver without company fills it."""
    fields = {
        "event_id": str(uuid7(NOON)),
        "name": "李小龙",
        "id_type": "resident",
        "id_number": IDS[0],
        "phone": "13812345678",
        "plate": "豫B12345",
        "goods": "daily",
        "origin": "山东省济南市",
        "entry_place_id": str(city.north),
        "stop_1": str(city.mill),
        "expected_entry_at": typed_at(NOON + timedelta(hours=1)),
        "expected_exit_at": typed_at(NOON + timedelta(hours=30)),
        "q_symptom": "no",
        "q_risk_area": "no",
        "channel": "counter",
    }
    return fields | changes


async def sent(client: httpx.AsyncClient, fields: dict[str, str]) -> httpx.Response:
    return await submit(client, await client.get("/assist?lang=en"), "/assist", fields)


async def movements(conn: Connection) -> int:
    return await conn.fetchval("SELECT count(*) FROM registry.movement")


async def test_a_report_sent_twice_is_one_movement(
    client: httpx.AsyncClient, conn: Connection, clock: SetClock, city: City
) -> None:
    fields = filled(city)
    first = await sent(client, fields)
    clock.at += timedelta(seconds=3)
    second = await sent(client, fields)
    assert first.headers["location"] == second.headers["location"]
    assert await movements(conn) == 1


async def test_other_answers_under_the_same_form_may_be_sent_again(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    fields = filled(city)
    await sent(client, fields)
    again = await sent(client, fields | {"plate": "豫B54321"})
    assert again.status_code == 422
    assert fields["event_id"] not in again.text
    assert "豫B54321" in again.text
    assert await movements(conn) == 1


async def test_what_is_wrong_stands_beside_its_field_and_nothing_is_stored(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    for _ in range(2):
        answer = await sent(client, filled(city, id_number=IDS[0][:-1] + "8", phone="1", stop_1=""))
        assert answer.status_code == 422
        for field in ("id_number", "phone", "stop_1"):
            assert f'href="#f-{field}"' in answer.text
        assert "李小龙" in answer.text
    assert await movements(conn) == 0


@pytest.mark.parametrize("value", ["", "x", "1", "99999999999999999999", "2022-05-01", "²"])
async def test_values_that_no_browser_sends_are_found_wrong(
    client: httpx.AsyncClient, conn: Connection, city: City, value: str
) -> None:
    odd = dict.fromkeys(("entry_place_id", "stop_1", "expected_entry_at", "q_symptom"), value)
    answer = await sent(client, filled(city, **odd))
    assert answer.status_code == 422
    for field in ("entry_place_id", "stop_1", "expected_entry_at", "q_symptom"):
        assert f'href="#f-{field}"' in answer.text
    assert await movements(conn) == 0


async def test_a_crew_members_mistake_stands_at_the_right_person(
    client: httpx.AsyncClient, city: City
) -> None:
    company = {"crew_3_name": "王五", "crew_3_id_number": "123"}
    answer = await sent(client, filled(city, **company))
    assert answer.status_code == 422
    assert 'href="#f-crew_1_id_number"' in answer.text
    assert re.search(r'<input[^>]* name="crew_1_name"[^>]* value="王五"', answer.text)


async def test_a_report_by_staff_has_a_pass_and_the_driver_is_told(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    answer = await sent(client, filled(city, channel="phone"))
    movement_id = await conn.fetchval("SELECT movement_id FROM registry.movement")
    assert answer.headers["location"] == f"/assist/{movement_id}"
    shown = await client.get(answer.headers["location"])
    digits = pass_number(movement_id, city.office.vault)
    assert digits in shown.text.replace(" ", "").replace("</span><span>", "")
    assert IDS[0] not in shown.text
    assert await conn.fetchval("SELECT channel FROM registry.movement") == "phone"
    (letter,) = await letters(conn, city.office.vault)
    assert (letter.to, letter.kind) == ("+8613812345678", "pass_issued")
    driver = httpx.URL(letter.facts["url"]).path
    assert "豫B" in (await client.get(driver)).text


async def test_a_sheet_of_paper_is_entered_with_its_own_hour(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    written = NOON - timedelta(hours=20)
    times = {
        "expected_entry_at": typed_at(written + timedelta(hours=1)),
        "paper_at": typed_at(written),
        "channel": "paper",
    }
    assert (await sent(client, filled(city, **times))).status_code == 303
    row = await conn.fetchrow("SELECT occurred_at, received_at FROM registry.event")
    assert row is not None
    assert (row["occurred_at"], row["received_at"]) == (written, NOON)


@pytest.mark.parametrize("hours", [-1, 73])
async def test_a_sheet_from_tomorrow_or_last_week_is_refused(
    client: httpx.AsyncClient, conn: Connection, city: City, hours: int
) -> None:
    sheet = {"paper_at": typed_at(NOON - timedelta(hours=hours)), "channel": "paper"}
    answer = await sent(client, filled(city, **sheet))
    assert answer.status_code == 422
    assert 'href="#f-paper_at"' in answer.text
    assert await movements(conn) == 0


async def test_only_the_desk_and_the_hotline_report_for_drivers(
    logged_in: LogIn, city: City, client: httpx.AsyncClient
) -> None:
    assert (await client.get("/assist")).status_code == 200
    assert (await (await logged_in("hotline")).get("/assist")).status_code == 200
    for role, place in (("lane", city.north), ("firm", city.mill), ("auditor", None)):
        assert (await (await logged_in(role, place)).get("/assist")).status_code == 403
