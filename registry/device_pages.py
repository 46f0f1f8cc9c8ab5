"""Devices of places and tokens of programs: enrolled and revoked by the administrator."""

import re
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from kernel.audit import record_access
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Malformed, NotFound, Refused
from kernel.i18n import t
from kernel.web import Page, page, url_with
from registry.account_queries import account_tokens, devices
from registry.accounts import create_device, issue_token, known_actor, revoke_device, revoke_token
from registry.camera_reads import CAMERA
from registry.consoles import make_code
from registry.model import Role
from registry.office_views import PER_PAGE, choices, framed, place_number
from registry.passes import group
from registry.places import find_place
from registry.wording import error

AnyRequest = Request[Any, Any, Any]
DEVICE_ROLES = ("lane", "firm", CAMERA)
LONGEST_NAME = 60
DONE = {"revoked"}
_HASH = re.compile(r"[0-9a-f]{64}")
_FIELDS = {
    "unknown_place_chosen": "place", "unknown_place": "place", "name_missing": "name",
    "gate_unknown": "gate",
}  # fmt: skip


class DeviceForm(Struct, frozen=True, kw_only=True):
    name: str = ""
    place: str = ""
    role: str = ""
    #: The lane that a camera looks at.
    gate: str = ""


@get("/admin/devices", guards=[requires(Role.ADMIN)])
async def devices_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    after: FromQuery[UUID | None] = None,
    done: FromQuery[str] = "",
) -> Page:
    """Devices that may speak for a place, and tokens of accounts."""
    notice = t(f"ui.devices.done.{done}") if done in DONE else None
    return await _devices(tx, known_actor(request), after=after, notice=notice)


async def _devices(
    conn: Connection,
    actor: Actor,
    *,
    after: UUID | None = None,
    notice: str | None = None,
    values: dict[str, str] | None = None,
    told: dict[str, str] | None = None,
) -> Page:
    found = await devices(conn, after=after, limit=PER_PAGE)
    offered = await choices(conn)
    return page(
        "devices.html",
        http_status=422 if told else 200,
        devices=found,
        next_url=url_with("/admin/devices", after=found[-1].id) if len(found) == PER_PAGE else None,
        tokens=await account_tokens(conn),
        places=offered["places"],
        kinds=[{"value": role, "label": t(f"ui.role.{role}")} for role in DEVICE_ROLES],
        notice=notice,
        values=values or {},
        errors=[told] if told else [],
        **framed(actor, "/admin/devices"),
    )


@post("/admin/devices", guards=[requires(Role.ADMIN)], status_code=200)
async def new_device(
    request: AnyRequest,
    data: URLEncodedBody[DeviceForm],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Page:
    """Enrol a device; its token is shown this once."""
    actor, now = known_actor(request), clock.now()
    try:
        place_id = await _place(tx, data)
        name = data.name.replace("\0", "").strip()
        if not name or len(name) > LONGEST_NAME:
            raise Malformed("name_missing")
        gate = await _gate(tx, place_id, data)
    except Refused as refused:
        values = {"name": data.name, "place": data.place, "role": data.role, "gate": data.gate}
        told = error(_FIELDS.get(refused.code, "role"), refused)
        return await _devices(tx, actor, values=values, told=told)
    device_id = await create_device(
        tx, name=name, place_id=place_id, role=data.role, gate=gate, now=now
    )
    return await _token(tx, actor, device_id, now)


async def _place(conn: Connection, data: DeviceForm) -> int:
    """Raises Malformed `unknown_place_chosen`, `device_role_needed`; NotFound `unknown_place`."""
    place_id = place_number(data.place)
    if place_id is None:
        raise Malformed("unknown_place_chosen")
    if data.role not in DEVICE_ROLES:
        raise Malformed("device_role_needed")
    return (await find_place(conn, place_id)).id


async def _gate(conn: Connection, place_id: int, data: DeviceForm) -> str:
    """Raises Malformed `gate_unknown`: a camera looks at one lane of its place, or at all."""
    gate = data.gate.replace("\0", "").strip()
    if data.role != CAMERA or not gate:
        return ""
    known = await conn.fetchval(
        "SELECT true FROM registry.gate WHERE place_id = $1 AND gate = $2", place_id, gate
    )
    if not known:
        raise Malformed("gate_unknown")
    return gate


async def _token(conn: Connection, actor: Actor, device_id: UUID, now: datetime) -> Page:
    token = await issue_token(conn, device_id=device_id, label="page", now=now)
    await _told(conn, actor, "issue_token", "device", str(device_id), now)
    return page(
        "shown_once.html",
        kind="token",
        secret=token,
        back="/admin/devices",
        **framed(actor, "/admin/devices"),
    )


@post("/admin/devices/{device_id:uuid}/token", guards=[requires(Role.ADMIN)], status_code=200)
async def new_token_of(
    request: AnyRequest,
    device_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Page:
    """One more token of a device, before the old one is revoked."""
    known = await tx.fetchval(
        "SELECT true FROM registry.device WHERE id = $1 AND revoked_at IS NULL", device_id
    )
    if not known:
        raise NotFound("unknown_device")
    return await _token(tx, known_actor(request), device_id, clock.now())


@post("/admin/devices/{device_id:uuid}/code", guards=[requires(Role.ADMIN)], status_code=200)
async def new_code_of(
    request: AnyRequest,
    device_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Page:
    """Lets a lane's device become a console: it puts a key of its own there, once."""
    actor, now = known_actor(request), clock.now()
    code = await make_code(tx, device_id, actor.id, now)
    await _told(tx, actor, "enrolment_code", "device", str(device_id), now)
    return page(
        "shown_once.html",
        kind="code",
        secret=group(code),
        back="/admin/devices",
        **framed(actor, "/admin/devices"),
    )


@post("/admin/devices/{device_id:uuid}/revoke", guards=[requires(Role.ADMIN)], status_code=303)
async def end_device(
    request: AnyRequest,
    device_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Redirect:
    """The device and all its tokens stop."""
    now = clock.now()
    await revoke_device(tx, device_id, now)
    await _told(tx, known_actor(request), "revoke_device", "device", str(device_id), now)
    return Redirect("/admin/devices?done=revoked", status_code=303)


@post("/admin/tokens/{token_hash:str}/revoke", guards=[requires(Role.ADMIN)], status_code=303)
async def end_token(
    request: AnyRequest,
    token_hash: FromPath[str],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Redirect:
    """One token stops; it is named by the hash under which it is kept, which opens nothing."""
    if not _HASH.fullmatch(token_hash):
        raise NotFound("unknown_token")
    now = clock.now()
    await revoke_token(tx, bytes.fromhex(token_hash), now)
    await _told(tx, known_actor(request), "revoke_token", "token", token_hash[:16], now)
    return Redirect("/admin/devices?done=revoked", status_code=303)


async def _told(
    conn: Connection, actor: Actor, action: str, kind: str, subject: str, now: datetime
) -> None:
    await record_access(
        conn,
        actor,
        action=action,
        subject_kind=kind,
        subject=subject,
        reason="administration",
        now=now,
    )


HANDLERS: list[Any] = [
    devices_page,
    new_device,
    new_token_of,
    new_code_of,
    end_device,
    end_token,
]
