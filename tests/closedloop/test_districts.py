"""A district's people see and do what concerns their district, and of the rest nothing exists."""

from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar

from kernel.auth import Actor
from kernel.clock import SetClock
from kernel.db import Connection
from registry.accounts import issue_token
from registry.scope import covers, own_district
from tests.checkpoint.moves import released, verifying
from tests.city import IDS, City
from tests.http import add_account, opened

HERE, THERE, CITY = "410221", "410222", "410200"


@pytest.fixture
async def districts(conn: Connection) -> None:
    await conn.execute(
        "INSERT INTO registry.district VALUES ($1, '通许县'), ($2, '开封市')", THERE, CITY
    )


async def headers(
    conn: Connection, role: str, clock: SetClock, district: str | None
) -> dict[str, str]:
    login = await add_account(conn, role, clock, district=district)
    number = await conn.fetchval("SELECT id FROM registry.account WHERE login = $1", login)
    token = await issue_token(conn, account_id=number, label="x", now=clock.now())
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    ("mine", "of", "fits"),
    [
        (None, HERE, True),
        (CITY, HERE, True),
        (HERE, HERE, True),
        (HERE, THERE, False),
    ],
)
def test_a_code_that_ends_in_noughts_is_the_whole_city(
    mine: str | None, of: str, fits: bool
) -> None:
    assert covers(mine, of) == fits


@pytest.mark.parametrize(
    ("place", "district", "own"), [(None, HERE, HERE), (None, CITY, None), (7, HERE, None)]
)
def test_whoever_stands_at_a_place_is_confined_by_that(
    place: int | None, district: str, own: str | None
) -> None:
    actor = Actor(
        id=uuid4(),
        kind="account",
        name="x",
        roles=frozenset({"duty"}),
        place_id=place,
        district=district,
    )
    assert own_district(actor) == own


@pytest.mark.usefixtures("districts")
@pytest.mark.parametrize(("district", "seen"), [(HERE, 1), (CITY, 1), (None, 1), (THERE, 0)])
async def test_lists_and_alerts_hold_what_touches_the_district(
    app: Litestar,
    conn: Connection,
    clock: SetClock,
    city: City,
    district: str | None,
    seen: int,
) -> None:
    await released(conn, city)
    case = await verifying(conn, city, plate="豫B54321", id_number=IDS[1])
    clock.at += timedelta(days=1)
    duty = await headers(conn, "duty", clock, district)
    async with opened(app, **duty) as browser:
        assert len((await browser.get("/api/v1/loops")).json()["loops"]) == 2 * seen
        assert ("12345" in (await browser.get("/duty")).text) == bool(seen)
        assert ("12345" in (await browser.get("/duty/rows")).text) == bool(seen)
        assert ("12345" in (await browser.get("/loops")).text) == bool(seen)
        assert (str(case) in (await browser.get("/desk")).text) == bool(seen)


@pytest.mark.usefixtures("districts")
async def test_any_of_a_movements_places_is_enough(
    app: Litestar, conn: Connection, clock: SetClock, city: City
) -> None:
    await released(conn, city)
    there = await headers(conn, "duty", clock, THERE)

    async def count() -> int:
        async with opened(app, **there) as browser:
            return len((await browser.get("/api/v1/loops")).json()["loops"])

    for place in (city.north, city.mill):
        assert await count() == 0
        await conn.execute(
            "UPDATE registry.place SET district_code = $1 WHERE id = $2", THERE, place
        )
        assert await count() == 1
        await conn.execute(
            "UPDATE registry.place SET district_code = $1 WHERE id = $2", HERE, place
        )


@pytest.mark.usefixtures("districts")
async def test_a_movement_elsewhere_does_not_exist(
    app: Litestar, conn: Connection, clock: SetClock, city: City
) -> None:
    movement_id = await released(conn, city)
    there = await headers(conn, "duty", clock, THERE)
    act = {"id": str(uuid4()), "kind": "departed"}
    path = f"/api/v1/movements/{movement_id}"
    async with opened(app, **there) as browser:
        answers = [
            await browser.get(path),
            await browser.get(f"{path}/history"),
            await browser.get(f"/loops/{movement_id}"),
            await browser.post(f"{path}/events", json=act),
            await browser.patch(path, json={"id": str(uuid4()), "changes": {"goods": "daily"}}),
        ]
        unknown = await browser.get("/api/v1/movements/4102000000001")
    assert [answer.status_code for answer in answers] == [404] * 5
    assert answers[0].json()["code"] == unknown.json()["code"]
    audited = await conn.fetchval("SELECT count(*) FROM kernel.audit")
    assert audited == 0, "nothing was read"


@pytest.mark.usefixtures("districts", "city")
@pytest.mark.parametrize(("district", "status"), [(HERE, 403), (CITY, 200), (None, 200)])
async def test_the_feed_cannot_be_divided(
    app: Litestar, conn: Connection, clock: SetClock, district: str | None, status: int
) -> None:
    async with opened(app, **await headers(conn, "duty", clock, district)) as browser:
        answer: httpx.Response = await browser.get("/api/v1/feed")
    assert answer.status_code == status
