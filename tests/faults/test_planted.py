"""A check that never saw red proves nothing: faults are planted, and the checks above find them."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import Phase
from msgspec.structs import replace

from closedloop import arrival
from closedloop import fold as fold_module
from closedloop.deadlines import open_deadlines
from closedloop.fold import STEPS
from closedloop.model import Deadline, Level, Loop, State
from registry.model import Event
from tests.closedloop.ground import Ground
from tests.closedloop.tales import arrival as seen_at
from tests.closedloop.tales import entry, report, told
from tests.closedloop.test_fold import test_level_c_is_a_claim_and_closes_nothing as claim_is_kept
from tests.closedloop.test_fold_properties import any_order
from tests.closedloop.test_life import a_ground, live  # noqa: F401 - a_ground is a fixture
from tests.faults.test_schedulers import check_each_flagged_once, race
from tests.support import database_name, drop_database, make_database

EXAMPLES = 300


def test_a_scheduler_that_reads_and_then_writes_is_found(server: str, cloned: str) -> None:
    """Two copies of one database are raced alike; the second by naive schedulers, whose table has
    no key that would save them.
    """
    twin = asyncio.run(make_database(server, template=database_name(cloned)))
    try:
        race(cloned, "ours")
        counts = check_each_flagged_once(cloned)
        race(twin, "naive")
        with pytest.raises(AssertionError):
            check_each_flagged_once(twin)
    finally:
        asyncio.run(drop_database(server, twin))
    print(f"planted: limits={counts['due']:.0f} doubled=0 by ours, doubled by naive ones")


def by_receipt(events: list[Event]) -> list[Event]:
    return list({event.event_id: event for event in events}.values())


def by_time_alone(events: list[Event]) -> list[Event]:
    return sorted(events, key=lambda event: event.occurred_at)


@pytest.mark.parametrize("planted", [by_receipt, by_time_alone, list])
def test_an_order_that_depends_on_the_delivery_is_found(
    monkeypatch: pytest.MonkeyPatch, planted: object
) -> None:
    any_order(EXAMPLES)
    monkeypatch.setattr("closedloop.fold.in_order", planted)
    with pytest.raises(AssertionError):
        any_order(EXAMPLES)


class Lax:
    """Levels of evidence of which none is only a claim."""

    A, C = Level.A, None

    def __new__(cls, said: str) -> Level:  # pyright: ignore[reportInconsistentConstructor]
        return Level(said)


def test_a_claim_that_closes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    claim_is_kept()
    monkeypatch.setattr(arrival, "Level", Lax)
    assert told(report(), entry(), seen_at(40, "C")).state is State.DISCHARGED
    with pytest.raises(AssertionError):
        claim_is_kept()


def unwatched(loop: Loop) -> tuple[Deadline, ...]:
    return () if loop.state is State.DISCREPANCY else open_deadlines(loop)


def cancelled_at_once(loop: Loop, _: Event) -> Loop:
    return replace(loop, state=State.CANCELLED)


#: What is planted, and where, before the lives of trucks are played again.
PLANTED = {
    "the order of receipt decides": ("closedloop.fold.in_order", by_receipt),
    "a claim closes": ("closedloop.arrival.Level", Lax),
    "a truck at the wrong firm is not waited for": ("closedloop.write.open_deadlines", unwatched),
    "a late upload is flagged at once": ("closedloop.at_gate.LIVE", timedelta(days=9)),
    "who is through can still cancel": ("closedloop.fold._cancel", cancelled_at_once),
}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("fault", PLANTED)
def test_the_lives_of_trucks_find_it(
    monkeypatch: pytest.MonkeyPatch,
    ground: Ground,
    fault: str,
) -> None:
    where, planted = PLANTED[fault]
    monkeypatch.setattr(where, planted)
    monkeypatch.setitem(STEPS, "cancelled", fold_module._cancel)
    before = ground.examples
    with pytest.raises(AssertionError):
        live(ground, 2500, phases=[Phase.generate], derandomize=True, report_multiple_bugs=False)
    print(f"planted: {fault}: found in {ground.examples - before} examples")
