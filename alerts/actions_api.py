"""What is done about an alert, under /api/v1: claimed, called, answered, closed.

Refusals of what is appended are returned and not raised, so that what is kept of them stays.
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from alerts import claims
from alerts.acting import call, close, reply
from alerts.claims import Claim
from alerts.closing import Close
from alerts.reaching import alert_named
from alerts.replies import Call, Reply
from alerts.same_truck import same_truck
from closedloop.acts import Number
from closedloop.commit import Outcome
from closedloop.model import Loop, State, state_at
from closedloop.reporting import Office
from kernel.auth import requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Conflict
from kernel.problems import answer
from registry.accounts import known_actor
from registry.model import Role

AnyRequest = Request[Any, Any, Any]
REPLIERS = (Role.DUTY, Role.HOTLINE, Role.POLICE, Role.GRID, Role.FIRM)
CALLERS = (Role.DUTY, Role.HOTLINE)


class Acted(Struct, frozen=True, kw_only=True):
    """`status`: recorded or repeated; the movement as it now stands."""

    id: UUID
    status: str
    movement_id: int
    state: State | None
    due_at: datetime | None


class Nothing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """No field is needed."""


class Snooze(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`minutes`: 10 or 30."""

    minutes: Annotated[int, Meta(ge=0, le=1440)]


class Snoozed(Struct, frozen=True, kw_only=True):
    until: datetime


class Handover(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To a colleague of the duty desk: one movement's claim, or all that one has."""

    to: UUID
    movement_id: Number | None = None


class HandedOver(Struct, frozen=True, kw_only=True):
    claims: int


class SameTruck(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`other`: the movement under which it was seen, its plate misread."""

    id: UUID
    other: Number


@post("/alerts/{alert_id:str}/claim", guards=[requires(Role.DUTY)], status_code=200)
async def claim_alert(
    alert_id: FromPath[str],
    data: JSONBody[Nothing],  # noqa: ARG001 - so that nothing else is sent
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Claim:
    """Look after this movement for a quarter of an hour; claiming again makes it last again."""
    actor = known_actor(request)
    alert, _ = await alert_named(tx, office, alert_id, actor)
    return await claims.claim(tx, alert.movement_id, actor, clock.now())


@post("/alerts/{alert_id:str}/release", guards=[requires(Role.DUTY)], status_code=204)
async def release_alert(
    alert_id: FromPath[str],
    data: JSONBody[Nothing],  # noqa: ARG001
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> None:
    """Give a claim back before it ends by itself."""
    actor = known_actor(request)
    alert, _ = await alert_named(tx, office, alert_id, actor)
    await claims.give_back(tx, alert.movement_id, actor, clock.now())


@post("/alerts/{alert_id:str}/snooze", guards=[requires(Role.DUTY)], status_code=200)
async def snooze_alert(
    alert_id: FromPath[str],
    data: JSONBody[Snooze],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Snoozed:
    """Ask for it again later. The ladder goes on, and its next rung brings it back."""
    actor = known_actor(request)
    alert, _ = await alert_named(tx, office, alert_id, actor)
    until = await claims.snooze(tx, alert.movement_id, data.minutes, actor, clock.now())
    return Snoozed(until=until)


@post("/alerts/handover", guards=[requires(Role.DUTY)], status_code=200)
async def hand_over(
    data: JSONBody[Handover],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> HandedOver:
    """Give one's claims to a colleague at the end of a shift."""
    actor = known_actor(request)
    given = await claims.hand_over(tx, actor, data.to, clock.now(), data.movement_id)
    return HandedOver(claims=given)


@post("/alerts/{alert_id:str}/reply", guards=[requires(*REPLIERS)], status_code=200)
async def reply_to_alert(
    alert_id: FromPath[str],
    data: JSONBody[Reply],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    """A coded reply (1 to 9). Only 3 and 7 with a proof that an officer has seen end the enquiry;
    a firm's 3 is its confirmation of the arrival.
    """
    actor, now = known_actor(request), clock.now()
    alert, _ = await alert_named(tx, office, alert_id, actor)
    outcome = await reply(tx, office, alert.movement_id, data, actor, now)
    return answered(request, outcome, now)


@post("/alerts/{alert_id:str}/call", guards=[requires(*CALLERS)], status_code=200)
async def log_call(
    alert_id: FromPath[str],
    data: JSONBody[Call],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    """A call that was made, with its result; the result counts as a reply."""
    actor, now = known_actor(request), clock.now()
    alert, _ = await alert_named(tx, office, alert_id, actor)
    outcome = await call(tx, office, alert.movement_id, data, actor, now)
    return answered(request, outcome, now)


@post("/alerts/{alert_id:str}/close", guards=[requires(Role.DUTY)], status_code=200)
async def close_alert(
    alert_id: FromPath[str],
    data: JSONBody[Close],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    """End a movement by hand: one officer proposes with reason and proof, another approves."""
    actor, now = known_actor(request), clock.now()
    alert, _ = await alert_named(tx, office, alert_id, actor)
    outcome = await close(tx, office, alert.movement_id, data, actor, now)
    return answered(request, outcome, now)


@post("/alerts/{alert_id:str}/same-truck", guards=[requires(Role.DUTY)], status_code=200)
async def name_same_truck(
    alert_id: FromPath[str],
    data: JSONBody[SameTruck],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    """The missing truck is one that arrived under a plate misread by one character."""
    actor, now = known_actor(request), clock.now()
    alert, _ = await alert_named(tx, office, alert_id, actor)
    outcome = await same_truck(
        tx,
        office,
        alert.movement_id,
        event_id=data.id,
        other_id=data.other,
        actor=actor,
        now=now,
    )
    return answered(request, outcome, now)


def answered(request: AnyRequest, outcome: Outcome, now: datetime) -> Response[Any]:
    if outcome.status == "conflict":
        return answer(request, Conflict("event_id_taken", id=str(outcome.event_id)))
    if outcome.refusal is not None:
        return answer(request, outcome.refusal)
    loop: Loop | None = outcome.loop
    return Response(
        Acted(
            id=outcome.event_id,
            status=outcome.status,
            movement_id=outcome.movement_id,
            state=None if loop is None else state_at(loop, now),
            due_at=None if loop is None else loop.due_at,
        )
    )


HANDLERS: list[Any] = [
    claim_alert,
    release_alert,
    snooze_alert,
    hand_over,
    reply_to_alert,
    log_call,
    close_alert,
    name_same_truck,
]
