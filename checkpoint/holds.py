"""What officers and receiving bodies may do about a hold (mission §4, §6). Pure checks.

Four eyes: whoever ordered a hold does not approve it, and neither of the two answers its appeal.
"""

from datetime import datetime
from typing import Any

from checkpoint.desk import hold_body, standing_place
from closedloop.acts import Act, Check
from closedloop.model import Hold, Loop, State
from closedloop.planning import release_body
from closedloop.reporting import actor_name
from closedloop.saying import one_line
from closedloop.situation import Situation
from kernel.auth import Actor
from kernel.errors import Conflict, Forbidden, NotFound, Unprocessable
from registry.bodies import RECEIVING
from registry.model import Role
from registry.world import World

HOLDERS = frozenset({Role.DESK, Role.LANE, Role.DUTY})
#: Each has its words under `hold.release.<code>`, `hold.stands.<code>`, `hold.grounds.<code>`.
RELEASES = ("source_withdrawn", "new_proof", "not_this_person", "term_over", "appeal_upheld")
DISMISSALS = ("record_confirmed", "no_new_proof", "identity_confirmed")
GROUNDS = ("not_me", "out_of_date", "new_proof", "other")
ENDED = frozenset({State.DISCHARGED, State.TRANSFERRED})


def find_hold(loop: Loop, hold_id: object) -> Hold | None:
    """The one that stands or one that ended."""
    known = (*loop.ended_holds, *(() if loop.hold is None else (loop.hold,)))
    return next((each for each in known if each.id == hold_id), None)


def is_standing(loop: Loop, held: Hold) -> bool:
    return loop.state is State.HELD and loop.hold is not None and loop.hold.id == held.id


def standing_hold(at: Situation, hold_id: object) -> Hold:
    """Raises NotFound `unknown_hold`; Conflict `hold_ended`."""
    held = find_hold(at.loop, hold_id)
    if held is None:
        raise NotFound("unknown_hold")
    if not is_standing(at.loop, held):
        raise Conflict("hold_ended")
    return held


def _hold(act: Act, at: Situation, world: World, actor: Actor, now: datetime) -> dict[str, Any]:
    if not actor.roles & HOLDERS:
        raise Forbidden("not_your_role")
    standing_place(at, actor)
    if at.loop.state in ENDED:
        raise Conflict("hold_after_end", state=at.loop.state)
    if act.person is not None and act.person not in {each.ordinal for each in at.people}:
        raise NotFound("unknown_person", ordinal=act.person)
    return hold_body(act, world, now) | {"person": act.person}


def _approve(act: Act, at: Situation, _: World, actor: Actor, __: datetime) -> dict[str, Any]:
    held = _decided_by(Role.DUTY, act, at, actor)
    if held.by == actor_name(actor):
        raise Forbidden("second_person_needed")
    if held.approved_at is not None:
        raise Conflict("already_approved")
    return _about(held, note=one_line(act.note))


def _release(act: Act, at: Situation, world: World, actor: Actor, now: datetime) -> dict[str, Any]:
    """By the duty desk; whoever ordered it may take it back until somebody has approved it."""
    held = standing_hold(at, act.hold_id)
    own = held.by == actor_name(actor)
    if Role.DUTY not in actor.roles and not own:
        raise Forbidden("not_your_role")
    if own and held.approved_at is not None:
        raise Forbidden("second_person_needed")
    _one_of(RELEASES, act.reason)
    gate = at.loop.entry_place_id or actor.place_id
    plan = release_body(at.movement, world, world.rules_at(now), gate)
    return plan | _about(held, reason=act.reason, proof=one_line(act.proof))


def _transfer(act: Act, at: Situation, world: World, actor: Actor, _: datetime) -> dict[str, Any]:
    """Asks a receiving body; the hold ends when that body says that it has taken over."""
    if not actor.roles & HOLDERS:
        raise Forbidden("not_your_role")
    standing_place(at, actor)
    held = standing_hold(at, act.hold_id)
    if held.approved_at is None:
        raise Conflict("hold_not_approved")
    place = world.places.get(act.place_id or 0)
    if place is None or place.category != RECEIVING or not place.active:
        raise Unprocessable("receiver_unknown")
    return _about(held, receiver=place.id)


def _acknowledge(act: Act, at: Situation, _: World, actor: Actor, __: datetime) -> dict[str, Any]:
    held = standing_hold(at, act.hold_id)
    if Role.RECEIVER not in actor.roles:
        raise Forbidden("not_your_role")
    if held.receiver_id is None or held.receiver_id != actor.place_id:
        raise NotFound("unknown_hold")
    if not (reference := one_line(act.proof, 80)):
        raise Unprocessable("body_reference_needed")
    return _about(held, reference=reference)


def _dismiss(act: Act, at: Situation, _: World, actor: Actor, __: datetime) -> dict[str, Any]:
    held = _decided_by(Role.DUTY, act, at, actor)
    if not held.appeal_waits:
        raise Conflict("no_appeal_waits")
    if actor_name(actor) in {held.by, held.approved_by}:
        raise Forbidden("third_person_needed")
    _one_of(DISMISSALS, act.reason)
    return _about(held, reason=act.reason, note=one_line(act.note))


def _decided_by(role: Role, act: Act, at: Situation, actor: Actor) -> Hold:
    if role not in actor.roles:
        raise Forbidden("not_your_role")
    return standing_hold(at, act.hold_id)


def _about(held: Hold, **said: object) -> dict[str, Any]:
    return {"hold": str(held.id)} | said


def _one_of(known: tuple[str, ...], code: str) -> None:
    if code not in known:
        raise Unprocessable("reason_unknown", known=list(known))


HOLDS: dict[str, Check] = {
    "hold": _hold,
    "approve_hold": _approve,
    "release_hold": _release,
    "transfer_hold": _transfer,
    "acknowledge_hold": _acknowledge,
    "dismiss_appeal": _dismiss,
}
