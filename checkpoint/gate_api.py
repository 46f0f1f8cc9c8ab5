"""What consoles ask for and send besides scans: key, session, bundle, hand-over, notices."""

import asyncio
import gzip
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody
from msgspec import Meta, Struct

from checkpoint.bundles import Reader, make, since_of
from checkpoint.gate_words import words
from closedloop.acts import Number, Text
from closedloop.reporting import Office
from closedloop.watching import place_of, who
from kernel.auth import Actor, public, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Forbidden
from kernel.i18n import current_locale
from registry import gate_notices
from registry.consoles import PublicKey, challenge, enrol, open_session
from registry.handovers import Handover, keep
from registry.model import Role
from registry.pulses import note_pulse
from registry.signing_keys import PublishedKey, ensure_signer, published

AnyRequest = Request[Any, Any, Any]
AT_A_GATE = (Role.LANE, Role.DESK)
Short = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00]*\Z")]


class Enrolment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: Short
    public_key: PublicKey


class Place(Struct, frozen=True, kw_only=True):
    id: int
    name: str
    gates: tuple[str, ...]


class Enrolled(Struct, frozen=True, kw_only=True):
    device: UUID
    name: str
    place: Place
    keys: list[PublishedKey]


class Asking(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    device: UUID


class Challenge(Struct, frozen=True, kw_only=True):
    nonce: str
    server_time: datetime


class Opening(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    device: UUID
    nonce: Short
    signature: Short


class Session(Struct, frozen=True, kw_only=True):
    token: str
    expires_at: datetime
    server_time: datetime


class Told(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`over` ends the notice `of`; `closed` and `wait` say something new."""

    id: UUID
    kind: Literal["closed", "wait", "over"]
    gate: Text = ""
    minutes: Number | None = None
    reason: Text = ""
    until: datetime | None = None
    of: UUID | None = None


class Kept(Struct, frozen=True, kw_only=True):
    id: UUID


class Notices(Struct, frozen=True, kw_only=True):
    notices: list[gate_notices.Notice]


@post("/gate/enrol", guards=[public], status_code=201, tags=["consoles"])
async def enrol_console(
    data: JSONBody[Enrolment],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Enrolled:
    """A console puts its public key there, by a code of twelve digits that is good once."""
    now = clock.now()
    made = await enrol(tx, data.code, data.public_key, now)
    world = await office.cache.now(tx)
    key = await ensure_signer(tx, office.vault, world.signing_keys, now)
    place = world.place(made.place_id)
    return Enrolled(
        device=made.device_id,
        name=made.name,
        place=Place(id=place.id, name=place.name, gates=place.gates),
        keys=[published(each) for each in world.signing_keys or (key,)],
    )


@post("/gate/challenge", guards=[public], status_code=200, tags=["consoles"])
async def ask_challenge(
    data: JSONBody[Asking], office: NamedDependency[Office], clock: NamedDependency[Clock]
) -> Challenge:
    """A nonce to sign, good for two minutes; a device that is not known gets one as well."""
    now = clock.now()
    return Challenge(nonce=challenge(office.vault, data.device, now), server_time=now)


@post("/gate/session", guards=[public], status_code=200, tags=["consoles"])
async def begin_session(
    data: JSONBody[Opening],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Session:
    """A token for a shift, for whoever signed the nonce with the device's key."""
    now = clock.now()
    token, until = await open_session(
        tx, office.vault, data.device, data.nonce, data.signature, now
    )
    return Session(token=token, expires_at=until, server_time=now)


@get("/gate/bundle", guards=[requires(*AT_A_GATE)], tags=["consoles"])
async def fetch_bundle(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    since: FromQuery[int | None] = None,
    waiting: FromQuery[int] = 0,
) -> Response[bytes]:
    """All passes expected at the reader's checkpoint, or those that changed since a cursor:
    `{signed, signature, kid}`, where `signed` is JSON text. `waiting`: how many scans the device
    has not sent yet.
    """
    now, world = clock.now(), await office.cache.now(tx)
    await note_pulse(tx, who(request).id, waiting, now)
    key = await ensure_signer(tx, office.vault, world.signing_keys, now)
    reader = Reader(
        world=world, place=world.place(place_of(who(request))), since=since_of(since, now), now=now
    )
    body = msgspec.json.encode(await make(tx, office.vault, reader, key))
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(body, media_type="application/json")
    packed = await asyncio.to_thread(gzip.compress, body, 5, mtime=0)
    headers = {"content-encoding": "gzip", "vary": "accept-encoding"}
    return Response(packed, media_type="application/json", headers=headers)


@get("/gate/words", guards=[public], tags=["consoles"])
async def fetch_words(
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> dict[str, Any]:
    """What a console says, in the reader's language (`?lang=`): cards, reasons, other codes."""
    world = await office.cache.now(tx)
    return words(world, clock.now(), current_locale())


@post("/gate/handovers", guards=[requires(Role.LANE)], status_code=201, tags=["consoles"])
async def hand_over(
    request: AnyRequest,
    data: JSONBody[Handover],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Kept:
    """The shift's counts; what was not sent yet must be signed for. Safe to send again."""
    actor = who(request)
    if actor.device_id is None:
        raise Forbidden("not_your_role")
    await keep(tx, data, actor.device_id, place_of(actor), clock.now())
    return Kept(id=data.id)


@get("/gate/notices", guards=[requires(*AT_A_GATE, Role.DUTY)], tags=["consoles"])
async def list_notices(
    request: AnyRequest, tx: NamedDependency[Connection], clock: NamedDependency[Clock]
) -> Notices:
    """Closures and waiting times that stand now, of one's own place or of all."""
    found = await gate_notices.standing(tx, clock.now(), who(request).place_id)
    return Notices(notices=found)


@post("/gate/notices", guards=[requires(*AT_A_GATE)], status_code=201, tags=["consoles"])
async def tell(
    request: AnyRequest,
    data: JSONBody[Told],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Notices:
    """A closure, a waiting time, or the end of one; drivers see it before they come."""
    actor, now = who(request), clock.now()
    await say(tx, data, actor, now)
    return Notices(notices=await gate_notices.standing(tx, now, place_of(actor)))


async def say(conn: Connection, told: Told, actor: Actor, now: datetime) -> None:
    """Raises NotFound `unknown_notice`; Unprocessable as `gate_notices.say` does."""
    place_id = place_of(actor)
    if told.kind == "over":
        await gate_notices.end(conn, told.of or told.id, place_id, now)
        return
    notice = gate_notices.Notice(
        id=told.id,
        place_id=place_id,
        gate=told.gate,
        kind=told.kind,
        minutes=told.minutes,
        reason=told.reason,
        until=told.until,
        said_at=now,
    )
    await gate_notices.say(conn, notice, f"{actor.kind}:{actor.id}")


HANDLERS: list[Any] = [
    enrol_console,
    ask_challenge,
    begin_session,
    fetch_bundle,
    fetch_words,
    hand_over,
    list_notices,
    tell,
]
