"""The states of mission's table, as sentences: what a loop is after what has happened."""

from datetime import timedelta
from typing import Any

import pytest

from closedloop.deadlines import open_deadlines
from closedloop.model import Level, Limb, State, state_at
from registry.model import Event
from tests.closedloop.tales import (
    DEPOT,
    ELSEWHERE,
    GATE,
    LIMIT,
    MILL,
    WAYS,
    WHITE,
    arrival,
    closed,
    confirm,
    draft,
    entry,
    event,
    hold,
    minute,
    report,
    told,
)


@pytest.mark.parametrize("state", WAYS)
def test_each_state_is_entered_by_its_story(state: str) -> None:
    assert told(*WAYS[state]).state == state


def desk(at: float, outcome: str, **body: Any) -> Event:
    why = WHITE if outcome == "turn_back" else {}
    return event("desk", at, outcome=outcome, **(why | body))


PROOF = {"code": 3, "proof": "photo 17"}

#: From a state, by an event, to a state: each row of the table, and what it does not allow.
LEAVES = [
    ("draft", report(-30), "issued"),
    ("draft", event("cancelled", -30), "cancelled"),
    ("issued", draft(-30), "draft"),
    ("issued", entry(0, "green"), "released"),
    ("issued", entry(0, "yellow"), "verifying"),
    ("issued", entry(0, "white"), "turned_back"),
    ("issued", entry(0, "red"), "held"),
    ("issued", event("voided", -5), "voided"),
    ("issued", event("cancelled", -5), "cancelled"),
    ("voided", event("reissued", -5), "issued"),
    ("verifying", desk(20, "release"), "released"),
    ("verifying", desk(20, "turn_back"), "turned_back"),
    ("verifying", desk(20, "hold", source="hospital 3", reason="suspected_case"), "held"),
    ("verifying", report(20), "verifying"),
    ("turned_back", entry(90, "green"), "released"),
    ("turned_back", entry(90, "yellow"), "verifying"),
    ("held", event("transferred", 20), "transferred"),
    ("held", event("hold_released", 20), "released"),
    ("held", entry(20, "green"), "held"),
    ("held", desk(20, "release"), "held"),
    ("held", event("cancelled", 20), "held"),
    ("released", arrival(40, place_id=MILL), "released"),
    ("released", event("incident", 20), "incident"),
    ("released", hold(20), "held"),
    ("released", entry(20, "red"), "held"),
    ("released", event("cancelled", 20), "released"),
    ("released", event("voided", 20), "released"),
    ("released", desk(20, "turn_back"), "released"),
    ("released", event("reply", 90, **PROOF), "discharged"),
    ("released", event("reply", 90, code=3), "released"),
    ("released", event("reply", 90, code=8, proof="none"), "released"),
    ("released", event("closed", 90, reason="seen"), "released"),
    ("incident", event("resumed", 60, minutes=90), "released"),
    ("incident", arrival(60), "discharged"),
    ("discrepancy", confirm(60), "discharged"),
    ("exit_pending", event("exit", 600), "discharged"),
    ("exit_pending", arrival(50), "exit_pending"),
    ("transferred", entry(60, "green"), "transferred"),
    ("transferred", closed(60), "transferred"),
    ("discharged", arrival(50, place_id=ELSEWHERE), "discharged"),
    ("discharged", entry(50, "green"), "discharged"),
    ("discharged", hold(50), "discharged"),
    ("referred", event("reply", 24 * 60 + 1, **PROOF), "discharged"),
    ("referred", closed(24 * 60 + 1), "closed_by_officer"),
]


@pytest.mark.parametrize(
    ("state", "happened", "then"),
    LEAVES,
    ids=[f"{s}-{h.kind}-{t}-{n}" for n, (s, h, t) in enumerate(LEAVES)],
)
def test_each_state_is_left_as_the_table_says(state: str, happened: Event, then: str) -> None:
    assert told(*WAYS[state], happened).state == then


def test_a_second_presentation_is_the_same_movement_with_one_more_attempt() -> None:
    assert told(report(), entry(0, "white"), entry(90)).attempt == 2


def test_the_clock_starts_at_the_release() -> None:
    assert told(report()).due_at is None
    assert told(report(), entry(7)).due_at == minute(7 + LIMIT)
    assert told(report(), entry(7, "yellow"), desk(30, "release")).due_at == minute(30 + LIMIT)


