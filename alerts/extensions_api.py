"""Extensions of many limits at once, under /api/v1."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from alerts.extensions import (
    Extension,
    decide_extension,
    extension,
    extensions_since,
    propose_extension,
)
from closedloop.acts import Number, Text
from closedloop.reporting import Office
from kernel.auth import requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import NotFound
from registry.accounts import known_actor
from registry.model import Role

AnyRequest = Request[Any, Any, Any]
SHOWN_FOR = timedelta(days=7)


class NewExtension(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`side`: trucks bound `to` the place, or let in `from` it."""

    id: UUID
    place_id: Number
    side: Text
    minutes: Number
    reason: Text


class Decision(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    approve: bool


class Extensions(Struct, frozen=True, kw_only=True):
    extensions: list[Extension]


@get("/extensions", guards=[requires(Role.DUTY, Role.AUDITOR)])
async def list_extensions(
    tx: NamedDependency[Connection], clock: NamedDependency[Clock]
) -> Extensions:
    """Those that wait first, then those of a week."""
    return Extensions(extensions=await extensions_since(tx, clock.now() - SHOWN_FOR))


@post("/extensions", guards=[requires(Role.DUTY)], status_code=200)
async def new_extension(
    data: JSONBody[NewExtension],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Extension:
    """A road is closed or a site is down: propose more time for all trucks under way there."""
    await propose_extension(
        tx,
        await office.cache.now(tx),
        extension_id=data.id,
        place_id=data.place_id,
        side=data.side,
        minutes=data.minutes,
        reason=data.reason,
        actor=known_actor(request),
        now=clock.now(),
    )
    return await _shown(tx, data.id)


@post("/extensions/{extension_id:uuid}/decision", guards=[requires(Role.DUTY)], status_code=200)
async def decide(
    extension_id: FromPath[UUID],
    data: JSONBody[Decision],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Extension:
    """A second officer agrees or not. The limits move within seconds."""
    world = await office.cache.now(tx)
    actor = known_actor(request)
    await decide_extension(tx, world, extension_id, actor, clock.now(), yes=data.approve)
    return await _shown(tx, extension_id)


async def _shown(conn: Connection, extension_id: UUID) -> Extension:
    found = await extension(conn, extension_id)
    if found is None:
        raise NotFound("unknown_extension")
    return found


HANDLERS: list[Any] = [list_extensions, new_extension, decide]
