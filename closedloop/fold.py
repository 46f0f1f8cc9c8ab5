"""The fold: the events of a movement, in the order they occurred, make its state.

Total: any event in any state has a defined result. Physical evidence (a truck seen at a gate
or a firm) beats administrative ends; evidence of arrival beats claims and clicks (mission §3).
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import reduce
from itertools import pairwise

import msgspec
from msgspec.structs import replace

from closedloop import arrival, at_gate, holding
from closedloop.arrival import start_limit, with_flag, with_stop
from closedloop.model import UNDER_WAY, Loop, State, Stop
from closedloop.order import in_order, uncertain_order
from closedloop.steps import policy_of, stops_of, time_of, to
from registry.model import Event, Failure

PROVED_REPLIES = frozenset({3, 7})
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


def _incident(loop: Loop, event: Event) -> Loop:
    if loop.state not in UNDER_WAY:
        return with_flag(loop, "incident_outside_transit")
    return to(loop, State.INCIDENT, event)


def _resume(loop: Loop, event: Event) -> Loop:
    """A new limit after an incident; the road may lead on for `minutes`."""
    if loop.state not in UNDER_WAY:
        return loop
    minutes = event.body.get("minutes")
    return start_limit(to(loop, State.RELEASED, event), event.occurred_at, minutes)


def _divert(loop: Loop, event: Event) -> Loop:
    number = loop.next_stop
    if loop.state not in UNDER_WAY or number is None:
        return with_flag(loop, "diverted_outside_transit")
    new = msgspec.convert(event.body["stop"], Stop)
    new = replace(new, limit_no=loop.stops[number].limit_no)
    loop = to(with_stop(loop, number, new), State.RELEASED, event)
    return start_limit(with_flag(loop, "diverted"), event.occurred_at)


def _delay(loop: Loop, event: Event) -> Loop:
    """One self-granted extension of at most an hour (mission §7, reply 5)."""
    number = loop.next_stop
    if loop.state not in UNDER_WAY or number is None or loop.stops[number].due_at is None:
        return loop
    if loop.extended:
        return with_flag(loop, "second_extension_refused")
    stop = loop.stops[number]
    minutes = min(int(event.body.get("minutes", 0)), int(event.body.get("most", 60)))
    due = (stop.due_at or event.occurred_at) + timedelta(minutes=minutes)
    loop = with_stop(loop, number, replace(stop, due_at=due, limit_no=stop.limit_no + 1))
    return replace(loop, extended=True)


# ── the end ──


def _reply(loop: Loop, event: Event) -> Loop:
    """Only 3 and 7 with proof discharge (mission §7); an arrival that was seen stands above."""
    code = int(event.body.get("code", 0))
    if code not in PROVED_REPLIES or not event.body.get("proof"):
        return loop
    if loop.state in UNDER_WAY or loop.state in {State.EXIT_PENDING, State.REFERRED}:
        return with_flag(to(loop, State.DISCHARGED, event), f"discharged_by_reply_{code}")
    return loop


def _close(loop: Loop, event: Event) -> Loop:
    if not (event.body.get("reason") and event.body.get("second_approver")):
        return with_flag(loop, "close_without_approval")
    if loop.state in {State.DISCHARGED, State.TRANSFERRED}:
        return loop
    return to(holding.without_hold(loop, event), State.CLOSED_BY_OFFICER, event)


def _refer(loop: Loop, event: Event) -> Loop:
    return to(loop, State.REFERRED, event) if loop.state in UNDER_WAY else loop


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
    "incident": _incident,
    "resumed": _resume,
    "divert": _divert,
    "delay": _delay,
    "arrival": arrival.arrive,
    "confirm": arrival.confirm,
    "discrepancy": arrival.discrepancy,
    "departure": arrival.depart,
    "departed": arrival.depart,
    "exit": arrival.leave,
    "reply": _reply,
    "closed": _close,
    "referred": _refer,
}
