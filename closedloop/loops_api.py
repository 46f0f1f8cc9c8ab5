"""Loops and histories under /api/v1, and whose they are."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from msgspec import Struct

from closedloop.model import Loop, state_at
from closedloop.order import in_order
from closedloop.queries import LoopQuery, LoopRow, loops
from closedloop.reporting import Office, situation_of
from closedloop.situation import Situation, check_in_district
from kernel.audit import record_access
from kernel.auth import Actor, actor_of, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Malformed, NotFound
from registry.model import Role
from registry.scope import own_district

READERS = (Role.DUTY, Role.DESK, Role.LANE, Role.FIRM, Role.AUDITOR, Role.TRACER)
MOST = 1000
NO_NUL = r"^[^\x00]*\Z"


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


async def own_situation(
    conn: Connection, office: Office, movement_id: int, actor: Actor | None
) -> Situation:
    """To a firm another firm's truck does not exist, nor to a district another's."""
    situation = await situation_of(conn, movement_id)
    check_in_district(situation, actor, await office.cache.now(conn))
    if actor is not None and firm_only(actor):
        places = {stop.place_id for stop in situation.loop.stops}
        if actor.place_id not in places:
            raise NotFound("unknown_movement", movement_id=movement_id)
    return situation


def firm_only(actor: Actor) -> bool:
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
        own=actor.place_id if actor is not None and firm_only(actor) else None,
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
    situation = await own_situation(tx, office, movement_id, actor)
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


HANDLERS = [list_loops, read_history]
