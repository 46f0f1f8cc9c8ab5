"""Holds under /api/v1: each has the id of the event that began it."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from checkpoint.appeals import appeal
from checkpoint.hold_queries import Held, movement_of_hold, standing_holds
from checkpoint.hold_requests import (
    Acknowledgement,
    Appeal,
    Approval,
    Dismissal,
    NewHold,
    Release,
    Transfer,
)
from checkpoint.holds import HOLDS, find_hold, is_standing
from closedloop.acts import Act, propose
from closedloop.commit import Outcome, append
from closedloop.loops_api import own_situation
from closedloop.model import Hold
from closedloop.reporting import Office
from kernel.auth import Actor, actor_of, public, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Conflict, Forbidden, NotFound
from kernel.problems import answer
from registry.accounts import known_actor
from registry.model import Role
from registry.reports import view_key_fits
from registry.scope import own_district

AnyRequest = Request[Any, Any, Any]
HOLDERS = (Role.DESK, Role.LANE, Role.DUTY)
READERS = (Role.DUTY, Role.DESK, Role.AUDITOR, Role.RECEIVER)
#: Who may say it for a driver without a telephone.
SPEAKERS = frozenset({Role.DESK, Role.DUTY, Role.HOTLINE})


class HoldView(Struct, frozen=True, kw_only=True):
    """`status`: recorded or repeated. `standing` is false once it was released or taken over."""

    status: str
    movement_id: int
    standing: bool
    hold: Hold | None


class Holds(Struct, frozen=True, kw_only=True):
    holds: list[Held]


@get("/holds", guards=[requires(*READERS)])
async def list_holds(request: AnyRequest, tx: NamedDependency[Connection]) -> Holds:
    """Holds that stand, the longest first: of the whole city or one's district, of one's own
    checkpoint, or of those that one's own body is asked to take over.
    """
    actor = known_actor(request)
    receives = Role.RECEIVER in actor.roles
    return Holds(
        holds=await standing_holds(
            tx,
            place_id=None if receives else actor.place_id,
            receiver_id=actor.place_id if receives else None,
            district=own_district(actor),
        )
    )


@post("/holds", guards=[requires(*HOLDERS)], status_code=200)
async def begin_hold(
    data: JSONBody[NewHold],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    """Hold a truck on the spot, with its source record and reason. A truck that is held already
    stays under its first hold, and the new source is added to it.
    """
    act = Act(
        id=data.id,
        kind="hold",
        source=data.source,
        reason=data.reason,
        person=data.person,
        occurred_at=data.occurred_at,
    )
    return await _done(request, tx, office, clock, data.movement_id, act)


@post("/holds/{hold_id:uuid}/approve", guards=[requires(Role.DUTY)], status_code=200)
async def approve_hold(
    hold_id: FromPath[UUID],
    data: JSONBody[Approval],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    """A second person agrees; never the one who ordered it."""
    act = Act(id=data.id, kind="approve_hold", hold_id=hold_id, note=data.note)
    return await _about(request, tx, office, clock, act)


@post("/holds/{hold_id:uuid}/release", guards=[requires(*HOLDERS)], status_code=200)
async def release_hold(
    hold_id: FromPath[UUID],
    data: JSONBody[Release],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    """The truck goes on, and its clock starts; a waiting appeal is thereby upheld."""
    act = Act(
        id=data.id, kind="release_hold", hold_id=hold_id, reason=data.reason, proof=data.proof
    )
    return await _about(request, tx, office, clock, act)


@post("/holds/{hold_id:uuid}/transfer", guards=[requires(*HOLDERS)], status_code=200)
async def transfer_hold(
    hold_id: FromPath[UUID],
    data: JSONBody[Transfer],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    """Ask a receiving body to take over. It has done so when it says so."""
    act = Act(id=data.id, kind="transfer_hold", hold_id=hold_id, place_id=data.place_id)
    return await _about(request, tx, office, clock, act)


@post("/holds/{hold_id:uuid}/acknowledge", guards=[requires(Role.RECEIVER)], status_code=200)
async def acknowledge_hold(
    hold_id: FromPath[UUID],
    data: JSONBody[Acknowledgement],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    """The receiving body has taken over."""
    act = Act(id=data.id, kind="acknowledge_hold", hold_id=hold_id, proof=data.reference)
    return await _about(request, tx, office, clock, act)


@post("/holds/{hold_id:uuid}/appeal", guards=[public], status_code=200)
async def appeal_hold(
    hold_id: FromPath[UUID],
    data: JSONBody[Appeal],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    """Whoever is held says that it is wrong: with the key of the pass page in the header
    `X-View-Key`, or through an officer. The answer is due within the appeal's own time.
    """
    movement_id = await _movement(tx, hold_id)
    speaker = await _speaker(request, tx, office, movement_id)
    outcome = await appeal(
        tx,
        office,
        movement_id,
        hold_id,
        event_id=data.id,
        grounds=data.grounds,
        note=data.note,
        actor=speaker,
        now=clock.now(),
    )
    return Response(_view(outcome, hold_id))


async def _speaker(
    request: AnyRequest, conn: Connection, office: Office, movement_id: int
) -> Actor | None:
    actor = actor_of(request)
    if actor is not None and actor.roles & SPEAKERS:
        await own_situation(conn, office, movement_id, actor)
        return actor
    if not view_key_fits(movement_id, request.headers.get("x-view-key", ""), office.vault):
        raise Forbidden("view_key_needed")
    return None


@post("/holds/{hold_id:uuid}/dismiss", guards=[requires(Role.DUTY)], status_code=200)
async def dismiss_appeal(
    hold_id: FromPath[UUID],
    data: JSONBody[Dismissal],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    """An appeal is answered and the hold stands: by somebody who neither ordered nor approved."""
    act = Act(
        id=data.id, kind="dismiss_appeal", hold_id=hold_id, reason=data.reason, note=data.note
    )
    return await _about(request, tx, office, clock, act)


async def _movement(conn: Connection, hold_id: UUID) -> int:
    movement_id = await movement_of_hold(conn, hold_id)
    if movement_id is None:
        raise NotFound("unknown_hold")
    return movement_id


async def _about(
    request: AnyRequest, conn: Connection, office: Office, clock: Clock, act: Act
) -> Response[Any]:
    movement_id = await _movement(conn, act.hold_id or act.id)
    return await _done(request, conn, office, clock, movement_id, act)


async def _done(
    request: AnyRequest,
    conn: Connection,
    office: Office,
    clock: Clock,
    movement_id: int,
    act: Act,
) -> Response[Any]:
    proposal = propose(movement_id, act, known_actor(request), HOLDS)
    (outcome,) = await append(conn, office.cache, [proposal], clock.now())
    if outcome.status == "conflict":
        # Returned and not raised, as refusals are: what is kept of them must not be undone.
        return answer(request, Conflict("event_id_taken", id=str(act.id)))
    if outcome.refusal is not None:
        return answer(request, outcome.refusal)
    return Response(_view(outcome, act.hold_id or act.id))


def _view(outcome: Outcome, hold_id: UUID) -> HoldView:
    loop = outcome.loop
    held = None if loop is None else find_hold(loop, hold_id) or loop.hold
    return HoldView(
        status=outcome.status,
        movement_id=outcome.movement_id,
        standing=held is not None and loop is not None and is_standing(loop, held),
        hold=held,
    )


HANDLERS: list[Any] = [
    list_holds,
    begin_hold,
    approve_hold,
    release_hold,
    transfer_hold,
    acknowledge_hold,
    appeal_hold,
    dismiss_appeal,
]
