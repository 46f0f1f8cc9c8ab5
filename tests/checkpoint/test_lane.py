"""The lanes' own door answers as the application does, and leaves to it what is not plain."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from litestar import Litestar

from checkpoint.lane import LaneDoor
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.errors import Unavailable
from kernel.ids import uuid7
from kernel.logging import RequestLog, configure
from registry.passes import pass_number
from tests.city import City, a_report
from tests.conftest import NOON

PATH = "/api/v1/scans"
VARYING = ("x-request-id", "date")


def through(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test")


@pytest.fixture
async def door(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    async with through(LaneDoor(app, secure=False)) as made:
        yield made


@pytest.fixture
async def scan(
    conn: Connection, city: City, app: Litestar, client: httpx.AsyncClient
) -> dict[str, Any]:
    """An entry of a reported truck; the application has looked at its tokens a moment ago."""
    seen = await a_report(conn, city, NOON)
    await app.state.office.cache.now(conn)
    assert client
    return {
        "id": str(uuid7(NOON)),
        "kind": "entry",
        "pass_number": pass_number(seen.movement.movement_id, app.state.vault),
        "place_id": city.north,
        "gate": "1",
        "occurred_at": NOON.isoformat(),
    }


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def lasting(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in VARYING}


async def test_a_scan_through_the_door_is_recorded(
    door: httpx.AsyncClient, conn: Connection, city: City, scan: dict[str, Any]
) -> None:
    answer = await door.post(PATH, json={"scans": [scan]}, headers=bearer(city.lane_token))
    assert answer.status_code == 200
    result = answer.json()["results"][0]
    assert (result["status"], result["card"]) == ("recorded", "green")
    assert await conn.fetchval("SELECT count(*) FROM registry.event WHERE kind = 'entry'") == 1


async def test_the_door_answers_word_for_word_as_the_application(
    door: httpx.AsyncClient, client: httpx.AsyncClient, city: City, scan: dict[str, Any]
) -> None:
    said = {"scans": [scan, scan | {"id": "nonsense"}, scan | {"kind": "departure"}]}
    headers = bearer(city.lane_token) | {"accept-language": "en"}
    await client.post(PATH, json=said, headers=headers)
    ours, theirs = [await each.post(PATH, json=said, headers=headers) for each in (door, client)]
    assert ours.json() == theirs.json()
    assert [result["status"] for result in ours.json()["results"]][:2] == ["repeated", "refused"]
    assert lasting(ours) == lasting(theirs)


async def test_the_log_names_the_route_of_a_scan(
    app: Litestar,
    city: City,
    scan: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure(as_json=True)
    async with through(RequestLog(LaneDoor(app, secure=False))) as client:
        await client.post(PATH, json={"scans": [scan]}, headers=bearer(city.lane_token))
    line = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert (line["event"], line["path"]) == ("request", PATH)


async def test_what_is_not_plain_goes_through_the_application(
    door: httpx.AsyncClient, client: httpx.AsyncClient, city: City, scan: dict[str, Any]
) -> None:
    """Nobody's token, no token, the wrong method, a body that is none, and a very long one."""
    known = bearer(city.lane_token)
    long = {"scans": [scan | {"gate": "1" * 100_000}]}
    for kept in (
        {"method": "POST", "json": {"scans": [scan]}, "headers": bearer("nobody")},
        {"method": "POST", "json": {"scans": [scan]}},
        {"method": "GET", "headers": known},
        {"method": "POST", "content": b"{", "headers": known},
        {"method": "POST", "json": {"scans": [], "more": 1}, "headers": known},
        {"method": "POST", "json": {"scans": [scan] * 501}, "headers": known},
        {"method": "POST", "json": long, "headers": known},
    ):
        ours, theirs = [await each.request(url=PATH, **kept) for each in (door, client)]
        assert ours.status_code == theirs.status_code
        assert ours.json() == theirs.json()


async def test_a_failure_is_worded_by_the_application_and_taken_once(
    door: httpx.AsyncClient,
    app: Litestar,
    city: City,
    scan: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[object] = []

    async def away(_: object, proposals: object) -> None:
        taken.append(proposals)
        raise Unavailable("try_again")

    monkeypatch.setattr(type(app.state.intake.group), "submit", away)
    answer = await door.post(PATH, json={"scans": [scan]}, headers=bearer(city.lane_token))
    assert answer.status_code == 503
    assert answer.json()["code"] == "try_again"
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(taken) == 1


async def test_a_withdrawn_token_opens_nothing(
    door: httpx.AsyncClient,
    conn: Connection,
    city: City,
    scan: dict[str, Any],
    clock: SetClock,
) -> None:
    await conn.execute("UPDATE registry.token SET revoked_at = $1", clock.now())
    answer = await door.post(PATH, json={"scans": [scan]}, headers=bearer(city.lane_token))
    said = answer.json()
    assert answer.status_code == 401 or said["results"][0]["code"] == "token_unknown"
    assert await conn.fetchval("SELECT count(*) FROM registry.event WHERE kind = 'entry'") == 0
