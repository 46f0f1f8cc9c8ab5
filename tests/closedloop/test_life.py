"""Any life of any truck on a real database comes to what a plain model says; for a longer run
CHECKPOINT_LIFE_EXAMPLES and CHECKPOINT_LIFE_STEPS.
"""

import asyncio
import os
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from alerts.overdue import sweep_all
from closedloop import acts
from closedloop.commit import Proposal
from closedloop.fold import fold
from closedloop.model import Loop
from closedloop.reporting import EDITABLE, amend, report
from closedloop.situation import read_situations
from kernel.errors import Conflict
from kernel.ids import uuid7
from kernel.privacy import Vault
from tests.alerts.enquiry import FLAGS
from tests.city import IDS, a_submission
from tests.closedloop.ground import (
    HOUR,
    OFFICER,
    RED,
    TESTED,
    UNTESTED,
    Ground,
    Truck,
    begin,
    said,
)
from tests.closedloop.plain_model import Fact
from tests.closedloop.tales import WHITE
from tests.conftest import NOON
from tests.support import database_name, drop_database, make_database

EXAMPLES = int(os.environ.get("CHECKPOINT_LIFE_EXAMPLES", "200"))
STEPS = int(os.environ.get("CHECKPOINT_LIFE_STEPS", "50"))


