"""A truck's file at the desk: declared beside verified, its way from the lane, its slip, its
registration at the barrier, and that it comes again.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pypdfium2
import pytest

from closedloop.model import State
from closedloop.reporting import situation_of
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from tests.checkpoint.moves import loop_of, number_of, released, reported, scanned, verifying
from tests.city import IDS, City, add_proof
from tests.closedloop.test_assist import filled
from tests.conftest import NOON
from tests.http import submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]


async def decide(
    desk: httpx.AsyncClient, clock: SetClock, movement_id: int, what: str, **fields: str
) -> httpx.Response:
    clock.at += timedelta(minutes=1)
    shown = await desk.get(f"/desk/{movement_id}")
    said = {"event_id": str(uuid7(clock.at))} | fields
    return await submit(desk, shown, f"/desk/{movement_id}/{what}", said)


async def test_what_was_declared_stands_beside_what_is_verified(
    logged_in: LogIn, conn: Connection, city: City, clock: SetClock
) -> None:
    taken = NOON - timedelta(hours=50)
    await add_proof(conn, city.office.vault, "test", "negative", taken)
    movement_id = await reported(
        conn, city, tested=False, declared={"symptom": True, "risk_area": False}
    )
    await scanned(conn, city, movement_id, "entry", NOON, plate_seen="豫B99999")
    clock.at = NOON + timedelta(minutes=2)
    page = (await (await logged_in("desk", city.north)).get(f"/desk/{movement_id}?lang=en")).text
    assert "too old (50 hours)" in page
    assert "Negative" in page
    assert "△ Yes" in page
    assert "■ 豫B99999" in page
    assert "not on the list" in page
    assert "李小龙" not in page


async def test_a_proof_that_lasts_says_for_how_long(
    logged_in: LogIn, conn: Connection, city: City
) -> None:
    movement_id = await reported(conn, city)
    await scanned(conn, city, movement_id, "entry", NOON, plate_seen="豫B99999")
    page = (await (await logged_in("desk", city.north)).get(f"/desk/{movement_id}?lang=en")).text
    assert "good for 43 more hours" in page


async def test_a_truck_that_never_came_to_the_desk_stands_out(
    logged_in: LogIn, conn: Connection, city: City, clock: SetClock
) -> None:
    movement_id = await verifying(conn, city)
    desk = await logged_in("desk", city.north)
    clock.at = NOON + timedelta(minutes=4)
    assert "has not come" not in (await desk.get("/desk?lang=en")).text
    clock.at = NOON + timedelta(minutes=5)
    assert "has not come" in (await desk.get("/desk?lang=en")).text
    answer = await decide(desk, clock, movement_id, "here")
    assert answer.headers["location"] == f"/desk/{movement_id}?done=here"
    shown = (await desk.get("/desk?lang=en")).text
    assert "has not come" not in shown
    assert "at the desk" in shown
    assert (await loop_of(conn, movement_id)).state is State.VERIFYING


async def test_the_way_from_the_lane_begins_anew_with_each_card(
    logged_in: LogIn, conn: Connection, city: City, clock: SetClock
) -> None:
    movement_id = await verifying(conn, city)
    clock.at = NOON + timedelta(minutes=1)
    desk = await logged_in("desk", city.north)
    await decide(desk, clock, movement_id, "here")
    await decide(desk, clock, movement_id, "turn-back", reason="no_valid_test")
    await scanned(conn, city, movement_id, "entry", NOON + timedelta(hours=2))
    loop = await loop_of(conn, movement_id)
    assert (loop.at_desk_since, loop.attempt) == (None, 2)
    clock.at = NOON + timedelta(hours=2, minutes=1)
    shown = (await desk.get("/desk?lang=en")).text
    assert "comes for time 2" in shown
    assert "on its way" in shown


async def test_waiting_for_a_proof_is_being_at_the_desk(
    logged_in: LogIn, conn: Connection, city: City, clock: SetClock
) -> None:
    movement_id = await verifying(conn, city)
    await decide(await logged_in("desk", city.north), clock, movement_id, "wait")
    assert (await loop_of(conn, movement_id)).at_desk_since is not None


async def test_a_truck_that_is_not_sent_to_the_desk_does_not_come_there(
    logged_in: LogIn, conn: Connection, city: City, clock: SetClock
) -> None:
    movement_id = await released(conn, city)
    clock.at = NOON + timedelta(minutes=1)
    answer = await decide(await logged_in("desk", city.north), clock, movement_id, "here")
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


async def test_a_truck_that_is_turned_back_gets_a_slip(
    logged_in: LogIn, conn: Connection, city: City, clock: SetClock
) -> None:
    movement_id = await verifying(conn, city)
    desk = await logged_in("desk", city.north)
    path = f"/desk/{movement_id}/slip.pdf"
    assert (await desk.get(path)).status_code == 409
    answer = await decide(desk, clock, movement_id, "turn-back", reason="no_valid_test")
    page = await desk.get(answer.headers["location"])
    assert path in page.text
    paper = await desk.get(path)
    text = pypdfium2.PdfDocument(paper.content)[0].get_textpage().get_text_range()
    flat = "".join(text.split())
    number = number_of(city, movement_id)
    assert number[:4] in text
    assert "豫B12345" in text
    for said in ("没有48小时内的有效核酸证明", "Gettestedatthenearestsamplingpoint"):
        assert said in flat
    assert "李" not in text


async def test_a_truck_that_never_reported_becomes_a_movement_at_the_barrier(
    logged_in: LogIn, conn: Connection, city: City, clock: SetClock
) -> None:
    lane = await logged_in("lane", city.north)
    shown = await lane.get("/gate?gate=1")
    await submit(lane, shown, "/gate", {"input": "豫B12345", "gate": "1"})
    (movement_id,) = [
        row["movement_id"] for row in await conn.fetch("SELECT movement_id FROM registry.movement")
    ]
    await add_proof(conn, city.office.vault, "test", "negative", NOON - timedelta(hours=5))
    clock.at = NOON + timedelta(minutes=3)
    desk = await logged_in("desk", city.north)
    form = f"/assist?movement={movement_id}"
    assert form in (await desk.get("/desk")).text
    shown = await desk.get(form)
    assert 'value="豫B12345"' in shown.text
    said = filled(city, movement=str(movement_id), expected_entry_at="2022-05-01T20:00")
    answer = await submit(desk, shown, "/assist", said)
    assert answer.headers["location"] == f"/assist/{movement_id}"
    assert await conn.fetchval("SELECT count(*) FROM registry.movement") == 1
    situation = await situation_of(conn, movement_id)
    assert (situation.movement.blocked, situation.movement.channel) == (False, "desk")
    assert (situation.loop.state, situation.loop.attempt) == (State.VERIFYING, 1)
    assert situation.loop.at_desk_since is not None, "whoever registers it has it before them"
    assert f'href="/desk/{movement_id}"' in (await desk.get(answer.headers["location"])).text
    page = await desk.get(f"/desk/{movement_id}?lang=en")
    assert "meets every rule now" in page.text
    answer = await decide(desk, clock, movement_id, "release", proof="纸质")
    assert (await loop_of(conn, movement_id)).state is State.RELEASED
    # It has reported now: nobody registers it a second time.
    assert (await desk.get(form)).status_code == 409


async def test_what_is_wrong_in_its_registration_is_told_and_kept(
    logged_in: LogIn, conn: Connection, city: City, clock: SetClock
) -> None:
    lane = await logged_in("lane", city.north)
    shown = await lane.get("/gate?gate=1")
    await submit(lane, shown, "/gate", {"input": "豫B12345", "gate": "1"})
    movement_id = await conn.fetchval("SELECT movement_id FROM registry.movement")
    desk = await logged_in("desk", city.north)
    shown = await desk.get(f"/assist?movement={movement_id}")
    answer = await submit(
        desk, shown, "/assist", filled(city, movement=str(movement_id), id_number="1")
    )
    assert answer.status_code == 422
    assert f'name="movement" value="{movement_id}"' in answer.text
    clock.at += timedelta(minutes=1)
    for other in ("1", "4102000000009", "x"):
        answer = await submit(desk, shown, "/assist", filled(city, movement=other))
        assert answer.status_code == 404, other


@pytest.mark.parametrize("what", ["destroy", "turn_back"])
async def test_an_address_that_decides_nothing(
    logged_in: LogIn, conn: Connection, city: City, clock: SetClock, what: str
) -> None:
    movement_id = await verifying(conn, city)
    answer = await decide(await logged_in("desk", city.north), clock, movement_id, what)
    assert answer.status_code == 404
    assert (await loop_of(conn, movement_id)).state is State.VERIFYING


async def test_another_checkpoints_file_is_closed(
    logged_in: LogIn, conn: Connection, city: City
) -> None:
    movement_id = await verifying(conn, city)
    south = await logged_in("desk", city.south)
    for path in (f"/desk/{movement_id}", f"/desk/{movement_id}/slip.pdf"):
        assert (await south.get(path)).status_code == 403


async def test_the_queue_keeps_the_order_of_issue_whatever_is_amended(
    logged_in: LogIn, conn: Connection, city: City, clock: SetClock
) -> None:
    first = await verifying(conn, city)
    later = NOON + timedelta(minutes=4)
    second = await verifying(conn, city, later, plate="豫B54321", id_number=IDS[1])
    clock.at = NOON + timedelta(minutes=7)
    desk = await logged_in("desk", city.north)
    await decide(desk, clock, first, "wait")
    shown: Any = await desk.get("/desk")
    assert shown.text.index(f'data-row="{first}"') < shown.text.index(f'data-row="{second}"')
