import asyncio

from kernel.db import Connection
from kernel.jobs import take_turn, ticker


async def until(count: list[int], least: int) -> None:
    async with asyncio.timeout(5):
        while len(count) < least:  # noqa: ASYNC110 -- a job counts in any task
            await asyncio.sleep(0.01)


async def test_a_job_that_fails_is_called_again():
    calls: list[int] = []

    async def job() -> None:
        calls.append(1)
        raise RuntimeError

    async with ticker("failing", 0.02, job):
        await until(calls, 3)


async def test_a_slow_job_never_runs_twice_at_once():
    calls: list[int] = []
    at_work = most = 0

    async def job() -> None:
        nonlocal at_work, most
        calls.append(1)
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0.1)
        at_work -= 1

    async with ticker("slow", 0.02, job):
        await until(calls, 3)
    assert most == 1


async def test_a_run_under_way_is_over_when_the_ticker_is():
    calls: list[int] = []
    finished: list[int] = []

    async def job() -> None:
        calls.append(1)
        await asyncio.sleep(0.2)
        finished.append(1)

    async with ticker("last", 60, job):
        await until(calls, 1)
    assert finished == [1]
    assert len(calls) == 1


async def test_of_many_processes_one_takes_the_turn(conn: Connection) -> None:
    assert [await take_turn(conn, "counting", 60) for _ in range(3)] == [True, False, False]
    assert await take_turn(conn, "another", 60)
    await conn.execute(
        "UPDATE kernel.heartbeat SET beat_at = beat_at - interval '46 s' WHERE name LIKE 'turn:c%'"
    )
    assert await take_turn(conn, "counting", 60), "whoever had it may have died meanwhile"
    assert not await take_turn(conn, "counting", 60)
