"""One pass in two lanes that know nothing of each other: flagged, and no honest pass with it."""

from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from checkpoint.intake import propose
from checkpoint.scans import DeviceClock, Override, Scan
from closedloop import at_gate
from closedloop.commit import append
from closedloop.fold import fold
from closedloop.model import State
from closedloop.reporting import accepted
from closedloop.two_lanes import passes_in_two_lanes
from kernel.auth import Actor
from kernel.db import Connection
from kernel.ids import uuid7
from registry.accounts import issue_token
from registry.model import Event
from tests.checkpoint.moves import loop_of, released, reported
from tests.city import City, add_device, device_actor
from tests.closedloop.tales import ELSEWHERE, MILL, WHITE, event, report
from tests.conftest import NOON

FLAG = "used_in_two_lanes"


async def another_lane(conn: Connection, city: City) -> Actor:
    device = await add_device(conn, "lane", city.north, NOON)
    await issue_token(conn, device_id=device, label="lane", now=NOON)
    return device_actor(device, "lane", city.north)


async def uploaded(
    conn: Connection, city: City, movement_id: int, lane: Actor, shown_at: datetime, **about: Any
) -> None:
    """By a device whose clock says `shown_at`, an hour later."""
    scan = Scan(
        id=uuid7(shown_at),
        kind="entry",
        place_id=city.north,
        occurred_at=shown_at,
        card_shown="green",
        offline=True,
        **about,
    )
    received = NOON + timedelta(hours=1) + about.get("sequence", 0) * timedelta(seconds=5)
    proposal = propose(scan, movement_id, lane, None)
    accepted(await append(conn, city.office.cache, [proposal], received))


@pytest.mark.parametrize("skew", [-30, -5, 0, 5, 30], ids="{:+} min".format)
@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["first first", "second first"])
@pytest.mark.parametrize("known", [True, False], ids=["offset known", "offset unknown"])
async def test_two_lanes_offline_are_flagged_with_the_second_upload(
    conn: Connection, city: City, skew: int, order: tuple[int, int], *, known: bool
) -> None:
    movement_id = await reported(conn, city)
    lanes = (city.lane, await another_lane(conn, city))
    wrong = timedelta(minutes=skew)
    offset = DeviceClock(offset=-int(wrong.total_seconds() * 1000)) if known else DeviceClock()
    scans = [
        (lanes[0], NOON, {"gate": "1", "sequence": 1}),
        (
            lanes[1],
            NOON + timedelta(minutes=2) + wrong,
            {"gate": "2", "sequence": 2, "clock": offset},
        ),
    ]
    for number in order:
        assert FLAG not in (await loop_of(conn, movement_id)).flags
        lane, shown_at, about = scans[number]
        await uploaded(conn, city, movement_id, lane, shown_at, **about)
    assert FLAG in (await loop_of(conn, movement_id)).flags
    # It stands on the duty desk's page as soon as the second upload is stored.
    (found,) = await passes_in_two_lanes(conn, NOON)
    assert (found.movement_id, {seen.gate for seen in found.seen}) == (movement_id, {"1", "2"})
    told = await conn.fetch("SELECT kind FROM kernel.outbox WHERE kind = 'pass_in_two_lanes'")
    assert len(told) == 1


async def test_an_override_that_was_not_needed_is_a_fact_all_the_same(
    conn: Connection, city: City
) -> None:
    """By the server's clock it was no duplicate: what the lane did is kept."""
    movement_id = await reported(conn, city)
    override = Override(reason="回车")
    await uploaded(conn, city, movement_id, city.lane, NOON, gate="1", override=override)
    assert (await loop_of(conn, movement_id)).state is State.RELEASED


async def test_a_lane_that_was_online_and_one_that_was_not(conn: Connection, city: City) -> None:
    movement_id = await released(conn, city)
    other = await another_lane(conn, city)
    await uploaded(conn, city, movement_id, other, NOON + timedelta(minutes=1), gate="2")
    assert FLAG in (await loop_of(conn, movement_id)).flags


async def test_an_officer_who_lets_a_duplicate_through_has_said_why(
    conn: Connection, city: City
) -> None:
    movement_id = await released(conn, city)
    other = await another_lane(conn, city)
    scan = Scan(
        id=uuid7(NOON),
        kind="entry",
        place_id=city.north,
        occurred_at=NOON,
        gate="2",
        override=Override(reason="回车"),
    )
    proposal = propose(scan, movement_id, other, None)
    accepted(await append(conn, city.office.cache, [proposal], NOON + timedelta(minutes=1)))
    assert FLAG not in (await loop_of(conn, movement_id)).flags


# ── honest passes ──


class Honest:
    """A truck that goes through one lane once, told by devices with wrong clocks, late and twice."""

    def __init__(self, dice: Random) -> None:
        self.dice = dice
        self.lane = UUID(int=dice.randrange(1, 9))
        self.gate = str(dice.randrange(1, 4))

    def at(self, minute: float) -> float:
        """By a clock that may be half an hour off."""
        return minute + self.dice.choice((0, 0, 0, -30, 30, self.dice.uniform(-30, 30)))

    def entry(self, minute: float, card: str, **body: Any) -> Event:
        told = event("entry", self.at(minute), card=card, device_id=self.lane, **body)
        return replace(told, gate=self.gate)

    def tale(self) -> list[Event]:
        tale = [report(-60)]
        if self.dice.random() < 0.3:  # to the desk, and back to a lane
            card = self.dice.choice(("yellow", "white"))
            tale.append(self.entry(0, card, **(WHITE if card == "white" else {})))
            self.gate = str(self.dice.randrange(1, 4))
            if card == "yellow" and self.dice.random() < 0.5:
                tale.append(event("desk", 5, outcome="release"))
        if tale[-1].kind != "desk":
            tale.append(self.entry(10, "green"))
            if self.dice.random() < 0.2:  # the trigger was squeezed twice, or an officer said go on
                tale.append(self.entry(11, "duplicate"))
                tale.append(self.entry(12, "green", override="回车"))
        if self.dice.random() < 0.8:
            place = MILL if self.dice.random() < 0.9 else ELSEWHERE
            tale.append(event("arrival", 60, level="A", place_id=place))
        tale += self.dice.sample(tale, self.dice.randrange(len(tale)))
        self.dice.shuffle(tale)
        return tale


def flagged(number: int) -> int:
    dice = Random(2022)
    tales = (Honest(dice).tale() for _ in range(number))
    return sum(FLAG in fold(tale[0].movement_id, tale).flags for tale in tales)


def test_no_honest_pass_of_ten_thousand_is_flagged() -> None:
    assert flagged(10_000) == 0


def test_a_fold_that_takes_every_second_green_for_another_lane_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = at_gate.with_flag

    def hasty(loop: Any, _: Event) -> Any:
        return real(loop, FLAG) if loop.carded_at is not None else loop

    monkeypatch.setattr(at_gate, "_in_one_lane", hasty)
    assert flagged(200) > 0


async def test_a_fold_that_looks_at_no_lane_is_found(
    conn: Connection, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_gate, "_in_one_lane", lambda loop, _: loop)
    movement_id = await released(conn, city)
    other = await another_lane(conn, city)
    await uploaded(conn, city, movement_id, other, NOON + timedelta(minutes=1), gate="2")
    assert FLAG not in (await loop_of(conn, movement_id)).flags
