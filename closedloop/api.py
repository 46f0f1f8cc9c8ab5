"""Reports, loops and histories under /api/v1."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Struct

from closedloop.model import Loop, state_at
from closedloop.order import in_order
from closedloop.queries import LoopQuery, LoopRow, loops
from closedloop.reporting import Office, Reported, amend, report, situation_of
from closedloop.situation import Situation, check_in_district
from closedloop.views import FailureView, failure_views, pass_picture
from kernel.audit import record_access
from kernel.auth import Actor, actor_of, public, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Forbidden, Malformed, NotFound
from kernel.ids import uuid7
from registry.model import Role
from registry.passes import pass_number
from registry.reports import view_key, view_key_fits
from registry.rules import RuleSet
from registry.scope import own_district
from registry.submission import Submission

READERS = (Role.DUTY, Role.DESK, Role.LANE, Role.FIRM, Role.AUDITOR, Role.TRACER)
MOST = 1000
NO_NUL = r"^[^\x00]*\Z"


class Report(Submission, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A submission with the id that its sender made: the same id is one report for ever."""

    id: UUID | None = None


class Amendment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: UUID
    changes: dict[str, Any]


class MovementView(Struct, frozen=True, kw_only=True):
    id: int
    state: str
    version: int
    pass_number: str | None
    plate: str
    stops: tuple[int, ...]
    entry_place_id: int | None
    window_from: datetime | None
    window_to: datetime | None
    released_at: datetime | None
    due_at: datetime | None
    flags: tuple[str, ...]
    failures: list[FailureView]
    #: Opens the driver's own page; given to whoever reported, and to nobody else.
    view_key: str | None = None


class Loops(Struct, frozen=True, kw_only=True):
    """`cursor` asks for the rest; it is null on the last page."""

    loops: list[LoopRow]
    cursor: int | None


class HistoryView(Struct, frozen=True, kw_only=True):
    movement_id: int
    state: str
    flags: tuple[str, ...]
    loop: Loop
    events: list[dict[str, Any]]


def _view(seen: Reported, rules: RuleSet, now: datetime, key: str | None) -> MovementView:
    movement, loop = seen.movement, seen.loop
    return MovementView(
        id=movement.movement_id,
        state=state_at(loop, now),
        version=movement.version,
        pass_number=seen.number or None,
        plate=movement.plate,
        stops=movement.stops,
        entry_place_id=movement.entry_place_id,
        window_from=movement.window_from,
        window_to=movement.window_to,
        released_at=loop.released_at,
        due_at=loop.due_at,
        flags=loop.flags,
        failures=failure_views(movement.failures, rules),
        view_key=key,
    )


