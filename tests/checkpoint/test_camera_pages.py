"""What cameras saw, before the lane and the duty desk; and what is found for a truck that is missing."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
from litestar import Litestar

from alerts.reconcile import reconcile
from alerts.telling import teller
from checkpoint.retention import ERASERS
from closedloop.model import State
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.deliveries import Due
from kernel.retention import erase_due
from tests.alerts.enquiry import after, climb_up, climbed
from tests.checkpoint.camera_ground import a_camera, a_read, outcomes, send
from tests.checkpoint.moves import loop_of, number_of, released, reported
from tests.city import City
from tests.conftest import NOON
from tests.http import submit

Client = httpx.AsyncClient
LogIn = Callable[..., Awaitable[Client]]


async def scanned(lane: Client, said: str, **more: str) -> httpx.Response:
    shown = await lane.get("/gate?gate=1&lang=en")
    return await submit(lane, shown, "/gate", {"input": said, "gate": "1"} | more)


async def test_an_unregistered_truck_is_seen_at_the_lane_and_at_the_desk(
    client: Client, logged_in: LogIn, conn: Connection, city: City
) -> None:
    token = await a_camera(conn, city.north)
    lane, duty = await logged_in("lane", city.north), await logged_in("duty")
    assert "Not registered" not in (await lane.get("/gate?lang=en")).text
    await send(client, token, *[a_read(str(n), "豫C77777") for n in range(3)])
    for url in ("/gate?gate=1&lang=en", "/gate/reads?gate=1"):
        shown = await lane.get(url)
        assert "77777" in shown.text
        assert "Not registered" in shown.text
    for url in ("/duty?lang=en", "/duty/rows"):
        assert (await duty.get(url)).text.count('data-row="stranger-') == 1
    assert await conn.fetchval("SELECT count(*) FROM registry.movement") == 0, "by no camera alone"


async def test_an_officer_makes_a_movement_of_it_once(
    client: Client, logged_in: LogIn, conn: Connection, city: City
) -> None:
    token = await a_camera(conn, city.north)
    duty = await logged_in("duty")
    await send(client, token, a_read("1", "豫C77777"))
    device = await conn.fetchval("SELECT device_id FROM registry.camera_read")
    shown = await duty.get("/duty?lang=en")
    said = {"event_id": "01a20ae1-ab11-7754-87e1-279a18803836", "said": f"register {device} 1"}
    for _ in range(2):
        answer = await submit(duty, shown, "/duty/strangers", said)
        assert answer.status_code == 303, answer.text
    movement_id = await conn.fetchval("SELECT movement_id FROM registry.movement")
    assert await conn.fetchval("SELECT count(*) FROM registry.movement") == 1
    assert (await loop_of(conn, movement_id)).state is State.VERIFYING
    row = await conn.fetchrow("SELECT settled, movement_id FROM registry.camera_read")
    assert row is not None
    assert tuple(row) == ("movement", movement_id)
    assert "stranger-" not in (await duty.get("/duty/rows")).text


async def test_at_a_firm_it_is_an_arrival_without_entry(
    client: Client, logged_in: LogIn, conn: Connection, city: City
) -> None:
    token = await a_camera(conn, city.mill)
    duty = await logged_in("duty")
    await send(client, token, a_read("1", "豫C77777"))
    device = await conn.fetchval("SELECT device_id FROM registry.camera_read")
    said = {"event_id": "01a20ae1-ab11-7754-87e1-279a18803836", "said": f"register {device} 1"}
    await submit(duty, await duty.get("/duty"), "/duty/strangers", said)
    movement_id = await conn.fetchval("SELECT movement_id FROM registry.movement")
    assert (await loop_of(conn, movement_id)).state is State.DISCREPANCY


async def test_what_is_set_aside_or_reported_meanwhile_is_no_stranger(
    client: Client, logged_in: LogIn, conn: Connection, city: City
) -> None:
    token = await a_camera(conn, city.north)
    duty = await logged_in("duty")
    await send(client, token, a_read("1", "豫C77777"), a_read("2", "豫B12345"))
    await reported(conn, city)
    shown = await duty.get("/duty?lang=en")
    assert shown.text.count('data-row="stranger-') == 1
    device = await conn.fetchval("SELECT device_id FROM registry.camera_read LIMIT 1")
    said = {"event_id": "01a20ae1-ab11-7754-87e1-279a18803836", "said": f"dismiss {device} 1"}
    assert (await submit(duty, shown, "/duty/strangers", said)).status_code == 303
    assert "stranger-" not in (await duty.get("/duty/rows")).text
    for wrong in ("dismiss x 1", "", f"other {device} 2", f"register {device} 9"):
        again = await submit(duty, shown, "/duty/strangers", said | {"said": wrong})
        assert again.status_code == 404


async def test_the_camera_says_which_plate_goes_with_a_scan(
    client: Client, logged_in: LogIn, conn: Connection, city: City, clock: SetClock
) -> None:
    """Mission rule 4: the plate present must match the plate reported."""
    movement_id = await reported(conn, city)
    token, lane = await a_camera(conn, city.north), await logged_in("lane", city.north)
    await send(client, token, a_read("1", "豫C77777"))
    answer = await scanned(lane, number_of(city, movement_id))
    assert 'data-card="yellow"' in answer.text
    assert "plate" in answer.text
    clock.at = NOON + timedelta(minutes=3)
    await send(client, token, a_read("2", at=clock.at), a_read("3", "豫C77777", at=clock.at))
    answer = await scanned(lane, number_of(city, movement_id))
    assert 'data-card="green"' in answer.text, "its own plate was among those"


async def test_an_officers_own_eyes_go_before_the_camera(
    client: Client, logged_in: LogIn, conn: Connection, city: City
) -> None:
    movement_id = await reported(conn, city)
    token, lane = await a_camera(conn, city.north), await logged_in("lane", city.north)
    await send(client, token, a_read("1", "豫C77777"))
    answer = await scanned(lane, number_of(city, movement_id), plate_seen="豫B12345")
    assert 'data-card="green"' in answer.text


async def test_a_form_sent_twice_says_the_same_whatever_the_camera_read_meanwhile(
    client: Client, logged_in: LogIn, conn: Connection, city: City
) -> None:
    movement_id = await reported(conn, city)
    token, lane = await a_camera(conn, city.north), await logged_in("lane", city.north)
    said = {"event_id": "01a20ae1-ab11-7754-87e1-279a18803836"}
    first = await scanned(lane, number_of(city, movement_id), **said)
    await send(client, token, a_read("1", "豫C77777"))
    second = await scanned(lane, number_of(city, movement_id), **said)
    for answer in (first, second):
        assert 'data-card="green"' in answer.text


async def test_a_truck_that_is_looked_for_is_told_once(
    client: Client, conn: Connection, city: City, clock: SetClock, app: Litestar
) -> None:
    movement_id = await released(conn, city)
    await climb_up(conn, city, 121)
    clock.at = after(130)
    token = await a_camera(conn, city.south)
    for n in range(3):
        clock.at = after(130 + n)
        assert await outcomes(client, token, a_read(str(n), at=clock.at)) == ["matched"]
    rows = await conn.fetch("SELECT facts, kind FROM kernel.outbox WHERE kind = 'wanted_seen'")
    assert [row["facts"]["movement_id"] for row in rows] == [movement_id]
    assert "12345" not in str(rows[0]["facts"]), "no plate leaves the house"
    tell = teller(app.state.office.cache, "http://x")
    assert tell is not None
    assert Due is not None


async def test_what_a_camera_saw_elsewhere_is_found_when_the_limit_passes(
    client: Client, conn: Connection, city: City, clock: SetClock
) -> None:
    movement_id = await released(conn, city)
    clock.at = after(-20)
    await send(client, await a_camera(conn, city.south), a_read("1", at=clock.at))
    await climbed(conn, city, 0)
    await reconcile(conn, after(1))
    found = await conn.fetchval(
        "SELECT found FROM alerts.reconciliation WHERE movement_id = $1", movement_id
    )
    assert [(each["kind"], each["place_id"]) for each in found] == [("camera_seen", city.south)]


async def test_readings_go_when_their_time_is_over(
    client: Client, conn: Connection, city: City
) -> None:
    await reported(conn, city)
    token = await a_camera(conn, city.north)
    await send(client, token, a_read("1"), a_read("2", "豫C77777"))
    plates = "SELECT array_agg(plate ORDER BY plate) FROM registry.camera_read"
    await erase_due(conn, ERASERS, NOON + timedelta(days=2))
    assert await conn.fetchval(plates) == ["豫B12345", "豫C77777"]
    await erase_due(conn, ERASERS, NOON + timedelta(days=4))
    assert await conn.fetchval(plates) == ["豫B12345"]
    await erase_due(conn, ERASERS, NOON + timedelta(days=22))
    assert await conn.fetchval(plates) is None


async def test_a_camera_is_enrolled_with_its_lane(
    logged_in: LogIn, conn: Connection, city: City
) -> None:
    admin = await logged_in("admin")
    said = {"name": "北卡口相机", "place": str(city.north), "role": "camera"}
    shown = await admin.get("/admin/devices?lang=en")
    answer = await submit(admin, shown, "/admin/devices", said | {"gate": "9"})
    assert answer.status_code == 422
    answer = await submit(admin, shown, "/admin/devices", said | {"gate": "1"})
    assert answer.status_code == 200
    assert await conn.fetchval("SELECT gate FROM registry.device WHERE role = 'camera'") == "1"
