"""What a console takes along: all passes expected at its checkpoint, signed, naming nobody."""

import json
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from checkpoint import bundles
from checkpoint.bundle import key_of
from kernel.clock import SetClock
from kernel.db import Connection
from registry.accounts import create_device
from registry.consoles import make_code
from registry.passes import pass_number
from registry.pulses import pulses
from tests.alerts.enquiry import climb_up
from tests.checkpoint.consoles import Console, InvalidSignature, Json, opened
from tests.checkpoint.moves import released, reported, scanned, verifying
from tests.checkpoint.test_goes_first import give_pass
from tests.city import IDS, City, add_proof
from tests.conftest import NOON


@pytest.fixture
async def console(
    client: httpx.AsyncClient, conn: Connection, city: City, clock: SetClock
) -> Console:
    made = Console(client)
    device = await create_device(conn, name="一号道", place_id=city.north, role="lane", now=NOON)
    await made.enrol(await make_code(conn, device, uuid4(), clock.at))
    await made.open()
    return made


def key(city: City, movement_id: int) -> str:
    return key_of(pass_number(movement_id, city.office.vault))


async def test_a_bundle_has_the_passes_of_its_checkpoint_the_rules_and_the_lists(
    console: Console, conn: Connection, city: City
) -> None:
    here = await reported(conn, city)
    elsewhere = await reported(
        conn, city, entry_place_id=city.south, plate="豫B54321", id_number=IDS[1]
    )
    found = await console.bundle()
    assert (found["kind"], found["base"], found["gone"]) == ("full", None, [])
    assert key(city, here) in found["passes"]
    assert key(city, elsewhere) not in found["passes"]
    (one,) = found["passes"].values()
    assert (one["m"], one["p"], one["s"]) == (here, "豫B12345", "valid")
    assert one["w"][0]["e"]["test"]["v"] == "negative"
    assert found["rules"][0]["body"]["scenario"] == "epidemic-henan"
    assert found["sources"]["health_code"] == int(NOON.timestamp() * 1000)


async def test_a_transport_pass_and_the_lanes_go_along(
    console: Console, conn: Connection, city: City
) -> None:
    await conn.execute("UPDATE registry.gate SET dedicated = true WHERE place_id = $1", city.north)
    movement_id = await reported(conn, city, goods="daily")
    before = await console.bundle()
    await give_pass(conn, city)
    after = await console.bundle(before["cursor"])
    one = after["passes"][key(city, movement_id)]
    assert (one["v"]["transport_pass"]["v"], one["g"]) == ("valid", "daily")
    assert one["v"]["transport_pass"]["u"] == int((NOON + timedelta(days=2)).timestamp() * 1000)
    assert [lane["dedicated"] for lane in after["place"]["lanes"]] == [True]
    assert after["rules"][0]["body"]["priority"]["issued"] == "transport_pass"


async def test_nothing_in_it_names_a_person(console: Console, conn: Connection, city: City) -> None:
    await reported(conn, city)
    text = json.dumps(await console.bundle(), ensure_ascii=False)
    for personal in ("李小龙", "李*", IDS[0], IDS[0][-4:], "13812345678", "山东省济南市"):
        assert personal not in text
    assert pass_number(4102000000001, city.office.vault)[:13] not in text


async def test_a_bundle_that_was_changed_on_the_way_is_refused(
    console: Console, conn: Connection, city: City
) -> None:
    await verifying(conn, city)
    said: Json = (await console.get("/gate/bundle")).json()
    assert opened(said, console.enrolled["keys"])["passes"]
    forged = said | {"signed": said["signed"].replace('"yellow"', '"green"', 1)}
    assert forged != said
    with pytest.raises(InvalidSignature):
        opened(forged, console.enrolled["keys"])


