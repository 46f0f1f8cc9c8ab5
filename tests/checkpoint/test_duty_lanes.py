"""Closures, queues and hand-overs on the duty desk's page."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from registry.handovers import Handover, keep
from tests.city import City, add_device
from tests.conftest import NOON
from tests.http import submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
PATH = "/duty/lanes"


async def say(duty: httpx.AsyncClient, city: City, **changes: str) -> httpx.Response:
    said = {"place": str(city.north), "kind": "wait", "minutes": "40", "event_id": str(uuid7(NOON))}
    return await submit(duty, await duty.get(PATH), PATH, said | changes)


async def test_a_notice_is_told_to_drivers_until_it_is_ended(
    logged_in: LogIn, client: httpx.AsyncClient, conn: Connection, city: City, clock: SetClock
) -> None:
    duty = await logged_in("duty")
    same = {"event_id": str(uuid7(NOON))}
    for _ in range(2):
        assert (await say(duty, city, **same)).headers["location"] == f"{PATH}?done=said"
    assert await conn.fetchval("SELECT count(*) FROM registry.gate_notice") == 1
    assert "40" in (await client.get("/places?kind=checkpoint&lang=en")).text
    shown = await duty.get(PATH)
    assert shown.text.count(f"{PATH}/") == 1
    clock.at += timedelta(minutes=5)
    path = f"{PATH}/{same['event_id']}/end"
    assert (await submit(duty, shown, path, {})).headers["location"] == f"{PATH}?done=ended"
    assert f"{PATH}/" not in (await duty.get(PATH)).text


@pytest.mark.parametrize(
    "changes",
    [
        {"place": "999999"},
        {"place": "x"},
        {"kind": ""},
        {"minutes": ""},
        {"minutes": "9999"},
        {"gate": "9"},
        {"until": "2020-01-01T00:00"},
        {"until": "soon"},
    ],
)
async def test_what_is_wrong_is_told_and_nothing_typed_is_lost(
    logged_in: LogIn, conn: Connection, city: City, changes: dict[str, str]
) -> None:
    answer = await say(await logged_in("duty"), city, reason="拥堵", **changes)
    assert answer.status_code == 422
    assert "拥堵" in answer.text
    assert await conn.fetchval("SELECT count(*) FROM registry.gate_notice") == 0


async def test_hand_overs_show_what_was_not_sent(
    logged_in: LogIn, conn: Connection, city: City
) -> None:
    device = await add_device(conn, "lane", city.north, NOON)
    said = Handover(
        id=uuid4(),
        gate="1",
        gave="007",
        took="008",
        counts={"green": 41, "yellow": 3},
        unsynced=2,
        signed_for="009",
        at=NOON,
    )
    await keep(conn, said, device, city.north, NOON)
    shown = (await (await logged_in("duty")).get(f"{PATH}?lang=en")).text
    assert "007 → 008" in shown
    assert ">41<" in shown
    assert "2 not sent yet, signed for by 009" in shown


async def test_a_driver_who_chooses_a_checkpoint_reads_its_notice(
    logged_in: LogIn, client: httpx.AsyncClient, city: City
) -> None:
    await say(await logged_in("duty"), city, kind="closed", minutes="")
    begun = await submit(client, await client.get("/d/new"), "/d/new", {"phone": "13812345678"})
    way = begun.headers["location"].rpartition("/")[0] + "/way"
    shown = await client.get(f"{way}?lang=zh")
    assert "北卡口 · " in shown.text
