"""The duty officer's page."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from kernel.clock import SetClock
from kernel.db import Connection
from tests.checkpoint.moves import released, scanned, verifying
from tests.city import IDS, City
from tests.conftest import NOON

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
DUE = NOON + timedelta(minutes=75)


async def test_whoever_has_not_arrived_is_shown_with_what_one_needs_to_call(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    movement_id = await released(conn, city)
    duty = await logged_in("duty")
    assert f"/duty/{movement_id}" not in (await duty.get("/duty")).text
    clock.at = DUE + timedelta(minutes=5)
    for path in ("/duty", "/duty/rows"):
        shown = await duty.get(path, params={"lang": "en"})
        assert f"/duty/{movement_id}" in shown.text
        assert "第一面粉厂" in shown.text
        assert "李**" in shown.text
        assert "李小龙" not in shown.text
        assert "limb." not in shown.text
    assert "<html" not in shown.text


@pytest.mark.parametrize(
    ("minutes", "band"), [(1, "○"), (29, "○"), (30, "△"), (119, "△"), (120, "◇"), (240, "■")]
)
async def test_age_is_told_by_a_mark_that_needs_no_colour(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City, minutes: int, band: str
) -> None:
    await released(conn, city)
    clock.at = DUE + timedelta(minutes=minutes)
    shown = await (await logged_in("duty")).get("/duty/rows")
    assert [mark for mark in "○△◇■" if mark in shown.text] == [band]


async def test_trucks_of_one_firm_stand_together_the_longest_overdue_first(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    later = NOON + timedelta(minutes=10)
    last = await released(conn, city, NOON + timedelta(minutes=20))
    first = await released(conn, city, plate="豫B54321", id_number=IDS[1])
    other = await released(
        conn, city, later, plate="豫B77777", id_number=IDS[2], stops=(city.depot,)
    )
    clock.at = DUE + timedelta(hours=1)
    shown = (await (await logged_in("duty")).get("/duty/rows")).text
    places = [shown.index(f"/duty/{movement_id}") for movement_id in (first, last, other)]
    assert places == sorted(places)
    assert shown.count('aria-labelledby="g-') == 2


async def test_an_arrival_takes_the_truck_off_the_list(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    movement_id = await released(conn, city)
    clock.at = DUE + timedelta(minutes=5)
    duty = await logged_in("duty")
    assert f"/duty/{movement_id}" in (await duty.get("/duty/rows")).text
    await scanned(conn, city, movement_id, "arrival", clock.at)
    assert f"/duty/{movement_id}" not in (await duty.get("/duty/rows")).text


async def test_a_truck_that_waits_at_the_desk_too_long_is_shown_before_it_was_let_in(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    movement_id = await verifying(conn, city)
    clock.at = NOON + timedelta(minutes=61)
    shown = await (await logged_in("duty")).get("/duty", params={"lang": "en"})
    assert shown.status_code == 200
    assert f"/duty/{movement_id}" in shown.text
    assert "The desk has not decided" in shown.text
