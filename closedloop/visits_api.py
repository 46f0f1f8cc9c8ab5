"""Visits under /api/v1."""

from typing import Any

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from closedloop.visit_answers import Reception, VisitBatch, VisitResults, visit_results
from closedloop.watching import who
from kernel.auth import requires
from registry.model import Role


@post("/visits", guards=[requires(Role.FIRM)], status_code=200, tags=["visits"])
async def take_visits(
    data: JSONBody[VisitBatch],
    request: Request[Any, Any, Any],
    reception: NamedDependency[Reception],
) -> VisitResults:
    """Visitors of the venue at which the caller's device or account stands: 1 to 500, live or
    uploaded later, each with its own id. One bad item never spoils the others, and every item is
    safe to send again.
    """
    return await visit_results(reception, data, who(request))


HANDLERS: list[Any] = [take_visits]
