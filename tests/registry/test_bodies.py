"""Receiving bodies: registered once, found by no driver, and the only place of a receiver."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from kernel.clock import SetClock
from kernel.db import Connection
from registry.bodies import RECEIVING
from tests.city import City, add_body
from tests.http import submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
SAID = {
    "name": "杞县集中观察点",
    "district": "410221",
    "address": "杞县经开区九号",
    "contact_name": "李小龙",
    "contact_phone": "13812345678",
}


async def register(browser: httpx.AsyncClient, **changes: str) -> httpx.Response:
    shown = await browser.get("/reg/bodies")
    return await submit(browser, shown, "/reg/bodies", SAID | changes)


@pytest.mark.usefixtures("city")
async def test_a_body_is_registered_once_and_its_contact_is_sealed(
    logged_in: LogIn, conn: Connection
) -> None:
    registrar = await logged_in("registrar")
    assert (await register(registrar)).headers["location"] == "/reg/bodies?done=1"
    again = await register(registrar)
    assert (again.status_code, 'role="alert"' in again.text) == (422, True)
    row = await conn.fetchrow("SELECT * FROM registry.place WHERE category = $1", RECEIVING)
    assert row is not None
    assert "李小龙".encode() not in row["contact_sealed"]
    shown = await registrar.get("/reg/bodies")
    assert "杞县集中观察点" in shown.text
    assert "李小龙" not in shown.text


@pytest.mark.usefixtures("city")
@pytest.mark.parametrize(
    "changes",
    [{"name": "公司"}, {"district": "999999"}, {"address": "路"}, {"contact_phone": "12"}],
)
async def test_what_is_vague_or_wrong_is_told_and_nothing_typed_is_lost(
    logged_in: LogIn, conn: Connection, changes: dict[str, str]
) -> None:
    answer = await register(await logged_in("registrar"), **changes)
    assert answer.status_code == 422
    assert "13812345678" in answer.text or "contact_phone" in changes
    assert (
        await conn.fetchval("SELECT count(*) FROM registry.place WHERE category = $1", RECEIVING)
        == 0
    )


async def test_no_driver_finds_a_body(
    client: httpx.AsyncClient, conn: Connection, city: City, clock: SetClock
) -> None:
    body = await add_body(conn, clock.at)
    for path in ("/api/v1/places", "/api/v1/places?kind=venue"):
        listed = {each["id"] for each in (await client.get(path)).json()["places"]}
        assert body not in listed
        assert city.mill in listed or "venue" in path
    assert "集中观察点" not in (await client.get("/places?kind=venue")).text


async def test_a_receiver_stands_at_a_body_and_nowhere_else(
    logged_in: LogIn, conn: Connection, city: City, clock: SetClock
) -> None:
    body = await add_body(conn, clock.at)
    admin = await logged_in("admin")
    said = {"login": "taker", "name": "接收人员", "role": "receiver"}
    for place, status in ((city.mill, 422), (0, 422), (body, 303)):
        shown = await admin.get("/admin/accounts")
        answer = await submit(admin, shown, "/admin/accounts", said | {"place": str(place or "")})
        assert answer.status_code == status, place
