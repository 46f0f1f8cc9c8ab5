"""Coverage and supervision under /api/v1."""

from datetime import date
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Struct

from alerts.supervision_cases import Receipt, StepSaid, open_case, take_step
from alerts.supervision_figures import Line, Row, Which, figures, moment, rows_of, what_of
from alerts.supervision_flags import Flag, flags
from alerts.supervision_problem_list import Problem, Sought, problems
from alerts.supervision_problem_pages import cursor, cursor_of
from alerts.supervision_problems import (
    NewProblem,
    ProblemAct,
    ProblemReceipt,
    act_on_problem,
    open_problem,
)
from alerts.supervision_report import Frozen, report_of
from alerts.supervision_steps import local_day
from alerts.supervision_views import READERS, WRITERS, chosen, rules_now
from kernel.auth import requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Malformed
from registry.accounts import known_actor
from registry.scope import own_district
from registry.world import WorldCache

AnyRequest = Request[Any, Any, Any]
MOST = 1000


class Figures(Struct, frozen=True, kw_only=True):
    lines: list[Line]


class Rows(Struct, frozen=True, kw_only=True):
    """`cursor` asks for the rest; it is null on the last page."""

    rows: list[Row]
    cursor: int | None


class Problems(Struct, frozen=True, kw_only=True):
    problems: list[Problem]
    cursor: str | None


class Missed(Struct, frozen=True, kw_only=True):
    flags: list[Flag]


class NewCase(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Opens a ladder at a place by its first step."""

    due_id: int
    ladder: str
    step: StepSaid


@get("/coverage", guards=[requires(*READERS)], tags=["supervision"])
async def coverage_figures(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
    district: FromQuery[str] = "",
) -> Figures:
    """How many places should have a code, have one, use it and were scanned today; whole, by
    district, by street office and by trade.
    """
    actor, now = known_actor(request), clock.now()
    supervision = await rules_now(tx, cache, now)
    at = moment(local_day(now), now, supervision.idle_days)
    return Figures(lines=await figures(tx, at, chosen(actor, district)))


@get("/coverage/rows", guards=[requires(*READERS)], tags=["supervision"])
async def coverage_rows(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
    what: FromQuery[str] = "due",
    district: FromQuery[str] = "",
    street: FromQuery[str | None] = None,
    trade: FromQuery[str | None] = None,
    cursor: FromQuery[int] = 0,
    limit: FromQuery[int] = 200,
) -> Rows:
    """The rows behind a number: `what` is due, set_up, missing, in_use, today or idle."""
    _check(limit)
    actor, now = known_actor(request), clock.now()
    supervision = await rules_now(tx, cache, now)
    which = Which(
        what=what_of(what),
        district=chosen(actor, district),
        street=street,
        trade=trade,
    )
    at = moment(local_day(now), now, supervision.idle_days)
    found = await rows_of(tx, at, which, after=cursor, limit=limit)
    return Rows(rows=found, cursor=found[-1].id if len(found) == limit else None)


@get("/supervision/flags", guards=[requires(*READERS)], tags=["supervision"])
async def list_flags(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
) -> Missed:
    """What should have been done and was not: checks of the day, looks back, mendings."""
    actor, now = known_actor(request), clock.now()
    supervision = await rules_now(tx, cache, now)
    return Missed(flags=await flags(tx, supervision, now, own_district(actor)))


@post("/supervision/cases", guards=[requires(*WRITERS)], status_code=201, tags=["supervision"])
async def new_case(
    request: AnyRequest,
    data: JSONBody[NewCase],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
) -> Receipt:
    """Put a place on a ladder of the rule set. The same `step.id` again is `repeated`."""
    now = clock.now()
    supervision = await rules_now(tx, cache, now)
    actor = known_actor(request)
    return await open_case(tx, supervision, data.due_id, data.ladder, data.step, actor, now)


@post(
    "/supervision/cases/{oversight_id:uuid}/steps",
    guards=[requires(*WRITERS)],
    status_code=200,
    tags=["supervision"],
)
async def new_step(
    request: AnyRequest,
    oversight_id: FromPath[UUID],
    data: JSONBody[StepSaid],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
) -> Receipt:
    """Take a step of the ladder. A step that may not be taken is 409, with why."""
    now = clock.now()
    supervision = await rules_now(tx, cache, now)
    return await take_step(tx, supervision, oversight_id, data, known_actor(request), now)


@get("/supervision/problems", guards=[requires(*READERS)], tags=["supervision"])
async def list_problems(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    which: FromQuery[str] = "",
    street: FromQuery[str | None] = None,
    trade: FromQuery[str | None] = None,
    after: FromQuery[str] = "",
    limit: FromQuery[int] = 200,
) -> Problems:
    """Problems by deadline; `which` is open, late (open and overdue), mended or closed."""
    _check(limit)
    sought = Sought(
        state="open" if which == "late" else which or None,
        late=which == "late",
        street=street,
        trade=trade,
        district=own_district(known_actor(request)),
    )
    found = await problems(tx, sought, clock.now(), after=cursor_of(after), limit=limit)
    return Problems(problems=found, cursor=cursor(found[-1]) if len(found) == limit else None)


@post("/supervision/problems", guards=[requires(*WRITERS)], status_code=201, tags=["supervision"])
async def new_problem(
    request: AnyRequest,
    data: JSONBody[NewProblem],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
) -> ProblemReceipt:
    """Enter a problem. One that is open for the same finding there is given back."""
    now = clock.now()
    supervision = await rules_now(tx, cache, now)
    return await open_problem(tx, supervision, data, known_actor(request), now)


@post(
    "/supervision/problems/{problem_id:uuid}/acts",
    guards=[requires(*WRITERS)],
    status_code=200,
    tags=["supervision"],
)
async def new_problem_act(
    request: AnyRequest,
    problem_id: FromPath[UUID],
    data: JSONBody[ProblemAct],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> ProblemReceipt:
    """`mend`, `send_back`, `close` or `reopen`. Of two who close one, the second gets 409 with who
    was first.
    """
    return await act_on_problem(tx, problem_id, data, known_actor(request), clock.now())


@get("/supervision/report", guards=[requires(*READERS)], tags=["supervision"])
async def day_report(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
    day: FromQuery[date | None] = None,
    version: FromQuery[int | None] = None,
) -> Frozen:
    """A day's report, tally and bulletin. Version 0 is today, which moves; others are frozen."""
    actor, now = known_actor(request), clock.now()
    supervision = await rules_now(tx, cache, now)
    where = chosen(actor, "")
    return await report_of(tx, supervision, day or local_day(now), now, where, version)


def _check(limit: int) -> None:
    if not 1 <= limit <= MOST:
        raise Malformed("limit_out_of_range", most=MOST)


HANDLERS: list[Any] = [
    coverage_figures,
    coverage_rows,
    list_flags,
    new_case,
    new_step,
    list_problems,
    new_problem,
    new_problem_act,
    day_report,
]
