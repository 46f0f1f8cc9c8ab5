"""The fold at the gate: cards, the desk's decisions, and the ends of holds."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from closedloop.arrival import reopens, start_limit, with_flag
from closedloop.holding import concerns, hold, without_hold
from closedloop.model import Loop, State
from closedloop.steps import policy_of, stops_of, to
from registry.model import Card, Event

#: A release that reaches us later than this was uploaded, not live.
LIVE = timedelta(minutes=2)
NOT_GREEN = frozenset({"yellow", "white", "red"})


def enter(loop: Loop, event: Event) -> Loop:
    card = Card(event.body.get("card", Card.YELLOW))
    if card is not Card.DUPLICATE:
        loop = replace(loop, carded_at=event.occurred_at, last_card=card)
    if card is Card.GREEN:
        loop = _in_one_lane(loop, event)
    if not reopens(loop):
        loop = with_flag(loop, "seen_while_held" if loop.hold else "second_entry")
        return hold(loop, event) if card is Card.RED else loop
    loop = replace(
        loop,
        entry_place_id=event.place_id,
        entry_gate=event.gate,
        attempt=loop.attempt + 1,
        **policy_of(event.body),
    )
    return CARDS[card](loop, event)


def _in_one_lane(loop: Loop, event: Event) -> Loop:
    """Which of two lanes came first does not matter, and clocks cannot always tell. An officer who
    let a duplicate through has said why.
    """
    lane = f"{event.place_id}/{event.gate}/{event.device_id or event.actor}"
    if not loop.passed_lane:
        return replace(loop, passed_lane=lane)
    if lane == loop.passed_lane or event.body.get("override"):
        return loop
    return with_flag(loop, "used_in_two_lanes")


def _release(loop: Loop, event: Event) -> Loop:
    """The clock starts here (mission §3, rule 7)."""
    late = event.received_at - event.occurred_at > LIVE
    grace = timedelta(minutes=int(event.body.get("grace_minutes", 15)))
    again = loop.released_at is not None
    loop = replace(
        without_hold(loop, event),
        stops=loop.stops if again else stops_of(event.body, loop.stops),
        released_at=event.occurred_at,
        quiet_until=event.received_at + grace if late else None,
    )
    if loop.next_stop is None:
        return to(loop, State.EXIT_PENDING, event)
    return start_limit(to(loop, State.RELEASED, event), event.occurred_at)


def _verify(loop: Loop, event: Event) -> Loop:
    """Sent to the desk by a lane; or told to wait there, and then it is there."""
    here = event.occurred_at if event.kind == "desk" else None
    sent = replace(loop, desk_no=loop.desk_no + 1, at_desk_since=here)
    return to(sent, State.VERIFYING, event)


def here(loop: Loop, event: Event) -> Loop:
    """Seen at the desk; who slipped away between lane and desk is not (seed 003)."""
    if loop.state is not State.VERIFYING or loop.at_desk_since is not None:
        return loop
    if event.place_id not in {None, loop.entry_place_id}:
        return loop
    return replace(loop, at_desk_since=event.occurred_at)


def _turn_back(loop: Loop, event: Event) -> Loop:
    """No white for a truck of which no rule is named that it fails (seed 002; invariant I10)."""
    if not names_a_failed_rule(event.body):
        return _verify(with_flag(loop, "white_without_reason"), event)
    return to(loop, State.TURNED_BACK, event)


def names_a_failed_rule(body: dict[str, Any]) -> bool:
    """As the database's own constraint has it: a rule with a card, and the rule set's version."""
    cards = {reason.get("card") for reason in body.get("reasons") or ()}
    return bool(cards & NOT_GREEN) and body.get("rules_version") is not None


def _present(loop: Loop, event: Event) -> Loop:
    return to(loop, State.PRESENTED, event)


CARDS: dict[Card, Callable[[Loop, Event], Loop]] = {
    Card.GREEN: _release,
    Card.YELLOW: _verify,
    Card.WHITE: _turn_back,
    Card.RED: hold,
    Card.DUPLICATE: _present,
    Card.WRONG_CODE: _present,
}

OUTCOMES = {
    "release": _release,
    "here": here,
    "wait": _verify,
    "turn_back": _turn_back,
    "hold": hold,
}


def desk(loop: Loop, event: Event) -> Loop:
    outcome = OUTCOMES.get(str(event.body.get("outcome")))
    if outcome is None:
        return with_flag(loop, "unknown_event")
    if outcome is hold or reopens(loop):
        return outcome(loop, event)
    return with_flag(loop, "desk_after_release")


def end_hold(loop: Loop, event: Event) -> Loop:
    """The truck goes on; what was said of the hold is kept."""
    if loop.state is not State.HELD or loop.hold is None:
        return with_flag(loop, "released_without_hold")
    if not concerns(loop.hold, event):
        return with_flag(loop, "other_hold")
    return _release(loop, event)
