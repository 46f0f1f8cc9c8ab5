"""The security officer grants: releases what was prepared, resets second factors, ends log-ins."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from kernel.access_alarms import alarms_since
from kernel.audit import record_access
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import NotFound, Refused
from kernel.i18n import t
from kernel.settings import Settings
from kernel.web import Page, page, url_with
from registry.account_changes import disable, refuse, release, reset_factor
from registry.account_queries import ChangeRow, accounts, changes_waiting
from registry.accounts import known_actor
from registry.admin_pages import account_shown
from registry.model import Role
from registry.office_views import PER_PAGE, framed, roles_spoken
from registry.sessions import end, end_all, limits_of, open_sessions
from registry.wording import error

AnyRequest = Request[Any, Any, Any]
ALARMS_SHOWN = timedelta(days=14)
DONE = {"released", "refused", "disabled", "factor", "ended"}


class ReleaseForm(Struct, frozen=True, kw_only=True):
    drops_factor: str = ""


@get("/security/accounts", guards=[requires(Role.SECURITY)])
async def grants_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    after: FromQuery[str] = "",
    done: FromQuery[str] = "",
) -> Page:
    """What waits for a decision, and every account."""
    notice = t(f"ui.grants.done.{done}") if done in DONE else None
    return await _grants(tx, known_actor(request), clock.now(), after=after, notice=notice)


async def _grants(
    conn: Connection,
    actor: Actor,
    now: datetime,
    *,
    after: str = "",
    notice: str | None = None,
    told: dict[str, str] | None = None,
) -> Page:
    found = await accounts(conn, now, after=after.replace("\0", ""), limit=PER_PAGE)
    more = url_with("/security/accounts", after=found[-1].login) if len(found) == PER_PAGE else None
    return page(
        "grants.html",
        http_status=422 if told else 200,
        changes=[_change(each) for each in await changes_waiting(conn)],
        accounts=[account_shown(each) for each in found],
        alarms=await alarms_since(conn, (now - ALARMS_SHOWN).date()),
        next_url=more,
        notice=notice,
        errors=[told] if told else [],
        **framed(actor, "/security/accounts"),
    )


def _change(row: ChangeRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "login": row.login,
        "name": row.name,
        "roles_now": roles_spoken(row.roles_now),
        "roles": roles_spoken(row.roles),
        "where": " · ".join(part for part in (row.place, row.district) if part),
        "prepared_by": row.prepared_by,
        "prepared_at": row.prepared_at,
    }


@post("/security/changes/{change_id:uuid}/release", guards=[requires(Role.SECURITY)])
async def release_change(
    request: AnyRequest,
    change_id: FromPath[UUID],
    data: URLEncodedBody[ReleaseForm],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Redirect:
    """What was prepared becomes so."""
    actor, now = known_actor(request), clock.now()
    await release(tx, change_id, drops_factor=bool(data.drops_factor), actor=actor, now=now)
    return Redirect("/security/accounts?done=released", status_code=303)


@post("/security/changes/{change_id:uuid}/refuse", guards=[requires(Role.SECURITY)])
async def refuse_change(
    request: AnyRequest,
    change_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Redirect:
    """What was prepared comes to nothing."""
    await refuse(tx, change_id, known_actor(request), clock.now())
    return Redirect("/security/accounts?done=refused", status_code=303)


@post(
    "/security/accounts/{account_id:uuid}/disable",
    guards=[requires(Role.SECURITY)],
    status_code=200,
)
async def disable_it(
    request: AnyRequest,
    account_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Take all power away, at once."""
    actor, now = known_actor(request), clock.now()
    try:
        await disable(tx, account_id, actor, now)
    except NotFound:
        raise
    except Refused as refused:
        return await _grants(tx, actor, now, told=error("", refused))
    return Redirect("/security/accounts?done=disabled", status_code=303)


@post(
    "/security/accounts/{account_id:uuid}/factor",
    guards=[requires(Role.SECURITY)],
    status_code=200,
)
async def reset_it(
    request: AnyRequest,
    account_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """The next log-in sets up a second factor anew."""
    actor, now = known_actor(request), clock.now()
    try:
        await reset_factor(tx, account_id, actor, now)
    except NotFound:
        raise
    except Refused as refused:
        return await _grants(tx, actor, now, told=error("", refused))
    return Redirect("/security/accounts?done=factor", status_code=303)


@get("/security/sessions", guards=[requires(Role.SECURITY)])
async def sessions_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
    done: FromQuery[str] = "",
) -> Page:
    """Who is logged in. Looking writes an audit row."""
    actor, now = known_actor(request), clock.now()
    await _told(tx, actor, "read_sessions", "all", now)
    return page(
        "sessions.html",
        sessions=await open_sessions(tx, limits_of(settings), now),
        notice=t(f"ui.grants.done.{done}") if done in DONE else None,
        **framed(actor, "/security/sessions"),
    )


@post("/security/sessions/{session_id:uuid}/end", guards=[requires(Role.SECURITY)])
async def end_it(
    request: AnyRequest,
    session_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Redirect:
    """One log-in stops with its next request."""
    actor, now = known_actor(request), clock.now()
    account_id = await end(tx, session_id, by=actor.id, now=now)
    await _told(tx, actor, "end_session", str(account_id), now)
    return Redirect("/security/sessions?done=ended", status_code=303)


@post("/security/accounts/{account_id:uuid}/sessions/end", guards=[requires(Role.SECURITY)])
async def end_them(
    request: AnyRequest,
    account_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Redirect:
    """All log-ins of one account stop with their next request."""
    actor, now = known_actor(request), clock.now()
    await end_all(tx, account_id, by=actor.id, now=now)
    await _told(tx, actor, "end_session", str(account_id), now)
    return Redirect("/security/sessions?done=ended", status_code=303)


async def _told(conn: Connection, actor: Actor, action: str, subject: str, now: datetime) -> None:
    await record_access(
        conn,
        actor,
        action=action,
        subject_kind="account",
        subject=subject,
        reason="administration",
        now=now,
    )


HANDLERS: list[Any] = [
    grants_page,
    release_change,
    refuse_change,
    disable_it,
    reset_it,
    sessions_page,
    end_it,
    end_them,
]
