"""The simulator against the real server, and proof that it would see a difference."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random

import httpx
import pytest
from msgspec.structs import replace

from checkpoint.simulation.city import entered
from checkpoint.simulation.expectations import Expected, Observed, differences, limit
from checkpoint.simulation.people import People
from checkpoint.simulation.reading import read_city
from checkpoint.simulation.stories import STORIES
from checkpoint.simulation.truck import Truck, now
from registry.people import check_id_number, check_name
from registry.plates import parse
from tests.conftest import NOON
from tests.support import REPOSITORY

STARTS_WITHIN = 60


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "checkpoint", *words]


def environment(dsn: str, folder: Path, port: int) -> dict[str, str]:
    return os.environ | {
        "PORT": str(port),
        "CHECKPOINT_DATA": str(folder),
        "DATABASE_URL": dsn,
        "CHECKPOINT_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CHECKPOINT_SWEEP_SECONDS": "0.5",
        "PYTHONPATH": str(REPOSITORY),
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(env: dict[str, str], log: Path) -> Iterator[str]:
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command("serve", "--demo"), env=env, cwd=REPOSITORY, stdout=output, stderr=output
        ) as server,
    ):
        try:
            url = env["CHECKPOINT_PUBLIC_URL"]
            _await_ready(url, server, log)
            yield url
        finally:
            server.terminate()
            server.wait(20)


def _await_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    with httpx.Client(base_url=url) as client:
        for _ in range(STARTS_WITHIN * 10):
            assert server.poll() is None, log.read_text("utf-8")
            try:
                if client.get("/readyz").is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
    raise AssertionError(log.read_text("utf-8"))


@pytest.mark.slow
def test_the_city_knows_what_the_simulator_knows(cloned: str, tmp_path: Path):
    env = environment(cloned, tmp_path, free_port())
    with serving(env, tmp_path / "log"):
        done = subprocess.run(
            command("simulate", "--trucks", "60", "--seed", "7"),
            env=env,
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "agreed 60 of 60" in done.stdout
    assert "internal" not in (tmp_path / "log").read_text("utf-8")


@pytest.mark.slow
def test_a_city_that_lost_a_scan_is_found_out(cloned: str, tmp_path: Path):
    """The truck says that it arrived, and nobody sent its arrival."""
    with serving(environment(cloned, tmp_path, free_port()), tmp_path / "log") as url:
        found = asyncio.run(_one_without_its_arrival(url, tmp_path))
    assert len(found) == 1
    assert "state overdue, expected discharged" in found[0]
    assert "events 2, expected 3" in found[0]


async def _one_without_its_arrival(url: str, folder: Path) -> list[str]:
    async with entered(url, folder, 4) as city:
        truck = Truck(city, "vanishes", People(Random(1)), Random(1), at_desk=False)
        await truck.bring_test(now() - timedelta(hours=10))
        at = truck.ago(truck.limit, least=10)
        await truck.report(at)
        await truck.enter(at)
        truck.ids.add("the arrival")
        expected = [truck.expects("discharged")]
        return differences(expected, await read_city(city.duty, expected, 4))


TOLD = Expected(
    story="arrives",
    movement_id=7,
    state="discharged",
    late=False,
    events=3,
    cards={"a": "green"},
    alerts=frozenset(),
)
SEEN = Observed(
    state="discharged", listed_state="discharged", late=False, events=3, cards={"a": "green"}
)

ALTERED: tuple[Callable[[Observed], Observed], ...] = (
    lambda seen: replace(seen, state="overdue"),
    lambda seen: replace(seen, listed_state="released"),
    lambda seen: replace(seen, late=True),
    lambda seen: replace(seen, events=2),
    lambda seen: replace(seen, events=4),
    lambda seen: replace(seen, cards={"a": "yellow"}),
    lambda seen: replace(seen, cards={}),
    lambda seen: replace(seen, cards={"a": "green", "b": "green"}),
    lambda seen: replace(seen, alerts=frozenset({"arrival"})),
)


def test_what_agrees_is_no_difference():
    assert differences([TOLD], {7: SEEN}) == []


@pytest.mark.parametrize("alter", ALTERED)
def test_every_difference_is_told(alter: Callable[[Observed], Observed]):
    other = replace(TOLD, movement_id=8)
    found = differences([TOLD, other], {7: SEEN, 8: alter(SEEN)})
    assert len(found) == 1
    assert found[0].startswith("arrives 8: ")


def test_a_movement_that_the_city_does_not_know_is_told():
    assert differences([TOLD], {}) == ["arrives 7: is not known to the city"]


@pytest.mark.parametrize(("road", "minutes"), [(1, 60), (20, 60), (21, 61), (150, 255), (400, 360)])
def test_the_simulators_own_limit_is_that_of_the_mission(road: int, minutes: int):
    assert limit(road) == timedelta(minutes=minutes)


def test_made_up_people_are_well_formed_and_nobody_twice():
    people = People(Random(3))
    made = [people.make() for _ in range(2000)]
    for each in made:
        assert check_id_number(each.id_number, today=NOON.date()) == each.id_number
        assert check_name(each.name).startswith("示例")
        assert parse(each.plate).text == each.plate
        assert "示例" in each.origin
    assert len({each.id_number for each in made}) == len({each.plate for each in made}) == 2000


def test_every_story_has_a_name_of_its_own():
    assert len({story.name for story in STORIES}) == len(STORIES)
