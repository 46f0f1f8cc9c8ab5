"""Transport passes and lanes under /api/v1."""

from datetime import datetime
from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from kernel.auth import requires
from kernel.clock import Clock
from kernel.db import Connection
from registry.accounts import known_actor
from registry.framing import REGISTRARS
from registry.lanes import set_lanes
from registry.model import Lane
from registry.places import find_place
from registry.scope import own_district
from registry.transport import Asked, issue, revoke
from registry.transport_queries import LOOKERS, TransportPass, find
from registry.world import WorldCache

AnyRequest = Request[Any, Any, Any]


class Shown(Struct, frozen=True, kw_only=True):
    """`standing`: valid, expired or revoked."""

    number: str
    standing: str
    plate: str
    goods: str
    carrier: str
    issued_at: datetime
    valid_until: datetime
    revoke_reason: str


class Revocation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: str


class Lanes(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    lanes: tuple[Lane, ...]


def _shown(one: TransportPass, now: datetime) -> Shown:
    return Shown(
        number=one.number,
        standing=one.standing(now),
        plate=one.plate,
        goods=one.goods,
        carrier=one.carrier,
        issued_at=one.issued_at,
        valid_until=one.valid_until,
        revoke_reason=one.revoke_reason,
    )


@post("/transport-passes", guards=[requires(*REGISTRARS)], status_code=201)
async def issue_transport_pass(
    data: JSONBody[Asked],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    cache: NamedDependency[WorldCache],
    clock: NamedDependency[Clock],
) -> Shown:
    """Issue a pass to a truck; the same `id` is the same pass."""
    now = clock.now()
    rules = (await cache.now(tx)).rules_at(now)
    return _shown(await issue(tx, rules, data, known_actor(request), now), now)


@get("/transport-passes/{transport_no:str}", guards=[requires(*LOOKERS)])
async def read_transport_pass(
    transport_no: FromPath[str], tx: NamedDependency[Connection], clock: NamedDependency[Clock]
) -> Shown:
    """Whether a pass is good, and for which truck."""
    return _shown(await find(tx, transport_no), clock.now())


@post(
    "/transport-passes/{transport_no:str}/revoke", guards=[requires(*REGISTRARS)], status_code=200
)
async def revoke_transport_pass(
    transport_no: FromPath[str],
    data: JSONBody[Revocation],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    cache: NamedDependency[WorldCache],
    clock: NamedDependency[Clock],
) -> Shown:
    """It opens nothing from now on; safe to repeat."""
    now = clock.now()
    rules = (await cache.now(tx)).rules_at(now)
    return _shown(
        await revoke(tx, rules, transport_no, data.reason, known_actor(request), now), now
    )


@post("/places/{place_id:int}/lanes", guards=[requires(*REGISTRARS)], status_code=200)
async def set_lanes_of_place(
    place_id: FromPath[int],
    data: JSONBody[Lanes],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Lanes:
    """Which way each named gate leads, whom it serves, and whether trucks go first there."""
    actor = known_actor(request)
    place = await find_place(tx, place_id, own_district(actor))
    await set_lanes(tx, place.id, data.lanes, actor, clock.now())
    return data


HANDLERS: list[Any] = [
    issue_transport_pass,
    read_transport_pass,
    revoke_transport_pass,
    set_lanes_of_place,
]
