"""The page of the verification desk."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from closedloop.model import State
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from tests.checkpoint.moves import loop_of, verifying
from tests.checkpoint.test_desk import compliant
from tests.city import IDS, City
from tests.conftest import NOON
from tests.http import submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]


async def decide(
    desk: httpx.AsyncClient, movement_id: int, what: str, **fields: str
) -> httpx.Response:
    shown = await desk.get("/desk?lang=en")
    said = {"event_id": str(uuid7(NOON))} | fields
    return await submit(desk, shown, f"/desk/{movement_id}/{what}", said)


async def test_cases_stand_in_the_order_of_their_cards_with_what_is_missing(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    first = await verifying(conn, city)
    later = NOON + timedelta(minutes=4)
    second = await verifying(conn, city, later, plate="豫B54321", id_number=IDS[1])
    clock.at = NOON + timedelta(minutes=7)
    shown = await (await logged_in("desk", city.north)).get("/desk?lang=en")
    assert shown.text.index(f'data-row="{first}"') < shown.text.index(f'data-row="{second}"')
    assert "7 min" in shown.text
    assert "3 min" in shown.text
    assert "No negative" in shown.text
    assert "李**" in shown.text
    assert "李小龙" not in shown.text


async def test_another_checkpoints_cases_are_not_shown(
    logged_in: LogIn, conn: Connection, city: City
) -> None:
    movement_id = await verifying(conn, city)
    south = await (await logged_in("desk", city.south)).get("/desk")
    assert str(movement_id) not in south.text
    duty = await (await logged_in("duty")).get("/desk")
    assert str(movement_id) in duty.text


@pytest.mark.parametrize(
    ("what", "fields", "state"),
    [
        ("release", {"proof": "纸质证明"}, State.RELEASED),
        ("turn-back", {"reason": "turn_back_reasons"}, State.TURNED_BACK),
        ("hold", {"reason": "hold_reasons", "source": "令7号"}, State.HELD),
    ],
)
async def test_a_case_is_settled_with_one_form_and_leaves_the_list(
    logged_in: LogIn,
    conn: Connection,
    city: City,
    what: str,
    fields: dict[str, str],
    state: State,
    clock: SetClock,
) -> None:
    movement_id = await verifying(conn, city)
    clock.at += timedelta(minutes=3)
    in_force = (await city.office.cache.now(conn)).rules_at(NOON)
    chosen = {
        name: getattr(in_force, value)[0].code if name == "reason" else value
        for name, value in fields.items()
    }
    desk = await logged_in("desk", city.north)
    event_id = str(uuid7(NOON))
    for _ in range(2):
        answer = await decide(desk, movement_id, what, event_id=event_id, **chosen)
        assert answer.status_code == 303, answer.text
    assert (await loop_of(conn, movement_id)).state is state
    shown = await desk.get(answer.headers["location"])
    assert 'role="status"' in shown.text
    assert f'data-row="{movement_id}"' not in shown.text


async def test_a_compliant_truck_is_not_offered_the_white_card(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    movement_id = await compliant(conn, city)
    clock.at = NOON + timedelta(minutes=5)
    desk = await logged_in("desk", city.north)
    shown = await desk.get("/desk?lang=en")
    assert f"/desk/{movement_id}/turn-back" not in shown.text
    in_force = (await city.office.cache.now(conn)).rules_at(NOON)
    reason = in_force.turn_back_reasons[0].code
    answer = await decide(desk, movement_id, "turn-back", reason=reason)
    assert answer.status_code == 422
    assert "may not be turned back" in answer.text
    assert (await loop_of(conn, movement_id)).state is State.VERIFYING


@pytest.mark.parametrize("movement_id", [1, 4102000000000, 10**30])
async def test_a_movement_that_is_none_is_told_on_the_page(
    logged_in: LogIn, city: City, movement_id: int
) -> None:
    desk = await logged_in("desk", city.north)
    assert (await decide(desk, movement_id, "release")).status_code in {404, 422}


async def test_a_hold_without_source_is_told_on_the_page(
    logged_in: LogIn, conn: Connection, city: City
) -> None:
    movement_id = await verifying(conn, city)
    answer = await decide(await logged_in("desk", city.north), movement_id, "hold", reason="x")
    assert answer.status_code == 422
    assert "needs its source record" in answer.text
