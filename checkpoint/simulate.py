"""`checkpoint simulate`: trucks through a running server, over HTTP only, and then the question
whether the city knows what the simulator knows.
"""

import argparse
import asyncio
import secrets
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import TextIO

import httpx

from checkpoint.simulation.city import City, NoDemoCityError, entered
from checkpoint.simulation.expectations import Expected, cards, differences, states
from checkpoint.simulation.pack import GOOD, LIST, RECORD
from checkpoint.simulation.people import People
from checkpoint.simulation.reading import read_city
from checkpoint.simulation.stories import STORIES, Story
from checkpoint.simulation.truck import Truck, now
from checkpoint.simulation.wire import Tally, UnexpectedAnswerError
from kernel.settings import Settings

SHOWN = 20
CANNOT_BEGIN = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--trucks", type=int, default=500)
    parser.add_argument("--url", default="", help="of the server (CHECKPOINT_PUBLIC_URL)")
    parser.add_argument("--data", default="", help="directory with logins.txt (CHECKPOINT_DATA)")
    parser.add_argument("--seed", type=int, default=None, help="the same mixture of stories again")
    parser.add_argument("--concurrency", type=int, default=16, help="trucks at once")


def simulate(arguments: argparse.Namespace, settings: Settings) -> int:
    """0 where the city knows exactly what happened, 1 where it differs, 2 where nothing began."""
    seed = secrets.randbelow(10**6) if arguments.seed is None else arguments.seed
    folder = Path(arguments.data) if arguments.data else settings.data_dir
    url = arguments.url or settings.public_url
    try:
        return asyncio.run(_simulate(url, folder, arguments.trucks, seed, arguments.concurrency))
    except (NoDemoCityError, UnexpectedAnswerError) as error:
        _say(str(error), to=sys.stderr)
    except httpx.TransportError as error:
        _say(f"No server answers at {url} ({type(error).__name__}).", to=sys.stderr)
    return CANNOT_BEGIN


async def _simulate(url: str, folder: Path, number: int, seed: int, at_once: int) -> int:
    async with entered(url, folder, at_once) as city:
        trucks = _trucks(city, number, Random(seed))  # noqa: S311 - a mixture, no secret
        began = time.monotonic()
        await _bring_evidence(city, trucks)
        expected = await _drive(trucks, at_once)
        seconds = time.monotonic() - began
        _tell(seed, expected, city.tally, seconds)
        seen = await read_city(city.duty, expected, at_once)
    found = [line for _, truck in trucks for line in truck.surprises]
    differing = differences(expected, seen)
    return _judge(len(expected), len(differing), found + differing)


def _trucks(city: City, number: int, dice: Random) -> list[tuple[Story, Truck]]:
    """Every story once, if there are trucks enough, and the rest by their shares.

    People and plates are new at each run: the same seed may be driven through a city twice.
    """
    told = list(STORIES[:number])
    shares = [story.share for story in STORIES]
    told += dice.choices(STORIES, shares, k=max(0, number - len(told)))
    dice.shuffle(told)
    people = People(Random(secrets.randbits(64)))  # noqa: S311 - made-up people
    return [
        (story, Truck(city, story.name, people, Random(dice.random()), at_desk=story.at_desk))  # noqa: S311
        for story in told
    ]


async def _bring_evidence(city: City, trucks: Sequence[tuple[Story, Truck]]) -> None:
    """The laboratories' and the province's files, before anybody sets out."""
    at = now()
    tests = [
        _row(truck, GOOD, at - timedelta(hours=story.test))
        for story, truck in trucks
        if story.test is not None
    ]
    codes = [
        _row(truck, story.code, at - timedelta(hours=8)) for story, truck in trucks if story.code
    ]
    await city.registrar.import_rows(RECORD, tests)
    await city.registrar.import_rows(LIST, codes)


def _row(truck: Truck, value: str, taken_at: datetime) -> dict[str, str]:
    number = truck.person.id_number
    return {"id_number": number, "value": value, "taken_at": taken_at.isoformat()}


async def _drive(trucks: Sequence[tuple[Story, Truck]], at_once: int) -> list[Expected]:
    road = asyncio.Semaphore(at_once)

    async def drive(story: Story, truck: Truck) -> Expected:
        async with road:
            return await story.run(truck)

    return await asyncio.gather(*(drive(story, truck) for story, truck in trucks))


def _tell(seed: int, expected: Sequence[Expected], tally: Tally, seconds: float) -> None:
    limbs = Counter(limb for each in expected for limb in each.alerts)
    _say(f"{len(expected)} trucks in {seconds:.1f} s (seed {seed})")
    _say(
        f"{tally.scans} scans sent: {tally.recorded} recorded, {tally.repeated} repeated, "
        f"{tally.conflict} conflicts, {tally.refused} refused; "
        f"{tally.requests} requests, {tally.retried} sent again"
    )
    _say("The city should now know:")
    _say(f"  states  {_counts(states(expected))}")
    _say(f"  cards   {_counts(cards(expected))}")
    _say(f"  alerts  {_counts(limbs)} (of releases uploaded in the last 15 minutes none)")


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counter.most_common()) or "none"


def _judge(trucks: int, differing: int, found: Sequence[str]) -> int:
    _say(f"agreed {trucks - differing} of {trucks}")
    for line in found[:SHOWN]:
        _say(f"  {line}")
    if len(found) > SHOWN:
        _say(f"  and {len(found) - SHOWN} more")
    return 1 if found else 0


def _say(line: str, to: TextIO | None = None) -> None:
    print(line, file=to or sys.stdout, flush=True)
