"""Arrival limits learned from completed loops: who counts, when a version is made, and what it is worth
on a simulated city against the fixed rule.
"""

from collections.abc import Sequence
from datetime import timedelta
from random import Random

import pytest

from closedloop.learning import EVERY, REACH, learn
from closedloop.planning import planned_stop
from kernel.db import Connection
from registry.learned import learned_minutes
from registry.rules import Limits, arrival_limit
from tests.alerts.enquiry import MINUTE
from tests.checkpoint.moves import loop_of, released
from tests.city import City
from tests.conftest import NOON

DAY = timedelta(days=1)


async def loops(
    conn: Connection,
    way: tuple[int, int],
    minutes: Sequence[float],
    *,
    flags: Sequence[str] = (),
    first: int = 1,
    level: str = "A",
    state: str = "discharged",
    days_ago: int = 5,
) -> None:
    """Loops from a checkpoint to a firm that took so many minutes."""
    await conn.execute(
        """
        INSERT INTO closedloop.loop (movement_id, version, state, entry_place_id, released_at,
                                     flags, view, updated_at)
        SELECT 4102000000000 + $1 + n, 3, $8, $2, $5::timestamptz, $6,
               jsonb_build_object('stops', jsonb_build_array(jsonb_build_object(
                   'place_id', $3::bigint, 'level', $7::text,
                   'arrived_at', $5::timestamptz + m * interval '1 minute'))), $5
          FROM unnest($4::float8[]) WITH ORDINALITY AS given (m, n)
        """,
        first,
        *way,
        list(minutes),
        NOON - days_ago * DAY,
        list(flags),
        level,
        state,
    )


async def minutes_of(conn: Connection, city: City, way: tuple[int, int]) -> int:
    world = await city.office.cache.now(conn)
    return planned_stop(world, world.rules_at(NOON), *way).limit_minutes


async def test_a_limit_is_learned_from_enough_loops_and_not_from_fewer(
    conn: Connection, city: City
) -> None:
    way, other = (city.north, city.mill), (city.north, city.depot)
    await loops(conn, way, [100 + n for n in range(30)])
    await loops(conn, other, [100] * 29, first=1000)
    assert await learn(conn, city.office, NOON) == 1
    assert await minutes_of(conn, city, way) == 129 + 15
    assert await minutes_of(conn, city, other) == 75
    assert await minutes_of(conn, city, (city.south, city.mill)) == 75


@pytest.mark.parametrize("about", [
    {"flags": ["diverted"]}, {"flags": ["extended_by_officers"]}, {"level": "C"},
    {"state": "closed_by_officer"}, {"state": "referred"}, {"days_ago": REACH.days + 1},
])  # fmt: skip
async def test_what_the_road_did_not_make_teaches_nothing(
    conn: Connection, city: City, about: dict
) -> None:
    await loops(conn, (city.north, city.mill), [300] * 40, **about)
    assert await learn(conn, city.office, NOON) == 0


async def test_late_arrivals_count(conn: Connection, city: City) -> None:
    """Who learned from the punctual only would shorten the limit for ever."""
    way = (city.north, city.mill)
    await loops(conn, way, [70] * 20)
    await loops(conn, way, [200] * 20, flags=["late"], first=1000)
    await learn(conn, city.office, NOON)
    assert await minutes_of(conn, city, way) == 215


async def test_it_is_learned_once_a_day_and_a_small_change_is_none(
    conn: Connection, city: City
) -> None:
    way = (city.north, city.mill)
    await loops(conn, way, [100] * 40)
    assert await learn(conn, city.office, NOON) == 1
    await loops(conn, way, [160] * 40, first=1000)
    assert await learn(conn, city.office, NOON + EVERY - MINUTE) == 0
    assert await learn(conn, city.office, NOON + EVERY + MINUTE) == 1
    assert await learn(conn, city.office, NOON + 2 * EVERY + 2 * MINUTE) == 0
    versions = await conn.fetch("SELECT version, minutes FROM registry.learned_limit ORDER BY 1")
    assert [tuple(row) for row in versions] == [(1, 115), (2, 175)]


