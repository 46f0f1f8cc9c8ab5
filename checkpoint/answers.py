"""What the senders of scans and acts are told, item by item."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from checkpoint.intake import Answer, Batch, Intake, take
from checkpoint.wording import goes_first, lane_advice
from closedloop.commit import Outcome
from closedloop.model import state_at
from closedloop.views import FailureView, failure_views
from kernel.auth import Actor
from kernel.clock import Clock
from kernel.errors import Refused
from kernel.i18n import t
from registry.model import Failure
from registry.rules import RuleSet
from registry.world import World


class Seen(Struct, frozen=True, kw_only=True):
    """The movement as the lane may see it."""

    id: int
    state: str
    plate: str
    flags: tuple[str, ...]


class Result(Struct, frozen=True, kw_only=True):
    """`status`: recorded, repeated, conflict or refused. A refused item has `code` and `detail`;
    `reasons` are the rules that failed, the worst first. `priority`: the truck goes free and first;
    `advice` is what to tell the driver of the lane.
    """

    id: str | None
    status: str
    card: str | None = None
    reasons: list[FailureView] = []
    priority: bool = False
    advice: str | None = None
    movement: Seen | None = None
    code: str | None = None
    detail: str | None = None
    facts: dict[str, Any] = {}


class Results(Struct, frozen=True, kw_only=True):
    results: list[Result]


async def scan_results(intake: Intake, batch: Batch, actor: Actor) -> Results:
    answers = await take(intake, batch, actor)
    now = intake.clock.now()
    return Results(results=[_scan_result(answer, now) for answer in answers])


def _scan_result(answer: Answer, now: datetime) -> Result:
    outcome = answer.outcome
    if outcome is None or outcome.event is None:
        return _refused(answer.id, answer.refusal, outcome, answer.card)
    body = outcome.event.body
    reasons = msgspec.convert(body.get("reasons", ()), tuple[Failure, ...])
    world = outcome.world
    return Result(
        id=answer.id,
        status=outcome.status,
        card=answer.card,
        reasons=[] if world is None else failure_views(reasons, _rules(world, body, now)),
        priority=goes_first(outcome.event),
        advice=None if world is None else lane_advice(outcome.event, world),
        movement=_seen(outcome, now),
    )


def _rules(world: World, body: dict[str, Any], now: datetime) -> RuleSet:
    return world.rules_of(body.get("rules_version", 0), now)


def _seen(outcome: Outcome, now: datetime) -> Seen | None:
    if (loop := outcome.loop) is None:
        return None
    return Seen(
        id=loop.movement_id, state=state_at(loop, now), plate=outcome.plate, flags=loop.flags
    )


def _refused(
    item: str | None, refusal: Refused | None, outcome: Outcome | None, card: str | None = None
) -> Result:
    code = "internal" if refusal is None else refusal.code
    facts = {} if refusal is None else refusal.facts
    return Result(
        id=item,
        status="refused" if outcome is None else outcome.status,
        card=card,
        code=code,
        detail=t(f"error.{code}", **facts),
        facts=facts,
    )


def act_result(outcome: Outcome, clock: Clock) -> Result:
    item = str(outcome.event_id)
    if outcome.event is None or outcome.loop is None:
        return _refused(item, outcome.refusal, outcome)
    seen = _seen(outcome, clock.now())
    return Result(id=item, status=outcome.status, movement=seen)


def refused_result(item: str | None, refusal: Refused) -> Result:
    """An item that never became a proposal."""
    return _refused(item, refusal, None)
