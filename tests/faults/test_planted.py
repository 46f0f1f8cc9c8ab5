"""A check that never saw red proves nothing: faults are planted, and the checks above find them."""

import pytest

from closedloop import arrival
from closedloop.model import Level, State
from registry.model import Event
from tests.closedloop.tales import arrival as seen_at
from tests.closedloop.tales import entry, report, told
from tests.closedloop.test_fold import test_level_c_is_a_claim_and_closes_nothing as claim_is_kept
from tests.closedloop.test_fold_properties import any_order
from tests.faults.test_schedulers import (
    check_each_flagged_once,
    fall_due,
    race,
)

EXAMPLES = 300


def test_a_unique_key_that_is_missing_is_found(cloned: str) -> None:
    """Both runs race alike; only the key is gone from the second."""
    race(cloned, limits=200, keyed=True)
    check_each_flagged_once(cloned)


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


def test_a_claim_that_closes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    claim_is_kept()

    class Lax:
        """Takes every level for one that closes."""

        A = B = Level.A
        C = None

        def __new__(cls, said: str) -> Level:
            return Level.A if said == "C" else Level(said)

    monkeypatch.setattr(arrival, "Level", Lax)
    assert told(report(), entry(), seen_at(40, "C")).state is State.DISCHARGED
    with pytest.raises(AssertionError):
        claim_is_kept()
