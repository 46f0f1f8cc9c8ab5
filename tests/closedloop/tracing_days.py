"""Days made up at random, and on how many the database and brute force differ."""

from datetime import timedelta
from random import Random
from uuid import UUID

from closedloop.tracing_model import Meeting
from closedloop.tracing_near import meetings
from closedloop.tracing_sightings import sightings
from kernel.db import Connection
from tests.closedloop.tracing_ground import (
    Day,
    Presence,
    Told,
    brute_force,
    of_person,
    write_day,
)
from tests.conftest import NOON

MINUTES = 30
SINCE, UNTIL = NOON - timedelta(hours=8), NOON + timedelta(hours=8)
#: Mostly none; some seconds for an upload; a clock that nobody trusts; far more than the window.
DOUBTS = (0, 0, 0, 0, 2_500, 28_000, 59_999, 60_000, 60_001, 900_000, 7_200_000)


def a_day(dice: Random) -> Day:
    people = tuple(UUID(int=dice.getrandbits(128)) for _ in range(7))
    crews = {
        ride: tuple(dice.sample(range(len(people)), dice.choice((1, 1, 2, 3)))) for ride in range(6)
    }
    return Day(
        people=people,
        crews=crews,
        presences=tuple(_presence(dice, crews) for _ in range(dice.randint(4, 24))),
    )


def _presence(dice: Random, crews: dict[int, tuple[int, ...]]) -> Presence:
    rides = dice.random() < 0.7
    return Presence(
        place_id=dice.choice((71, 72, 73)),
        gate=dice.choice(("", "1", "2")),
        at=NOON + timedelta(microseconds=dice.randint(-9 * 3600 * 10**6, 9 * 3600 * 10**6)),
        doubt_ms=dice.choice(DOUBTS),
        ride=dice.choice(sorted(crews)) if rides else None,
        visitor=None if rides else dice.randrange(7),
        kind=dice.choice(("entry", "exit", "confirm", "departure", "arrival"))
        if rides
        else "entry",
    )


async def told(conn: Connection, day: Day, subject: int) -> dict[UUID, Told]:
    seen = await sightings(conn, [of_person(day.people[subject], SINCE, UNTIL)])
    found = await meetings(conn, seen, MINUTES, limit=1_000)
    return {each.person_id: _plain(each) for each in found if each.person_id}


def _plain(each: Meeting) -> Told:
    assert each.place_certain is not None
    return Told(
        together=each.together,
        place_possible=each.place_possible,
        place_certain=each.place_certain,
        gate_possible=each.gate_possible,
        gate_certain=each.gate_certain,
        times=each.times,
    )


async def differing(conn: Connection, days: int) -> tuple[int, int]:
    """Days on which anything differs, and how many meetings there were."""
    dice, differ, met = Random(4102), 0, 0
    for _ in range(days):
        day = a_day(dice)
        undo = conn.transaction()
        await undo.start()
        await write_day(conn, day)
        expected = brute_force(day, 0, MINUTES, SINCE, UNTIL)
        differ += await told(conn, day, 0) != expected
        met += len(expected)
        await undo.rollback()
    return differ, met
