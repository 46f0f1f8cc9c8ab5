"""Photos of what supervision found: kept with what was said, seen by whoever supervises the place."""

import re
from collections.abc import Awaitable, Callable
from uuid import UUID

import httpx
import pytest
from litestar import Litestar

from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from registry.coverage_imports import Listed
from tests.alerts.supervised import districts, take
from tests.city import City
from tests.conftest import NOON
from tests.http import add_account, log_in, opened, submit
from tests.kernel.test_photos import picture

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
LISTED = Listed(source="市场主体台账", office="市场监督管理局", as_of=NOON.date())
PHOTO = re.compile(r'href="(/photos/[^"]+)"')


async def a_round(conn: Connection, inspector: httpx.AsyncClient) -> tuple[str, int]:
    """The path of a round with one place, and that place."""
    await districts(conn)
    await take(conn, "烩面馆,,杞县,城关镇,商务局,北大街1号", now=NOON, said=LISTED)
    shown = await inspector.get("/supervision/rounds")
    said = {"name": "扫街", "district": "410221", "teams": "1"}
    answer = await submit(inspector, shown, "/supervision/rounds", said)
    due_id = await conn.fetchval("SELECT id FROM registry.due_place")
    return answer.headers["location"].partition("?")[0], due_id


async def visit(
    client: httpx.AsyncClient, path: str, due_id: int, event_id: UUID, photo: bytes
) -> httpx.Response:
    page = await client.get(f"{path}/teams/1")
    token = re.search(r'name="_csrf_token" value="([^"]+)"', page.text)
    assert token is not None
    said = {
        "_csrf_token": token[1], "event_id": str(event_id), "due_id": str(due_id), "team": "1",
        "finding": "not_visible", "visited_at": NOON.isoformat(),
    }  # fmt: skip
    files = {"photo": ("door.jpg", photo, "image/jpeg")}
    return await client.post(f"{path}/visits", data=said, files=files)


@pytest.mark.usefixtures("city")
async def test_a_photo_is_kept_once_and_every_look_is_on_record(
    conn: Connection, clock: SetClock, logged_in: LogIn
) -> None:
    inspector = await logged_in("inspector")
    path, due_id = await a_round(conn, inspector)
    event_id, photo = uuid7(clock.at), picture()
    for _ in range(2):
        assert (await visit(inspector, path, due_id, event_id, photo)).status_code == 303
    assert await conn.fetchval("SELECT count(*) FROM alerts.street_visit") == 1
    shown = await inspector.get(f"/supervision/places/{due_id}")
    (address,) = PHOTO.findall(shown.text)
    answer = await inspector.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    looked = await conn.fetchrow(
        "SELECT subject_kind, subject FROM kernel.audit WHERE action = 'read_photo'"
    )
    assert looked is not None
    assert dict(looked) == {"subject_kind": "due_place", "subject": str(due_id)}


async def test_others_do_not_find_it(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn, app: Litestar
) -> None:
    inspector = await logged_in("inspector")
    path, due_id = await a_round(conn, inspector)
    await visit(inspector, path, due_id, uuid7(clock.at), picture())
    (address,) = PHOTO.findall((await inspector.get(f"/supervision/places/{due_id}")).text)
    firm, tracer = await logged_in("firm", city.mill), await logged_in("tracer")
    async with opened(app) as elsewhere:
        await log_in(elsewhere, await add_account(conn, "registrar", clock, district="410222"))
        for client in (firm, tracer, elsewhere):
            assert (await client.get(address)).status_code == 404
    assert await conn.fetchval("SELECT count(*) FROM kernel.audit WHERE action = 'read_photo'") == 0


@pytest.mark.usefixtures("city")
async def test_what_is_no_picture_is_refused_and_nothing_is_recorded(
    conn: Connection, clock: SetClock, logged_in: LogIn
) -> None:
    inspector = await logged_in("inspector")
    path, due_id = await a_round(conn, inspector)
    answer = await visit(inspector, path, due_id, uuid7(clock.at), b"no picture at all")
    assert answer.status_code == 422
    assert await conn.fetchval("SELECT count(*) FROM alerts.street_visit") == 0
    assert await conn.fetchval("SELECT count(*) FROM kernel.attachment") == 0
