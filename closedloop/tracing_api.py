"""Tracing under /api/v1/traces."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Struct

from closedloop.acts import Number, Text
from closedloop.loops_api import NO_NUL
from closedloop.reporting import Office
from closedloop.tracing_case_view import Decision, TraceView, view
from closedloop.tracing_cases import OFFICERS, Asked, NewCase, audited, decide_case, open_case
from closedloop.tracing_cases import close_case as close
from closedloop.tracing_model import Contact, Sighting
from closedloop.tracing_pages import READERS
from closedloop.tracing_people_pages import LONGEST_CURSOR, within_quota
from closedloop.tracing_queries import CaseQuery, cases, own_case
from closedloop.tracing_reading import (
    PART,
    looking,
    read_contacts,
    read_second,
    read_trajectory,
)
from closedloop.tracing_work_api import HANDLERS as WORK
from kernel.auth import requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Malformed
from registry.accounts import known_actor
from registry.model import Role
from registry.scope import own_district

AnyRequest = Request[Any, Any, Any]
MOST = 500
TRACER = requires(Role.TRACER)


class SubjectSaid(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of: `movement_id` (its crew, or the one with `ordinal`), `id_number`, `plate`,
    `place_id`.
    """

    movement_id: Number | None = None
    ordinal: Number | None = None
    id_type: Text = "resident"
    id_number: Text = ""
    plate: Text = ""
    place_id: Number | None = None

    def __repr__(self) -> str:
        return "SubjectSaid()"


class NewTrace(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: UUID
    number: Text
    reason: Text
    since: datetime
    until: datetime
    subjects: Annotated[list[SubjectSaid], msgspec.Meta(max_length=200)]


class Traces(Struct, frozen=True, kw_only=True):
    """`cursor` asks for the rest; null on the last page."""

    traces: list[TraceView]
    cursor: str | None


class Trajectory(Struct, frozen=True, kw_only=True):
    """`risky`: place → number of cases that were there, where that makes it a risk place."""

    sightings: list[Sighting]
    risky: dict[int, int]


class ContactList(Struct, frozen=True, kw_only=True):
    contacts: list[Contact]
    cursor: str | None


@get("/traces", guards=[requires(*READERS)])
async def list_traces(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    before: Annotated[datetime | None, QueryParameter()] = None,
    before_id: FromQuery[UUID | None] = None,
    limit: FromQuery[int] = 100,
) -> Traces:
    """Cases, the newest first. `cursor` is the `before` of the next page, `before_id` its id."""
    if not 1 <= limit <= MOST:
        raise Malformed("limit_out_of_range", most=MOST)
    actor = known_actor(request)
    cursor = (before, before_id) if before is not None and before_id is not None else None
    query = CaseQuery(district=own_district(actor), before=cursor, limit=limit)
    found = await cases(tx, query)
    last = found[-1].opened_at.isoformat() if len(found) == limit else None
    views = [await view(tx, office, each, clock.now()) for each in found]
    return Traces(traces=views, cursor=last)


@post("/traces", guards=[requires(*OFFICERS)], status_code=201)
async def new_trace(
    data: JSONBody[NewTrace],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> TraceView:
    """Open a case, with a number and a reason. More than a few subjects or days need a second
    officer.
    """
    said = NewCase(
        id=data.id,
        number=data.number,
        reason=data.reason,
        since=data.since,
        until=data.until,
        subjects=tuple(
            Asked(**{name: getattr(each, name) for name in each.__struct_fields__})
            for each in data.subjects
        ),
    )
    case = await open_case(tx, office, said, known_actor(request), clock.now())
    return await view(tx, office, case, clock.now())


@get("/traces/{case_id:uuid}", guards=[requires(*READERS)])
async def read_trace(
    case_id: FromPath[UUID],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> TraceView:
    """One case without its people. The reading is audited."""
    actor, now = known_actor(request), clock.now()
    case = await own_case(tx, case_id, actor)
    await audited(tx, actor, "read_trace", case_id, case.number, now)
    return await view(tx, office, case, now)


@post("/traces/{case_id:uuid}/decision", guards=[requires(*OFFICERS)], status_code=200)
async def decide_trace(
    case_id: FromPath[UUID],
    data: JSONBody[Decision],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> TraceView:
    """A second officer agrees or not."""
    actor, now = known_actor(request), clock.now()
    case = await decide_case(tx, case_id, actor, now, yes=data.approve)
    return await view(tx, office, case, now)


@post("/traces/{case_id:uuid}/close", guards=[TRACER], status_code=200)
async def close_trace(
    case_id: FromPath[UUID],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> TraceView:
    """From then on nobody is shown its people."""
    actor, now = known_actor(request), clock.now()
    await close(tx, case_id, actor, now)
    return await view(tx, office, await own_case(tx, case_id, actor), now)


@get("/traces/{case_id:uuid}/subjects/{subject_no:int}/trajectory", guards=[TRACER])
async def read_places(
    case_id: FromPath[UUID],
    subject_no: FromPath[int],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    """Where and when one subject was seen, and how that is known. The reading is audited."""
    actor, now = known_actor(request), clock.now()

    async def read() -> Response[Trajectory]:
        at = await looking(tx, office, case_id, subject_no, actor, now)
        found = await read_trajectory(tx, at)
        return Response(Trajectory(sightings=found.sightings, risky=found.risky))

    return await within_quota(request, tx, actor, now, read)


@get("/traces/{case_id:uuid}/subjects/{subject_no:int}/contacts", guards=[TRACER])
async def read_people(
    case_id: FromPath[UUID],
    subject_no: FromPath[int],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    degree: FromQuery[Literal["1", "2"]] = "1",
    cursor: Annotated[str, QueryParameter(pattern=NO_NUL, max_length=LONGEST_CURSOR)] = "",
    limit: FromQuery[int] = PART,
) -> Response[Any]:
    """Who was there too, by the classes of the rule set; `degree=2`: contacts of contacts, which
    have no cursor. One row of the record of accesses for each who is shown.
    """
    if not 1 <= limit <= MOST:
        raise Malformed("limit_out_of_range", most=MOST)
    actor, now = known_actor(request), clock.now()

    async def read() -> Response[ContactList]:
        at = await looking(tx, office, case_id, subject_no, actor, now)
        found = (
            await read_second(tx, at)
            if degree == "2"
            else await read_contacts(tx, at, after=cursor, limit=limit)
        )
        return Response(ContactList(contacts=found.contacts, cursor=found.cursor))

    return await within_quota(request, tx, actor, now, read)


HANDLERS: list[Any] = [
    list_traces,
    new_trace,
    read_trace,
    decide_trace,
    close_trace,
    read_places,
    read_people,
    *WORK,
]
