"""The pages of a hold: the list, the case, the receiving body's, and the driver's appeal."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import httpx
import msgspec
import pytest
from litestar import Litestar

from closedloop.model import Loop, State
from kernel.auth import Actor
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from registry.reports import view_key
from tests.checkpoint.moves import about_hold, held, loop_of
from tests.city import City, add_body
from tests.conftest import NOON
from tests.http import opened, submit
from tests.support import MIGRATIONS

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
DESK = Actor(id=uuid4(), kind="account", name="desk", roles=frozenset({"desk"}))


async def send(
    browser: httpx.AsyncClient, page: str, path: str, clock: SetClock, **fields: str
) -> httpx.Response:
    clock.at += timedelta(minutes=1)
    shown = await browser.get(page)
    return await submit(browser, shown, path, {"event_id": str(uuid7(clock.at))} | fields)


async def test_a_hold_is_approved_handed_over_and_taken_over_on_pages(
    logged_in: LogIn, conn: Connection, city: City, clock: SetClock
) -> None:
    movement_id, hold_id = await held(conn, city, DESK)
    clock.at = NOON + timedelta(minutes=10)
    body = await add_body(conn, NOON)
    duty, clinic = await logged_in("duty"), await logged_in("receiver", body)
    case = f"/holds/{hold_id}"
    shown = await duty.get(f"{case}?lang=en")
    assert f'action="{case}/approve"' in shown.text
    assert f'action="{case}/transfer"' not in shown.text
    assert "令7号" in shown.text
    assert "李小龙" not in shown.text
    answer = await send(duty, case, f"{case}/approve", clock)
    assert answer.headers["location"] == f"{case}?done=approve"
    assert (await clinic.get("/receive")).text.count("data-row") == 0
    await send(duty, case, f"{case}/transfer", clock, receiver=str(body))
    shown = await clinic.get("/receive")
    assert f'data-row="{hold_id}"' in shown.text
    assert "令7号" not in shown.text
    answer = await send(clinic, "/receive", f"/receive/{hold_id}", clock)
    assert (answer.status_code, (await loop_of(conn, movement_id)).state) == (422, State.HELD)
    answer = await send(clinic, "/receive", f"/receive/{hold_id}", clock, reference="B12")
    assert answer.headers["location"] == "/receive?done=1"
    assert (await loop_of(conn, movement_id)).state is State.TRANSFERRED
    ended = await duty.get("/holds")
    assert f'data-row="{hold_id}"' not in ended.text
    assert case in ended.text
    assert "B12" in (await duty.get(case)).text


async def test_the_list_shows_what_is_due_and_what_is_late(
    logged_in: LogIn, conn: Connection, city: City, clock: SetClock
) -> None:
    await held(conn, city, DESK)
    clock.at = NOON + timedelta(minutes=5 + 31)
    shown = (await (await logged_in("duty")).get("/holds?lang=en")).text
    assert shown.index("approval") < shown.index("handing over") < shown.index(">end<")
    assert shown.count('class="pill stop"') == 3  # the count, the minutes, and what is late
    assert "held 31 min" in shown


async def test_another_checkpoints_desk_sees_no_hold_of_this_one(
    logged_in: LogIn, conn: Connection, city: City
) -> None:
    _, hold_id = await held(conn, city, DESK)
    north, south = await logged_in("desk", city.north), await logged_in("desk", city.south)
    assert str(hold_id) in (await north.get("/holds")).text
    assert str(hold_id) not in (await south.get("/holds")).text
    assert (await south.get(f"/holds/{hold_id}")).status_code == 403


@pytest.mark.parametrize("unknown", [uuid4(), uuid7(NOON)])
@pytest.mark.usefixtures("city")
async def test_a_hold_that_is_none(logged_in: LogIn, unknown: object) -> None:
    assert (await (await logged_in("duty")).get(f"/holds/{unknown}")).status_code == 404


async def test_what_may_not_be_is_told_on_the_page(
    logged_in: LogIn, conn: Connection, city: City, clock: SetClock
) -> None:
    _, hold_id = await held(conn, city, DESK)
    clock.at = NOON + timedelta(minutes=10)
    duty, case = await logged_in("duty"), f"/holds/{hold_id}"
    for what, fields in (
        ("release", {"reason": ""}),
        ("transfer", {"receiver": "x"}),
        ("dismiss", {"reason": "record_confirmed"}),
    ):
        answer = await send(duty, case, f"{case}/{what}", clock, **fields)
        assert answer.status_code == 422, what
        assert 'role="alert"' in answer.text


async def test_the_driver_reads_why_and_appeals_and_reads_the_answer(
    logged_in: LogIn, conn: Connection, city: City, clock: SetClock, app: Litestar
) -> None:
    movement_id, hold_id = await held(conn, city, DESK)
    clock.at = NOON + timedelta(minutes=10)
    page = f"/d/{movement_id}-{view_key(movement_id, city.office.vault)}"
    async with opened(app) as driver:
        shown = await driver.get(f"{page}?lang=en")
        assert f'href="{page}/appeal"' in shown.text
        assert "令7号" not in shown.text
        answer = await send(driver, f"{page}/appeal", f"{page}/appeal", clock)
        assert answer.status_code == 422
        said = {"grounds": "not_me", "note": "并未到过那里"}
        answer = await send(driver, f"{page}/appeal", f"{page}/appeal", clock, **said)
        assert answer.headers["location"] == page
        assert "answered by" in (await driver.get(f"{page}?lang=en")).text
        duty, case = await logged_in("duty"), f"/holds/{hold_id}"
        assert "并未到过那里" in (await duty.get(case)).text
        read = await conn.fetchval("SELECT count(*) FROM kernel.audit WHERE action = 'read_appeal'")
        assert read >= 1
        await send(duty, case, f"{case}/dismiss", clock, reason="record_confirmed")
        shown = await driver.get(f"{page}?lang=en")
        assert "confirmed its record" in shown.text
        assert f'href="{page}/appeal"' in shown.text
    desk = await logged_in("desk", city.north)
    assert "并未到过那里" not in (await desk.get(case)).text


async def test_a_truck_that_is_not_held_has_nothing_to_appeal_against(
    conn: Connection, city: City, clock: SetClock, app: Litestar
) -> None:
    movement_id, hold_id = await held(conn, city, DESK)
    page = f"/d/{movement_id}-{view_key(movement_id, city.office.vault)}"
    duty = Actor(id=uuid4(), kind="account", name="duty", roles=frozenset({"duty"}))
    later = NOON + timedelta(minutes=9)
    said = {"hold_id": hold_id, "reason": "new_proof"}
    await about_hold(conn, city, movement_id, "release_hold", duty, later, **said)
    clock.at = NOON + timedelta(minutes=10)
    async with opened(app) as driver:
        assert (await driver.get(f"{page}/appeal")).headers["location"] == page
        assert "appeal" not in (await driver.get(f"{page}?lang=en")).text


async def test_a_hold_of_before_is_told_in_the_new_shape(
    logged_in: LogIn, conn: Connection, city: City, clock: SetClock
) -> None:
    """As a service finds it whose trucks were held while it was brought up to date."""
    movement_id, hold_id = await held(conn, city, DESK)
    stood = (await loop_of(conn, movement_id)).hold
    assert stood is not None
    await conn.execute(
        "UPDATE closedloop.loop SET view = jsonb_set(view, '{hold}', $1)",
        {"source": stood.source, "reason": stood.reason},
    )
    text = (MIGRATIONS / "0015_holds.sql").read_text("utf-8")
    await conn.execute(text[text.index("UPDATE closedloop.loop") :])
    view = await conn.fetchval("SELECT view FROM closedloop.loop")
    assert msgspec.convert(view, Loop).hold == stood
    clock.at = NOON + timedelta(minutes=10)
    assert str(hold_id) in (await (await logged_in("duty")).get("/holds")).text