async def test_what_changed_since_comes_alone(
    console: Console, conn: Connection, city: City, clock: SetClock
) -> None:
    first = await reported(conn, city)
    second = await reported(conn, city, plate="豫B54321", id_number=IDS[1])
    clock.at = NOON + timedelta(hours=1)
    whole = await console.bundle()
    assert len(whole["passes"]) == 2
    clock.at += timedelta(minutes=10)
    empty = await console.bundle(whole["cursor"])
    assert (empty["kind"], empty["base"], empty["passes"]) == ("delta", whole["cursor"], {})
    clock.at += timedelta(minutes=10)
    await scanned(conn, city, first, "entry", clock.at)
    scan = await console.bundle(empty["cursor"])
    assert set(scan["passes"]) == {key(city, first)}
    last = scan["passes"][key(city, first)]["l"]
    assert (last["card"], last["gate"], last["place"]) == ("green", "1", city.north)
    assert key(city, second) not in scan["passes"]


async def test_evidence_that_came_in_since_comes_too(
    console: Console, conn: Connection, city: City, clock: SetClock
) -> None:
    movement_id = await reported(conn, city, tested=False)
    clock.at = NOON + timedelta(hours=1)
    whole = await console.bundle()
    clock.at += timedelta(minutes=10)
    await add_proof(conn, city.office.vault, "health_code", "red", clock.at)
    delta = await console.bundle(whole["cursor"])
    assert set(delta["passes"]) == {key(city, movement_id)}


async def test_a_change_that_was_under_way_is_not_missed(
    console: Console, conn: Connection, city: City, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scan that began before the bundle was made and ended after it."""
    movement_id = await reported(conn, city)
    clock.at = NOON + timedelta(hours=1)
    whole = await console.bundle()
    await scanned(conn, city, movement_id, "entry", clock.at - timedelta(seconds=5))
    clock.at += timedelta(minutes=5)
    assert set((await console.bundle(whole["cursor"]))["passes"]) == {key(city, movement_id)}
    monkeypatch.setattr(bundles, "OVERLAP", timedelta(0))
    assert (await console.bundle(whole["cursor"]))["passes"] == {}


async def test_whoever_goes_elsewhere_now_is_named_as_gone(
    console: Console, conn: Connection, city: City, clock: SetClock
) -> None:
    movement_id = await reported(conn, city)
    clock.at = NOON + timedelta(hours=1)
    whole = await console.bundle()
    await conn.execute(
        "UPDATE registry.movement SET entry_place_id = $2, version = 2 WHERE movement_id = $1",
        movement_id,
        city.south,
    )
    await conn.execute("UPDATE closedloop.loop SET updated_at = $1", clock.at)
    delta = await console.bundle(whole["cursor"])
    assert (delta["passes"], delta["gone"]) == ({}, [key(city, movement_id)])


@pytest.mark.parametrize("cursor", [-1, 0, 2**62, 1])
async def test_a_cursor_that_is_none_gives_the_whole(
    console: Console, conn: Connection, city: City, cursor: int
) -> None:
    await reported(conn, city)
    found = await console.bundle(cursor)
    assert (found["kind"], len(found["passes"])) == ("full", 1)


async def test_what_is_over_is_not_expected(
    console: Console, conn: Connection, city: City, clock: SetClock
) -> None:
    await released(conn, city)
    clock.at = NOON + timedelta(days=3)
    await console.open()
    assert (await console.bundle())["passes"] == {}


async def test_many_passes_come_in_chunks(
    console: Console, conn: Connection, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n, number in enumerate(IDS):
        await reported(conn, city, plate=f"豫B5432{n}", id_number=number)
    monkeypatch.setattr(bundles, "CHUNK", 2)
    assert len((await console.bundle())["passes"]) == len(IDS)


async def test_plates_that_are_looked_for_go_along_and_the_device_is_heard(
    console: Console, conn: Connection, city: City, clock: SetClock
) -> None:
    await released(conn, city)
    assert (await console.bundle())["watch"] == []
    await climb_up(conn, city, 121)
    assert (await console.bundle())["watch"] == ["豫B12345"]
    clock.at += timedelta(minutes=1)
    await console.bundle(waiting=7)
    (heard,) = [each for each in await pulses(conn) if each.waiting]
    assert (heard.name, heard.waiting, heard.seen_at) == ("一号道", 7, clock.at)
