"""The fold: the events of a movement, in the order they occurred, make its state.

Total: any event in any state has a defined result. Physical evidence (a truck seen at a gate
or a firm) beats administrative ends; evidence of arrival beats claims and clicks (mission §3).
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import reduce
from itertools import pairwise
from typing import Any

import msgspec
from msgspec.structs import replace

from closedloop import arrival
from closedloop.arrival import reopens, start_limit, with_flag, with_stop
from closedloop.model import UNDER_WAY, Loop, State, Stop
from closedloop.order import in_order, uncertain_order
from registry.model import Card, Event, Failure

#: A release that reaches us later than this was uploaded, not live.
LIVE = timedelta(minutes=2)
PROVED_REPLIES = frozenset({3, 7})
POLICY = ("confirm_minutes", "desk_minutes", "review_minutes", "exit_minutes", "stop_minutes")
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
        window_to=_time(body.get("window_to")),
        expected_exit_at=_time(body.get("expected_exit_at")),
        **_policy(body),
    )
    if loop.released_at is None:
        loop = replace(loop, stops=_stops(body, loop.stops))
    if loop.state not in {State.DRAFT, State.ISSUED}:
        return loop
    blocked = any(failure.blocks for failure in loop.failures)
    return _to(loop, State.DRAFT if blocked else State.ISSUED, event)


def _policy(body: dict[str, Any]) -> dict[str, Any]:
    """The time limits in force when it was written, so that a new rule set changes no past."""
    policy = {name: int(body[name]) for name in POLICY if name in body}
    if "exit_scan" in body:
        policy["exit_scan"] = bool(body["exit_scan"])
    return policy


def _stops(body: dict[str, Any], known: tuple[Stop, ...]) -> tuple[Stop, ...]:
    if "stops" not in body:
        return known
    return tuple(msgspec.convert(body["stops"], tuple[Stop, ...]))


def _cancel(loop: Loop, event: Event) -> Loop:
    if loop.state in {State.DRAFT, State.ISSUED, State.VOIDED, State.TURNED_BACK}:
        return _to(loop, State.CANCELLED, event)
    return with_flag(loop, "cancelled_after_presentation")


def _void(loop: Loop, event: Event) -> Loop:
    if loop.state is State.ISSUED:
        loop = replace(loop, void_reason=str(event.body.get("reason", "")))
        return _to(loop, State.VOIDED, event)
    return with_flag(loop, "voided_after_presentation")


def _reissue(loop: Loop, event: Event) -> Loop:
    return _to(loop, State.ISSUED, event) if loop.state is State.VOIDED else loop


# ── the gate ──


def _enter(loop: Loop, event: Event) -> Loop:
    card = Card(event.body.get("card", Card.YELLOW))
    if card is not Card.DUPLICATE:
        loop = replace(loop, carded_at=event.occurred_at, last_card=card)
    if not reopens(loop):
        loop = with_flag(loop, "seen_while_held" if loop.hold else "second_entry")
        return _hold(loop, event) if card is Card.RED else loop
    loop = replace(
        loop,
        entry_place_id=event.place_id,
        entry_gate=event.gate,
        attempt=loop.attempt + 1,
        **_policy(event.body),
    )
    return CARDS[card](loop, event)


def _release(loop: Loop, event: Event) -> Loop:
    """The clock starts here (mission §3, rule 7)."""
    late = event.received_at - event.occurred_at > LIVE
    grace = timedelta(minutes=int(event.body.get("grace_minutes", 15)))
    again = loop.released_at is not None
    loop = replace(
        loop,
        stops=loop.stops if again else _stops(event.body, loop.stops),
        released_at=event.occurred_at,
        quiet_until=event.received_at + grace if late else None,
        hold=None,
    )
    if loop.next_stop is None:
        return _to(loop, State.EXIT_PENDING, event)
    return start_limit(_to(loop, State.RELEASED, event), event.occurred_at)


def _verify(loop: Loop, event: Event) -> Loop:
    return _to(loop, State.VERIFYING, event)


def _turn_back(loop: Loop, event: Event) -> Loop:
    return _to(loop, State.TURNED_BACK, event)


def _hold(loop: Loop, event: Event) -> Loop:
    """No hold without a source (invariant I11): such an event is kept, and does nothing."""
    source, reason = event.body.get("source"), event.body.get("reason")
    if not source or not reason:
        return with_flag(loop, "hold_without_source")
    if loop.state in {State.DISCHARGED, State.TRANSFERRED}:
        return with_flag(loop, "hold_after_end")
    held = replace(loop, hold={"source": source, "reason": reason})
    if loop.state is State.HELD:
        return held
    return _to(replace(held, holds=loop.holds + 1), State.HELD, event)


def _present(loop: Loop, event: Event) -> Loop:
    return _to(loop, State.PRESENTED, event)


CARDS: dict[Card, Callable[[Loop, Event], Loop]] = {
    Card.GREEN: _release,
    Card.YELLOW: _verify,
    Card.WHITE: _turn_back,
    Card.RED: _hold,
    Card.DUPLICATE: _present,
    Card.WRONG_CODE: _present,
}

OUTCOMES = {"release": _release, "turn_back": _turn_back, "hold": _hold}


def _desk(loop: Loop, event: Event) -> Loop:
    outcome = OUTCOMES.get(str(event.body.get("outcome")))
    if outcome is None:
        return _unknown(loop, event)
    if outcome is _hold or reopens(loop):
        return outcome(loop, event)
    return with_flag(loop, "desk_after_release")


def _end_hold(loop: Loop, event: Event) -> Loop:
    return _release(loop, event) if loop.state is State.HELD else loop


def _transfer(loop: Loop, event: Event) -> Loop:
    if loop.state is State.HELD:
        return _to(loop, State.TRANSFERRED, event)
    return with_flag(loop, "transfer_without_hold")


# ── on the road ──


def _incident(loop: Loop, event: Event) -> Loop:
    if loop.state not in UNDER_WAY:
        return with_flag(loop, "incident_outside_transit")
    return _to(loop, State.INCIDENT, event)


def _resume(loop: Loop, event: Event) -> Loop:
    """A new limit after an incident; the road may lead on for `minutes`."""
    if loop.state not in UNDER_WAY:
        return loop
    minutes = event.body.get("minutes")
    return start_limit(_to(loop, State.RELEASED, event), event.occurred_at, minutes)


def _divert(loop: Loop, event: Event) -> Loop:
    number = loop.next_stop
    if loop.state not in UNDER_WAY or number is None:
        return with_flag(loop, "diverted_outside_transit")
    new = msgspec.convert(event.body["stop"], Stop)
    new = replace(new, limit_no=loop.stops[number].limit_no)
    loop = _to(with_stop(loop, number, new), State.RELEASED, event)
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
        return with_flag(_to(loop, State.DISCHARGED, event), f"discharged_by_reply_{code}")
    return loop


def _close(loop: Loop, event: Event) -> Loop:
    if not (event.body.get("reason") and event.body.get("second_approver")):
        return with_flag(loop, "close_without_approval")
    if loop.state in {State.DISCHARGED, State.TRANSFERRED}:
        return loop
    return _to(loop, State.CLOSED_BY_OFFICER, event)


def _refer(loop: Loop, event: Event) -> Loop:
    return _to(loop, State.REFERRED, event) if loop.state in UNDER_WAY else loop


def _to(loop: Loop, state: State, event: Event) -> Loop:
    return replace(loop, state=state, state_since=event.occurred_at)


def _time(text: str | None) -> datetime | None:
    return None if text is None else msgspec.convert(text, datetime)


STEPS: dict[str, Callable[[Loop, Event], Loop]] = {
    "opened": _report,
    "reported": _report,
    "amended": _report,
    "cancelled": _cancel,
    "voided": _void,
    "reissued": _reissue,
    "entry": _enter,
    "desk": _desk,
    "hold": _hold,
    "hold_released": _end_hold,
    "transferred": _transfer,
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
