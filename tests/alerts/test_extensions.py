"""Many limits extended at once: a reason, two officers, each truck once."""

from typing import Any, cast

import pytest

from alerts import extensions
from alerts.extensions import (
    apply_extensions,
    decide_extension,
    extensions_since,
    propose_extension,
)
from closedloop.model import Loop
from closedloop.reporting import Office
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, Forbidden, NotFound, Unprocessable
from kernel.ids import uuid7
from tests.alerts.enquiry import DUE, MINUTE, add_extension, after, officer
from tests.checkpoint.moves import loop_of, released, scanned
from tests.city import IDS, City
from tests.conftest import NOON


async def three(conn: Connection, city: City) -> list[int]:
    """Two trucks bound for the mill, one for the depot."""
    return [
        await released(conn, city),
        await released(conn, city, plate="豫B54321", id_number=IDS[1]),
        await released(conn, city, plate="豫B77777", id_number=IDS[2], stops=(city.depot,)),
    ]


async def dues(conn: Connection, movements: list[int]) -> list[int]:
    """Minutes that each limit was moved by."""
    loops: list[Loop] = [await loop_of(conn, movement_id) for movement_id in movements]
    return [round((loop.due_at - DUE) / MINUTE) for loop in loops if loop.due_at]


async def approved(
    conn: Connection, city: City, at, *, side: str = "to", place: int | None = None
) -> None:
    one, two = await officer(conn, f"one {at}"), await officer(conn, f"two {at}")
    extension_id = uuid7(at)
    world = await city.office.cache.now(conn)
    await propose_extension(
        conn, world, extension_id=extension_id, place_id=place or city.mill, side=side,
        minutes=90, reason="大雾封路", actor=one, now=at,
    )  # fmt: skip
    await decide_extension(conn, world, extension_id, two, at, yes=True)


async def test_all_trucks_bound_for_a_place_have_more_time(conn: Connection, city: City) -> None:
    movements = await three(conn, city)
    await approved(conn, city, after(-10))
    assert await apply_extensions(conn, city.office, after(-9)) == 2
    assert await dues(conn, movements) == [90, 90, 0]
    assert await apply_extensions(conn, city.office, after(-8)) == 0
    assert await dues(conn, movements) == [90, 90, 0]


async def test_all_trucks_of_a_gate_have_more_time(conn: Connection, city: City) -> None:
    movements = await three(conn, city)
    await approved(conn, city, after(-10), side="from", place=city.north)
    assert await apply_extensions(conn, city.office, after(-9)) == 3
    assert await dues(conn, movements) == [90, 90, 90]


async def test_who_is_late_already_has_the_time_from_now(conn: Connection, city: City) -> None:
    movement_id = await released(conn, city)
    await approved(conn, city, after(60))
    await apply_extensions(conn, city.office, after(60))
    assert (await loop_of(conn, movement_id)).due_at == after(60) + 90 * MINUTE


async def test_trucks_let_in_later_and_trucks_that_arrived_are_left_alone(
    conn: Connection, city: City
) -> None:
    first, second, _ = await three(conn, city)
    await scanned(conn, city, first, "arrival", NOON + 50 * MINUTE)
    await approved(conn, city, after(-10))
    later = await released(conn, city, after(-5), plate="豫B66666", id_number=IDS[3])
    assert await apply_extensions(conn, city.office, after(-4)) == 1
    assert (await loop_of(conn, later)).stops[0].limit_no == 1
    assert (await loop_of(conn, second)).stops[0].limit_no == 2


async def test_a_crash_in_between_extends_nobody_twice(
    conn: Connection, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    movements = await three(conn, city)
    await approved(conn, city, after(-10))
    monkeypatch.setattr(extensions, "AT_ONCE", 1)
    with pytest.raises(ZeroDivisionError):
        await apply_extensions(conn, cast("Office", CrashingOffice(city)), after(-9))
    assert sorted(await dues(conn, movements)) == [0, 0, 90]
    assert await apply_extensions(conn, city.office, after(-8)) == 2
    assert await dues(conn, movements) == [90, 90, 0]


class CrashingOffice:
    """Dies when the second truck is to be extended."""

    def __init__(self, city: City) -> None:
        self.office, self.left = city.office, 1

    @property
    def cache(self) -> Any:
        self.left -= 1
        return self.office.cache if self.left >= 0 else 1 / 0


async def test_one_officer_alone_extends_nothing(conn: Connection, city: City) -> None:
    movements = await three(conn, city)
    extension_id = await add_extension(conn, city, after(-10))
    assert await apply_extensions(conn, city.office, after(-9)) == 0
    (waiting,) = await extensions_since(conn, NOON)
    proposer = Actor(id=waiting.proposed_by, kind="account", name="x", roles=frozenset({"duty"}))
    world = await city.office.cache.now(conn)
    with pytest.raises(Forbidden, match="second_person_needed"):
        await decide_extension(conn, world, extension_id, proposer, after(-8), yes=True)
    await decide_extension(conn, world, extension_id, proposer, after(-7), yes=False)
    two = await officer(conn, "two")
    with pytest.raises(Conflict, match="already_decided"):
        await decide_extension(conn, world, extension_id, two, after(-6), yes=True)
    assert await apply_extensions(conn, city.office, after(-5)) == 0
    assert await dues(conn, movements) == [0, 0, 0]


@pytest.mark.parametrize(("change", "code"), [
    ({"minutes": 0}, "minutes_out_of_range"), ({"minutes": 1441}, "minutes_out_of_range"),
    ({"reason": " "}, "reason_needed"), ({"side": "up"}, "extension_side_unknown"),
    ({"place_id": 1}, "unknown_place"),
])  # fmt: skip
async def test_what_is_wrong_is_said_and_nothing_waits(
    conn: Connection, city: City, change: dict[str, Any], code: str
) -> None:
    said: dict[str, Any] = {
        "extension_id": uuid7(NOON), "place_id": city.mill, "side": "to", "minutes": 30,
        "reason": "x",
    }  # fmt: skip
    one = await officer(conn, "one")
    with pytest.raises((Unprocessable, NotFound), match=code):
        await propose_extension(
            conn, await city.office.cache.now(conn), **(said | change), actor=one, now=NOON
        )
    assert await extensions_since(conn, NOON) == []
