"""Many trucks at once with a result for each, departures, the list to take along."""

import csv
import io
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx

from closedloop.model import State
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from tests.checkpoint.moves import loop_of, released, reported
from tests.city import IDS, City
from tests.conftest import NOON
from tests.http import submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
TRUCK = re.compile(r'name="truck" value="([^"]+)"')


async def confirm(firm: httpx.AsyncClient, *trucks: str) -> httpx.Response:
    body = "&".join(f"truck={truck}" for truck in trucks)
    token = firm.cookies["csrftoken"]
    return await firm.post(
        "/firm/confirm",
        content=body,
        headers={"content-type": "application/x-www-form-urlencoded", "x-csrftoken": token},
    )


async def fleet(conn: Connection, city: City) -> list[int]:
    return [await released(conn, city, plate=f"豫B5432{n}", id_number=IDS[n]) for n in range(3)]


async def test_many_trucks_are_confirmed_each_with_its_result(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    trucks = await fleet(conn, city)
    elsewhere = await released(conn, city, plate="豫B99999", id_number=IDS[3], stops=(city.depot,))
    clock.at += timedelta(minutes=45)
    firm = await logged_in("firm", city.mill)
    shown = await firm.get("/firm?lang=en")
    said = TRUCK.findall(shown.text)
    assert len(said) == 3
    wrong = (f"{elsewhere}:{uuid7(NOON)}", f"4102000000000:{uuid7(NOON)}", "x", "1:x")
    told = await confirm(firm, *said, *wrong)
    assert "3 confirmed, 2 not" in told.text
    assert [(await loop_of(conn, each)).state for each in trucks] == [State.DISCHARGED] * 3
    assert (await loop_of(conn, elsewhere)).state is State.RELEASED
    again = await confirm(firm, *said)
    assert "3 confirmed, 0 not" in again.text


async def test_a_truck_that_leaves_for_its_next_stop(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    movement_id = await released(conn, city, stops=(city.mill, city.depot))
    clock.at += timedelta(minutes=45)
    firm = await logged_in("firm", city.mill)
    shown = await firm.get("/firm?lang=en")
    await confirm(firm, *TRUCK.findall(shown.text))
    shown = await firm.get("/firm?lang=en")
    assert "Has left" in shown.text
    clock.at += timedelta(minutes=20)
    said = {"movement_id": str(movement_id), "event_id": str(uuid7(clock.at))}
    done = await submit(firm, shown, "/firm/departed", said)
    assert done.headers["location"] == "/firm?done=departed"
    loop = await loop_of(conn, movement_id)
    assert loop.due_at == clock.at + timedelta(minutes=75)
    assert "Has left" not in (await firm.get("/firm")).text


async def test_the_list_of_a_day_is_a_file_without_formulas(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    await fleet(conn, city)
    await reported(conn, city, plate="豫B77777", id_number=IDS[3])
    await conn.execute("UPDATE registry.place SET name = '=1+1' WHERE id = $1", city.north)
    clock.at += timedelta(minutes=45)
    firm = await logged_in("firm", city.mill)
    answer = await firm.get("/firm/trucks.csv?lang=en")
    assert answer.headers["content-disposition"].endswith('"trucks.csv"')
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert rows[0][1] == "Plate"
    assert {row[1] for row in rows[1:]} >= {"豫B54320", "豫B54321", "豫B54322"}
    assert {row[2] for row in rows[1:4]} == {"'=1+1"}
    other = await logged_in("firm", city.depot)
    assert "54320" not in (await other.get("/firm/trucks.csv")).text


async def test_the_screen_shows_the_digits_of_the_minute(logged_in: LogIn, city: City) -> None:
    shown = await (await logged_in("firm", city.mill)).get("/firm/screen")
    assert re.search(r"data-code[^>]*>\d{3} \d{3}<", shown.text)
    assert shown.headers["cache-control"] == "no-store"


async def send(firm: httpx.AsyncClient, said: str, at: str, **headers: str) -> httpx.Response:
    movement, _, event = said.partition(":")
    tap = {"id": event, "movement_id": int(movement), "kind": "confirm", "occurred_at": at}
    token = {"x-csrftoken": firm.cookies["csrftoken"]}
    return await firm.post("/api/v1/events", json={"events": [tap]}, headers=token | headers)


async def test_a_tap_that_goes_again_with_its_time_is_the_same_tap(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    """Its answer was lost, and it is sent later as the device kept it."""
    await released(conn, city)
    clock.at += timedelta(minutes=45)
    firm = await logged_in("firm", city.mill)
    (said,) = TRUCK.findall((await firm.get("/firm")).text)
    movement, _, event = said.partition(":")
    shown = await firm.get("/firm")
    first = await submit(firm, shown, "/firm/arrived", {"movement_id": movement, "event_id": event})
    assert first.status_code == 303
    again = await send(firm, said, clock.at.isoformat())
    assert [each["status"] for each in again.json()["results"]] == ["repeated"]


async def test_what_one_account_kept_is_not_sent_by_another(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    movement_id = await released(conn, city)
    clock.at += timedelta(minutes=45)
    firm = await logged_in("firm", city.mill)
    shown = await firm.get("/firm")
    (said,) = TRUCK.findall(shown.text)
    mine = re.findall(r'data-account="(\w+)"', shown.text)
    wrong = await send(firm, said, clock.at.isoformat(), **{"x-account": "0" * 16})
    assert (wrong.status_code, wrong.json()["code"]) == (409, "other_account")
    assert (await loop_of(conn, movement_id)).state is State.RELEASED
    right = await send(firm, said, clock.at.isoformat(), **{"x-account": mine[0]})
    assert [each["status"] for each in right.json()["results"]] == ["recorded"]


async def test_the_worker_may_look_at_the_firms_pages_and_no_others(logged_in: LogIn) -> None:
    worker = await (await logged_in("duty")).get("/firm/sw.js")
    assert worker.headers["service-worker-allowed"] == "/firm"
    assert worker.headers["content-type"].startswith("text/javascript")
    assert worker.headers["cache-control"] == "no-cache"
