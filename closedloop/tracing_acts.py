"""What is done about a case of tracing, by the forms of its page."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from closedloop.reporting import Office
from closedloop.tracing_cases import OFFICERS, close_case, decide_case
from closedloop.tracing_clock import set_mark
from closedloop.tracing_exports import ask_export, decide_export
from closedloop.tracing_pages import FIELDS, show_case
from closedloop.tracing_teams import assign, take_step
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Forbidden, NotFound, Refused
from kernel.web import Page, url_with
from registry.accounts import known_actor
from registry.model import Role
from registry.wording import error

AnyRequest = Request[Any, Any, Any]


class ActForm(Struct, frozen=True, kw_only=True):
    event_id: UUID
    mark: str = ""
    what: str = ""
    team_id: str = ""
    task_id: str = ""
    kind: str = ""
    export_id: str = ""


class Doing(NamedTuple):
    conn: Connection
    office: Office
    case_id: UUID
    form: ActForm
    actor: Actor
    now: datetime


def id_typed(text: str, code: str) -> UUID:
    """Raises NotFound of that code."""
    try:
        return UUID(text)
    except ValueError as wrong:
        raise NotFound(code) from wrong


async def _approve(at: Doing) -> None:
    await decide_case(at.conn, at.case_id, at.actor, at.now, yes=True)


async def _refuse(at: Doing) -> None:
    await decide_case(at.conn, at.case_id, at.actor, at.now, yes=False)


async def _mark(at: Doing) -> None:
    world = await at.office.cache.now(at.conn)
    await set_mark(at.conn, world, at.case_id, at.form.mark, at.actor, at.now)


async def _assign(at: Doing) -> None:
    form = at.form
    team = id_typed(form.team_id, "unknown_trace_team")
    await assign(at.conn, at.case_id, form.event_id, form.what, team, at.actor, at.now)


async def _step(at: Doing) -> None:
    form = at.form
    task = id_typed(form.task_id, "unknown_trace_task")
    to = id_typed(form.team_id, "unknown_trace_team") if form.kind == "handed_over" else None
    await take_step(at.conn, at.case_id, task, form.event_id, form.kind, at.actor, at.now, to=to)


async def _close(at: Doing) -> None:
    await close_case(at.conn, at.case_id, at.actor, at.now)


async def _ask_export(at: Doing) -> None:
    await ask_export(at.conn, at.case_id, at.form.event_id, at.actor, at.now)


async def _allow_export(at: Doing) -> None:
    await _decide_export(at, yes=True)


async def _refuse_export(at: Doing) -> None:
    await _decide_export(at, yes=False)


async def _decide_export(at: Doing, *, yes: bool) -> None:
    export_id = id_typed(at.form.export_id, "unknown_trace_export")
    await decide_export(at.conn, at.case_id, export_id, at.actor, at.now, yes=yes)


ACTIONS: dict[str, Callable[[Doing], Awaitable[None]]] = {
    "approve": _approve,
    "refuse": _refuse,
    "mark": _mark,
    "assign": _assign,
    "step": _step,
    "close": _close,
    "ask-export": _ask_export,
    "allow-export": _allow_export,
    "refuse-export": _refuse_export,
}
#: A duty officer decides; the work is the tracers'.
DECISIONS = frozenset({"approve", "refuse", "allow-export", "refuse-export"})


@post("/trace/{case_id:uuid}/{trace_act:str}", guards=[requires(*OFFICERS)], status_code=200)
async def act(
    case_id: FromPath[UUID],
    trace_act: FromPath[str],
    request: AnyRequest,
    data: URLEncodedBody[ActForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """`trace_act`: approve, refuse, mark, assign, step, close, ask-export, allow-export or
    refuse-export. Sent twice, each is done once.
    """
    actor, now = known_actor(request), clock.now()
    do = ACTIONS.get(trace_act)
    if do is None:
        raise NotFound("not_found")
    if trace_act not in DECISIONS and Role.TRACER not in actor.roles:
        raise Forbidden("not_your_role")
    try:
        async with tx.transaction():
            await do(Doing(tx, office, case_id, data, actor, now))
    except Refused as refused:
        if refused.code == "unknown_trace":
            raise
        told = error_told(refused)
        values = {"what": data.what, "team_id": data.team_id}
        return await show_case(tx, office, actor, case_id, now, told=told, values=values)
    return Redirect(url_with(f"/trace/{case_id}", done=trace_act), status_code=303)


def error_told(refused: Refused) -> dict[str, str]:
    return error(FIELDS.get(refused.code, ""), refused)


HANDLERS: list[Any] = [act]
