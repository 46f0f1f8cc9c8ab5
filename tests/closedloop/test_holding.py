"""A hold from its source to its end, as the fold tells it (mission §4, §6)."""

from itertools import permutations
from typing import Any

import pytest
from msgspec.structs import replace

from closedloop.deadlines import open_deadlines
from closedloop.fold import fold
from closedloop.hold_messages import of_the_hold
from closedloop.model import Hold, Loop, State
from registry.model import Event
from tests.closedloop.tales import TRUCK, WAYS, closed, entry, event, hold, minute, report, told

HELD = (report(), entry(), hold(5))
NAME = str(HELD[-1].event_id)
HOLDER, SECOND, THIRD, CLINIC = (f"account:{n}" for n in ("holder", "second", "third", "clinic"))


def said(kind: str, at: float, actor: str = SECOND, **body: Any) -> Event:
    words: dict[str, Any] = {"hold": NAME} | body
    return replace(event(kind, at, **words), actor=actor)


def limbs(loop: Loop) -> set[str]:
    return {str(each.limb) for each in open_deadlines(loop)}


def standing(loop: Loop) -> Hold:
    assert loop.hold is not None
    return loop.hold


def test_an_approval_ends_the_review_and_nothing_else() -> None:
    loop = told(*HELD, said("hold_approved", 20))
    assert (standing(loop).approved_by, standing(loop).approved_at) == (SECOND, minute(20))
    assert (loop.state, limbs(loop)) == (State.HELD, {"takeover", "expiry"})


def test_nobody_approves_their_own_hold() -> None:
    mine = (report(), entry(), replace(hold(5), actor=HOLDER))
    loop = told(
        *mine, event("hold_approved", 20), replace(event("hold_approved", 21), actor=HOLDER)
    )
    assert standing(loop).approved_by == "system"
    alone = told(*mine, replace(event("hold_approved", 21), actor=HOLDER))
    assert (standing(alone).approved_at, alone.flags) == (None, ("approved_by_its_holder",))


def test_what_a_red_card_orders_is_ordered_by_the_rules() -> None:
    red = replace(entry(0, "red"), actor=HOLDER)
    held = standing(told(report(), red, replace(event("hold_approved", 5), actor=HOLDER)))
    assert (held.by, held.approved_by) == ("rules", HOLDER)


def test_a_word_about_another_hold_changes_nothing() -> None:
    late = (event("hold_released", 50), hold(60))
    for kind in (
        "hold_approved",
        "hold_appealed",
        "hold_dismissed",
        "transferred",
        "hold_released",
    ):
        loop = told(*HELD, *late, said(kind, 70))
        assert (loop.state, loop.flags) == (State.HELD, ("other_hold",)), kind
        assert standing(loop) == standing(told(*HELD, *late)), kind


def test_the_receiving_body_is_asked_and_the_truck_stays_until_it_has_taken_over() -> None:
    asked = (*HELD, said("hold_approved", 10), said("hold_transfer", 15, receiver=77))
    loop = told(*asked)
    assert (loop.state, standing(loop).receiver_id) == (State.HELD, 77)
    assert {d.place_id for d in open_deadlines(loop) if d.limb == "takeover"} == {77}
    taken = told(*asked, said("transferred", 40, CLINIC, reference="B12"))
    assert (taken.state, open_deadlines(taken), taken.flags) == (State.TRANSFERRED, (), ())
    hold_ = standing(taken)
    assert (hold_.ended_at, hold_.ended_by, hold_.ended_for) == (minute(40), CLINIC, "B12")


def test_a_transfer_that_nobody_had_approved_is_a_fact_and_is_flagged() -> None:
    loop = told(*HELD, said("transferred", 40, CLINIC))
    assert (loop.state, loop.flags) == (State.TRANSFERRED, ("transferred_unapproved",))


def test_an_appeal_has_its_own_clock_and_one_at_a_time() -> None:
    loop = told(*HELD, said("hold_appealed", 20, "driver", grounds="not_me"))
    due = [(d.limit_no, d.due_at) for d in open_deadlines(loop) if d.limb == "appeal"]
    assert due == [(1, minute(80))]
    twice = told(*HELD, said("hold_appealed", 20, "driver"), said("hold_appealed", 30, "driver"))
    assert (twice.appeals, standing(twice).appealed_at) == (1, minute(20))


