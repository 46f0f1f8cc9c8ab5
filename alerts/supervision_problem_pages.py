"""The ledger of problems: the list by deadline, and one problem with what was done about it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from alerts.supervision_photos import keep_photo, photo_named
from alerts.supervision_problem_list import (
    MOST_SHOWN,
    Problem,
    Sought,
    counts_by_unit,
    problem_of,
    problems,
    told_of_problem,
)
from alerts.supervision_problems import ACTS, CLOSERS, NEXT, ProblemAct, act_on_problem
from alerts.supervision_views import (
    READERS,
    WRITERS,
    AnyRequest,
    form_of,
    frame,
    one,
    problem_shown,
    rules_now,
    sender_id,
)
from closedloop.photos import LARGEST_FORM, photo_of
from closedloop.reporting import Office
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Malformed, Refused
from kernel.ids import uuid7
from kernel.web import COMPRESSED, Page, page, url_with
from registry.accounts import known_actor
from registry.scope import own_district
from registry.world import WorldCache

STATES = ("open", "late", "mended", "closed")


@get("/supervision/problems", guards=[requires(*READERS)], middleware=COMPRESSED)
async def problems_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
    which: FromQuery[str] = "open",
    street: FromQuery[str | None] = None,
    trade: FromQuery[str | None] = None,
    after: FromQuery[str] = "",
) -> Page:
    """By deadline; the units with the most late ones beside it."""
    actor, now = known_actor(request), clock.now()
    supervision, own = await rules_now(tx, cache, now), own_district(actor)
    state = which if which in STATES else "open"
    sought = Sought(
        state="open" if state == "late" else state,
        late=state == "late",
        street=street,
        trade=trade,
        district=own,
    )
    found = await problems(tx, sought, now, after=cursor_of(after), limit=MOST_SHOWN + 1)
    shown, more = found[:MOST_SHOWN], found[MOST_SHOWN:]
    asked = {"which": state, "street": street, "trade": trade}
    last = shown[-1] if more else None
    return page(
        "supervision_problems.html",
        problems=[problem_shown(supervision, each) for each in shown],
        units=[
            row
            | {"url": url_with("/supervision/problems", street=row["street"], trade=row["trade"])}
            for row in await counts_by_unit(tx, now, own)
        ],
        state=state,
        states=STATES,
        street=street,
        trade=trade,
        next_url=url_with("/supervision/problems", asked, after=cursor(last)) if last else None,
        **frame(actor, "/supervision/problems", "/supervision/problems"),
    )


def cursor(problem: Problem) -> str:
    return f"{problem.deadline.isoformat()}~{problem.id}"


def cursor_of(text: str) -> tuple[datetime, UUID] | None:
    """Raises Malformed `cursor_malformed`."""
    if not text:
        return None
    at, _, problem_id = text.rpartition("~")
    try:
        return datetime.fromisoformat(at), UUID(problem_id)
    except ValueError as error:
        raise Malformed("cursor_malformed") from error


@get("/supervision/problems/{problem_id:uuid}", guards=[requires(*READERS)])
async def problem_page(
    request: AnyRequest,
    problem_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
    done: FromQuery[str] = "",
) -> Page:
    """One problem, and what may be done about it."""
    return await _show(tx, cache, known_actor(request), problem_id, clock.now(), done=done)


async def _show(
    conn: Connection,
    cache: WorldCache,
    actor: Actor,
    problem_id: UUID,
    now: datetime,
    *,
    done: str = "",
    refused: Refused | None = None,
    values: Mapping[str, str] | None = None,
) -> Page:
    problem = await problem_of(conn, problem_id, own_district(actor), now)
    path = f"/supervision/problems/{problem_id}"
    acts = [act for act in ACTS if (problem.state, act) in NEXT]
    if not actor.roles & CLOSERS:
        acts = [act for act in acts if act not in {"close", "send_back"}]
    return page(
        "supervision_problem.html",
        problem=problem_shown(await rules_now(conn, cache, now), problem),
        acts=[{"act": act, "event_id": str(uuid7(now))} for act in acts],
        told=await told_of_problem(conn, problem_id),
        values=values or {},
        **frame(actor, path, "/supervision/problems", done=done, refused=refused),
    )


@post(
    "/supervision/problems/{problem_id:uuid}/act",
    guards=[requires(*WRITERS)],
    status_code=200,
    request_max_body_size=LARGEST_FORM,
)
async def problem_act_page(
    request: AnyRequest,
    problem_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    office: NamedDependency[Office],
) -> Page | Redirect:
    """Mended, sent back, struck off or open again. Whoever comes second is told who was first."""
    actor, now, form = known_actor(request), clock.now(), await form_of(request)
    act_id, photo, cache = sender_id(form, now), await photo_of(request), office.cache
    said = ProblemAct(
        id=act_id,
        act=one(form, "act"),
        note=one(form, "note"),
        evidence=one(form, "evidence"),
        photo=photo_named(act_id, photo),
    )
    try:
        async with tx.transaction():
            await act_on_problem(tx, problem_id, said, actor, now)
            if photo:
                problem = await problem_of(tx, problem_id, own_district(actor), now)
                await keep_photo(tx, office.vault, problem.due_id, act_id, photo, actor, now)
    except Refused as refused:
        values = {name: given[0] for name, given in form.items()}
        return await _show(tx, cache, actor, problem_id, now, refused=refused, values=values)
    return Redirect(f"/supervision/problems/{problem_id}?done=act", status_code=303)


HANDLERS: list[Any] = [problems_page, problem_page, problem_act_page]
