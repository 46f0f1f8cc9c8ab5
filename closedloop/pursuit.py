"""The fold of what is said and done about a truck on its way or overdue: incidents, diversions,
delays, coded replies, and the ends that officers set (mission §7).

What was seen of the truck beats all of it; nothing here closes what an arrival has opened.
"""

from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from closedloop import holding
from closedloop.arrival import start_limit, with_flag, with_stop
from closedloop.model import UNDER_WAY, Closing, Loop, State, Stop
from closedloop.steps import to
from registry.model import Event

#: Only these discharge, and only with proof.
PROVED_REPLIES = frozenset({3, 7})
DIVERTED, DELAYED, BREAKDOWN = 4, 5, 6
ENDED = frozenset({State.DISCHARGED, State.TRANSFERRED})


def incident(loop: Loop, event: Event) -> Loop:
    if loop.state not in UNDER_WAY:
        return with_flag(loop, "incident_outside_transit")
    return to(loop, State.INCIDENT, event)


def divert(loop: Loop, event: Event) -> Loop:
    number = loop.next_stop
    if loop.state not in UNDER_WAY or number is None:
        return with_flag(loop, "diverted_outside_transit")
    new = msgspec.convert(event.body["stop"], Stop)
    new = replace(new, limit_no=loop.stops[number].limit_no)
    loop = to(with_stop(loop, number, new), State.RELEASED, event)
    return start_limit(with_flag(loop, "diverted"), event.occurred_at)


def delay(loop: Loop, event: Event) -> Loop:
    """One self-granted extension of at most an hour (mission §7, reply 5)."""
    number = loop.next_stop
    if loop.state not in UNDER_WAY or number is None or loop.stops[number].due_at is None:
        return loop
    if loop.extended:
        return with_flag(loop, "second_extension_refused")
    minutes = min(int(event.body.get("minutes", 0)), int(event.body.get("most", 60)))
    stop = loop.stops[number]
    # Who asks after the limit has passed is given the time from now on.
    since = max(stop.due_at or event.occurred_at, event.occurred_at)
    return replace(_new_limit(loop, number, since + timedelta(minutes=minutes)), extended=True)


def extend(loop: Loop, event: Event) -> Loop:
    """A road is closed or a site down: the officers' own extension of many limits at once."""
    number = loop.next_stop
    if loop.state not in UNDER_WAY or number is None:
        return loop
    due = loop.stops[number].due_at
    if due is None:
        return loop
    since = max(due, event.occurred_at)
    minutes = timedelta(minutes=int(event.body["minutes"]))
    return with_flag(_new_limit(loop, number, since + minutes), "extended_by_officers")


def _new_limit(loop: Loop, number: int, due: datetime) -> Loop:
    stop = loop.stops[number]
    return with_stop(loop, number, replace(stop, due_at=due, limit_no=stop.limit_no + 1))


def reply(loop: Loop, event: Event) -> Loop:
    """A coded reply. Only 3 and 7 with proof discharge; an arrival that was seen stands above."""
    code = int(event.body.get("code", 0))
    loop = replace(loop, last_reply=code, replied_at=event.occurred_at)
    if code in PROVED_REPLIES:
        return _discharge(loop, event, code) if event.body.get("proof") else loop
    if code == DIVERTED and event.body.get("stop"):
        return divert(loop, event)
    if code == DELAYED and event.body.get("minutes"):
        return delay(loop, event)
    if code == BREAKDOWN and loop.state in UNDER_WAY:
        return to(loop, State.INCIDENT, event)
    return loop


def _discharge(loop: Loop, event: Event, code: int) -> Loop:
    if loop.state in UNDER_WAY | {State.EXIT_PENDING, State.REFERRED}:
        return with_flag(to(loop, State.DISCHARGED, event), f"discharged_by_reply_{code}")
    return loop


def propose_close(loop: Loop, event: Event) -> Loop:
    """One officer says why it is over; another has still to agree."""
    if loop.state in ENDED:
        return loop
    closing = Closing(
        by=event.actor,
        at=event.occurred_at,
        reason=str(event.body["reason"]),
        proof=str(event.body.get("proof", "")),
    )
    return replace(loop, closing=closing)


def close(loop: Loop, event: Event) -> Loop:
    """Two officers, or nothing: the one who agrees is not the one who proposed."""
    reason, second = event.body.get("reason"), event.body.get("second_approver")
    if not (reason and second) or second == event.body.get("proposed_by"):
        return with_flag(loop, "close_without_approval")
    loop = replace(loop, closing=None)
    if loop.state in ENDED:
        return loop
    return to(holding.without_hold(loop, event), State.CLOSED_BY_OFFICER, event)


def keep_open(loop: Loop, _: Event) -> Loop:
    """The second officer does not agree."""
    return replace(loop, closing=None)


def refer(loop: Loop, event: Event) -> Loop:
    pursued = loop.state in UNDER_WAY | {State.EXIT_PENDING}
    return to(loop, State.REFERRED, event) if pursued else loop


def merge(loop: Loop, event: Event) -> Loop:
    """It was the truck of another report, read with one character wrong; that one has its
    arrival now, and this movement was never one.
    """
    if loop.state is not State.DISCREPANCY:
        return loop
    return with_flag(to(loop, State.DISCHARGED, event), "same_truck_as_another")


def call(loop: Loop, event: Event) -> Loop:
    """Kept with its time; what it brought is a reply."""
    return replace(loop, called_at=event.occurred_at)


STEPS = {
    "incident": incident,
    "divert": divert,
    "delay": delay,
    "extended": extend,
    "reply": reply,
    "call": call,
    "close_proposed": propose_close,
    "close_refused": keep_open,
    "closed": close,
    "referred": refer,
    "merged": merge,
}
