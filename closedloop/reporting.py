"""Reporting before travel: the report is stored below, its event appended here, in one
transaction. A report may be edited until the lane has seen the truck.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid5

import msgspec
from msgspec import Struct

from closedloop.commit import Outcome, Proposal, append
from closedloop.model import Loop, State
from closedloop.planning import report_body
from closedloop.saying import storable
from closedloop.situation import Situation, read_situations
from kernel.audit import record_access
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, NotFound
from kernel.privacy import Vault
from registry import reports
from registry.ledger import receipts_of
from registry.model import Event, Movement
from registry.passes import pass_number
from registry.report_queries import find_movement, read_submission
from registry.submission import Submission, check_submission
from registry.world import World, WorldCache

#: Thirteen digits.
MOST_IDS = 10**13
EDITABLE = frozenset({State.DRAFT, State.ISSUED, State.VOIDED, State.TURNED_BACK, State.VERIFYING})


class Office(Struct, frozen=True, kw_only=True):
    """What every use-case here needs besides the connection."""

    cache: WorldCache
    vault: Vault
    city: str


class Reported(Struct, frozen=True, kw_only=True):
    """`number` is empty while the report is a draft: a draft has no pass."""

    movement: Movement
    loop: Loop
    number: str
    repeated: bool = False


def body_hash(value: object) -> bytes:
    """Equal for equal content, whatever the order of the sender's fields."""
    return hashlib.sha256(msgspec.json.encode(value, order="deterministic")).digest()


def actor_name(actor: Actor | None) -> str:
    return "driver" if actor is None else f"{actor.kind}:{actor.id}"


async def report(
    conn: Connection,
    office: Office,
    *,
    event_id: UUID,
    said: Submission,
    channel: str,
    actor: Actor | None,
    now: datetime,
    said_at: datetime | None = None,
) -> Reported:
    """`said_at` is the hour on a paper form that is entered later. Raises
    Conflict("event_id_taken") where the id was used for something else.
    """
    digest = body_hash(said)
    known = (await receipts_of(conn, [event_id])).get(event_id)
    if known is not None:
        return await _again(conn, office, known, digest, event_id)
    world, said = await office.cache.now(conn), storable(said)
    movement = await reports.create(
        conn,
        office.vault,
        world,
        city=office.city,
        said=said,
        checked=check_submission(said, world, said_at or now),
        channel=channel,
        actor=actor_name(actor),
        now=now,
    )
    fact = _fact(movement, "reported", event_id, digest, world, actor, now, occurred_at=said_at)
    outcome = await append_fact(conn, office, fact, now)
    return reported(office, movement, outcome)


async def amend(
    conn: Connection,
    office: Office,
    *,
    movement_id: int,
    event_id: UUID,
    changes: dict[str, object],
    actor: Actor | None,
    now: datetime,
) -> Reported:
    """`changes` are fields of the submission. Raises Conflict("already_presented") once the
    barrier was passed, Malformed-like ValidationError for unknown or wrong fields.
    """
    digest = body_hash(changes)
    known = (await receipts_of(conn, [event_id])).get(event_id)
    if known is not None:
        return await _again(conn, office, known, digest, event_id)
    situation = await situation_of(conn, movement_id)
    if situation.loop.state not in EDITABLE:
        raise Conflict("already_presented", state=situation.loop.state)
    world = await office.cache.now(conn)
    before = await read_submission(conn, office.vault, movement_id)
    said = storable(msgspec.convert(msgspec.to_builtins(before) | changes, Submission))
    await _audited(conn, actor, movement_id, now)
    movement = await reports.amend(
        conn,
        office.vault,
        world,
        movement_id=movement_id,
        said=said,
        checked=check_submission(said, world, now),
        changed=sorted(changes),
        actor=actor_name(actor),
        now=now,
    )
    outcome = await append_fact(
        conn, office, _fact(movement, "amended", event_id, digest, world, actor, now), now
    )
    return reported(office, movement, outcome)


