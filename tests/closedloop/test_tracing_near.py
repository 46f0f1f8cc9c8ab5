"""Who was there too is exactly what a slow and plain program says, uncertainty and all."""

from random import Random

import pytest

import closedloop.tracing_near
from closedloop.tracing_model import Meeting
from closedloop.tracing_near import START, meetings, near_sql
from closedloop.tracing_sightings import sightings
from kernel.db import Connection
from tests.closedloop.tracing_days import MINUTES, SINCE, UNTIL, a_day, differing
from tests.closedloop.tracing_ground import of_person, write_day

DAYS = 300


async def test_meetings_are_those_of_brute_force_on_generated_days(conn: Connection) -> None:
    differ, met = await differing(conn, DAYS)
    print(f"{DAYS} days, {met} meetings, {differ} differ")
    assert differ == 0
    assert met > DAYS


async def test_a_twin_that_forgets_uncertainty_is_found(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closedloop.tracing_near, "near_sql", lambda: near_sql(doubt="0"))
    differ, _ = await differing(conn, 40)
    assert differ > 20


async def test_the_rest_of_a_list_is_asked_for_with_its_cursor(conn: Connection) -> None:
    day = a_day(Random(7))
    await write_day(conn, day)
    seen = await sightings(
        conn, [of_person(each, SINCE, UNTIL, n) for n, each in enumerate(day.people)]
    )
    whole = await meetings(conn, seen, MINUTES, limit=1_000)
    assert len(whole) > 6
    parts: list[Meeting] = []
    after = START
    while part := await meetings(conn, seen, MINUTES, limit=3, after=after):
        parts += part
        after = (part[-1].number, part[-1].key)
    assert parts == whole
