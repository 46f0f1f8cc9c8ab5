"""What cameras read: matched, misread, unregistered, doubled, and with clocks that nobody set."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from checkpoint import cameras
from checkpoint.cameras import doubles_among
from kernel.clock import SetClock
from kernel.db import Connection
from registry.camera_reads import Reading
from tests.checkpoint.camera_ground import a_camera, a_read, anpr, outcomes, revoked, send
from tests.checkpoint.moves import loop_of, released, reported
from tests.city import IDS, City
from tests.conftest import NOON

Client = httpx.AsyncClient
SECOND = timedelta(seconds=1)


async def test_a_reading_finds_its_truck_and_moves_it_nowhere(
    client: Client, conn: Connection, city: City
) -> None:
    movement_id = await reported(conn, city)
    before = await loop_of(conn, movement_id)
    token = await a_camera(conn, city.north)
    assert await outcomes(client, token, a_read("1", "豫B·12345")) == ["matched"]
    row = await conn.fetchrow("SELECT plate, gate, movement_id FROM registry.camera_read")
    assert row is not None
    assert tuple(row) == ("豫B12345", "1", movement_id)
    assert await loop_of(conn, movement_id) == before


@pytest.mark.parametrize(
    ("plate", "confidence", "outcome"),
    [
        ("豫B12345", 0.97, "matched"),
        ("豫BI2345", 0.97, "candidate"),  # a letter that no plate has
        ("豫B1234S", 0.97, "candidate"),
        ("京B12345", 0.97, "candidate"),
        ("豫B21345", 0.97, "candidate"),  # neighbours swapped, by whoever typed the report
        ("豫B99999", 0.97, "unregistered"),
        ("豫B12345", 0.40, "doubtful"),
        ("XX", 0.97, "doubtful"),
        ("", 0.97, "doubtful"),
    ],
)
async def test_what_a_plate_comes_to(
    client: Client, conn: Connection, city: City, plate: str, confidence: float, outcome: str
) -> None:
    movement_id = await reported(conn, city)
    token = await a_camera(conn, city.north)
    assert await outcomes(client, token, a_read("1", plate, confidence=confidence)) == [outcome]
    meant = await conn.fetchval("SELECT movement_id FROM registry.camera_read")
    assert meant == (movement_id if outcome == "matched" else None), "never matched by a guess"


async def test_a_truck_expected_elsewhere_is_no_candidate_here(
    client: Client, conn: Connection, city: City
) -> None:
    await reported(conn, city, entry_place_id=city.south)
    token = await a_camera(conn, city.north)
    assert await outcomes(client, token, a_read("1", "豫B12346")) == ["unregistered"]


async def test_a_truck_on_its_way_out_was_reported_long_ago(
    client: Client, conn: Connection, city: City
) -> None:
    movement_id = await released(conn, city)
    await conn.execute(
        "UPDATE closedloop.loop SET state = 'discharged' WHERE movement_id = $1", movement_id
    )
    token = await a_camera(conn, city.north)
    assert await outcomes(client, token, a_read("1")) == ["matched"]


async def test_thirty_readings_in_a_second_count_once(
    client: Client, conn: Connection, city: City
) -> None:
    token = await a_camera(conn, city.north)
    burst = [a_read(str(n), at=NOON - n * SECOND / 30) for n in range(30)]
    assert (await outcomes(client, token, *burst)).count("double") == 29
    again = await outcomes(client, token, a_read("31", at=NOON))
    assert again == ["double"], "in another request, of another process perhaps"
    counted = "SELECT count(*) FROM registry.camera_read WHERE outcome <> 'double'"
    assert await conn.fetchval(counted) == 1


async def test_two_lanes_and_two_passages_are_no_doubles(
    client: Client, conn: Connection, city: City, clock: SetClock
) -> None:
    await conn.execute("INSERT INTO registry.gate VALUES ($1, '2')", city.north)
    token = await a_camera(conn, city.north)
    assert await outcomes(client, token, a_read("1"), a_read("2", gate="2")) == 2 * ["unregistered"]
    clock.at = NOON + 11 * SECOND
    assert await outcomes(client, token, a_read("3", at=clock.at)) == ["unregistered"]


async def test_two_trucks_of_one_fleet_are_not_taken_for_one(
    client: Client, conn: Connection, city: City
) -> None:
    """Plates that follow each other: the one that was not reported is seen beside the other."""
    await reported(conn, city)
    token = await a_camera(conn, city.north)
    found = await outcomes(client, token, a_read("1"), a_read("2", "豫B12346"))
    assert found == ["matched", "candidate"]


async def test_the_same_id_is_the_same_reading_for_ever(
    client: Client, conn: Connection, city: City
) -> None:
    token = await a_camera(conn, city.north)
    sent = [a_read("1"), a_read("1"), a_read("1", "豫B54321"), {"id": "2"}, "no reading"]
    found = await send(client, token, *sent)
    assert [each["status"] for each in found] == [
        "recorded", "repeated", "conflict", "refused", "refused",
    ]  # fmt: skip
    assert found[1]["outcome"] == found[0]["outcome"] == "unregistered"
    assert found[3]["id"] == "2"
    later = await send(client, token, a_read("1", offline=True), a_read("1", "豫B54321"))
    assert [each["status"] for each in later] == ["repeated", "conflict"]
    assert await conn.fetchval("SELECT count(*) FROM registry.camera_read") == 1


@pytest.mark.parametrize(
    ("taken_at", "offline", "wrong", "at"),
    [
        ("2099-01-01T00:00:00Z", False, True, NOON),
        ("2099-01-01T00:00:00Z", True, True, NOON),
        ("1970-01-01T00:00:00Z", True, True, NOON),
        ("0001-01-01T00:00:00+14:00", True, True, NOON),
        ("2022-05-01T09:00:00Z", False, True, NOON),  # live, and yet hours ago
        ("2022-05-01T09:00:00Z", True, False, datetime(2022, 5, 1, 9, tzinfo=UTC)),
        ("2022-05-01T12:00:30Z", False, False, NOON),  # never after its receipt
        ("2022-05-01T19:59:30+08:00", False, False, NOON - 30 * SECOND),
    ],
)
async def test_the_clock_of_a_camera_is_believed_within_bounds(
    client: Client,
    conn: Connection,
    city: City,
    taken_at: str,
    offline: bool,
    wrong: bool,
    at: datetime,
) -> None:
    token = await a_camera(conn, city.north)
    read = a_read("1") | {"taken_at": taken_at, "offline": offline}
    assert (await send(client, token, read))[0]["status"] == "recorded"
    row = await conn.fetchrow(
        "SELECT taken_at, clock_wrong, uncertainty_ms > 0 FROM registry.camera_read"
    )
    assert row is not None
    assert tuple(row) == (at, wrong, True)


async def test_who_is_no_camera_reads_no_plates(
    client: Client, conn: Connection, city: City
) -> None:
    token = await a_camera(conn, city.north)
    for other, status in ((city.lane_token, 403), ("x", 401)):
        headers = {"authorization": f"Bearer {other}"}
        answer = await client.post("/api/v1/camera-reads", json={"reads": []}, headers=headers)
        assert answer.status_code == status
        answer = await client.post(f"/api/v1/cameras/{other}/hikvision", content=anpr())
        assert answer.status_code == 401
    scans = await client.post(
        "/api/v1/scans", json={"scans": []}, headers={"authorization": f"Bearer {token}"}
    )
    assert scans.status_code == 403
    await revoked(conn, token)
    answer = await client.post(f"/api/v1/cameras/{token}/hikvision", content=anpr())
    assert answer.status_code == 401


# ── the same counts against a generated truth ──


def a_passage(n: int, plate: str, at: datetime, times: int) -> list[dict[str, Any]]:
    return [a_read(f"{n}-{k}", plate, at + k * SECOND / 10) for k in range(times)]


async def replayed(client: Client, conn: Connection, city: City, clock: SetClock) -> list[int]:
    """Passages of known trucks, of misread ones and of strangers; how many of each were found."""
    for n, number in enumerate(IDS):
        await reported(conn, city, plate=f"豫B5000{n}", id_number=number)
    token = await a_camera(conn, city.north)
    clock.at = NOON
    sent, truth = [], {"matched": 0, "candidate": 0, "unregistered": 0}
    for n in range(120):
        at = NOON - timedelta(minutes=59) + n * 25 * SECOND
        kind = ("matched", "candidate", "unregistered")[n % 3]
        plate = {
            "matched": f"豫B5000{n % 4}", "candidate": f"豫B500Q{n % 4}", "unregistered": "豫C90909",
        }[kind]  # fmt: skip
        truth[kind] += 1
        sent += [each | {"offline": True} for each in a_passage(n, plate, at, 1 + n % 20)]
    for start in range(0, len(sent), 100):
        await send(client, token, *sent[start : start + 100])
    rows = await conn.fetch(
        "SELECT outcome, count(*) AS n FROM registry.camera_read GROUP BY outcome"
    )
    found = {row["outcome"]: row["n"] for row in rows}
    print(f"{len(sent)} readings of {sum(truth.values())} passages: {found}")
    wrong = [found.get(kind, 0) - count for kind, count in truth.items()]
    return [*wrong, sum(found.values()) - len(sent)]


async def test_a_replay_counts_what_there_was(
    client: Client, conn: Connection, city: City, clock: SetClock
) -> None:
    assert await replayed(client, conn, city, clock) == [0, 0, 0, 0]


async def test_a_replay_that_forgot_the_doubles_is_found(
    client: Client, conn: Connection, city: City, clock: SetClock, monkeypatch: Any
) -> None:
    def none(_: object) -> frozenset[str]:
        return frozenset()

    monkeypatch.setattr(cameras, "doubles_among", none)
    assert await replayed(client, conn, city, clock) != [0, 0, 0, 0]


def test_a_truck_that_stands_before_a_camera_is_one_passage() -> None:
    def read(n: int, seconds: float) -> Reading:
        return Reading(
            id=str(n), body_hash=b"", gate="1", plate="x", confidence=1, uncertainty_ms=0,
            taken_at=NOON + seconds * SECOND, clock_wrong=False, picture="",
        )  # fmt: skip

    assert doubles_among([read(n, 9 * n) for n in range(5)]) == {"1", "2", "3", "4"}
    assert doubles_among([read(1, 0), read(2, 11)]) == frozenset()
