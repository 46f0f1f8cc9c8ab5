"""Paper forms of an outage: each line with its own time and answer, nothing lost, safe to repeat."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import httpx
import pytest

from closedloop.model import State
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from registry.submission import LOCAL
from tests.checkpoint.moves import loop_of, number_of, reported
from tests.city import IDS, City
from tests.conftest import NOON
from tests.http import submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
AFTER = NOON + timedelta(hours=3)


@pytest.fixture(autouse=True)
def afterwards(clock: SetClock) -> None:
    clock.at = AFTER


def typed(at: datetime) -> str:
    return at.astimezone(LOCAL).strftime("%Y-%m-%dT%H:%M")


def line(
    n: int, truck: str, at: datetime = NOON, card: str = "green", **more: str
) -> dict[str, str]:
    said = {
        "event_id": str(UUID(int=100 + n)),
        "at": typed(at),
        "truck": truck,
        "card": card,
    } | more
    return {f"{name}_{n}": value for name, value in said.items()}


async def enter(browser: httpx.AsyncClient, **fields: str) -> httpx.Response:
    return await submit(browser, await browser.get("/paper?lang=en"), "/paper", fields)


async def test_a_line_is_a_scan_with_its_own_time(
    logged_in: LogIn, conn: Connection, city: City
) -> None:
    movement_id = await reported(conn, city)
    answer = await enter(await logged_in("lane", city.north), **line(0, "豫B12345", gate="1"))
    assert answer.status_code == 200, answer.text
    loop = await loop_of(conn, movement_id)
    assert (loop.state, loop.released_at, loop.entry_gate) == (State.RELEASED, NOON, "1")
    row = await conn.fetchrow("SELECT * FROM registry.event WHERE kind = 'entry'")
    assert row is not None
    assert (row["offline"], row["received_at"]) == (True, AFTER)


async def test_by_pass_number_too_and_a_truck_that_never_reported(
    logged_in: LogIn, conn: Connection, city: City
) -> None:
    movement_id = await reported(conn, city)
    lines = line(0, number_of(city, movement_id)) | line(3, "豫C77777", NOON + timedelta(minutes=9))
    answer = await enter(await logged_in("desk", city.north), **lines)
    assert "2 lines entered" in answer.text
    assert (await loop_of(conn, movement_id)).released_at == NOON
    other = await conn.fetchval(
        "SELECT movement_id FROM registry.plate_lookup WHERE plate = '豫C77777'"
    )
    loop = await loop_of(conn, other)
    assert loop.released_at == NOON + timedelta(minutes=9)
    assert "admitted_against_rules" in loop.flags


async def test_a_bad_line_stays_and_spoils_no_other(
    logged_in: LogIn, conn: Connection, city: City
) -> None:
    movement_id = await reported(conn, city)
    wrong = (
        line(0, "nothing at all")
        | line(1, "豫B12345")
        | line(2, "豫B54321", NOON - timedelta(hours=80))
        | line(3, "豫B54321", card="")
        | line(4, "豫B54321", AFTER + timedelta(minutes=5))
        | line(5, "4" * 24)
    )
    lane = await logged_in("lane", city.north)
    answer = await enter(lane, **wrong)
    assert answer.status_code == 422
    assert "1 lines entered" in answer.text
    for kept in ("nothing at all", "豫B54321", "4" * 24):
        assert f'value="{kept}"' in answer.text
    assert answer.text.count('aria-invalid="true"') == 5
    assert (await loop_of(conn, movement_id)).state is State.RELEASED
    assert await conn.fetchval("SELECT count(*) FROM registry.event WHERE kind = 'entry'") == 1


async def test_sent_twice_is_entered_once_and_other_words_are_a_conflict(
    logged_in: LogIn, conn: Connection, city: City
) -> None:
    await reported(conn, city)
    lane = await logged_in("lane", city.north)
    for _ in range(2):
        assert (await enter(lane, **line(0, "豫B12345"))).status_code == 200
    assert await conn.fetchval("SELECT count(*) FROM registry.event WHERE kind = 'entry'") == 1
    changed = await enter(lane, **line(0, "豫B12345", NOON + timedelta(minutes=1)))
    assert changed.status_code == 422


async def test_white_and_red_on_paper_are_verified_where_the_rules_do_not_bear_them_out(
    logged_in: LogIn, conn: Connection, city: City
) -> None:
    compliant = await reported(conn, city)
    other = await reported(conn, city, plate="豫B54321", id_number=IDS[1])
    lane = await logged_in("lane", city.north)
    await enter(lane, **line(0, "豫B12345", card="white"), **line(1, "豫B54321", card="red"))
    for movement_id, flag in ((compliant, "white_against_rules"), (other, "hold_without_source")):
        loop = await loop_of(conn, movement_id)
        assert loop.state is State.VERIFYING
        assert flag in loop.flags


async def test_a_firms_paper_is_arrivals(logged_in: LogIn, conn: Connection, city: City) -> None:
    movement_id = await reported(conn, city)
    await enter(await logged_in("lane", city.north), **line(0, "豫B12345"))
    firm = await logged_in("firm", city.mill)
    assert "card_0" not in (await firm.get("/paper")).text
    late = NOON + timedelta(minutes=50)
    answer = await enter(firm, **line(1, "豫B12345", late, card=""))
    assert answer.status_code == 200, answer.text
    loop = await loop_of(conn, movement_id)
    assert (loop.state, loop.stops[0].arrived_at) == (State.DISCHARGED, late)


async def test_an_empty_sheet_enters_nothing(
    logged_in: LogIn, conn: Connection, city: City
) -> None:
    answer = await enter(await logged_in("lane", city.north), event_id_0=str(uuid7(NOON)))
    assert answer.status_code == 200
    assert await conn.fetchval("SELECT count(*) FROM registry.event") == 0
