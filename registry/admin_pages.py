"""The administrator prepares: accounts, changes of roles, resets. Nothing here gives power."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import NotFound, Refused
from kernel.i18n import t
from kernel.settings import Settings
from kernel.web import Page, page, url_with
from registry.account_changes import (
    disable,
    draw_link,
    prepare_account,
    prepare_change,
    prepare_reset,
)
from registry.account_queries import AccountRow, account_row, accounts
from registry.accounts import known_actor
from registry.model import Role
from registry.office_views import PER_PAGE, choices, fields_of, framed, roles_spoken, wish_of
from registry.passwords import LINK_LASTS
from registry.wording import error

AnyRequest = Request[Any, Any, Any]
DONE = {"new", "change", "reset", "disabled"}
FIELDS = {
    "login_missing": "login",
    "login_taken": "login",
    "name_missing": "name",
    "unknown_role": "role",
    "offices_apart": "role",
    "place_needed": "place",
    "body_needed": "place",
    "unknown_place_chosen": "place",
    "district_unknown": "district",
}


@get("/admin/accounts", guards=[requires(Role.ADMIN)])
async def accounts_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    after: FromQuery[str] = "",
    done: FromQuery[str] = "",
) -> Page:
    """Accounts by their log-ins, and the form for a new one."""
    notice = t(f"ui.accounts.done.{done}") if done in DONE else None
    return await _accounts(tx, known_actor(request), clock.now(), after=after, notice=notice)


async def _accounts(
    conn: Connection,
    actor: Actor,
    now: datetime,
    *,
    after: str = "",
    notice: str | None = None,
    values: dict[str, str] | None = None,
    roles: frozenset[str] = frozenset(),
    told: dict[str, str] | None = None,
) -> Page:
    found = await accounts(conn, now, after=after.replace("\0", ""), limit=PER_PAGE)
    more = url_with("/admin/accounts", after=found[-1].login) if len(found) == PER_PAGE else None
    return page(
        "accounts.html",
        http_status=422 if told else 200,
        accounts=[account_shown(each) for each in found],
        next_url=more,
        choices=await choices(conn, roles),
        notice=notice,
        values=values or {},
        errors=[told] if told else [],
        **framed(actor, "/admin/accounts"),
    )


def account_shown(row: AccountRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "login": row.login,
        "name": row.name,
        "roles": roles_spoken(row.roles),
        "where": " · ".join(part for part in (row.place, row.district) if part),
        "status": _status(row),
        "waiting": row.waiting,
        "has_factor": row.has_factor,
        "demo": row.demo,
    }


def _status(row: AccountRow) -> str:
    if row.disabled:
        return "disabled"
    if not row.roles:
        return "prepared"
    if row.link_open:
        return "link"
    return "active" if row.has_password else "invited"


@post("/admin/accounts", guards=[requires(Role.ADMIN)], status_code=200)
async def new_account(
    request: AnyRequest, tx: NamedDependency[Connection], clock: NamedDependency[Clock]
) -> Page | Redirect:
    """Prepare an account; it has no power until a security officer has released it."""
    actor, now = known_actor(request), clock.now()
    fields, roles = await fields_of(request)
    try:
        await prepare_account(
            tx,
            login=fields.get("login", ""),
            name=fields.get("name", ""),
            wish=wish_of(fields, roles),
            actor=actor,
            now=now,
        )
    except Refused as refused:
        told = error(FIELDS.get(refused.code, ""), refused)
        return await _accounts(tx, actor, now, values=fields, roles=roles, told=told)
    return Redirect("/admin/accounts?done=new", status_code=303)


@get("/admin/accounts/{account_id:uuid}", guards=[requires(Role.ADMIN)])
async def account_page(
    request: AnyRequest,
    account_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Page:
    """One account, and what may be prepared for it."""
    return await _account(tx, known_actor(request), account_id, clock.now())


async def _account(
    conn: Connection,
    actor: Actor,
    account_id: UUID,
    now: datetime,
    *,
    values: dict[str, str] | None = None,
    roles: frozenset[str] | None = None,
    told: dict[str, str] | None = None,
) -> Page:
    row = await account_row(conn, account_id, now)
    if row is None:
        raise NotFound("unknown_account")
    kept = {"place": str(row.place_id or ""), "district": row.district_code or ""}
    return page(
        "account.html",
        http_status=422 if told else 200,
        account=account_shown(row),
        link_open=row.link_open,
        choices=await choices(conn, row.roles if roles is None else roles),
        values=kept if values is None else values,
        errors=[told] if told else [],
        **framed(actor, f"/admin/accounts/{account_id}"),
    )


@post("/admin/accounts/{account_id:uuid}/change", guards=[requires(Role.ADMIN)], status_code=200)
async def change_account(
    request: AnyRequest,
    account_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Prepare other roles, another place, or power again."""
    actor, now = known_actor(request), clock.now()
    fields, roles = await fields_of(request)
    try:
        await prepare_change(tx, account_id, wish_of(fields, roles), actor, now)
    except NotFound:
        raise
    except Refused as refused:
        told = error(FIELDS.get(refused.code, ""), refused)
        return await _account(tx, actor, account_id, now, values=fields, roles=roles, told=told)
    return Redirect("/admin/accounts?done=change", status_code=303)


@post("/admin/accounts/{account_id:uuid}/reset", guards=[requires(Role.ADMIN)], status_code=200)
async def reset_account(
    request: AnyRequest,
    account_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Prepare a new password by a link."""
    actor, now = known_actor(request), clock.now()
    try:
        await prepare_reset(tx, account_id, actor, now)
    except NotFound:
        raise
    except Refused as refused:
        return await _account(tx, actor, account_id, now, told=error("", refused))
    return Redirect("/admin/accounts?done=reset", status_code=303)


@post("/admin/accounts/{account_id:uuid}/disable", guards=[requires(Role.ADMIN)], status_code=200)
async def disable_account(
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
        return await _account(tx, actor, account_id, now, told=error("", refused))
    return Redirect("/admin/accounts?done=disabled", status_code=303)


@post("/admin/accounts/{account_id:uuid}/link", guards=[requires(Role.ADMIN)], status_code=200)
async def draw_account_link(
    request: AnyRequest,
    account_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
) -> Page:
    """The link of a released account or reset; it is shown this once."""
    actor, now = known_actor(request), clock.now()
    try:
        token = await draw_link(tx, account_id, actor, now)
    except Refused as refused:
        return await _account(tx, actor, account_id, now, told=error("", refused))
    return page(
        "shown_once.html",
        kind="link",
        secret=f"{settings.public_url}/invite/{token}",
        hours=int(LINK_LASTS.total_seconds() // 3600),
        back="/admin/accounts",
        **framed(actor, "/admin/accounts"),
    )


HANDLERS: list[Any] = [
    accounts_page,
    new_account,
    account_page,
    change_account,
    reset_account,
    disable_account,
    draw_account_link,
]
