"""The page that tells everybody whether the service works: by the jobs' signs of life, with each
change on record once, and itself when the database is away.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from litestar import Litestar

from alerts.parts import WATCH, note_parts, report
from checkpoint.schedule import schedule
from kernel import service_states
from kernel.clock import SetClock
from kernel.db import Connection, Pool, open_pool
from kernel.jobs import beat
from kernel.service_states import Change, changes, note_states, outages
from tests.conftest import NOON

PEOPLE = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
JOBS = (WATCH, "sweep", "canary", "deliveries")


def after(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


async def lives(conn: Connection, at: datetime, *, without: str = "") -> None:
    """A moment of a service: it looks, then each job gives its sign."""
    await note_parts(conn, at, texts=False)
    for job in JOBS:
        if job != without:
            await beat(conn, job, at)


async def ran(conn: Connection, first: float, last: float, *, without: str = "") -> None:
    for minute in range(int(first), int(last) + 1):
        await lives(conn, after(minute), without=without)


def told(found: list[Change]) -> list[tuple[str, bool, float]]:
    return [(each.part, each.works, (each.since - NOON).total_seconds() / 60) for each in found]


async def test_a_part_that_stops_and_comes_back_is_two_rows(conn: Connection) -> None:
    await ran(conn, 0, 10)
    await ran(conn, 11, 20, without="sweep")
    await ran(conn, 21, 30)
    rows = [each for each in told(await changes(conn)) if each[0] == "noticing"]
    assert rows == [("noticing", True, 1), ("noticing", False, 10), ("noticing", True, 22)]
    assert {each[0] for each in told(await changes(conn)) if not each[1]} == {"noticing"}


async def test_what_nobody_could_write_is_written_by_the_first_that_is_back(
    conn: Connection,
) -> None:
    """Everything was away: the outage begins with the last sign of life and ends with the next."""
    await ran(conn, 0, 10)
    for _ in range(2):  # two processes, each with the old beat before its eyes
        await note_parts(conn, after(40), texts=False)
    await ran(conn, 41, 45)
    lanes = [each for each in told(await changes(conn)) if each[0] == "lanes"]
    assert lanes == [("lanes", True, 0), ("lanes", False, 10), ("lanes", True, 40)]
    found = await report(conn, after(45), texts=False)
    assert {(each.part, each.began) for each in found.outages} == {
        (name, after(10)) for name in ("lanes", "noticing", "messages")
    }
    assert found.works


@pytest.fixture
async def pool(cloned: str) -> AsyncIterator[Pool]:
    made = await open_pool(cloned, size=6)
    yield made
    await made.close()


async def _six_look_at_once(pool: Pool) -> int:
    async with pool.acquire() as conn:
        await ran(conn, 0, 3)

    async def look(number: int) -> None:
        async with pool.acquire() as conn:
            await note_parts(conn, after(30) + timedelta(milliseconds=number), texts=False)

    await asyncio.gather(*(look(number) for number in range(6)))
    async with pool.acquire() as conn:
        return sum(each.part == "lanes" for each in await changes(conn))


async def test_six_workers_that_notice_at_once_write_one_change(pool: Pool) -> None:
    assert await _six_look_at_once(pool) == 3


async def test_workers_who_do_not_look_what_is_known_are_found_out(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: each writes what it sees."""

    def everything(_: object, found: Change, **__: object) -> list[Change]:
        return [found]

    monkeypatch.setattr(service_states, "news", everything)
    assert await _six_look_at_once(pool) > 3


async def test_old_changes_go_and_the_last_of_each_part_stays(conn: Connection) -> None:
    for day in range(40):
        at = NOON + timedelta(days=day)
        said = Change(part="lanes", works=day % 2 == 0, since=at)
        await note_states(conn, [said], None, at)
    found = await changes(conn)
    assert 30 <= len(found) <= 32
    assert found[-1].since == NOON + timedelta(days=39)


def test_an_outage_of_last_week_is_told_and_an_older_one_is_not() -> None:
    rows = [
        Change(part="lanes", works=works, since=NOON + timedelta(days=day))
        for day, works in ((0, True), (1, False), (2, True), (9, False), (10, True), (11, False))
    ]
    found = outages(rows, NOON + timedelta(days=5))
    assert [(each.began - NOON).days for each in found] == [11, 9]
    assert found[0].ended is None


async def test_people_get_a_page_and_programs_json(
    client: httpx.AsyncClient, conn: Connection, clock: SetClock
) -> None:
    await ran(conn, 0, 10)
    await beat(conn, "messages", after(10))
    clock.at = after(10)
    shown = await client.get("/status?lang=en", headers=PEOPLE)
    assert shown.headers["content-type"].startswith("text/html")
    assert "The service works" in shown.text
    assert "ui.status" not in shown.text
    for accept in ("*/*", "application/json"):
        said = await client.get("/status", headers={"accept": accept})
        assert said.json()["status"] == "available"
        assert [each["name"] for each in said.json()["parts"]] == ["lanes", "noticing", "messages"]
        assert all(each["works"] for each in said.json()["parts"])
    assert "parts" not in (await client.get("/healthz")).json()


async def test_a_job_that_stands_still_is_told_in_words(
    client: httpx.AsyncClient, conn: Connection, clock: SetClock
) -> None:
    await ran(conn, 0, 10)
    await ran(conn, 11, 20, without="canary")
    clock.at = after(20)
    shown = (await client.get("/status?lang=en", headers=PEOPLE)).text
    assert "Part of the service does not work" in shown
    assert "not over yet" in shown
    assert "does not work</span>" in shown
    assert "服务" in (await client.get("/status?lang=zh", headers=PEOPLE)).text
    assert (await client.get("/status")).json()["status"] == "late"


class Away:
    """A pool whose server is gone, or too slow."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def acquire(self, **_: Any) -> Any:
        raise self.error


@pytest.mark.parametrize("error", [
    ConnectionRefusedError(), TimeoutError(), asyncpg.InterfaceError("pool is closed"),
    asyncpg.QueryCanceledError("too slow"), asyncpg.CannotConnectNowError("starting"),
], ids=lambda error: type(error).__name__)  # fmt: skip
async def test_the_page_itself_tells_that_the_database_is_away(
    app: Litestar, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """A browser that was logged in is told as well: its session could not be read."""
    monkeypatch.setattr(app.state, "pool", Away(error))
    client.cookies.set("session", "x" * 32)
    shown = await client.get("/status?lang=en", headers=PEOPLE)
    assert shown.status_code == 503
    assert "The service cannot be used just now" in shown.text
    assert "paper slip" in shown.text
    assert 'class="foot"' in shown.text
    said = await client.get("/status", headers={"accept": "application/json"})
    assert (said.status_code, said.json()["code"]) == (503, "database_unavailable")


async def test_a_mistake_of_ours_is_not_told_as_a_database_that_is_away(
    app: Litestar, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.state, "pool", Away(KeyError("x")))
    assert (await client.get("/status", headers=PEOPLE)).status_code == 500


async def test_the_first_page_leads_there(client: httpx.AsyncClient) -> None:
    assert 'href="/status"' in (await client.get("/")).text


async def test_the_job_that_watches_writes_the_changes(app: Litestar, conn: Connection) -> None:
    await lives(conn, NOON)
    jobs = {name: job for name, _, job in schedule(app.state)}
    await jobs[WATCH]()
    assert {each.part for each in await changes(conn) if each.works} >= {"lanes", "noticing"}
