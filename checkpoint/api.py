"""Scans and acts under /api/v1: everything that devices and people send about a movement."""

from typing import Any

from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from checkpoint.answers import Result, Results, act_result, scan_results
from checkpoint.desk import DESK
from checkpoint.intake import MOST, SCANNERS, Batch, Intake
from closedloop.acts import ACTS, Act, propose
from closedloop.commit import Outcome, append
from closedloop.reporting import Office
from kernel.auth import actor_of, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Conflict, Malformed, Unauthenticated
from kernel.problems import answer
from registry.model import Role

ACTORS = (Role.FIRM, Role.DESK, Role.LANE, Role.DUTY, Role.ADMIN)
CHECKS = ACTS | DESK


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
    return await scan_results(intake, data, actor)


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
    return Response(act_result(outcome, clock))


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
    return Results(results=[act_result(outcome, clock) for outcome in outcomes])


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


HANDLERS = [take_scans, act_on_movement, act_on_movements]
