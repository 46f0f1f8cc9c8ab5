"""The fold is total, and the same events make the same loop however they were delivered."""

import itertools
from collections.abc import Sequence
from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from closedloop.deadlines import open_deadlines
from closedloop.fold import STEPS, fold
from closedloop.messages import messages
from closedloop.model import Loop, State, state_at
from registry.model import Event
from tests.closedloop.tales import (
    DEPOT,
    ELSEWHERE,
    LANE,
    MILL,
    OTHER_LANE,
    TRUCK,
    WAYS,
    WHITE,
    entry,
    event,
    minute,
    report,
    stop,
    told,
)

BODIES: dict[str, list[dict[str, Any]]] = {
    "entry": [{"card": card} for card in ("green", "yellow", "white", "duplicate", "wrong_code")]
    + [{"card": "white"} | WHITE]
    + [{"card": "red", "source": "province", "reason": "red_code"}],
    "desk": [
        {"outcome": "release"},
        {"outcome": "wait"},
        {"outcome": "turn_back"},
        {"outcome": "turn_back"} | WHITE,
    ],
    "hold": [{"source": "hospital 3", "reason": "suspected_case"}],
    "reported": [
        {"stops": [stop(MILL), stop(DEPOT)]},
        {"failures": [{"code": "x", "blocks": True}]},
    ],
    "arrival": [
        {"level": level, "place_id": place} for level in "ABC" for place in (MILL, ELSEWHERE)
    ]
    + [{"level": "A", "place_id": MILL, "plate_differs": True}],
    "confirm": [{"place_id": MILL}],
    "departure": [{"place_id": MILL}],
    "departed": [{"place_id": DEPOT}],
    "divert": [{"stop": stop(DEPOT)}],
    "delay": [{"minutes": 30, "most": 60}],
    "resumed": [{"minutes": 45}],
    "reply": [{"code": 3, "proof": "photo"}, {"code": 8}],
    "closed": [{"reason": "seen", "second_approver": "another"}],
}
KINDS = [*STEPS, "seen_by_drone"]
SPOILT: list[dict[str, Any]] = [
    {},
    {"card": "purple", "level": "Z", "code": None, "minutes": None, "stop": 7, "stops": "two"},
    {"minutes": 10**15, "grace_minutes": "soon", "failures": 3, "window_to": "noon", "flags": None},
]


def each_event(at: float) -> list[Event]:
    return [event(kind, at, **body) for kind in KINDS for body in (*BODIES.get(kind, []), *SPOILT)]


def is_sound(before: Loop, loop: Loop) -> None:
    assert isinstance(loop.state, State)
    assert loop.state is not State.HELD or (loop.hold and loop.hold.source)
    assert msgspec.convert(msgspec.to_builtins(loop), Loop) == loop
    limits = [(d.stop, d.limb, d.limit_no) for d in open_deadlines(loop)]
    assert len(limits) == len(set(limits))
    assert state_at(loop, minute(10**5)) in State
    assert all(message.key for message in messages(before, loop))


@pytest.mark.parametrize("state", WAYS)
def test_every_event_in_every_state_has_a_result(state: str) -> None:
    before = told(*WAYS[state])
    for happened in each_event(3000):
        loop = told(*WAYS[state], happened)
        is_sound(before, loop)


def test_every_event_after_every_other_has_a_result() -> None:
    for first, second in itertools.product(each_event(10), each_event(20)):
        is_sound(Loop(movement_id=TRUCK), told(report(), entry(), first, second))


def test_states_that_only_the_clock_or_the_ladder_gives_are_never_stored() -> None:
    """Arrival and confirmation are one step; lapsed and overdue are read off the clock."""
    stored = {told(*WAYS[way]).state for way in WAYS}
    assert set(State) - stored == {"lapsed", "overdue", "enquiry", "arrived", "confirmed"}


@st.composite
def an_event(draw: st.DrawFn) -> Event:
    """Devices count their scans, but their clocks may be off by hours, forwards or back."""
    kind = draw(st.sampled_from(KINDS))
    body = draw(st.sampled_from([*BODIES.get(kind, []), {}]))
    at = draw(st.integers(-600, 600))
    device = draw(st.sampled_from([None, LANE, OTHER_LANE]))
    made = event(
        kind,
        at,
        received=at + draw(st.sampled_from([0, 200])),
        device_id=device,
        sequence=None if device is None else draw(st.none() | st.integers(1, 9)),
        uncertainty_ms=draw(st.sampled_from([0, 2000, 90_000])),
        **body,
    )
    number = draw(st.integers(1, 2**64))
    return msgspec.structs.replace(made, event_id=UUID(int=number))


def check_any_order(events: Sequence[Event], seed: int) -> None:
    """Raises AssertionError when a shuffle, or repetitions, of the events make another loop."""
    events = list({each.event_id: each for each in events}.values())
    loop = fold(TRUCK, events)
    random = Random(seed)
    delivered = events + random.choices(events, k=len(events)) if events else []
    for _ in range(3):
        random.shuffle(delivered)
        assert fold(TRUCK, delivered) == loop


def any_order(examples: int) -> None:
    """The property as a function, so that a planted fault can be shown to break it."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(st.lists(an_event(), max_size=12), st.integers(0, 2**32))
    def holds(events: list[Event], seed: int) -> None:
        check_any_order([*WAYS["issued"], *events], seed)

    holds()


def test_any_order_and_any_repetition_make_the_same_loop() -> None:
    any_order(1000)


def test_within_one_device_the_sequence_decides_whatever_its_clock_says() -> None:
    """The lane's clock fell back by five hours between a yellow card and the green one."""
    lane = {"device_id": LANE}
    yellow = entry(0, "yellow", sequence=1, **lane)
    green = entry(-300, "green", sequence=2, **lane)
    assert told(report(-600), green, yellow).state is State.RELEASED
    unnumbered = [msgspec.structs.replace(each, sequence=None) for each in (yellow, green)]
    assert told(report(-600), *unnumbered).flags == ("second_entry",)


def test_another_devices_event_keeps_its_place_between_a_lanes_own() -> None:
    early, late = (
        entry(0, "yellow", device_id=LANE, sequence=1),
        entry(90, device_id=LANE, sequence=2),
    )
    desk = event("desk", 30, outcome="turn_back", **WHITE)
    assert told(late, desk, report(), early).attempt == 2
