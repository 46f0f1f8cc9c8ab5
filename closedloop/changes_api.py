"""The feed of changes under /api/v1."""

from typing import Annotated, Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from closedloop.changes import ChangeQuery, Changes, changes
from closedloop.loops_api import MOST, READERS, firm_only
from kernel.auth import actor_of, requires
from kernel.db import Connection
from kernel.errors import Malformed
from registry.scope import own_district


@get("/changes", guards=[requires(*READERS)])
async def read_changes(
    request: Request[Any, Any, Any],
    tx: NamedDependency[Connection],
    after: Annotated[int, QueryParameter(le=2**63 - 1, ge=0)] = 0,
    limit: FromQuery[int] = 200,
) -> Changes:
    """What has changed since a cursor, in order, each version of each loop once; of the loops that
    the caller may see. Begin at 0, keep `after`, and come back with it; changes are kept 30 days.
    """
    if not 1 <= limit <= MOST:
        raise Malformed("limit_out_of_range", most=MOST)
    actor = actor_of(request)
    query = ChangeQuery(
        after=after,
        limit=limit,
        own=actor.place_id if actor is not None and firm_only(actor) else None,
        own_district=own_district(actor),
    )
    return await changes(tx, query)


HANDLERS: list[Any] = [read_changes]