async def _audited(conn: Connection, actor: Actor | None, movement_id: int, now: datetime) -> None:
    """Staff who amend a report have read it; a driver reads their own."""
    if actor is not None:
        await record_access(
            conn,
            actor,
            action="amend_report",
            subject_kind="movement",
            subject=str(movement_id),
            reason="amendment",
            now=now,
        )


def opened_id(scan_id: UUID) -> UUID:
    """The event that opened a movement for a scan: a scan that was cut short finds it again."""
    return uuid5(scan_id, "opened")


async def open_movement(
    conn: Connection,
    office: Office,
    *,
    scan_id: UUID,
    plate: str,
    stops: tuple[int, ...],
    seen_at: datetime,
    actor: Actor,
    now: datetime,
) -> int:
    """A truck that nobody reported: its movement is made from the scan that saw it, and begins
    a moment before it.
    """
    movement_id = await reports.open_unreported(
        conn, city=office.city, plate=plate, stops=stops, actor=actor_name(actor), now=now
    )
    movement = await find_movement(conn, movement_id)
    world = await office.cache.now(conn)
    event_id = opened_id(scan_id)
    began = seen_at - timedelta(milliseconds=1)
    fact = _fact(
        movement, "opened", event_id, body_hash([plate]), world, actor, now, occurred_at=began
    )
    await append_fact(conn, office, fact, now)
    return movement_id


def check_movement_id(movement_id: int) -> None:
    """No other number was ever given. Raises NotFound("unknown_movement")."""
    if not 0 < movement_id < MOST_IDS:
        raise NotFound("unknown_movement", movement_id=str(movement_id))


async def situation_of(conn: Connection, movement_id: int) -> Situation:
    check_movement_id(movement_id)
    reading = await read_situations(conn, [movement_id])
    if movement_id not in reading.situations:
        raise NotFound("unknown_movement", movement_id=movement_id)
    return reading.situations[movement_id]


async def append_fact(
    conn: Connection, office: Office, proposal: Proposal, now: datetime
) -> Outcome:
    outcomes = await append(conn, office.cache, [proposal], now)
    return accepted(outcomes)[0]


def accepted(outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
    """Raises what a single refusal said; a taken id is a conflict."""
    for outcome in outcomes:
        if outcome.status == "conflict":
            raise Conflict("event_id_taken", id=str(outcome.event_id))
        if outcome.refusal is not None:
            raise outcome.refusal
    return outcomes


def reported(office: Office, movement: Movement, outcome: Outcome) -> Reported:
    loop = outcome.loop or Loop(movement_id=movement.movement_id)
    return Reported(
        movement=movement,
        loop=loop,
        number="" if movement.blocked else pass_number(movement.movement_id, office.vault),
        repeated=outcome.status == "repeated",
    )


async def _again(
    conn: Connection, office: Office, known: tuple[bytes, int], digest: bytes, event_id: UUID
) -> Reported:
    if known[0] != digest:
        raise Conflict("event_id_taken", id=str(event_id))
    situation = await situation_of(conn, known[1])
    outcome = Outcome(
        event_id=event_id, movement_id=known[1], status="repeated", loop=situation.loop
    )
    return reported(office, situation.movement, outcome)


def _fact(
    movement: Movement,
    kind: str,
    event_id: UUID,
    digest: bytes,
    world: World,
    actor: Actor | None,
    now: datetime,
    occurred_at: datetime | None = None,
) -> Proposal:
    event = Event(
        movement_id=movement.movement_id,
        event_id=event_id,
        kind=kind,
        occurred_at=occurred_at or now,
        received_at=now,
        place_id=None if actor is None else actor.place_id,
        actor=actor_name(actor),
        body=report_body(movement, world, world.rules_at(now)),
    )

    def decide(situation: Situation, _: World, __: datetime) -> Event:
        if kind == "amended" and situation.loop.state not in EDITABLE:
            raise Conflict("already_presented", state=situation.loop.state)
        return event

    return Proposal(
        event_id=event_id,
        movement_id=movement.movement_id,
        body_hash=digest,
        decide=decide,
        said={"kind": kind},
        actor=event.actor,
    )
