"""Teams of tracing: who is in each, and making and ending one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from closedloop.reporting import Office
from closedloop.tracing_acts import id_typed
from closedloop.tracing_team_queries import Member, teams
from closedloop.tracing_teams import end_team, make_team
from closedloop.tracing_views import spoken, team_shown
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused
from kernel.i18n import t
from kernel.ids import uuid7
from kernel.web import Page, page
from registry.accounts import home_of, known_actor
from registry.model import Role
from registry.tracing_rules import TeamPart
from registry.wording import error, navigation

AnyRequest = Request[Any, Any, Any]
FIELDS = {"trace_team_name_needed": "name", "trace_team_known": "name"}
DONE = {"made", "ended"}
#: A member that begins so is an account by its log-in.
ACCOUNT = "@"


@get("/trace/teams", guards=[requires(Role.TRACER, Role.DUTY)])
async def teams_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    done: FromQuery[str] = "",
) -> Page:
    """Every team with its members, and the form for another."""
    notice = t(f"trace.teams.done.{done}") if done in DONE else None
    return await _show(tx, office, known_actor(request), clock.now(), notice=notice)


async def _show(
    conn: Connection,
    office: Office,
    actor: Actor,
    now: datetime,
    *,
    notice: str | None = None,
    told: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
) -> Page:
    tracing = (await office.cache.now(conn)).rules_at(now).tracing
    return page(
        "trace_teams.html",
        http_status=422 if told else 200,
        teams=[team_shown(each, tracing) for each in await teams(conn, actor)],
        parts=[{"code": code, "label": label} for code, label in seats(tracing.team)],
        may_make=Role.TRACER in actor.roles,
        event_id=str(uuid7(now)),
        notice=notice,
        errors=[told] if told else [],
        values=values or {},
        path="/trace/teams",
        home_url=home_of(actor),
        nav=navigation(actor),
    )


def seats(parts: tuple[TeamPart, ...]) -> list[tuple[str, str]]:
    """A field for each member: its name and what it is called."""
    return [
        (
            f"{part.code}_{seat}",
            f"{spoken(part.label)} {seat}" if part.members > 1 else spoken(part.label),
        )
        for part in parts
        for seat in range(1, part.members + 1)
    ]


@post("/trace/teams", guards=[requires(Role.TRACER)], status_code=200)
async def make_form(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """A team with all its members. Sent twice it is one."""
    actor, now = known_actor(request), clock.now()
    form = await request.form()
    said = {
        name: value.replace("\0", "")
        for name, value in form.multi_items()
        if isinstance(value, str)
    }
    parts = (await office.cache.now(tx)).rules_at(now).tracing.team
    members = [_member(code, said.get(code, "")) for code, _ in seats(parts)]
    try:
        async with tx.transaction():
            team_id = id_typed(said.get("event_id", ""), "unknown_trace_team")
            await make_team(tx, team_id, said.get("name", ""), members, parts, actor, now)
    except Refused as refused:
        told = error(FIELDS.get(refused.code, ""), refused)
        return await _show(tx, office, actor, now, told=told, values=said)
    return Redirect("/trace/teams?done=made", status_code=303)


def _member(code: str, typed: str) -> Member:
    part, typed = code.rpartition("_")[0], typed.strip()
    if typed.startswith(ACCOUNT):
        return Member(part=part, login=typed.removeprefix(ACCOUNT))
    return Member(part=part, unit=typed)


@post("/trace/teams/{team_id:uuid}/end", guards=[requires(Role.TRACER)], status_code=200)
async def end_form(
    team_id: FromPath[UUID],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """It gets no more work; what it did stays on record."""
    actor, now = known_actor(request), clock.now()
    try:
        await end_team(tx, team_id, actor, now)
    except Refused as refused:
        return await _show(tx, office, actor, now, told=error("", refused))
    return Redirect("/trace/teams?done=ended", status_code=303)


HANDLERS: list[Any] = [teams_page, make_form, end_form]
