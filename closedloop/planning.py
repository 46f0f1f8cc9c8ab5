"""What a report or a release writes into its event: stops with their limits, and the policy in
force, so that a later rule set changes nothing of the past.
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from closedloop.model import Stop
from registry.ladder import Does, minutes_until
from registry.model import Movement
from registry.rules import RuleSet, arrival_limit
from registry.world import World


def planned_stop(world: World, rules: RuleSet, origin: int | None, place_id: int) -> Stop:
    road = world.road_minutes(origin, place_id, rules)
    learned = world.learned_limit(origin, place_id, rules)
    fixed = arrival_limit(road, rules.limits) // timedelta(minutes=1)
    return Stop(
        place_id=place_id,
        road_minutes=road,
        limit_minutes=fixed if learned is None else learned.minutes,
        learned=0 if learned is None else learned.version,
    )


def planned_stops(
    world: World, rules: RuleSet, gate: int | None, stops: tuple[int, ...]
) -> list[dict[str, Any]]:
    """The first limit counts from the gate, each other from the stop before."""
    origins = (gate, *stops[:-1])
    return (
        [
            msgspec.to_builtins(planned_stop(world, rules, origin, place_id))
            for origin, place_id in zip(origins, stops, strict=True)
        ]
        if stops
        else []
    )


def policy(rules: RuleSet) -> dict[str, Any]:
    limits, ladder = rules.limits, rules.ladder
    return {
        "ahead_minutes": -(minutes_until(ladder, Does.REMIND) or 0),
        "enquiry_minutes": minutes_until(ladder, Does.ENQUIRE) or 0,
        "confirm_minutes": limits.confirm_minutes,
        "desk_minutes": limits.desk_minutes,
        "review_minutes": limits.hold_review_minutes,
        "takeover_minutes": limits.hold_takeover_minutes,
        "expiry_minutes": limits.hold_expiry_minutes,
        "appeal_minutes": limits.appeal_minutes,
        "exit_minutes": limits.exit_after_minutes,
        "stop_minutes": limits.stop_minutes,
        "grace_minutes": limits.upload_grace_minutes,
        "exit_scan": rules.exit_scan,
        "rules_version": rules.version,
    }


def report_body(movement: Movement, world: World, rules: RuleSet) -> dict[str, Any]:
    return policy(rules) | {
        "failures": msgspec.to_builtins(movement.failures),
        "stops": planned_stops(world, rules, movement.entry_place_id, movement.stops),
        "window_to": _iso(movement.window_to),
        "expected_exit_at": _iso(movement.expected_exit_at),
        "version": movement.version,
        "channel": movement.channel,
    }


def release_body(
    movement: Movement, world: World, rules: RuleSet, gate: int | None
) -> dict[str, Any]:
    return policy(rules) | {"stops": planned_stops(world, rules, gate, movement.stops)}


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
