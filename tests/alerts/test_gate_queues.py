"""Queues and closures on the board: as the checkpoints told them, hour by hour, and what stands now
stands out by shape and word.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import uuid4

import httpx
import pytest

from alerts import gate_queues
from alerts.board_queries import CardCount
from alerts.charts import queue
from alerts.gate_queues import WAIT_LIMIT, Queue, closed_now, queues
from kernel.clock import SetClock
from kernel.db import Connection
from registry.gate_notices import Notice, Past, end, say, stood_since
from registry.world import World
from tests.checkpoint.moves import released
from tests.city import IDS, City
from tests.conftest import NOON

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
FIRST = NOON - timedelta(hours=23)
GATE_1, GATE_2 = "1", "2"


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def past(kind: str, said: float, over: float | None = None, **about: object) -> Past:
    known = {
        "place_id": 1,
        "gate": GATE_1,
        "kind": kind,
        "minutes": 20 if kind == "wait" else None,
        "until": None,
        "said_at": at(said),
        "ended_at": None if over is None else at(over),
    }
    return Past(**known | about)  # pyright: ignore[reportArgumentType]


async def world_of(conn: Connection, city: City) -> World:
    return await city.office.cache.now(conn)


def seen(said: list[Past], world: World, counted: list[CardCount] | None = None) -> list[Queue]:
    return queues(said, counted or [], world, FIRST, NOON)


async def test_each_hour_has_its_longest_wait_and_its_closures(
    conn: Connection, city: City
) -> None:
    said = [
        past("wait", -5.5, -4, minutes=15),
        past("wait", -4, -2.5, minutes=50),
        past("closed", -30, -22),
        past("closed", -1, until=at(-0.5)),
    ]
    (row,) = seen(said, await world_of(conn, city))
    waits = {hour - 23: wait for hour, wait in enumerate(row.waits) if wait}
    assert waits == {-6: 15, -5: 15, -4: 50, -3: 50}
    assert [hour - 23 for hour, shut in enumerate(row.shut) if shut] == [-23, -1]
    assert (row.closed, row.minutes) == (False, None)


async def test_a_place_that_is_closed_closes_its_lanes_and_closed_ones_come_first(
    conn: Connection, city: City
) -> None:
    said = [
        past("wait", -1, minutes=90, gate=GATE_1, place_id=2),
        past("wait", -1, minutes=5, gate=GATE_2),
        past("closed", -1, gate="", until=at(3)),
    ]
    found = seen(said, await world_of(conn, city))
    assert [(each.place_id, each.gate, each.closed, each.minutes) for each in found] == [
        (1, "", True, None),
        (1, GATE_2, True, 5),
        (2, GATE_1, False, 90),
    ]
    assert found[0].until == at(3)
    assert closed_now(found) == {(1, ""), (1, GATE_2)}


async def test_a_closure_without_an_end_hides_the_end_of_another(
    conn: Connection, city: City
) -> None:
    said = [past("closed", -2, until=at(1)), past("closed", -1, gate="")]
    found = seen(said, await world_of(conn, city))
    assert [each.until for each in found] == [None, None]


async def test_trucks_of_three_hours_are_counted_by_gate_and_by_place(
    conn: Connection, city: City
) -> None:
    def count(gate: str, hour: float, n: int, *, desk: bool = False) -> CardCount:
        return CardCount(place_id=1, gate=gate, hour=at(hour), card="green", desk=desk, n=n)

    counted = [count(GATE_1, -3, 100), count(GATE_1, -2, 4), count(GATE_2, 0, 3),
               count(GATE_1, 0, 50, desk=True)]  # fmt: skip
    said = [past("wait", -1), past("wait", -1, gate="")]
    found = {each.gate: each.through for each in seen(said, await world_of(conn, city), counted)}
    assert found == {GATE_1: 4, "": 7}


def plain(said: list[Past], minute: datetime) -> int:
    return max(
        (p.minutes or 0 for p in said
         if p.said_at <= minute and (p.over_at is None or p.over_at > minute)),
        default=0,
    )  # fmt: skip


async def test_the_strip_is_what_a_recount_of_each_minute_finds(
    conn: Connection, city: City
) -> None:
    said = [
        past("wait", -20 + n * 1.7, min(-20 + n * 1.7 + 1.1 + n % 3, 0), minutes=10 + n * 7 % 60)
        for n in range(11)
    ]
    (row,) = seen(said, await world_of(conn, city))
    for hour in range(24):
        minutes = [FIRST + timedelta(hours=hour, minutes=n) for n in range(60)]
        assert row.waits[hour] == max(plain(said, minute) for minute in minutes), hour


async def test_the_twin_that_looks_at_the_end_of_the_hour_only_is_found_out(
    conn: Connection, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    def only_the_end(each: Past, _: datetime, last: datetime) -> bool:
        return each.said_at <= last and (each.over_at is None or each.over_at > last)

    monkeypatch.setattr(gate_queues, "_stands", only_the_end)
    with pytest.raises(AssertionError):
        await test_the_strip_is_what_a_recount_of_each_minute_finds(conn, city)


async def told(conn: Connection, city: City, kind: str, **about: object) -> Notice:
    known = {"id": uuid4(), "place_id": city.north, "gate": "", "kind": kind, "reason": "",
             "minutes": 45 if kind == "wait" else None, "until": None, "said_at": at(-1)}  # fmt: skip
    notice = Notice(**known | about)  # pyright: ignore[reportArgumentType]
    await say(conn, notice, "system")
    return notice


async def test_the_record_gives_what_stood_in_the_day_and_nothing_older(
    conn: Connection, city: City
) -> None:
    await told(conn, city, "wait", said_at=at(-40), minutes=1)
    await told(conn, city, "wait", said_at=at(-30), minutes=2)  # ends the first one
    over = await told(conn, city, "wait", said_at=at(-10), minutes=3)
    await end(conn, over.id, city.north, at(-9))
    await told(conn, city, "closed", said_at=at(-30), until=at(-25))
    await told(conn, city, "closed", place_id=city.south)
    found = await stood_since(conn, [city.north], FIRST)
    assert [each.minutes for each in found] == [2, 3]


async def test_a_closed_gate_and_a_long_wait_stand_out_by_shape_and_word(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    gate = (await world_of(conn, city)).places[city.north].gates[0]
    await told(conn, city, "closed", gate=gate, until=at(2))
    await told(conn, city, "wait", place_id=city.south)
    await released(conn, city)
    clock.at = NOON
    duty = await logged_in("duty")
    for path in ("/duty/board", "/duty/board/parts"):
        shown = (await duty.get(f"{path}?lang=en")).text
        assert 'aria-hidden="true">✕</span><span>closed' in shown
        assert 'aria-hidden="true">▲</span><span>45 min wait' in shown
        assert "1 May 22:00" in shown
        assert 'class="shut"' in shown
        assert 'class="over"' in shown
        assert "ui.board" not in shown
    assert "南卡口" in shown


async def test_a_lane_that_is_closed_is_not_told_to_stand_still(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    for n in range(3):
        await released(conn, city, plate=f"豫B1000{n}", id_number=IDS[n])
    clock.at = at(2)
    duty = await logged_in("duty")
    assert "stands still" in (await duty.get("/duty/board/parts?lang=en")).text
    await told(conn, city, "closed")
    assert "stands still" not in (await duty.get("/duty/board/parts?lang=en")).text


async def test_a_board_with_every_gate_in_trouble_stays_light_and_asks_little(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    for n in range(60):
        await told(conn, city, "wait", gate=f"{n}", minutes=n)
    clock.at = NOON
    duty = await logged_in("duty")
    asked: list[str] = []
    conn.add_query_logger(lambda record: asked.append(record.query))
    shown = await duty.get("/duty/board/parts?lang=en")
    notices = [each for each in asked if "registry.gate_notice" in each]
    assert len(notices) == 1
    assert len(shown.content) < 200_000
    assert "36 more" in shown.text


def test_a_wait_above_the_limit_has_a_triangle_and_one_below_has_none() -> None:
    assert 'class="over"' not in queue("x", [WAIT_LIMIT], [False], WAIT_LIMIT)
    assert 'class="over"' in queue("x", [WAIT_LIMIT + 1], [False], WAIT_LIMIT)
    assert "<script" not in queue("<script>", [1], [True], WAIT_LIMIT)
