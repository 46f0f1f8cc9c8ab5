"""The verification desk's decision about a truck with a yellow card (mission §4). Pure checks."""

from datetime import datetime
from typing import Any

import msgspec

from closedloop.acts import Act, Check
from closedloop.model import BEFORE_RELEASE, State
from closedloop.planning import policy, release_body
from closedloop.situation import Situation
from kernel.auth import Actor
from kernel.errors import Conflict, Forbidden, Unprocessable
from registry.judge import Verdict, judge
from registry.model import Card, Role
from registry.rules import Reason
from registry.world import World

OFFICERS = frozenset({Role.DESK, Role.LANE, Role.DUTY})


def standing_verdict(at: Situation, world: World, now: datetime) -> Verdict:
    """What the rules say of a movement at this moment, whatever card it was given."""
    return judge(
        at.movement,
        at.people,
        world.rules_at(now),
        None,
        now,
        _plate_seen(at),
        sources=world.sources,
        areas=world.areas,
    )


def _plate_seen(at: Situation) -> str:
    """The plate that the lane read last: a truck that is not the one reported is not compliant."""
    seen = [event.body.get("plate_seen", "") for event in at.events if event.kind == "entry"]
    return next((plate for plate in reversed(seen) if plate), "")


def _desk(act: Act, at: Situation, world: World, actor: Actor, now: datetime) -> dict[str, Any]:
    if not actor.roles & OFFICERS:
        raise Forbidden("not_your_role")
    standing_place(at, actor)
    outcome = OUTCOMES.get(act.outcome)
    if outcome is None:
        raise Unprocessable("unknown_outcome", outcome=act.outcome, known=sorted(OUTCOMES))
    return outcome(act, at, world, actor, now) | {"outcome": act.outcome, "note": act.note}


def standing_place(at: Situation, actor: Actor) -> None:
    """Who stands at a checkpoint acts on its trucks. Raises Forbidden `not_your_place`."""
    if actor.place_id is not None and at.loop.entry_place_id not in {None, actor.place_id}:
        raise Forbidden("not_your_place", place_id=at.loop.entry_place_id)


def _release(act: Act, at: Situation, world: World, actor: Actor, now: datetime) -> dict[str, Any]:
    _before_release(at)
    gate = at.loop.entry_place_id or actor.place_id
    return release_body(at.movement, world, world.rules_at(now), gate) | {"proof": act.proof}


def _turn_back(act: Act, at: Situation, world: World, _: Actor, now: datetime) -> dict[str, Any]:
    """One enumerated reason, and never for a truck that meets every rule (seed 002; I10)."""
    _before_release(at)
    rules, verdict = world.rules_at(now), standing_verdict(at, world, now)
    if verdict.card is Card.GREEN:
        raise Conflict("must_not_turn_back", version=rules.version)
    _known(act.reason, rules.turn_back_reasons)
    failed = msgspec.to_builtins(verdict.failures)
    return policy(rules) | {"reason": act.reason, "reasons": failed}


def _here(_: Act, at: Situation, __: World, ___: Actor, ____: datetime) -> dict[str, Any]:
    """The truck that the lane sent stands before the desk."""
    if at.loop.state is not State.VERIFYING:
        raise Conflict("not_sent_to_desk", state=at.loop.state)
    return {}


def _wait(_: Act, at: Situation, world: World, __: Actor, now: datetime) -> dict[str, Any]:
    """A proof is on its way: the truck stays at the desk, and the desk's limit begins anew."""
    _before_release(at)
    return policy(world.rules_at(now))


def _hold(act: Act, _: Situation, world: World, __: Actor, now: datetime) -> dict[str, Any]:
    return hold_body(act, world, now)


def hold_body(act: Act, world: World, now: datetime) -> dict[str, Any]:
    """No hold without a source (I11).

    Raises Unprocessable `hold_needs_source`, `reason_unknown`.
    """
    rules = world.rules_at(now)
    if not act.source.strip():
        raise Unprocessable("hold_needs_source")
    _known(act.reason, rules.hold_reasons)
    return policy(rules) | {"reason": act.reason, "source": act.source.strip()[:200]}


def _before_release(at: Situation) -> None:
    state = at.loop.state
    if state is State.HELD:
        raise Conflict("under_hold")
    if state not in BEFORE_RELEASE:
        raise Conflict("already_released", state=state)


def _known(reason: str, reasons: tuple[Reason, ...]) -> None:
    codes = [each.code for each in reasons]
    if reason not in codes:
        raise Unprocessable("reason_unknown", known=codes)


OUTCOMES: dict[str, Check] = {
    "release": _release,
    "here": _here,
    "wait": _wait,
    "turn_back": _turn_back,
    "hold": _hold,
}
DESK: dict[str, Check] = {"desk": _desk}
