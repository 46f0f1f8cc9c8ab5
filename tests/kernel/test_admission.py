"""Urgent work goes first, and nothing else is lost by it."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import pytest
from litestar import Litestar, get, post

from kernel import admission
from kernel.admission import AT_ONCE, HALF_LIFE_SECONDS, Admission, Pressure
from kernel.auth import public
from kernel.problems import exception_handlers
from tests.http import opened

MOST_MS = 100


class Time:
    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


class Desk:
    """Two routes, one of which can wait, and how many are inside it."""

    def __init__(self, most_ms: float = MOST_MS) -> None:
        self.time = Time()
        self.pressure = Pressure(self.time)
        self.inside, self.most_inside = 0, 0
        self.open = asyncio.Event()
        self.open.set()
        self.full = asyncio.Event()

        @get("/list", guards=[public])
        async def listed() -> str:
            self.inside += 1
            self.most_inside = max(self.most_inside, self.inside)
            if self.inside == AT_ONCE:
                self.full.set()
            await self.open.wait()
            self.inside -= 1
            return "listed"

        @post("/list", guards=[public])
        async def taken() -> str:
            return "taken"

        @get("/urgent", guards=[public])
        async def urgent() -> str:
            return "urgent"

        self.app = Litestar(
            [listed, taken, urgent],
            middleware=[Admission(lambda template: template == "/list", self.pressure, most_ms)],
            exception_handlers=exception_handlers(),
            logging_config=None,
        )

    @asynccontextmanager
    async def client(self) -> AsyncGenerator[httpx.AsyncClient]:
        async with opened(self.app, accept="application/json") as client:
            yield client


async def test_what_can_wait_is_turned_away_while_urgent_work_waits():
    desk = Desk()
    async with desk.client() as client:
        desk.pressure.note(MOST_MS + 1)
        answer = await client.get("/list")
        assert answer.status_code == 503
        assert answer.json()["code"] == "urgent_first"
        assert answer.headers["retry-after"] == "5"
        assert (await client.get("/urgent")).text == "urgent"


async def test_what_somebody_has_filled_in_is_never_turned_away():
    desk = Desk()
    async with desk.client() as client:
        desk.pressure.note(10 * MOST_MS)
        assert (await client.post("/list")).text == "taken"


async def test_pressure_fades_and_the_list_is_served_again():
    desk = Desk()
    async with desk.client() as client:
        desk.pressure.note(2 * MOST_MS - 1)
        assert (await client.get("/list")).status_code == 503
        desk.time.at += HALF_LIFE_SECONDS
        assert (await client.get("/list")).text == "listed"


async def test_the_longest_wait_counts_until_it_has_faded():
    clock = Time()
    pressure = Pressure(clock)
    pressure.note(80)
    pressure.note(10)
    assert pressure.ms() == 80
    clock.at += 2 * HALF_LIFE_SECONDS
    assert pressure.ms() == 20


async def test_zero_turns_nobody_away():
    desk = Desk(most_ms=0)
    async with desk.client() as client:
        desk.pressure.note(60_000)
        assert (await client.get("/list")).text == "listed"


async def test_only_a_few_are_worked_on_at_a_time_and_all_are_served():
    desk = Desk()
    desk.open.clear()
    async with desk.client() as client:
        asked = [asyncio.create_task(client.get("/list")) for _ in range(3 * AT_ONCE)]
        await desk.full.wait()
        for _ in range(50):
            await asyncio.sleep(0)
        desk.open.set()
        answers = await asyncio.gather(*asked)
    assert {answer.text for answer in answers} == {"listed"}
    assert desk.most_inside == AT_ONCE


async def test_whoever_waited_long_in_line_is_turned_away(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(admission, "WAIT_SECONDS", 0.05)
    desk = Desk()
    desk.open.clear()
    async with desk.client() as client:
        asked = [asyncio.create_task(client.get("/list")) for _ in range(AT_ONCE)]
        await desk.full.wait()
        assert (await client.get("/list")).status_code == 503
        desk.open.set()
        assert {answer.text for answer in await asyncio.gather(*asked)} == {"listed"}


async def test_how_late_the_loop_comes_is_measured_where_urgent_work_comes_in():
    pressure = Pressure()
    async with pressure.watched():
        asyncio.get_running_loop().call_soon(_block, 0.3)
        await asyncio.sleep(2 * admission.TICK_SECONDS)
        assert pressure.ms() == 0
        pressure.note(1)
        await asyncio.sleep(3 * admission.TICK_SECONDS)
        asyncio.get_running_loop().call_soon(_block, 0.3)
        await asyncio.sleep(2 * admission.TICK_SECONDS)
        assert pressure.ms() > 100


def _block(seconds: float) -> None:
    time.sleep(seconds)