class Life(RuleBasedStateMachine):
    ground: ClassVar[Ground]

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.trucks: list[Truck] = []
        self.micro = 0
        self.ground.examples += 1

    def tick(self) -> datetime:
        self.ground.steps += 1
        self.now += timedelta(seconds=1)
        return self.now

    def a_truck(self, number: int) -> Truck:
        return self.trucks[number % len(self.trucks)]

    # ── what may happen ──

    @initialize(person=st.sampled_from([TESTED, TESTED, UNTESTED, RED]), two=st.booleans())
    def one_reports(self, person: int, two: bool) -> None:
        self.reports(person, two, blocked=False)

    @precondition(lambda self: len(self.trucks) < 3)
    @rule(person=st.sampled_from([TESTED, UNTESTED, RED]), two=st.booleans(), blocked=st.booleans())
    def reports(self, person: int, two: bool, blocked: bool) -> None:
        now, city = self.tick(), self.ground.city
        places = (city.mill, city.depot) if two else (city.mill,)
        submission = a_submission(
            city, now, id_number=IDS[person], stops=places, origin="" if blocked else "济南"
        )
        told = self.ground.runner.run(
            report(
                self.ground.conn,
                city.office,
                event_id=uuid7(now),
                said=submission,
                channel="driver",
                actor=None,
                now=now,
            )
        )
        truck = Truck(told.movement.movement_id, person, now + HOUR, places, blocked)
        truck.facts.append(Fact("report", now, now, places=places, blocked=blocked))
        self.trucks.append(truck)
        self.ground.agrees(truck, told.loop)

    @rule(number=st.integers(0, 2))
    def amends(self, number: int) -> None:
        now, truck = self.tick(), self.a_truck(number)
        wanted = truck.story.state in EDITABLE
        change = amend(
            self.ground.conn,
            self.ground.city.office,
            movement_id=truck.movement_id,
            event_id=uuid7(now),
            changes={"origin": "济南"},
            actor=None,
            now=now,
        )
        if not wanted:
            with pytest.raises(Conflict):
                self.ground.runner.run(change)
            return
        told = self.ground.runner.run(change)
        truck.blocked = truck.entry_at + 6 * HOUR < now  # too late for the hour it names
        truck.facts.append(Fact("report", now, now, places=truck.places, blocked=truck.blocked))
        self.ground.agrees(truck, told.loop)

    @rule(number=st.integers(0, 2), other_plate=st.sampled_from([False, False, True]))
    def is_presented(self, number: int, other_plate: bool) -> None:
        now, truck = self.tick(), self.a_truck(number)
        self.scanned(truck, [("entry", now, "", other_plate)])

    @rule(
        number=st.integers(0, 2),
        level=st.sampled_from("AABC"),
        depot=st.booleans(),
        other_plate=st.sampled_from([False, False, True]),
    )
    def arrives(self, number: int, level: str, depot: bool, other_plate: bool) -> None:
        now, truck = self.tick(), self.a_truck(number)
        self.scanned(truck, [("depot" if depot else "mill", now, level, other_plate)])

    @rule(
        number=st.integers(0, 2),
        seen=st.lists(
            st.tuples(
                st.sampled_from(["entry", "mill", "depot"]),
                st.sampled_from([0, 2, 8, 45, 90, 150, 300]),
                st.sampled_from("AABC"),
                st.sampled_from([False, False, True]),
            ),
            min_size=1,
            max_size=3,
        ),
    )
    def uploads(self, number: int, seen: list[tuple[str, int, str, bool]]) -> None:
        """A device that was dark sends what it kept, in any order, and some of it twice."""
        now, truck = self.tick(), self.a_truck(number)
        scans = []
        for what, minutes, level, other_plate in seen:
            self.micro += 1
            at = now - timedelta(minutes=minutes, microseconds=self.micro)
            scans.append((what, at, level, other_plate))
        self.scanned(truck, scans, offline=True)

    def scanned(
        self, truck: Truck, seen: list[tuple[str, datetime, str, bool]], *, offline: bool = False
    ) -> None:
        places = self.ground.places
        proposals = [self.ground.scan(truck, *each, offline=offline) for each in seen]
        outcomes = self.ground.append([*proposals, proposals[0]], self.now)
        assert outcomes.pop().status == "repeated"
        for (what, at, level, other_plate), outcome in zip(seen, outcomes, strict=True):
            assert outcome.status == "recorded"
            fact = Fact("arrive", at, self.now, place=places[what], word=level)
            if offline:
                age = (self.now - at).total_seconds()
                fact.doubt = timedelta(milliseconds=2000 + int(age * 0.1))
            fact.other_plate = other_plate
            if what == "entry":
                fact.kind, fact.places = "entry", truck.places
                fact.word = truck.card(at, other_plate=other_plate)
                assert outcome.event is not None
                assert outcome.event.body["card"] == fact.word
            truck.facts.append(fact)
        truck.sent += proposals
        self.ground.agrees(truck, outcomes[-1].loop)

    @rule(
        number=st.integers(0, 2),
        kind=st.sampled_from(["desk", "desk", "end_hold", "cancel"]),
        through=st.booleans(),
    )
    def is_decided(self, number: int, kind: str, through: bool) -> None:
        now, truck = self.tick(), self.a_truck(number)
        word = "release" if through else "turn_back"
        name = {"desk": "desk", "end_hold": "hold_released", "cancel": "cancelled"}[kind]
        proposal = said(
            truck, name, self.ground.city.lane, now, {"outcome": word} | ({} if through else WHITE)
        )
        fact = Fact(kind, now, now, places=truck.places, word=word)
        self.acted(truck, proposal, fact, refused=None)

    @rule(number=st.integers(0, 2), depot=st.booleans())
    def is_confirmed(self, number: int, depot: bool) -> None:
        now, truck = self.tick(), self.a_truck(number)
        place = self.ground.city.depot if depot else self.ground.city.mill
        act = acts.Act(id=uuid7(now), kind="confirm")
        proposal = acts.propose(truck.movement_id, act, self.ground.firms[place], acts.ACTS)
        refused = "under_hold" if truck.story.state == "held" else None
        refused = refused if place in truck.places else "not_your_truck"
        fact = Fact("arrive", now, now, place=place, word="firm")
        self.acted(truck, proposal, fact, refused)

    @rule(number=st.integers(0, 2), minutes=st.integers(1, 60))
    def is_delayed(self, number: int, minutes: int) -> None:
        now, truck = self.tick(), self.a_truck(number)
        act = acts.Act(id=uuid7(now), kind="delay", minutes=minutes)
        proposal = acts.propose(truck.movement_id, act, OFFICER, acts.ACTS)
        story = truck.story
        refused = None if story.state == "released" else "not_under_way"
        refused = "already_extended" if story.extended else refused
        self.acted(truck, proposal, Fact("delay", now, now, minutes=minutes), refused)

    def acted(self, truck: Truck, proposal: Proposal, fact: Fact, refused: str | None) -> None:
        (outcome,) = self.ground.append([proposal], self.now)
        assert (outcome.refusal.code if outcome.refusal else None) == refused
        if refused is None:
            truck.facts.append(fact)
            truck.sent.append(proposal)
            self.ground.agrees(truck, outcome.loop)

    @rule(number=st.integers(0, 2), which=st.integers(0, 99))
    def something_is_sent_again(self, number: int, which: int) -> None:
        now, truck = self.tick(), self.a_truck(number)
        if truck.sent:
            (outcome,) = self.ground.append([truck.sent[which % len(truck.sent)]], now)
            assert outcome.status == "repeated"
            self.ground.agrees(truck, outcome.loop)

    @rule(minutes=st.sampled_from([1, 20, 45, 80, 240]))
    def time_passes(self, minutes: int) -> None:
        self.tick()
        self.now += timedelta(minutes=minutes)

    @rule()
    def the_sweep_runs(self) -> None:
        now = self.tick()
        self.ground.runner.run(sweep_all(self.ground.conn, now, FLAGS))
        for truck in self.trucks:
            truck.flagged |= {limit[:3] for limit in truck.story.limits() if limit[3] <= now}
        rows = self.ground.fetch(
            "SELECT movement_id, stop, limb, limit_no FROM alerts.alert WHERE movement_id = ANY($1)",
            [truck.movement_id for truck in self.trucks],
        )
        expected = {(truck.movement_id, *limit) for truck in self.trucks for limit in truck.flagged}
        assert {tuple(row) for row in rows} == expected

    def teardown(self) -> None:
        """Invariant I2: the stored loop is the fold of the stored events in any order."""
        if not self.trucks:
            return
        numbers = [truck.movement_id for truck in self.trucks]
        reading = self.ground.runner.run(read_situations(self.ground.conn, numbers))
        for row in self.ground.fetch(
            "SELECT movement_id, view FROM closedloop.loop WHERE movement_id = ANY($1)", numbers
        ):
            events = list(reading.situations[row["movement_id"]].events)
            random.shuffle(events)
            assert fold(row["movement_id"], events) == msgspec.convert(row["view"], Loop)


@pytest.fixture(scope="module", name="ground")
def a_ground(server: str, template: str) -> Iterator[Ground]:
    made = asyncio.run(make_database(server, template=database_name(template)))
    with asyncio.Runner() as runner:
        ground = runner.run(begin(made, Vault(bytes(range(32))), runner))
        yield ground
        runner.run(ground.conn.close())
    asyncio.run(drop_database(server, made))


def live(ground: Ground, examples: int, **choices: Any) -> None:
    """Raises AssertionError where a truck's life and the model part."""
    Life.ground = ground
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
            **choices,
        ),
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_any_life_of_any_truck_is_what_the_plain_model_says(ground: Ground) -> None:
    live(ground, EXAMPLES)
    print(f"life: examples={ground.examples} steps={ground.steps} divergences=0")