def test_an_appeal_is_answered_by_somebody_who_did_not_hold() -> None:
    begun = (report(), entry(), replace(hold(5), actor=HOLDER))
    appealed = (
        *begun,
        replace(event("hold_approved", 10), actor=SECOND),
        event("hold_appealed", 20),
    )
    for partial in (HOLDER, SECOND):
        loop = told(
            *appealed, replace(event("hold_dismissed", 30, reason="confirmed"), actor=partial)
        )
        assert standing(loop).appeal_waits, partial
    loop = told(*appealed, replace(event("hold_dismissed", 30, reason="confirmed"), actor=THIRD))
    assert (loop.state, standing(loop).dismissed_for) == (State.HELD, "confirmed")
    assert "appeal" not in limbs(loop)
    again = told(
        *appealed, replace(event("hold_dismissed", 30), actor=THIRD), event("hold_appealed", 40)
    )
    due = [(d.limit_no, d.due_at) for d in open_deadlines(again) if d.limb == "appeal"]
    assert due == [(2, minute(100))]


def test_a_release_keeps_what_was_said_of_the_hold() -> None:
    loop = told(
        *HELD, said("hold_appealed", 20, "driver"), said("hold_released", 30, reason="new_proof")
    )
    (ended,) = loop.ended_holds
    assert (loop.state, loop.hold, ended.ended_for, ended.ended_by) == (
        State.RELEASED,
        None,
        "new_proof",
        SECOND,
    )
    assert limbs(loop) == {"arrival"}


@pytest.mark.parametrize("late", [30, 60, 240, 10_000])
def test_no_hour_releases_anybody(late: float) -> None:
    loop = told(*HELD, entry(late, "green"))
    assert (loop.state, limbs(loop)) == (State.HELD, {"hold", "takeover", "expiry"})


def test_a_case_that_an_officer_closes_holds_nobody_any_more() -> None:
    loop = told(*HELD, closed(300))
    assert (loop.state, loop.hold, len(loop.ended_holds)) == (State.CLOSED_BY_OFFICER, None, 1)


STORY = (
    *HELD,
    said("hold_approved", 10),
    said("hold_appealed", 20, "driver", grounds="not_me"),
    said("hold_transfer", 25, receiver=77),
    said("hold_dismissed", 30, THIRD, reason="confirmed"),
)


def test_any_order_of_delivery_makes_the_same_hold() -> None:
    """All 5,040 orders."""
    expected = fold(TRUCK, STORY)
    assert standing(expected).dismissed_for == "confirmed"
    assert all(fold(TRUCK, order) == expected for order in permutations(STORY))


WORDS = ("hold_approved", "hold_transfer", "hold_appealed", "hold_dismissed", "hold_released")


@pytest.mark.parametrize("state", [state for state in WAYS if state != "held"])
@pytest.mark.parametrize("kind", [*WORDS, "transferred"])
def test_a_word_about_a_hold_where_there_is_none_moves_nothing(state: str, kind: str) -> None:
    before, loop = told(*WAYS[state]), told(*WAYS[state], event(kind, 2000, receiver=77))
    assert loop.state is before.state
    assert loop.hold == before.hold
    assert loop.flags != before.flags


def kinds(*events: Event) -> list[tuple[str, str]]:
    before, after = told(*events[:-1]), told(*events)
    return [(each.kind, each.recipient) for each in of_the_hold(before, after)]


def test_each_thing_that_becomes_of_a_hold_is_told_once_to_whom_it_concerns() -> None:
    driver = f"movement:{TRUCK}"
    assert kinds(*HELD) == [("truck_held", "duty"), ("hold_begun", driver)]
    assert kinds(*HELD, hold(7, source="another")) == []
    assert kinds(*HELD, said("hold_approved", 10)) == []
    assert kinds(*HELD, said("hold_transfer", 25, receiver=77)) == [("hold_transfer", "place:77")]
    assert kinds(*HELD, said("hold_appealed", 20)) == [("hold_appealed", "duty")]
    assert kinds(*STORY) == [("hold_stands", driver)]
    assert kinds(*STORY, said("transferred", 40, CLINIC)) == [("hold_taken_over", "duty")]
    assert kinds(*STORY, said("hold_released", 40, reason="new_proof")) == [
        ("hold_released", driver)
    ]