async def test_a_limit_that_runs_keeps_its_version_and_can_be_explained(
    conn: Connection, city: City
) -> None:
    way = (city.north, city.mill)
    await loops(conn, way, [100] * 40)
    await learn(conn, city.office, NOON)
    movement_id = await released(conn, city)
    stop = (await loop_of(conn, movement_id)).stops[0]
    assert (stop.limit_minutes, stop.learned) == (115, 1)
    assert stop.due_at == NOON + 115 * MINUTE


async def test_a_rule_set_may_do_without(conn: Connection, city: City) -> None:
    way = (city.north, city.mill)
    await loops(conn, way, [100] * 40)
    await learn(conn, city.office, NOON)
    without = {"limits": {"learn_samples": 0}}
    await conn.execute("UPDATE registry.rule_set SET body = body || $1", without)
    assert await minutes_of(conn, city, way) == 75


def test_the_floor_and_the_cap_of_the_fixed_rule_hold() -> None:
    assert learned_minutes(1, Limits()) == 60
    assert learned_minutes(10_000, Limits()) == 360


# ── what it is worth ──

PAIRS, HISTORY, TRIED = 40, 200, 500
#: False overdue trucks must fall by at least so much; what it was is printed.
LEAST_FACTOR = 1.5


def ways(random: Random) -> list[tuple[int, float, float]]:
    """Pairs with the road time that the table has, and the true middle and spread of the way: tables
    are wrong by the hour of the day, the hill and the ring road.
    """
    made: list[tuple[int, float, float]] = []
    for _ in range(PAIRS):
        road = random.randrange(20, 150, 5)
        made.append((road, road * random.lognormvariate(0.15, 0.25), random.uniform(0.08, 0.3)))
    return made


def drives(random: Random, middle: float, spread: float, n: int) -> list[float]:
    return [middle * random.lognormvariate(0, spread) for _ in range(n)]


def false_overdue(limits: Sequence[float], tried: Sequence[Sequence[float]]) -> float:
    """The share of trucks that were flagged although they were only on their way."""
    flagged = sum(m > limit for limit, way in zip(limits, tried, strict=True) for m in way)
    return flagged / sum(len(way) for way in tried)


async def test_on_a_simulated_city_fewer_trucks_are_flagged_in_vain(
    conn: Connection, city: City
) -> None:
    """At equal detection time: the fixed rule is stretched until its limits are as long on average,
    so that a truck that is truly missing is flagged as soon by both.
    """
    random = Random(20220501)
    city_ways = ways(random)
    for number, (_, middle, spread) in enumerate(city_ways):
        seen = drives(random, middle, spread, HISTORY)
        await loops(conn, (city.north, 1_000_000 + number), seen, first=number * 1000)
    await learn(conn, city.office, NOON)
    world = await city.office.cache.now(conn)
    learned = [
        float(world.learned[city.north, 1_000_000 + number].minutes) for number in range(PAIRS)
    ]
    rule = [arrival_limit(road, Limits()).total_seconds() / 60 for road, _, _ in city_ways]
    stretched = [limit * sum(learned) / sum(rule) for limit in rule]
    tried = [drives(random, middle, spread, TRIED) for _, middle, spread in city_ways]
    by_rule, by_learning = false_overdue(stretched, tried), false_overdue(learned, tried)
    factor = by_rule / by_learning
    print(
        f"learned limits: false overdue {by_rule:.2%} by the rule, {by_learning:.2%} learned, "
        f"factor {factor:.1f} at a mean limit of {sum(learned) / PAIRS:.0f} min "
        f"({PAIRS} pairs, {HISTORY} loops each)"
    )
    assert factor >= LEAST_FACTOR
