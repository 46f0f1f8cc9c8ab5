"""Scans and acts under /api/v1: everything that devices and people send about a movement."""

from typing import Any

import msgspec
from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from checkpoint.answers import Result, Results, act_result, refused_result, scan_results
from checkpoint.batches import CHECKS, MovementAct
from checkpoint.intake import MOST, SCANNERS, Batch, Intake, id_of
from closedloop.acts import Act, propose
from closedloop.commit import Proposal, append
from closedloop.reporting import Office
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Conflict, Malformed, Refused
from kernel.problems import answer
from registry.accounts import known_actor
from registry.model import Role

ACTORS = (Role.FIRM, Role.DESK, Role.LANE, Role.DUTY, Role.REGISTRAR)


@post("/scans", guards=[requires(*SCANNERS)], status_code=200)
async def take_scans(
    data: JSONBody[Batch],
    request: Request[Any, Any, Any],
    intake: NamedDependency[Intake],
) -> Results:
    """A batch of 1 to 500 scans, live or uploaded later, each with its own id. One bad item
    never spoils the others, and every item is safe to send again.
    """
    return await scan_results(intake, data, known_actor(request))


class Acts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Items are read one by one, so that a bad one does not spoil the others."""

    events: list[Any]


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
    departed, desk, void, reissue and others. Safe to send again under the same id.
    """
    proposal = propose(movement_id, data, known_actor(request), CHECKS)
    outcome = (await append(tx, office.cache, [proposal], clock.now()))[0]
    if outcome.status == "conflict":
        # Returned and not raised, as refusals are: what is kept of them must not be undone.
        return answer(request, Conflict("event_id_taken", id=str(data.id)))
    if outcome.refusal is not None:
        return answer(request, outcome.refusal)
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
    actor = known_actor(request)
    read = [_read(said, actor) for said in data.events]
    proposals = [each for each in read if isinstance(each, Proposal)]
    outcomes = iter(await append(tx, office.cache, proposals, clock.now()))
    return Results(
        results=[
            act_result(next(outcomes), clock) if isinstance(each, Proposal) else each
            for each in read
        ]
    )


def _read(said: Any, actor: Actor) -> Proposal | Result:  # noqa: ANN401 - whatever was sent
    try:
        return msgspec.convert(said, MovementAct).proposal(actor)
    except msgspec.ValidationError:
        return refused_result(id_of(said), Malformed("malformed"))
    except Refused as refused:
        return refused_result(id_of(said), refused)


HANDLERS = [take_scans, act_on_movement, act_on_movements]
