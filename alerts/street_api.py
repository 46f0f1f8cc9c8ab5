"""Street sweeps under /api/v1: dealt out, walked, and what was found sent in."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct

from alerts.street_rounds import NewRound, Round, Stop, find_round, make_round, next_stops
from alerts.street_visits import VisitResult, VisitSaid, record_visits
from alerts.supervision_round_pages import PLANNERS
from alerts.supervision_views import WRITERS, rules_now
from kernel.auth import requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Malformed
from registry.accounts import known_actor
from registry.scope import own_district
from registry.world import WorldCache

AnyRequest = Request[Any, Any, Any]
MOST = 1000
MOST_VISITS = 200


class Visits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    visits: Annotated[tuple[VisitSaid, ...], Meta(min_length=1, max_length=MOST_VISITS)]


class VisitResults(Struct, frozen=True, kw_only=True):
    results: list[VisitResult]


class Stops(Struct, frozen=True, kw_only=True):
    stops: list[Stop]


@post("/supervision/rounds", guards=[requires(*PLANNERS)], status_code=201, tags=["supervision"])
async def new_round(
    request: AnyRequest,
    data: JSONBody[NewRound],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Round:
    """A street sweep: places dealt out to teams."""
    actor = known_actor(request)
    made = await make_round(tx, data, actor, clock.now())
    return await find_round(tx, made, own_district(actor))


@get(
    "/supervision/rounds/{round_id:uuid}/teams/{team:int}",
    guards=[requires(*WRITERS)],
    tags=["supervision"],
)
async def list_stops(
    request: AnyRequest,
    round_id: FromPath[UUID],
    team: FromPath[int],
    tx: NamedDependency[Connection],
    limit: FromQuery[int] = 50,
) -> Stops:
    """A team's next places, in the order of its way."""
    if not 1 <= limit <= MOST:
        raise Malformed("limit_out_of_range", most=MOST)
    await find_round(tx, round_id, own_district(known_actor(request)))
    return Stops(stops=await next_stops(tx, round_id, team, limit))


@post("/supervision/visits", guards=[requires(*WRITERS)], status_code=200, tags=["supervision"])
async def new_visits(
    request: AnyRequest,
    data: JSONBody[Visits],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
) -> VisitResults:
    """What teams found, live or uploaded later; a result for each, and a bad one spoils none."""
    now = clock.now()
    supervision = await rules_now(tx, cache, now)
    actor = known_actor(request)
    return VisitResults(results=await record_visits(tx, supervision, data.visits, actor, now))


HANDLERS: list[Any] = [new_round, list_stops, new_visits]
