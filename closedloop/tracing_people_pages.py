"""One subject of a case: where it was seen, who was there too, and one of them in full."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody

from closedloop.reporting import Office
from closedloop.reveal_pages import RevealForm
from closedloop.tracing_cases import check_open
from closedloop.tracing_contacts import second_rule
from closedloop.tracing_model import Case
from closedloop.tracing_queries import own_case
from closedloop.tracing_quota import count_refused
from closedloop.tracing_reading import (
    PART,
    Contacts,
    looking,
    read_contacts,
    read_second,
    read_trajectory,
)
from closedloop.tracing_views import (
    case_line,
    classes_shown,
    contact_shown,
    named,
    spoken,
    subject_shown,
    traced_shown,
)
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import NotFound, Refused, TooMany
from kernel.problems import answer
from kernel.web import Page, page, url_with
from registry import reveal
from registry.accounts import home_of, known_actor
from registry.model import Role
from registry.wording import error, navigation
from registry.world import World

AnyRequest = Request[Any, Any, Any]
MAY = requires(Role.TRACER)
#: A cursor is a key of ours.
LONGEST_CURSOR = 64


async def within_quota(
    request: AnyRequest,
    conn: Connection,
    actor: Actor,
    now: datetime,
    read: Callable[[], Awaitable[Any]],
) -> Any:  # noqa: ANN401 - what was read, or the answer that refuses it
    """A day's number that is used up is told by a returned answer, so that the count stays."""
    try:
        async with conn.transaction():
            return await read()
    except TooMany as refused:
        await count_refused(conn, actor.id, now)
        return answer(request, refused)


@get("/trace/{case_id:uuid}/subjects/{subject_no:int}", guards=[MAY])
async def trajectory_page(
    case_id: FromPath[UUID],
    subject_no: FromPath[int],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Response[Any]:
    """Places and times, how each is known, and how uncertain it is. The reading is audited."""
    actor, now = known_actor(request), clock.now()

    async def read() -> Page:
        at = await looking(tx, office, case_id, subject_no, actor, now)
        traced = await read_trajectory(tx, at)
        world = await office.cache.now(tx)
        subject = subject_shown(traced.subject, world, named=True)
        risk = traced.rules.tracing.risk_place
        return page(
            "trace_trajectory.html",
            case=case_line(traced.case),
            subject=subject,
            title=named(subject),
            sightings=traced_shown(traced, world),
            risk_label=spoken(risk.label) if risk else "",
            confined=at.district is not None,
            has_second=second_rule(traced.rules.tracing) is not None,
            home_url=home_of(actor),
            nav=navigation(actor),
        )

    return await within_quota(request, tx, actor, now, read)


@get("/trace/{case_id:uuid}/subjects/{subject_no:int}/contacts", guards=[MAY])
async def contacts_page(
    case_id: FromPath[UUID],
    subject_no: FromPath[int],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    degree: FromQuery[Literal["1", "2"]] = "1",
    after: FromQuery[str] = "",
) -> Page | Response[Any]:
    """Who was there too, by class; `degree=2`: contacts of contacts. Each who is shown has a row of
    the record of accesses.
    """
    actor, now = known_actor(request), clock.now()
    path = f"/trace/{case_id}/subjects/{subject_no}/contacts"

    async def read() -> Page:
        at = await looking(tx, office, case_id, subject_no, actor, now)
        cursor = after.replace("\0", "")[:LONGEST_CURSOR]
        try:
            async with tx.transaction():
                found = (
                    await read_second(tx, at)
                    if degree == "2"
                    else await read_contacts(tx, at, after=cursor, limit=PART)
                )
        except Refused as refused:
            none = Contacts(case=at.case, subject=at.subject, rules=at.rules, contacts=[], met=0)
            return _contacts(actor, none, await office.cache.now(tx), path, degree, refused)
        return _contacts(actor, found, await office.cache.now(tx), path, degree)

    return await within_quota(request, tx, actor, now, read)


def _contacts(
    actor: Actor,
    found: Contacts,
    world: World,
    path: str,
    degree: str,
    refused: Refused | None = None,
) -> Page:
    subject = subject_shown(found.subject, world, named=False)
    tracing = found.rules.tracing
    return page(
        "trace_contacts.html",
        http_status=422 if refused else 200,
        case=case_line(found.case),
        subject=subject,
        title=named(subject),
        has_classes=bool(tracing.classes),
        has_second=second_rule(tracing) is not None,
        classes=classes_shown(tracing, found.contacts),
        contacts=[contact_shown(each, found.rules, world) for each in found.contacts],
        degree=degree,
        here=path,
        next_url=url_with(path, after=found.cursor) if found.cursor else None,
        errors=[error("", refused)] if refused else [],
        home_url=home_of(actor),
        nav=navigation(actor),
    )


async def _shown_case(conn: Connection, case_id: UUID, person_id: UUID, actor: Actor) -> Case:
    """Only whoever this case came upon, while it is open. Raises NotFound `unknown_person`."""
    case = await own_case(conn, case_id, actor)
    check_open(case)
    known = await conn.fetchval(
        "SELECT 1 FROM closedloop.trace_shown WHERE case_id = $1 AND person_id = $2",
        case_id,
        person_id,
    )
    if known is None:
        raise NotFound("unknown_person")
    return case


@get("/trace/{case_id:uuid}/people/{person_id:uuid}/reveal", guards=[MAY])
async def reveal_page(
    case_id: FromPath[UUID],
    person_id: FromPath[UUID],
    request: AnyRequest,
    tx: NamedDependency[Connection],
) -> Page:
    """The question why; nothing is shown yet."""
    actor = known_actor(request)
    case = await _shown_case(tx, case_id, person_id, actor)
    return _reveal(actor, case, person_id, RevealForm(reason="tracing"))


@post("/trace/{case_id:uuid}/people/{person_id:uuid}/reveal", guards=[MAY], status_code=200)
async def reveal_form(
    case_id: FromPath[UUID],
    person_id: FromPath[UUID],
    request: AnyRequest,
    data: URLEncodedBody[RevealForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page:
    """Show name, number and telephone once. The page is not kept by any cache."""
    actor, now = known_actor(request), clock.now()
    case = await _shown_case(tx, case_id, person_id, actor)
    try:
        async with tx.transaction():
            shown = await reveal.reveal_by_id(
                tx,
                office.vault,
                actor,
                person_id=person_id,
                reason=data.reason,
                note=data.note,
                now=now,
            )
    except Refused as refused:
        if isinstance(refused, TooMany):
            await reveal.count_refused(tx, actor.id, now)
        return _reveal(actor, case, person_id, data, refused=refused)
    return _reveal(actor, case, person_id, data, shown=shown)


def _reveal(
    actor: Actor,
    case: Case,
    person_id: UUID,
    said: RevealForm,
    *,
    shown: reveal.Revealed | None = None,
    refused: Refused | None = None,
) -> Page:
    status = 200 if refused is None else 429 if isinstance(refused, TooMany) else 422
    return page(
        "trace_reveal.html",
        http_status=status,
        case=case_line(case),
        person_id=person_id,
        shown=shown,
        reasons=reveal.REASONS,
        values={"reason": said.reason, "note": said.note},
        errors=[] if refused is None else [error("", refused)],
        home_url=home_of(actor),
        nav=navigation(actor),
    )


HANDLERS: list[Any] = [trajectory_page, contacts_page, reveal_page, reveal_form]
