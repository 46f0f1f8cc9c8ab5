"""Arrival at a destination: what closes a stop, and what is found not to agree (mission §5)."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from closedloop.model import (
    ADMINISTRATIVE_ENDS,
    BEFORE_RELEASE,
    UNDER_WAY,
    Level,
    Loop,
    State,
    Stop,
)
from registry.model import Event

#: Nobody looked for it any more; that it left is a fact all the same.
PURSUED = frozenset({State.REFERRED, State.CLOSED_BY_OFFICER})
SETTLED = frozenset({State.DISCHARGED, State.EXIT_PENDING, State.TRANSFERRED})


def with_flag(loop: Loop, flag: str) -> Loop:
    return loop if flag in loop.flags else replace(loop, flags=(*loop.flags, flag))


def with_stop(loop: Loop, number: int, stop: Stop) -> Loop:
    return replace(loop, stops=(*loop.stops[:number], stop, *loop.stops[number + 1 :]))


def arrive(loop: Loop, event: Event) -> Loop:
    """A scan at a destination. A and B close the stop, C is kept as a claim."""
    level = Level(event.body.get("level", Level.C))
    number = _stop_at(loop, event.place_id)
    if number is None:
        # Anybody can send a photographed poster's code: a claim elsewhere proves nothing.
        claim = level is Level.C
        return with_flag(loop, "claimed_elsewhere") if claim else _elsewhere(loop, event)
    stop = loop.stops[number]
    if stop.closed:
        return loop
    if level is Level.C and not event.body.get("closes"):
        claimed = replace(stop, claimed_at=stop.claimed_at or event.occurred_at)
        return with_stop(loop, number, claimed)
    loop = _record(loop, number, level, event.occurred_at)
    found = _disagreement(loop, number, event)
    return _discrepant(loop, found, event) if found else close_stop(loop, number, event.occurred_at)


def confirm(loop: Loop, event: Event) -> Loop:
    """The firm's gatekeeper vouches for the truck: arrival evidence of level A, and the
    settlement of a discrepancy that was found before.
    """
    number = _stop_at(loop, event.place_id)
    if number is None:
        return _elsewhere(loop, event)
    stop = loop.stops[number]
    if stop.closed:
        return loop
    if loop.state is State.HELD:
        return with_flag(loop, "arrived_while_held")
    if stop.arrived_at is None:
        since = stop.claimed_at or event.occurred_at
        loop = _record(loop, number, Level.A, since)
        if found := _disagreement(loop, number, event):
            return _discrepant(loop, found, event)
    return close_stop(loop, number, event.occurred_at)


def discrepancy(loop: Loop, event: Event) -> Loop:
    reason = str(event.body.get("reason") or "reported_by_firm")
    return _discrepant(loop, reason, event)


def depart(loop: Loop, event: Event) -> Loop:
    """Leaving a stop starts the limit of the next one afresh."""
    number = _stop_at(loop, event.place_id, closed=True)
    if number is None:
        return with_flag(loop, "departed_without_arrival")
    loop = with_stop(loop, number, replace(loop.stops[number], departed_at=event.occurred_at))
    if loop.state is State.RELEASED:
        return start_limit(loop, event.occurred_at)
    return loop


def leave(loop: Loop, event: Event) -> Loop:
    """The exit scan (离豫): ends the last limb."""
    if loop.released_at is None:
        return with_flag(loop, "left_without_entry")
    loop = replace(loop, exited_at=event.occurred_at)
    if loop.state in {State.EXIT_PENDING, *PURSUED} and loop.next_stop is None:
        return replace(loop, state=State.DISCHARGED, state_since=event.occurred_at)
    if loop.state in UNDER_WAY:
        return with_flag(loop, "left_without_arrival")
    return loop


def close_stop(loop: Loop, number: int, at: datetime) -> Loop:
    stop = loop.stops[number]
    loop = with_stop(loop, number, replace(stop, confirmed_at=at))
    loop = replace(loop, discrepancy=None, state_since=at)
    if loop.next_stop is not None:
        allowance = timedelta(minutes=loop.stop_minutes)
        return start_limit(replace(loop, state=State.RELEASED), at + allowance)
    return settle(loop)


def settle(loop: Loop) -> Loop:
    """All stops are closed: discharged, unless the truck has still to leave."""
    waiting = loop.exit_scan and loop.exited_at is None
    return replace(loop, state=State.EXIT_PENDING if waiting else State.DISCHARGED)


def start_limit(loop: Loop, since: datetime, minutes: int | None = None) -> Loop:
    """Fix a new arrival limit for the next stop; its number grows, so that every limit has
    alerts of its own.
    """
    number = loop.next_stop
    if number is None:
        return loop
    stop = loop.stops[number]
    due = since + timedelta(minutes=stop.limit_minutes if minutes is None else minutes)
    return with_stop(loop, number, replace(stop, due_at=due, limit_no=stop.limit_no + 1))


def _record(loop: Loop, number: int, level: Level, at: datetime) -> Loop:
    stop = loop.stops[number]
    late = stop.due_at is not None and at > stop.due_at
    loop = with_stop(loop, number, replace(stop, arrived_at=at, level=level, late=late))
    return with_flag(loop, "late") if late else loop


def _disagreement(loop: Loop, number: int, event: Event) -> str | None:
    """Why an arrival cannot close its stop by itself, or None."""
    if loop.state in {State.HELD, State.TRANSFERRED}:
        return "arrived_while_held"
    if event.body.get("plate_differs"):
        return "wrong_plate"
    if loop.released_at is None:
        return "arrived_without_release" if loop.entry_place_id else "arrived_without_entry"
    stop = loop.stops[number]
    earliest = _left_last(loop, number) + timedelta(minutes=stop.road_minutes)
    doubt = timedelta(milliseconds=event.uncertainty_ms)
    if stop.arrived_at is not None and stop.arrived_at + doubt < earliest:
        return "arrived_too_early"
    return None


def _left_last(loop: Loop, number: int) -> datetime:
    """When the truck was last known elsewhere: at the stop it came from, or at the gate."""
    known = [
        stop.departed_at or stop.arrived_at
        for place, stop in enumerate(loop.stops)
        if place != number and stop.arrived_at is not None
    ]
    return max(at for at in (*known, loop.released_at) if at is not None)


def _stop_at(loop: Loop, place_id: int | None, *, closed: bool = False) -> int | None:
    """The first stop at this place that is still open, else (or if asked) the last closed one."""
    numbers = [n for n, stop in enumerate(loop.stops) if stop.place_id == place_id]
    still_open = [n for n in numbers if not loop.stops[n].closed]
    if still_open and not closed:
        return still_open[0]
    return next((n for n in reversed(numbers) if loop.stops[n].closed), None)


def _elsewhere(loop: Loop, event: Event) -> Loop:
    if loop.state in SETTLED:
        return with_flag(loop, "seen_elsewhere")
    if not loop.stops:
        return _discrepant(loop, "arrived_without_entry", event)
    return _discrepant(loop, "wrong_place", event)


def _discrepant(loop: Loop, reason: str, event: Event) -> Loop:
    loop = with_flag(loop, reason)
    if loop.state in SETTLED or loop.state is State.HELD:
        # A hold ends by its release or its transfer only; that the truck moved is on record.
        return loop
    return replace(loop, state=State.DISCREPANCY, discrepancy=reason, state_since=event.occurred_at)


def reopens(loop: Loop) -> bool:
    """Whether the truck, seen at a gate, begins (again) before the barrier."""
    return loop.state in BEFORE_RELEASE or loop.state in ADMINISTRATIVE_ENDS
