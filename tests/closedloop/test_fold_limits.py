"""New limits, the exit limb, and what must not be slipped out of."""

from typing import Any

import pytest

from closedloop.deadlines import open_deadlines
from closedloop.model import Limb, Loop, State, state_at
from registry.model import Card
from tests.closedloop.tales import (
    DEPOT,
    LIMIT,
    MILL,
    WHITE,
    arrival,
    divert,
    entry,
    event,
    hold,
    minute,
    report,
    told,
)


def limits(loop: Loop) -> list[tuple[str, int, float]]:
    return [
        (str(d.limb), d.limit_no, (d.due_at - minute(0)).total_seconds() / 60)
        for d in open_deadlines(loop)
    ]


def test_a_delay_makes_one_new_limit_of_an_hour_at_most() -> None:
    loop = told(report(), entry(), event("delay", 60, minutes=600, most=60))
    assert limits(loop) == [("arrival", 2, LIMIT + 60)]
    again = told(report(), entry(), event("delay", 60, minutes=20), event("delay", 61, minutes=20))
    assert limits(again) == [("arrival", 2, LIMIT + 20)]
    assert again.flags == ("second_extension_refused",)


def test_a_diversion_makes_a_new_limit_at_the_new_place() -> None:
    loop = told(report(), entry(), divert(50))
    assert limits(loop) == [("arrival", 2, 50 + LIMIT)]
    assert (loop.next_place_id, loop.state) == (DEPOT, State.RELEASED)
    assert told(report(), entry(), divert(50), arrival(90, place_id=DEPOT)).state == "discharged"
    assert told(report(), entry(), divert(50), arrival(90, place_id=MILL)).state == "discrepancy"


def test_a_diversion_before_the_gate_or_after_the_end_only_flags() -> None:
    for story in ((report(), divert(-10)), (report(), entry(), arrival(40), divert(50))):
        loop = told(*story)
        assert loop.flags == ("diverted_outside_transit",)
        assert loop.stops[0].place_id == MILL


def test_an_incident_stops_no_clock_and_going_on_gives_a_new_limit() -> None:
    assert limits(told(report(), entry(), event("incident", 20))) == [("arrival", 1, LIMIT)]
    on = told(report(), entry(), event("incident", 20), event("resumed", 90, minutes=45))
    assert (on.state, limits(on)) == (State.RELEASED, [("arrival", 2, 135)])
    assert told(report(), event("incident", -5)).flags == ("incident_outside_transit",)


def test_where_policy_asks_the_loop_ends_with_the_exit_scan() -> None:
    story = (report(exit_scan=True, exit_minutes=120), entry(), arrival(40))
    loop = told(*story)
    assert (loop.state, limits(loop)) == (State.EXIT_PENDING, [("exit", 1, 20 * 60 + 120)])
    assert state_at(loop, minute(22 * 60 + 1)) is State.OVERDUE
    assert told(*story, event("exit", 23 * 60)).state is State.DISCHARGED


def test_an_exit_before_the_arrival_is_flagged_and_the_arrival_still_waited_for() -> None:
    loop = told(report(exit_scan=True), entry(), event("exit", 30))
    assert (loop.state, loop.flags) == (State.RELEASED, ("left_without_arrival",))
    assert limits(loop) == [("arrival", 1, LIMIT)]


def test_an_exit_before_the_entry_is_none_of_this_journey() -> None:
    loop = told(report(exit_scan=True), event("exit", -5), entry(), arrival(40))
    assert loop.state is State.EXIT_PENDING


def test_a_yellow_card_waits_at_the_desk_and_each_attempt_anew() -> None:
    story = (report(desk_minutes=60), entry(0, "yellow"))
    assert limits(told(*story)) == [("desk", 1, 60)]
    again = (event("desk", 10, outcome="turn_back", **WHITE), entry(90, "yellow"))
    assert limits(told(*story, *again)) == [("desk", 2, 150)]


def held_limits(number: int, at: float) -> set[tuple[str, int, float]]:
    return {("hold", number, at + 30), ("takeover", number, at + 60), ("expiry", number, at + 240)}


def test_a_hold_has_its_times_and_a_second_one_its_own() -> None:
    story = (report(), entry(), hold(5))
    assert set(limits(told(*story))) == held_limits(1, 5)
    again = (event("hold_released", 50), hold(60))
    assert set(limits(told(*story, *again))) == held_limits(2, 60)


def test_a_hold_that_is_said_again_keeps_its_times_and_both_sources() -> None:
    loop = told(report(), entry(), hold(5), hold(20, source="hospital 4"), hold(21))
    assert set(limits(loop)) == held_limits(1, 5)
    assert loop.hold is not None
    assert (loop.hold.source, loop.hold.also) == ("hospital 3", ("hospital 4 · suspected_case",))


def test_a_hold_of_a_truck_at_its_end_does_nothing() -> None:
    loop = told(report(), entry(), arrival(40), hold(50))
    assert (loop.hold, loop.flags) == (None, ("hold_after_end",))


def test_a_second_green_entry_is_flagged_and_moves_no_limit() -> None:
    loop = told(report(), entry(), entry(30))
    assert (loop.attempt, loop.flags) == (1, ("second_entry",))
    assert limits(loop) == [("arrival", 1, LIMIT)]


def test_a_duplicate_does_not_make_the_green_card_before_it_forgotten() -> None:
    loop = told(report(), entry(), entry(3, "duplicate"))
    assert (loop.last_card, loop.carded_at) == (Card.GREEN, minute(0))


def test_two_clocks_that_cannot_tell_an_order_are_flagged_and_one_device_is_not() -> None:
    near: dict[str, Any] = {"uncertainty_ms": 2000}
    apart = told(report(), entry(0, **near), arrival(0.01, "C", **near))
    assert "order_uncertain" in apart.flags
    alone = told(report(), entry(0), arrival(0.01, "C"))
    assert "order_uncertain" not in alone.flags


@pytest.mark.parametrize("limb", list(Limb))
def test_a_discharged_loop_has_no_limit_of_any_limb(limb: Limb) -> None:
    loop = told(report(), entry(0, "yellow"), event("desk", 5, outcome="release"), arrival(40))
    assert limb not in {d.limb for d in open_deadlines(loop)}
