"""Whatever is killed, what was acknowledged is stored once; and each check can fail.

FAULT_KILLS makes a longer run.
"""

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest

from tests.faults.census import Census, count
from tests.faults.harness import FORGETFUL, Stand, a_folder
from tests.faults.processes import PROC, wait_until
from tests.faults.traffic import Traffic

KILLS = int(os.environ.get("FAULT_KILLS", "20"))
#: Each twin is given so many kills to be found out.
MOST = 30

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120 + 5 * KILLS),
    pytest.mark.skipif(not (PROC / "self").exists(), reason="processes are read from /proc"),
]


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with a_folder() as folder:
        made = Stand(folder)
        try:
            asyncio.run(made.seed())
            made.start_service()
            yield made
        finally:
            made.end()


def play(
    stand: Stand, traffic: Traffic, kills: int, fault: Callable[[], Awaitable[float]]
) -> tuple[Census, list[float]]:
    """The fault again and again, at any moment of the load; then everything is counted."""

    async def run() -> tuple[Census, list[float]]:
        seconds: list[float] = []
        async with traffic.running():
            for _ in range(kills):
                await traffic.under_load(random.randrange(20, 200))
                seconds.append(await fault())
            await traffic.under_load(5)
        return await count(stand.dsn, traffic), seconds

    return asyncio.run(run())


def test_what_was_acknowledged_outlives_a_killed_database(stand: Stand) -> None:
    traffic = Traffic(stand)

    async def fault() -> float:
        await asyncio.to_thread(stand.kill_database)
        killed = time.monotonic()
        await asyncio.to_thread(stand.start_database)
        return await traffic.answered_after(killed)

    census, seconds = play(stand, traffic, KILLS, fault)
    print(f"database: {census.line(KILLS, seconds)}; {traffic.figures()}")
    census.check(traffic)


def test_what_was_acknowledged_outlives_killed_workers(stand: Stand) -> None:
    traffic = Traffic(stand)

    async def fault() -> float:
        return await asyncio.to_thread(stand.kill_worker)

    census, seconds = play(stand, traffic, KILLS, fault)
    print(f"workers: {census.line(KILLS, seconds)}; {traffic.figures()}")
    census.check(traffic)


def test_a_service_that_was_killed_leaves_nobody_behind_and_starts_again(stand: Stand) -> None:
    traffic = Traffic(stand)

    async def fault() -> float:
        began = time.monotonic()
        await asyncio.to_thread(stand.kill_service)
        await asyncio.to_thread(stand.start_service)
        return time.monotonic() - began

    census, seconds = play(stand, traffic, 1, fault)
    print(f"service: {census.line(1, seconds)}; {traffic.figures()}")
    census.check(traffic)


def test_a_worker_that_starts_while_the_database_is_away_waits_for_it(stand: Stand) -> None:
    traffic = Traffic(stand)

    async def fault() -> float:
        await asyncio.to_thread(stand.kill_database)
        await asyncio.to_thread(stand.kill_worker)
        await asyncio.sleep(5)  # the new worker looks for the database, and finds nothing
        assert stand.runs(), f"the service gave up\n{stand.log()}"
        began = time.monotonic()
        await asyncio.to_thread(stand.start_database)
        return await traffic.answered_after(began)

    census, seconds = play(stand, traffic, 1, fault)
    print(f"both: {census.line(1, seconds)}; {traffic.figures()}")
    census.check(traffic)
    stand.wait_for_workers()


def test_a_client_that_makes_new_ids_is_found_to_double(stand: Stand) -> None:
    """The sabotaged twin of the killed workers: the ids alone keep a retry from storing twice."""
    doubled, kills = 0, 0
    while not doubled and kills < MOST:
        traffic = Traffic(stand, clients=12, idempotent=False, only_scans=True)
        census, _ = play(stand, traffic, 3, lambda: asyncio.to_thread(stand.kill_worker))
        kills, doubled = kills + 3, census.doubled
    print(f"planted: new ids at every try: kills={kills} doubled={doubled}")
    assert doubled > 0, f"{kills} kills and nothing doubled: the count is blind"


def test_a_database_that_does_not_wait_for_the_disk_is_found_to_lose(stand: Stand) -> None:
    """The sabotaged twin of the killed database: only the server's memory has what it said."""
    stand.kill_database()
    stand.start_database(FORGETFUL)
    wait_until(stand.ready, 60, "the service finds the database")
    lost, kills = 0, 0
    try:
        while not lost and kills < MOST:
            traffic = Traffic(stand, only_scans=True)

            async def fault() -> float:
                await asyncio.to_thread(stand.kill_database)
                await asyncio.to_thread(stand.start_database, FORGETFUL)
                return 0.0

            census, _ = play(stand, traffic, 1, fault)
            kills, lost = kills + 1, census.lost
    finally:
        stand.kill_database()
        stand.start_database()
    print(f"planted: no waiting for the disk: kills={kills} lost={lost}")
    assert lost > 0, f"{kills} kills and nothing lost: the count is blind"