@pytest.mark.parametrize("state", ["draft", "issued", "turned_back", "voided"])
def test_a_window_that_is_over_lapses_without_a_timer(state: str) -> None:
    loop = told(*WAYS[state])
    assert state_at(loop, minute(24 * 60)) == state
    assert state_at(loop, minute(24 * 60 + 1)) is State.LAPSED


def test_a_limit_that_passed_is_overdue_without_a_timer() -> None:
    loop = told(report(), entry())
    assert state_at(loop, minute(LIMIT)) is State.RELEASED
    assert state_at(loop, minute(LIMIT + 1)) is State.OVERDUE
    broken_down = told(report(), entry(), event("incident", 10))
    assert state_at(broken_down, minute(LIMIT + 1)) is State.OVERDUE


ENDS = ["voided", "cancelled", "closed_by_officer", "referred"]


@pytest.mark.parametrize("end", ENDS)
def test_a_truck_seen_at_the_gate_beats_an_administrative_end(end: str) -> None:
    assert told(*WAYS[end], entry(25 * 60)).state is State.RELEASED
    assert told(*WAYS[end], entry(25 * 60, "red")).state is State.HELD


@pytest.mark.parametrize("end", ["closed_by_officer", "referred"])
def test_a_truck_seen_at_its_firm_beats_an_administrative_end(end: str) -> None:
    loop = told(*WAYS[end], arrival(25 * 60))
    assert loop.state is State.DISCHARGED
    assert loop.stops[0].late
    assert "late" in loop.flags


@pytest.mark.parametrize("end", ["voided", "cancelled"])
def test_an_arrival_on_a_withdrawn_pass_is_a_discrepancy(end: str) -> None:
    assert told(*WAYS[end], arrival(60)).discrepancy == "arrived_without_entry"


def test_an_arrival_beats_the_officers_click_that_raced_it() -> None:
    seen_first = told(report(), entry(), arrival(300), closed(301), event("referred", 302))
    clicked_first = told(report(), entry(), closed(300), arrival(301))
    assert {seen_first.state, clicked_first.state} == {State.DISCHARGED}


def test_a_late_arrival_closes_and_stays_late_and_one_in_time_does_not() -> None:
    late, in_time = (told(report(), entry(), arrival(at)) for at in (LIMIT + 1, LIMIT))
    assert (late.state, late.stops[0].late) == (State.DISCHARGED, True)
    assert (in_time.state, in_time.stops[0].late, in_time.flags) == (State.DISCHARGED, False, ())


@pytest.mark.parametrize("level", ["A", "B"])
def test_arrival_evidence_of_level_a_or_b_closes_the_stop(level: str) -> None:
    loop = told(report(), entry(), arrival(40, level))
    assert (loop.state, loop.stops[0].level) == (State.DISCHARGED, Level(level))
    assert open_deadlines(loop) == ()


def test_level_c_is_a_claim_and_closes_nothing() -> None:
    loop = told(report(), entry(), arrival(40, "C"), arrival(45, "C"))
    assert loop.state is State.RELEASED
    assert (loop.stops[0].claimed_at, loop.stops[0].closed) == (minute(40), False)
    limits = {(d.limb, d.due_at) for d in open_deadlines(loop)}
    assert limits == {(Limb.ARRIVAL, minute(LIMIT)), (Limb.CONFIRMATION, minute(100))}


def test_a_claim_closes_only_where_the_citys_rules_say_so() -> None:
    assert told(report(), entry(), arrival(40, "C", closes=True)).state is State.DISCHARGED


def test_a_firms_confirmation_of_a_claim_closes_it_as_of_the_claim() -> None:
    loop = told(report(), entry(), arrival(LIMIT - 1, "C"), confirm(LIMIT + 20))
    assert (loop.state, loop.stops[0].late) == (State.DISCHARGED, False)
    assert loop.stops[0].arrived_at == minute(LIMIT - 1)


DISAGREE = [
    ("wrong_place", (report(), entry(), arrival(40, place_id=ELSEWHERE))),
    ("wrong_plate", (report(), entry(), arrival(40, plate_differs=True))),
    ("arrived_too_early", (report(), entry(), arrival(29))),
    ("arrived_without_entry", (report(), arrival(40))),
    ("arrived_without_entry", (event("opened", 39, stops=[]), arrival(40))),
    ("arrived_without_release", (report(), entry(0, "yellow"), arrival(40))),
    ("cargo_missing", (report(), entry(), event("discrepancy", 40, reason="cargo_missing"))),
]


