"""Scans and acts under /api/v1: everything that devices and people send about a movement."""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from checkpoint.desk import DESK
from checkpoint.intake import MOST, Answer, Batch, Intake, take
from closedloop.acts import ACTS, Act, propose
from closedloop.commit import Outcome, append
from closedloop.model import Loop, state_at
from closedloop.reporting import Office
from closedloop.views import FailureView, failure_views
from kernel.auth import actor_of, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Conflict, Malformed, Refused, Unauthenticated
from kernel.i18n import t
from kernel.problems import answer
from registry.model import Failure, Role
from registry.rules import RuleSet

SCANNERS = (Role.LANE, Role.FIRM, Role.DESK, Role.ADMIN)
ACTORS = (Role.FIRM, Role.DESK, Role.LANE, Role.DUTY, Role.ADMIN)
CHECKS = ACTS | DESK


class Seen(Struct, frozen=True, kw_only=True):
    """The movement as the lane may see it."""

    id: int
    state: str
    plate: str
    flags: tuple[str, ...]


class Result(Struct, frozen=True, kw_only=True):
    """`status`: recorded, repeated, conflict or refused. A refused item has `code` and `detail`;
    `reasons` are the rules that failed, the worst first.
    """

    id: str | None
    status: str
    card: str | None = None
    reasons: list[FailureView] = []
    movement: Seen | None = None
    code: str | None = None
    detail: str | None = None
    facts: dict[str, Any] = {}


class Results(Struct, frozen=True, kw_only=True):
    results: list[Result]


@post("/scans", guards=[requires(*SCANNERS)], status_code=200)
async def take_scans(
    data: JSONBody[Batch],
    request: Request[Any, Any, Any],
    intake: NamedDependency[Intake],
) -> Results:
    """A batch of 1 to 500 scans, live or uploaded later, each with its own id. One bad item
    never spoils the others, and every item is safe to send again.
    """
    actor = actor_of(request)
    if actor is None:
        raise Unauthenticated("log_in_first")
    answers = await take(intake, data, actor)
    now = intake.clock.now()
    world = intake.office.cache.held
    rules = world.rules_at(now) if world is not None else None
    return Results(results=[_scan_result(answer, rules, now) for answer in answers])


def _scan_result(answer: Answer, rules: RuleSet | None, now: datetime) -> Result:
    outcome = answer.outcome
    if outcome is None or outcome.event is None:
        return _refused(answer.id, answer.refusal, outcome, answer.card)
    body = outcome.event.body
    reasons = msgspec.convert(body.get("reasons", ()), tuple[Failure, ...])
    return Result(
        id=answer.id,
        status=outcome.status,
        card=answer.card,
        reasons=[] if rules is None else failure_views(reasons, rules),
        movement=_seen(outcome.loop, body, now),
    )


def _seen(loop: Loop | None, body: dict[str, Any], now: datetime) -> Seen | None:
    if loop is None:
        return None
    return Seen(
        id=loop.movement_id,
        state=state_at(loop, now),
        plate=body.get("plate", ""),
        flags=loop.flags,
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


class MovementAct(Act, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An act in a batch names its movement."""

    movement_id: int


class Acts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    events: list[MovementAct]


@post("/movements/{movement_id:int}/events", guards=[requires(*ACTORS)], status_code=200)
async def act_on_movement(
    movement_id: FromPath[int],
    data: JSONBody[Act],
    request: Request[Any, Any, Any],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Response[Result]:
    """One thing that happened to a movement: confirm, discrepancy, divert, delay, incident,
    departed, desk and others. Safe to send again under the same id.
    """
    outcome = (await _act(tx, office, clock, request, [(movement_id, data)]))[0]
    if outcome.status == "conflict":
        # Returned and not raised, so that the conflicting copy is kept.
        return answer(request, Conflict("event_id_taken", id=str(data.id)))
    if outcome.refusal is not None:
        raise outcome.refusal
    return Response(_act_result(outcome, clock))


@post("/events", guards=[requires(*ACTORS)], status_code=200)
async def act_on_movements(
    data: JSONBody[Acts],
    request: Request[Any, Any, Any],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Results:
    """Many acts at once, with a result for each."""
    if len(data.events) > MOST:
        raise Malformed("too_many_scans", most=MOST)
    fields = Act.__struct_fields__
    acts = [
        (each.movement_id, Act(**{name: getattr(each, name) for name in fields}))
        for each in data.events
    ]
    outcomes = await _act(tx, office, clock, request, acts)
    return Results(results=[_act_result(outcome, clock) for outcome in outcomes])


async def _act(
    tx: Connection,
    office: Office,
    clock: Clock,
    request: Request[Any, Any, Any],
    acts: list[tuple[int, Act]],
) -> list[Outcome]:
    actor = actor_of(request)
    if actor is None:
        raise Unauthenticated("log_in_first")
    proposals = [propose(movement_id, act, actor, CHECKS) for movement_id, act in acts]
    return await append(tx, office.cache, proposals, clock.now())


def _act_result(outcome: Outcome, clock: Clock) -> Result:
    item = str(outcome.event_id)
    if outcome.event is None or outcome.loop is None:
        return _refused(item, outcome.refusal, outcome)
    seen = _seen(outcome.loop, {}, clock.now())
    return Result(id=item, status=outcome.status, movement=seen)


HANDLERS = [take_scans, act_on_movement, act_on_movements]
