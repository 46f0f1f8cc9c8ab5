"""The fold: the events of a movement, in the order they occurred, make its state.

Total: any event in any state has a defined result. Physical evidence (a truck seen at a gate
or a firm) beats administrative ends; evidence of arrival beats claims and clicks (mission §3).
"""

from collections.abc import Callable, Iterable
from functools import reduce
from itertools import pairwise

import msgspec
from msgspec.structs import replace

from closedloop import arrival, at_gate, holding, pursuit
from closedloop.arrival import start_limit, with_flag
from closedloop.model import UNDER_WAY, Loop, State
from closedloop.order import in_order, uncertain_order
from closedloop.steps import policy_of, stops_of, time_of, to
from registry.model import Event, Failure

#: What a body that nobody can read raises.
UNREADABLE = (LookupError, TypeError, ValueError, ArithmeticError)


def fold(movement_id: int, events: Iterable[Event]) -> Loop:
    """The same set of events gives the same loop, whatever the order of delivery."""
    ordered = in_order(events)
    loop = reduce(step, ordered, Loop(movement_id=movement_id))
    if any(uncertain_order(a, b) for a, b in pairwise(ordered)):
        loop = with_flag(loop, "order_uncertain")
    return loop


def step(loop: Loop, event: Event) -> Loop:
    """One event that cannot be read must not make its truck unreadable for ever."""
    try:
        loop = STEPS.get(event.kind, _unknown)(loop, event)
    except UNREADABLE:
        loop = with_flag(loop, "unreadable_event")
    for flag in event.body.get("flags") or ():
        loop = with_flag(loop, str(flag))
    return loop


def _unknown(loop: Loop, _: Event) -> Loop:
    return with_flag(loop, "unknown_event")


# ── the report ──


def _report(loop: Loop, event: Event) -> Loop:
    """A report or its amendment; once the truck was presented the state is the lane's."""
    body = event.body
    loop = replace(
        loop,
        failures=tuple(msgspec.convert(body.get("failures", ()), tuple[Failure, ...])),
        window_to=time_of(body.get("window_to")),
        expected_exit_at=time_of(body.get("expected_exit_at")),
        **policy_of(body),
    )
    if loop.released_at is None:
        loop = replace(loop, stops=stops_of(body, loop.stops))
    if event.kind == "amended" and event.place_id is not None:
        # Who stands at the checkpoint and corrects the report has its driver before them.
        loop = at_gate.here(loop, event)
    if loop.state not in {State.DRAFT, State.ISSUED}:
        return loop
    blocked = any(failure.blocks for failure in loop.failures)
    return to(loop, State.DRAFT if blocked else State.ISSUED, event)


def _cancel(loop: Loop, event: Event) -> Loop:
    if loop.state in {State.DRAFT, State.ISSUED, State.VOIDED, State.TURNED_BACK}:
        return to(loop, State.CANCELLED, event)
    return with_flag(loop, "cancelled_after_presentation")


def _void(loop: Loop, event: Event) -> Loop:
    if loop.state is State.ISSUED:
        loop = replace(loop, void_reason=str(event.body.get("reason", "")))
        return to(loop, State.VOIDED, event)
    return with_flag(loop, "voided_after_presentation")


def _reissue(loop: Loop, event: Event) -> Loop:
    return to(loop, State.ISSUED, event) if loop.state is State.VOIDED else loop


# ── on the road ──


def _resume(loop: Loop, event: Event) -> Loop:
    """A new limit after an incident; the road may lead on for `minutes`."""
    if loop.state not in UNDER_WAY:
        return loop
    minutes = event.body.get("minutes")
    return start_limit(to(loop, State.RELEASED, event), event.occurred_at, minutes)


STEPS: dict[str, Callable[[Loop, Event], Loop]] = {
    "opened": _report,
    "reported": _report,
    "amended": _report,
    "cancelled": _cancel,
    "voided": _void,
    "reissued": _reissue,
    "entry": at_gate.enter,
    "desk": at_gate.desk,
    **holding.STEPS,
    "hold_released": at_gate.end_hold,
    "resumed": _resume,
    "arrival": arrival.arrive,
    "confirm": arrival.confirm,
    "discrepancy": arrival.discrepancy,
    "departure": arrival.depart,
    "departed": arrival.depart,
    "exit": arrival.leave,
    **pursuit.STEPS,
}