@pytest.mark.parametrize(("why", "happened"), DISAGREE, ids=[w for w, _ in DISAGREE])
def test_an_arrival_that_disagrees_is_a_discrepancy(why: str, happened: tuple[Event, ...]) -> None:
    loop = told(*happened)
    assert (loop.state, loop.discrepancy) == (State.DISCREPANCY, why)
    assert why in loop.flags


def test_no_arrival_and_no_tap_ends_a_hold() -> None:
    loop = told(report(), entry(), hold(5), arrival(40), confirm(50))
    assert (loop.state, loop.flags) == (State.HELD, ("arrived_while_held",))
    assert loop.hold is not None


def test_the_firms_confirmation_settles_a_discrepancy_and_its_flag_stays() -> None:
    loop = told(report(), entry(), arrival(40, plate_differs=True), confirm(50))
    assert (loop.state, loop.discrepancy, loop.flags) == (
        State.DISCHARGED,
        None,
        ("wrong_plate",),
    )


def test_a_truck_seen_at_the_wrong_firm_is_still_waited_for_at_the_right_one() -> None:
    for level in "AC":
        loop = told(report(), entry(), arrival(40, level, ELSEWHERE))
        limits = [(d.limb, d.due_at) for d in open_deadlines(loop)]
        assert limits == [(Limb.ARRIVAL, minute(LIMIT))]
        assert told(report(), entry(), arrival(40, level, ELSEWHERE), arrival(60)).stops[0].closed


def test_an_uncertain_clock_is_no_proof_of_having_come_too_early() -> None:
    near = arrival(29.9, uncertainty_ms=10_000)
    assert told(report(), entry(), near).state is State.DISCHARGED


@pytest.mark.parametrize("places", [(MILL, DEPOT), (DEPOT, MILL)])
def test_several_stops_close_in_any_order(places: tuple[int, int]) -> None:
    first, second = places
    one = told(report(-60, MILL, DEPOT), entry(), arrival(40, place_id=first))
    assert (one.state, one.next_place_id) == (State.RELEASED, second)
    assert one.due_at == minute(40 + 60 + LIMIT)
    both = told(
        report(-60, MILL, DEPOT),
        entry(),
        arrival(40, place_id=first),
        event("departure", 60, place_id=first),
        arrival(100, place_id=second),
    )
    assert both.state is State.DISCHARGED


def test_leaving_a_stop_starts_the_limit_of_the_next_one() -> None:
    loop = told(
        report(-60, MILL, DEPOT), entry(), arrival(40), event("departed", 55, place_id=MILL)
    )
    assert loop.due_at == minute(55 + LIMIT)


def test_a_hold_without_a_source_or_reason_does_nothing() -> None:
    for lacking in (hold(5, source=""), hold(5, reason=None), desk(5, "hold")):
        loop = told(report(), entry(), lacking)
        assert (loop.state, loop.hold) == (State.RELEASED, None)
        assert "hold_without_source" in loop.flags
    assert told(report(), entry(0, "red", source="")).state is not State.HELD


def test_nothing_is_released_by_time_alone() -> None:
    assert state_at(told(*WAYS["held"]), minute(10**6)) is State.HELD


def test_what_is_not_known_only_flags() -> None:
    for strange in (event("seen_by_drone", 10), event("desk", 10, outcome="thinks")):
        before, after = told(report(), entry()), told(report(), entry(), strange)
        assert after.flags == ("unknown_event",)
        assert (after.state, after.stops) == (before.state, before.stops)


def test_a_release_uploaded_late_counts_from_its_hour_and_is_quiet_for_a_while() -> None:
    loop = told(report(), event("entry", 0, received=200, card="green"))
    (limit,) = open_deadlines(loop)
    assert (limit.due_at, limit.flag_at) == (minute(LIMIT), minute(215))
    live = open_deadlines(told(report(), entry()))[0]
    assert live.flag_at == live.due_at == minute(0) + timedelta(minutes=LIMIT)
    assert loop.entry_place_id == GATE
