"""Classes of contact are given by the rule set alone: tables, no database."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from closedloop.tracing_clock import MarkSet, Standing, clock
from closedloop.tracing_contacts import classified, classify, through, widest
from closedloop.tracing_model import Contact, Meeting
from closedloop.tracing_quota import unusual
from registry.rules import SCENARIOS, read_scenario, shipped
from registry.tracing_faults import tracing_faults
from registry.tracing_rules import Meets, Tracing
from tests.conftest import NOON

MINUTE = 60_000_000
HENAN = read_scenario(SCENARIOS / "epidemic-henan.json").tracing


def a_meeting(**about: Any) -> Meeting:
    """At one place an hour and a half apart; nothing else."""
    fields: dict[str, Any] = {
        "number": 1,
        "key": "a",
        "together": False,
        "together_sure": False,
        "place_possible": 90 * MINUTE,
        "place_certain": 90 * MINUTE,
        "gate_possible": None,
        "gate_certain": None,
        "times": 1,
        "first_at": NOON,
        "last_at": NOON,
        "place_id": 1,
        "gate": "1",
        "near_at": NOON,
        "doubt_ms": 0,
    }
    return Meeting(**fields | about)


def near(minutes: float, certain: float | None = None) -> dict[str, Any]:
    least = round(minutes * MINUTE)
    most = least if certain is None else round(certain * MINUTE)
    return {"gate_possible": least, "gate_certain": most, "place_possible": least,
            "place_certain": most}  # fmt: skip


@pytest.mark.parametrize(
    ("about", "told"),
    [
        ({}, None),
        ({"together": True, "together_sure": True}, ("close", "same_cab", True)),
        ({"together": True}, ("close", "same_cab", False)),
        (near(10), ("close", "gate_10", True)),
        (near(9.9, 10.1), ("close", "gate_10", False)),
        (near(-3, 3), ("close", "gate_10", True)),
        (near(10.0001), ("general", "place_60", True)),
        ({"place_possible": 60 * MINUTE, "place_certain": 60 * MINUTE}, ("general", "place_60", True)),
        ({"place_possible": 59 * MINUTE, "place_certain": 61 * MINUTE}, ("general", "place_60", False)),
        ({"place_possible": 5 * MINUTE, "place_certain": None}, ("general", "place_60", False)),
        ({"place_possible": 60 * MINUTE + 1, "place_certain": 61 * MINUTE}, None),
        # Grave and possible is told before light and certain; of one class what is certain.
        (near(9, 11) | {"place_certain": 11 * MINUTE}, ("close", "gate_10", False)),
        (near(9, 11) | {"together": True, "together_sure": True}, ("close", "same_cab", True)),
        (near(9) | {"together": True}, ("close", "gate_10", True)),
    ],
)  # fmt: skip
def test_a_meeting_has_the_gravest_class_that_is_possible(
    about: dict[str, Any], told: tuple[str, str, bool] | None
) -> None:
    found = classify(a_meeting(**about), HENAN)
    assert (None if found is None else (found.code, found.rule, found.certain)) == told


def test_other_minutes_in_the_rule_set_are_other_contacts() -> None:
    body = msgspec.to_builtins(HENAN)
    body["rules"][1]["minutes"] = 5
    stricter = msgspec.convert(body, Tracing)
    assert classify(a_meeting(**near(10)), HENAN).code == "close"  # type: ignore[union-attr]
    assert classify(a_meeting(**near(10)), stricter).code == "general"  # type: ignore[union-attr]
    assert (widest(HENAN), widest(HENAN, "close"), widest(Tracing())) == (60, 10, 0)


def test_a_pack_without_rules_has_no_classes() -> None:
    assert classify(a_meeting(together=True, together_sure=True), Tracing()) is None
    livestock = read_scenario(SCENARIOS / "livestock-channel.json").tracing
    assert livestock.classes == ()


def test_contacts_stand_by_class_then_by_certainty_then_by_time() -> None:
    late = timedelta(hours=1)
    found = classified(
        [
            a_meeting(key="general", place_possible=0, place_certain=0),
            a_meeting(key="later", first_at=NOON + late, **near(1)),
            a_meeting(key="possible", **near(9, 11)),
            a_meeting(key="first", **near(1)),
            a_meeting(key="none"),
        ],
        HENAN,
    )
    assert [each.meeting.key for each in found] == ["first", "later", "possible", "general"]


def first_of(certain: bool) -> Contact:
    return Contact(meeting=a_meeting(key="b"), code="close", rule="gate_10", certain=certain)


@pytest.mark.parametrize(
    ("about", "first", "told"),
    [
        (near(5), True, ("secondary", True)),
        (near(5), False, ("secondary", False)),
        (near(5, 15), True, ("secondary", False)),
        (near(30), True, None),  # general contacts of a close contact are none
        (near(5) | {"key": "known"}, True, None),
    ],
)
def test_close_contacts_of_close_contacts_are_secondary(
    about: dict[str, Any],
    first: bool,
    told: tuple[str, bool] | None,
) -> None:
    found = through([first_of(first)], [a_meeting(**about)], {"b", "known"}, HENAN)
    assert [(each.code, each.certain) for each in found] == ([] if told is None else [told])


def test_of_two_ways_to_a_secondary_contact_the_certain_one_is_told() -> None:
    ways = [a_meeting(number=1, **near(5)), a_meeting(number=2, **near(5))]
    found = through([first_of(False), first_of(True)], ways, set(), HENAN)
    assert [(each.certain, each.through) for each in found] == [(True, 2)]


def test_the_clock_of_seed_003_tells_what_is_done_late_and_overdue() -> None:
    done = {
        "assembled": MarkSet(mark="assembled", done_at=NOON + timedelta(minutes=10), name="甲"),
        "on_site": MarkSet(mark="on_site", done_at=NOON + timedelta(minutes=61), name="乙"),
    }
    told = clock(HENAN.marks, NOON, done, NOON + timedelta(minutes=250))
    assert [(each.code, each.standing, each.minutes) for each in told] == [
        ("assembled", Standing.DONE, 0),
        ("on_site", Standing.DONE_LATE, 1),
        ("first_results", Standing.OVERDUE, 10),
        ("reported", Standing.RUNNING, 1190),
    ]
    assert [each.minutes for each in HENAN.marks] == [10, 60, 240, 1440]
    assert sum(part.members for part in HENAN.team) == 5


@pytest.mark.parametrize(
    ("shown", "own", "office", "usual"),
    [
        (49, [1] * 9, [1] * 9, None),
        (90, [30] * 5, [], None),
        (91, [30] * 5, [], 30),
        (91, [30] * 4, [], None),  # too few days to know what is usual
        (151, [100] * 5, [30] * 5, 30),
        (150, [100] * 5, [30] * 5, None),
        (200, [], [], None),
        (201, [], [], 0),
    ],
)
def test_far_above_what_is_usual_is_unusual(
    shown: int, own: list[int], office: list[int], usual: int | None
) -> None:
    assert unusual(shown, own, office) == usual


def test_the_shipped_rules_have_no_fault_and_planted_ones_are_found() -> None:
    assert [list(tracing_faults(read_scenario(path).tracing)) for path in shipped()] == [
        [] for _ in shipped()
    ]
    body = msgspec.to_builtins(HENAN)
    body["rules"][0]["gives"] = "unknown"
    body["rules"][1]["minutes"] = None
    body["rules"][2]["of"] = "unknown"
    body["marks"][0]["minutes"] = 60
    assert list(tracing_faults(msgspec.convert(body, Tracing))) == [
        "rules[0].gives", "rules[1].minutes", "rules[2].of", "marks",
    ]  # fmt: skip
    assert {rule.meets for rule in HENAN.rules} == set(Meets)
