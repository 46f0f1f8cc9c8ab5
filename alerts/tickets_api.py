"""Work items, requests for help, complaints and expected trucks under /api/v1."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Struct

from alerts import tickets_claims as claims
from alerts.expecting import ANSWERING, READING, Expected, Told, answer
from alerts.expecting_queries import Expectation, expectations
from alerts.tickets import NewTicket, Origin, Taken, receive
from alerts.tickets_acts import Done, do
from alerts.tickets_changes import Doing
from alerts.tickets_model import DESK, READERS, Kind, State, Ticket
from alerts.tickets_queries import Asked, Step, find_ticket, history, queue
from alerts.tickets_units import scope_of
from alerts.tickets_words import read_words
from closedloop.reporting import Office
from closedloop.watching import place_of
from kernel.auth import public, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Malformed, NotFound
from registry.accounts import known_actor
from registry.model import Role
from registry.scope import own_district

AnyRequest = Request[Any, Any, Any]
MOST = 500
LAST = 10**9
ACTING = tuple(role for role in READERS if role is not Role.AUDITOR)


class NewItem(NewTicket, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`kind`: screening, complaint or help."""

    kind: Kind


class Listed(Struct, frozen=True, kw_only=True):
    """`urgency`: the priority as it is now, after waiting."""

    ticket: Ticket
    urgency: int


class Tickets(Struct, frozen=True, kw_only=True):
    """`skip` asks for the rest; it is null on the last page."""

    tickets: list[Listed]
    skip: int | None


class Whole(Struct, frozen=True, kw_only=True):
    """`said`: the words of each step, by its event id."""

    ticket: Ticket
    steps: list[Step]
    said: dict[UUID, str]


class Claimed(Struct, frozen=True, kw_only=True):
    until: datetime


class Nothing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """No field is needed."""


class Expectations(Struct, frozen=True, kw_only=True):
    expectations: list[Expectation]


@get("/tickets", guards=[requires(*READERS)], tags=["tickets"])
async def list_tickets(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    kind: FromQuery[Kind | None] = None,
    step: FromQuery[State | None] = None,
    skip: FromQuery[int] = 0,
    limit: FromQuery[int] = 200,
) -> Tickets:
    """Open work items that the caller may see: late steps first, then by urgency and age. `step`:
    received, pushed, replied or reviewed.
    """
    if not 1 <= limit <= MOST or not 0 <= skip <= LAST:
        raise Malformed("limit_out_of_range", most=MOST)
    actor, now = known_actor(request), clock.now()
    desk = (await office.cache.now(tx)).rules_at(now).information
    rows = await queue(
        tx,
        scope_of(actor),
        now,
        desk.ageing_minutes,
        asked=Asked(kind=kind or "", state=step or ""),
        limit=limit,
        skip=skip,
    )
    listed = [Listed(ticket=each.ticket, urgency=each.urgency) for each in rows]
    return Tickets(tickets=listed, skip=skip + limit if len(rows) == limit else None)


@post("/tickets", guards=[requires(*sorted(DESK))], tags=["tickets"])
async def new_ticket(
    request: AnyRequest,
    data: JSONBody[NewItem],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Taken:
    """Take a work item in, from the telephone or another system. The same id is one for ever."""
    said = NewTicket(**{name: getattr(data, name) for name in NewTicket.__struct_fields__})
    actor = known_actor(request)
    return await receive(tx, office, data.kind, said, Origin(source="api"), actor, clock.now())


@get("/tickets/{ticket_id:uuid}", guards=[requires(*READERS)], tags=["tickets"])
async def one_ticket(
    ticket_id: FromPath[UUID],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Whole:
    """One item with its history and what was said. Reading it leaves an audit row."""
    actor = known_actor(request)
    ticket = await find_ticket(tx, ticket_id, scope_of(actor))
    if ticket is None:
        raise NotFound("unknown_ticket")
    said = await read_words(tx, office.vault, ticket_id, actor, clock.now())
    return Whole(
        ticket=ticket,
        steps=await history(tx, ticket_id),
        said={event_id: each.words for event_id, each in said.items()},
    )


@post(
    "/tickets/{ticket_id:uuid}/acts",
    guards=[requires(*ACTING)],
    status_code=200,
    tags=["tickets"],
)
async def act_on_ticket(
    ticket_id: FromPath[UUID],
    request: AnyRequest,
    data: JSONBody[Doing],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Done:
    """Push, reply, send back, accept, reject, answer, call, close, reopen, rate, link or note. With
    `version` it is refused (409 `ticket_changed`) where somebody else came first.
    """
    return await do(tx, office, ticket_id, data, known_actor(request), clock.now())


@post(
    "/tickets/{ticket_id:uuid}/claim",
    guards=[requires(*sorted(DESK))],
    status_code=200,
    tags=["tickets"],
)
async def claim_ticket(
    ticket_id: FromPath[UUID],
    data: JSONBody[Nothing],  # noqa: ARG001 - so that nothing else is sent
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Claimed:
    """Have it in hand for a quarter of an hour; claiming again makes it last again."""
    until = await claims.claim(tx, office, ticket_id, known_actor(request), clock.now())
    return Claimed(until=until)


@post("/help-requests", guards=[public], status_code=202, tags=["tickets"])
async def ask_for_help(
    data: JSONBody[NewTicket],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Taken:
    """Ask for help. It is always taken: the number and the digits open it at /complaints/own."""
    return await receive(tx, office, Kind.HELP, data, Origin(source="api"), None, clock.now())


@post("/complaints", guards=[public], status_code=202, tags=["tickets"])
async def complain(
    data: JSONBody[NewTicket],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Taken:
    """Complain, with or without a telephone. The number and the digits open it again."""
    return await receive(tx, office, Kind.COMPLAINT, data, Origin(source="api"), None, clock.now())


@get("/expectations", guards=[requires(*READING)], tags=["tickets"])
async def list_expectations(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Expectations:
    """Trucks with a pass for the caller's firm or district, and what was answered."""
    actor, now = known_actor(request), clock.now()
    desk = (await office.cache.now(tx)).rules_at(now).information
    found = await expectations(
        tx,
        now,
        desk.expected_minutes,
        place_id=place_of(actor) if Role.FIRM in actor.roles else None,
        district=own_district(actor),
        limit=MOST,
    )
    return Expectations(expectations=found)


@post(
    "/expectations/{movement_id:int}/answer",
    guards=[requires(*ANSWERING)],
    status_code=200,
    tags=["tickets"],
)
async def answer_expectation(
    movement_id: FromPath[int],
    request: AnyRequest,
    data: JSONBody[Expected],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Told:
    """Is this truck expected? `yes`, `no`, `not_us` or `later`; kept whenever it comes."""
    return await answer(tx, office, movement_id, data, known_actor(request), clock.now())


HANDLERS: list[Any] = [
    list_tickets,
    new_ticket,
    one_ticket,
    act_on_ticket,
    claim_ticket,
    ask_for_help,
    complain,
    list_expectations,
    answer_expectation,
]