@post("/movements", guards=[public], status_code=201)
async def report_movement(
    data: JSONBody[Report],
    request: Request[Any, Any, Any],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> MovementView:
    """Report a movement before travelling. An incomplete report is kept as a draft with its
    failures; a complete one has a pass number.
    """
    now = clock.now()
    fields = {name: getattr(data, name) for name in Submission.__struct_fields__}
    seen = await report(
        tx,
        office,
        event_id=data.id or uuid7(now),
        said=Submission(**fields),
        channel="api",
        actor=actor_of(request),
        now=now,
    )
    rules = (await office.cache.now(tx)).rules_at(now)
    return _view(seen, rules, now, view_key(seen.movement.movement_id, office.vault))


@patch("/movements/{movement_id:int}", guards=[public])
async def amend_movement(
    movement_id: FromPath[int],
    data: JSONBody[Amendment],
    request: Request[Any, Any, Any],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> MovementView:
    """Change a report, up to the barrier. The driver shows the key of the pass page in the
    header `X-View-Key`; staff act under their own name.
    """
    now, actor = clock.now(), actor_of(request)
    await _may_amend(tx, request, actor, movement_id, office)
    seen = await amend(
        tx,
        office,
        movement_id=movement_id,
        event_id=data.id,
        changes=data.changes,
        actor=actor,
        now=now,
    )
    return _view(seen, (await office.cache.now(tx)).rules_at(now), now, None)


async def _may_amend(
    conn: Connection,
    request: Request[Any, Any, Any],
    actor: Actor | None,
    movement_id: int,
    office: Office,
) -> None:
    if actor is not None and actor.roles & {Role.DESK, Role.DUTY}:
        await _own_situation(conn, office, movement_id, actor)
        return
    key = request.headers.get("x-view-key", "")
    if not view_key_fits(movement_id, key, office.vault):
        raise Forbidden("view_key_needed")


@get("/movements/{movement_id:int}", guards=[requires(*READERS)])
async def read_movement(
    movement_id: FromPath[int],
    request: Request[Any, Any, Any],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> MovementView:
    """A movement as it stands now. A firm sees its own trucks only."""
    now = clock.now()
    situation = await _own_situation(tx, office, movement_id, actor_of(request))
    movement = situation.movement
    number = "" if movement.blocked else pass_number(movement_id, office.vault)
    seen = Reported(movement=movement, loop=situation.loop, number=number)
    return _view(seen, (await office.cache.now(tx)).rules_at(now), now, None)


@get("/movements/{movement_id:int}/pass.svg", guards=[requires(*READERS)])
async def draw_pass(
    movement_id: FromPath[int],
    request: Request[Any, Any, Any],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
) -> Response[bytes]:
    """The pass to print: 24 digits and their QR code, with no personal data."""
    situation = await _own_situation(tx, office, movement_id, actor_of(request))
    world = await office.cache.now(tx)
    return Response(pass_picture(situation, world, office), media_type="image/svg+xml")


async def _own_situation(
    conn: Connection, office: Office, movement_id: int, actor: Actor | None
) -> Situation:
    """To a firm another firm's truck does not exist, nor to a district another's."""
    situation = await situation_of(conn, movement_id)
    check_in_district(situation, actor, await office.cache.now(conn))
    if actor is not None and _firm_only(actor):
        places = {stop.place_id for stop in situation.loop.stops}
        if actor.place_id not in places:
            raise NotFound("unknown_movement", movement_id=movement_id)
    return situation


def _firm_only(actor: Actor) -> bool:
    return not actor.roles & (set(READERS) - {Role.FIRM})


@get("/loops", guards=[requires(*READERS)])
async def list_loops(
    request: Request[Any, Any, Any],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    states: Annotated[str, QueryParameter(name="state", pattern=NO_NUL)] = "",
    place: Annotated[int | None, QueryParameter(le=2**63 - 1, ge=0)] = None,
    since: FromQuery[datetime | None] = None,
    plate: Annotated[str, QueryParameter(pattern=NO_NUL)] = "",
    cursor: Annotated[int, QueryParameter(le=2**63 - 1, ge=0)] = 0,
    limit: FromQuery[int] = 200,
) -> Loops:
    """Loops in order of movement id; `state` takes several, with commas between. `overdue` and
    `lapsed` are read off the clock.
    """
    if not 1 <= limit <= MOST:
        raise Malformed("limit_out_of_range", most=MOST)
    actor = actor_of(request)
    query = LoopQuery(
        states=tuple(part for part in states.split(",") if part),
        place=place,
        own=actor.place_id if actor is not None and _firm_only(actor) else None,
        own_district=own_district(actor),
        since=since,
        plate=plate,
        cursor=cursor,
        limit=limit,
    )
    found = await loops(tx, query, clock.now())
    last = found[-1].movement_id if len(found) == limit else None
    return Loops(loops=found, cursor=last)


@get("/movements/{movement_id:int}/history", guards=[requires(*READERS)])
async def read_history(
    movement_id: FromPath[int],
    request: Request[Any, Any, Any],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> HistoryView:
    """All events of a movement in the order in which they occurred. The reading is audited."""
    now, actor = clock.now(), actor_of(request)
    situation = await _own_situation(tx, office, movement_id, actor)
    if actor is not None:
        await record_access(
            tx,
            actor,
            action="read_history",
            subject_kind="movement",
            subject=str(movement_id),
            reason="api",
            now=now,
        )
    loop = situation.loop
    return HistoryView(
        movement_id=movement_id,
        state=state_at(loop, now),
        flags=loop.flags,
        loop=loop,
        events=[msgspec.to_builtins(event) for event in in_order(situation.events)],
    )


HANDLERS = [
    report_movement,
    amend_movement,
    read_movement,
    draw_pass,
    list_loops,
    read_history,
]
