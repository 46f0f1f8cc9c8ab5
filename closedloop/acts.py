"""Everything that happens to a movement besides scans: what a firm, a driver or an officer says.

Each act carries its sender's id and is safe to repeat. An act that makes no sense in the loop's
state is refused with a code; the fold stays total for those that come late.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta, Struct, structs

from closedloop.commit import Proposal
from closedloop.model import UNDER_WAY, Loop, State
from closedloop.planning import planned_stop
from closedloop.reporting import actor_name, body_hash, check_movement_id
from closedloop.situation import Situation, check_in_district
from kernel.auth import Actor
from kernel.errors import Conflict, Forbidden, Unprocessable
from registry.model import Event, PlaceKind, Role
from registry.world import World

#: What the record can hold: 64 bits, and text without a NUL.
Number = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Text = Annotated[str, Meta(max_length=2000, pattern=r"^[^\x00]*\Z")]

STAFF = frozenset({Role.DUTY})


class Act(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of the kinds below; which other fields it needs is said there."""

    id: UUID
    kind: str
    occurred_at: datetime | None = None
    place_id: Number | None = None
    reason: Text = ""
    note: Text = ""
    minutes: Number | None = None
    code: Number | None = None
    proof: Text = ""
    outcome: Text = ""
    source: Text = ""
    second_approver: Text = ""
    #: Of acts about a hold: which one; of a hold itself: whom in the cab it names.
    hold_id: UUID | None = None
    person: Number | None = None


#: Acts that the ledger keeps under another word than they are asked for.
RECORDED_AS = {
    "void": "voided",
    "reissue": "reissued",
    "approve_hold": "hold_approved",
    "release_hold": "hold_released",
    "transfer_hold": "hold_transfer",
    "acknowledge_hold": "transferred",
    "dismiss_appeal": "hold_dismissed",
}

#: Makes the body of the event, or raises Refused.
Check = Callable[[Act, Situation, World, Actor, datetime], dict[str, Any]]


def propose(movement_id: int, act: Act, actor: Actor, checks: dict[str, Check]) -> Proposal:
    """Raises Unprocessable("unknown_kind"), NotFound("unknown_movement")."""
    check_movement_id(movement_id)
    check = checks.get(act.kind)
    if check is None:
        raise Unprocessable("unknown_kind", kind=act.kind, known=sorted(checks))

    def decide(situation: Situation, world: World, now: datetime) -> Event:
        check_in_district(situation, actor, world)
        body = check(act, situation, world, actor, now)
        return Event(
            movement_id=movement_id,
            event_id=act.id,
            kind=RECORDED_AS.get(act.kind, act.kind),
            occurred_at=_after_what_it_answers(act, situation.loop, occurred(act, now)),
            received_at=now,
            place_id=actor.place_id if actor.place_id is not None else act.place_id,
            device_id=actor.device_id,
            actor=actor_name(actor),
            body=body,
        )

    return Proposal(
        event_id=act.id,
        movement_id=movement_id,
        body_hash=body_hash([movement_id, _told_once(act)]),
        decide=decide,
        said=msgspec.to_builtins(act),
        actor=actor_name(actor),
    )


def _told_once(act: Act) -> Act:
    """A tap goes at once without its time and, if no answer came, later with it: the same tap."""
    return structs.replace(act, occurred_at=None) if act.kind == "confirm" else act


def _after_what_it_answers(act: Act, loop: Loop, at: datetime) -> datetime:
    """A desk decides about a card that was given before, and an officer about what was said of a
    hold before, whatever the clock says.
    """
    if act.kind == "desk" and loop.carded_at is not None:
        return just_after(loop.carded_at, at)
    if act.hold_id is not None and loop.hold is not None:
        return just_after(loop.hold.last_word, at)
    return at


def just_after(before: datetime, at: datetime) -> datetime:
    return max(at, before + timedelta(milliseconds=1))


def occurred(act: Act, now: datetime) -> datetime:
    """Nothing occurs after it was received. Raises Unprocessable("time_without_zone")."""
    if act.occurred_at is None:
        return now
    if act.occurred_at.tzinfo is None:
        raise Unprocessable("time_without_zone")
    return min(act.occurred_at, now)


def _own_stop(loop: Loop, actor: Actor) -> None:
    """A firm acts on its own trucks only."""
    if not actor.roles & STAFF and actor.place_id not in {stop.place_id for stop in loop.stops}:
        raise Forbidden("not_your_truck")


def _confirm(act: Act, at: Situation, _: World, actor: Actor, __: datetime) -> dict[str, Any]:
    if Role.FIRM not in actor.roles:
        raise Forbidden("not_your_role")
    loop = at.loop
    _own_stop(loop, actor)
    if loop.state in {State.HELD, State.TRANSFERRED}:
        raise Conflict("under_hold")
    return {"level": "A", "note": act.note}


def _discrepancy(act: Act, at: Situation, _: World, actor: Actor, __: datetime) -> dict[str, Any]:
    _own_stop(at.loop, actor)
    if not act.reason.strip():
        raise Unprocessable("reason_needed")
    return {"reason": act.reason.strip()[:80], "note": act.note}


def _divert(act: Act, at: Situation, world: World, actor: Actor, now: datetime) -> dict[str, Any]:
    loop = at.loop
    _own_stop(loop, actor)
    if loop.state not in UNDER_WAY:
        raise Conflict("not_under_way", state=loop.state)
    place = None if act.place_id is None else world.places.get(act.place_id)
    if place is None or place.kind is not PlaceKind.DESTINATION or not place.active:
        raise Unprocessable("destination_unknown")
    stop = planned_stop(world, world.rules_at(now), loop.entry_place_id, place.id)
    return {"stop": msgspec.to_builtins(stop), "reason": act.reason}


def _delay(act: Act, at: Situation, world: World, actor: Actor, now: datetime) -> dict[str, Any]:
    loop = at.loop
    _own_stop(loop, actor)
    most = world.rules_at(now).limits.delay_minutes
    if loop.extended:
        raise Conflict("already_extended")
    if act.minutes is None or not 1 <= act.minutes <= most:
        raise Unprocessable("minutes_out_of_range", most=most)
    if loop.state not in UNDER_WAY:
        raise Conflict("not_under_way", state=loop.state)
    return {"minutes": act.minutes, "most": most, "reason": act.reason}


def _incident(act: Act, at: Situation, _: World, actor: Actor, __: datetime) -> dict[str, Any]:
    _own_stop(at.loop, actor)
    if at.loop.state not in UNDER_WAY:
        raise Conflict("not_under_way", state=at.loop.state)
    return {"reason": act.reason, "note": act.note}


def _resumed(act: Act, at: Situation, world: World, actor: Actor, now: datetime) -> dict[str, Any]:
    if not actor.roles & STAFF:
        raise Forbidden("not_your_role")
    most = world.rules_at(now).limits.arrival_max_minutes
    if act.minutes is None or not 1 <= act.minutes <= most:
        raise Unprocessable("minutes_out_of_range", most=most)
    if at.loop.state not in UNDER_WAY:
        raise Conflict("not_under_way", state=at.loop.state)
    return {"minutes": act.minutes, "reason": act.reason}


def _departed(act: Act, at: Situation, _: World, actor: Actor, __: datetime) -> dict[str, Any]:
    _own_stop(at.loop, actor)
    return {"note": act.note}


ACTS: dict[str, Check] = {
    "confirm": _confirm,
    "discrepancy": _discrepancy,
    "divert": _divert,
    "delay": _delay,
    "incident": _incident,
    "resumed": _resumed,
    "departed": _departed,
}
