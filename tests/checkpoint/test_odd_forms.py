"""Forms as no browser fills them: refused in words, or taken; never an accident."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from tests.checkpoint.moves import number_of, released, reported, verifying
from tests.city import IDS, City
from tests.closedloop.test_assist import filled
from tests.conftest import NOON
from tests.http import submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
ODD = ["\0", "x" * 5000, "\u202e", "💥", "%00", "<script>"]
FINE = {200, 303, 422}


@pytest.mark.parametrize("odd", ODD)
async def test_at_the_lane(logged_in: LogIn, conn: Connection, city: City, odd: str) -> None:
    number = number_of(city, await reported(conn, city))
    lane = await logged_in("lane", city.north)
    shown = await lane.get("/gate")
    for field in ("gate", "plate_seen", "input", "override"):
        answer = await submit(lane, shown, "/gate", {"input": number, field: odd})
        assert answer.status_code == 200, field
        assert "<script>" not in answer.text.replace('<script type="module"', "")


@pytest.mark.parametrize("odd", ODD)
async def test_at_the_desk(
    logged_in: LogIn, conn: Connection, city: City, clock: SetClock, odd: str
) -> None:
    movement_id = await verifying(conn, city)
    clock.at += timedelta(minutes=1)
    desk = await logged_in("desk", city.north)
    shown = await desk.get("/desk")
    reason = (await city.office.cache.now(conn)).rules_at(NOON).hold_reasons[0].code
    for what, fields in (
        ("turn-back", {"reason": odd}),
        ("hold", {"reason": odd, "source": "令7号"}),
        ("hold", {"reason": reason, "source": odd}),
        ("release", {"proof": odd}),
    ):
        said = {"event_id": str(uuid7(clock.at))} | fields
        answer = await submit(desk, shown, f"/desk/{movement_id}/{what}", said)
        assert answer.status_code in FINE, what
    assert (await desk.get("/desk")).status_code == 200


@pytest.mark.parametrize("odd", ODD)
async def test_at_the_firm(
    logged_in: LogIn, conn: Connection, city: City, clock: SetClock, odd: str
) -> None:
    await released(conn, city)
    clock.at += timedelta(minutes=45)
    firm = await logged_in("firm", city.mill)
    shown = await firm.get("/firm")
    for field in ("plate", "reason", "note"):
        said = {"plate": "豫B12345", "reason": "wrong_person", field: odd}
        answer = await submit(firm, shown, "/firm/discrepancy", said)
        assert answer.status_code in FINE, field
    unknown = {"movement_id": "9" * 30, "event_id": str(uuid7(NOON))}
    assert (await submit(firm, shown, "/firm/arrived", unknown)).status_code == 404


@pytest.mark.parametrize("odd", [*ODD, "0001-01-01T00:00", "9999-12-31T23:59"])
async def test_in_a_report(logged_in: LogIn, city: City, odd: str) -> None:
    client = await logged_in("desk", city.north)
    shown = await client.get("/assist")
    crew = {"crew_1_name": "王五", "crew_1_id_number": IDS[1]}
    for field in (*filled(city), *crew, "trailer_plate", "stop_2", "crew_3_phone"):
        if field == "event_id":
            continue
        answer = await submit(client, shown, "/assist", filled(city, **crew | {field: odd}))
        assert answer.status_code in FINE, field
        if answer.status_code == 303:
            assert (await client.get(answer.headers["location"])).status_code == 200


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/loops/99999999999999999999", 404),
        ("/loops?after=99999999999999999999999", 200),
        ("/loops?after=-1", 200),
        ("/loops?after=x", 400),
        ("/loops?state=%00", 200),
        ("/t/%00", 404),
        ("/d/%00", 404),
        ("/d/4102000000000-%C3%A9", 404),
        ("/d/new?entry_place_id=%00", 200),
    ],
)
async def test_in_an_address(logged_in: LogIn, city: City, address: str, status: int) -> None:
    del city
    assert (await (await logged_in("duty")).get(address)).status_code == status
