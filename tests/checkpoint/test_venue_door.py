"""The venues' own door answers as the application does, and leaves to it whatever is not plain."""

from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar

from checkpoint.lane import LaneDoor, VenueDoor
from kernel.db import Connection
from tests.checkpoint.test_lane import bearer, lasting, through
from tests.city import City
from tests.closedloop.venues import NAME, Venue, add_venue, item, visits

PATH = "/api/v1/visits"


@pytest.fixture
async def venue(conn: Connection, city: City, app: Litestar) -> Venue:
    del city
    made = await add_venue(conn)
    await app.state.office.cache.now(conn)
    return made


@pytest.fixture
async def door(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """Behind the lanes' door, as it is served."""
    venues = cast("Any", VenueDoor(app, secure=False))
    async with through(LaneDoor(app, secure=False, behind=venues)) as made:
        yield made


async def test_both_ways_give_the_same_answer(
    client: httpx.AsyncClient, door: httpx.AsyncClient, conn: Connection, venue: Venue
) -> None:
    said, headers = {"visits": [item(name=NAME), item(gate="南门"), 7]}, bearer(venue.token)
    ours = await door.post(PATH, json=said, headers=headers)
    theirs = await client.post(PATH, json=said, headers=headers)
    first, again = ours.json()["results"], theirs.json()["results"]
    assert (first[0]["status"], again[0]["status"]) == ("recorded", "repeated")
    assert [one | {"status": ""} for one in first] == [one | {"status": ""} for one in again]
    assert lasting(ours).keys() <= lasting(theirs).keys()
    assert len(await visits(conn)) == 1


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ({"visits": []}, {}, 401),
        ({"visits": []}, bearer("nobody"), 401),
        ({"visits": "x"}, None, 400),
        ({"visits": [], "more": 1}, None, 400),
        ({"visits": [1] * 501}, None, 400),
        ({"visits": []}, None, 200),
    ],
)
async def test_what_is_not_plain_goes_through_the_application(
    door: httpx.AsyncClient, venue: Venue, body: Any, headers: dict[str, str] | None, status: int
) -> None:
    answer = await door.post(
        PATH, json=body, headers=headers or bearer(venue.token) if headers != {} else {}
    )
    assert answer.status_code == status, answer.text
    if status != 200:
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_lane_and_a_firm_are_refused_in_words(
    door: httpx.AsyncClient, city: City, venue: Venue
) -> None:
    del venue
    for token, code in ((city.lane_token, "not_your_role"), (city.firm_token, "not_a_venue")):
        answer = await door.post(PATH, json={"visits": [item()]}, headers=bearer(token))
        assert (answer.status_code, answer.json()["code"]) == (403, code)


async def test_visits_do_not_count_as_what_lanes_wait_for(
    app: Litestar, door: httpx.AsyncClient, venue: Venue
) -> None:
    app.state.pressure.forget()
    app.state.pressure._urgent_at = before = -1.0
    await door.post(PATH, json={"visits": [item()]}, headers=bearer(venue.token))
    assert app.state.pressure._urgent_at == before
