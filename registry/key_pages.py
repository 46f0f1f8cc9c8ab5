"""Keys of other programs: the administrator prepares and draws, the security officer releases."""

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
from kernel.errors import Refused
from kernel.i18n import t
from kernel.ids import uuid7
from kernel.web import Page, page
from registry.accounts import known_actor
from registry.api_keys import (
    NewKey,
    decide_key,
    keys,
    next_token,
    prepare_key,
    revoke_key,
    scopes_of,
)
from registry.model import Role
from registry.office_views import framed
from registry.scopes import SCOPES
from registry.wording import error

AnyRequest = Request[Any, Any, Any]
DONE = frozenset({"prepared", "released", "refused", "revoked"})
_DIGITS = 7
_FIELDS = {
    "unknown_account": "login", "key_for_office": "login", "key_label_missing": "label",
    "key_scopes_missing": "scopes", "key_limit_out_of_range": "per_minute",
}  # fmt: skip


@get("/admin/keys", guards=[requires(Role.ADMIN)])
async def keys_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    done: FromQuery[str] = "",
) -> Page:
    """Every key with its scopes, its quota, and when it was used last."""
    return await _show(tx, known_actor(request), clock.now(), "admin", done=done)


@get("/security/keys", guards=[requires(Role.SECURITY)])
async def waiting_keys_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    done: FromQuery[str] = "",
) -> Page:
    """Keys that wait for a decision."""
    return await _show(tx, known_actor(request), clock.now(), "security", done=done)


async def _show(
    conn: Connection,
    actor: Actor,
    now: datetime,
    office: str,
    *,
    done: str = "",
    told: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
    ticked: frozenset[str] = frozenset(),
) -> Page:
    return page(
        "keys.html",
        http_status=422 if told else 200,
        keys=await keys(conn, now, waiting=office == "security"),
        office=office,
        scopes=[{"value": each, "on": each in ticked} for each in SCOPES],
        event_id=str(uuid7(now)),
        notice=t(f"ui.keys.done.{done}") if done in DONE else None,
        errors=[told] if told else [],
        values=values or {"per_minute": "60", "per_day": "10000", "days": "365"},
        **framed(actor, f"/{office}/keys"),
    )


@post("/admin/keys", guards=[requires(Role.ADMIN)], status_code=200)
async def new_key(
    request: AnyRequest, tx: NamedDependency[Connection], clock: NamedDependency[Clock]
) -> Page | Redirect:
    """Prepare a key; it opens nothing until another office has released it."""
    actor, now = known_actor(request), clock.now()
    form = await request.form()
    values = {name: said for name, said in form.multi_items() if isinstance(said, str)}
    ticked = scopes_of(form.getall("scope", []))
    try:
        await prepare_key(tx, _read(values, ticked, now), actor, now)
    except Refused as refused:
        told = error(_FIELDS.get(refused.code, ""), refused)
        return await _show(tx, actor, now, "admin", told=told, values=values, ticked=ticked)
    return Redirect("/admin/keys?done=prepared", status_code=303)


def _read(values: dict[str, str], ticked: frozenset[str], now: datetime) -> NewKey:
    return NewKey(
        id=_uuid(values.get("event_id", ""), now),
        login=values.get("login", ""),
        label=values.get("label", ""),
        scopes=ticked,
        per_minute=_number(values.get("per_minute", "")),
        per_day=_number(values.get("per_day", "")),
        days=_number(values.get("days", "")),
    )


def _uuid(said: str, now: datetime) -> UUID:
    try:
        return UUID(said)
    except ValueError:
        return uuid7(now)


def _number(said: str) -> int:
    """0, which is out of every range, for what is no number."""
    said = said.strip()
    return int(said) if said.isascii() and said.isdecimal() and len(said) <= _DIGITS else 0


@post("/admin/keys/{key_id:uuid}/token", guards=[requires(Role.ADMIN)], status_code=200)
async def draw_token(
    request: AnyRequest,
    key_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Page:
    """The key's first token, or the next one; shown this once."""
    actor, now = known_actor(request), clock.now()
    try:
        token = await next_token(tx, key_id, actor, now)
    except Refused as refused:
        return await _show(tx, actor, now, "admin", told=error("", refused))
    return page(
        "shown_once.html",
        kind="token",
        secret=token,
        back="/admin/keys",
        **framed(actor, "/admin/keys"),
    )


@post("/admin/keys/{key_id:uuid}/revoke", guards=[requires(Role.ADMIN)], status_code=303)
async def end_key(
    request: AnyRequest,
    key_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Redirect:
    """The key and all its tokens stop."""
    await revoke_key(tx, key_id, known_actor(request), clock.now())
    return Redirect("/admin/keys?done=revoked", status_code=303)


@post("/security/keys/{key_id:uuid}/release", guards=[requires(Role.SECURITY)], status_code=303)
async def release_key(
    request: AnyRequest,
    key_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Redirect:
    """The key may be drawn from now on."""
    await decide_key(tx, key_id, "released", known_actor(request), clock.now())
    return Redirect("/security/keys?done=released", status_code=303)


@post("/security/keys/{key_id:uuid}/refuse", guards=[requires(Role.SECURITY)], status_code=303)
async def refuse_key(
    request: AnyRequest,
    key_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Redirect:
    """The key comes to nothing."""
    await decide_key(tx, key_id, "refused", known_actor(request), clock.now())
    return Redirect("/security/keys?done=refused", status_code=303)


HANDLERS: list[Any] = [
    keys_page,
    waiting_keys_page,
    new_key,
    draw_token,
    end_key,
    release_key,
    refuse_key,
]
