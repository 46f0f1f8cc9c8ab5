"""Appending to the ledger: read, decide, write, for one event or for many that arrive together.

An event is judged on what was read; the write moves a loop only if it is still as it was read,
else the event is judged again. One id is one event for ever (invariant I1).
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from asyncpg import UniqueViolationError
from msgspec import Struct
from msgspec.structs import replace

from closedloop.breaches import REFUSED, keep_breach
from closedloop.fold import fold
from closedloop.messages import messages
from closedloop.model import Loop
from closedloop.situation import Reading, Situation, read_situations
from closedloop.write import Move, write_moves
from kernel.db import Connection
from kernel.errors import Conflict, NotFound, Refused, Unavailable
from registry.ledger import receipts_of
from registry.model import Event
from registry.world import World, WorldCache

#: A movement that is written by so many hands at once is tried again by the caller.
ROUNDS = 8


class Proposal(Struct, frozen=True, kw_only=True):
    """`decide` makes the event from what is known of the movement, or raises Refused."""

    event_id: UUID
    movement_id: int
    body_hash: bytes
    decide: Callable[[Situation, World, datetime], Event]
    #: Kept with a conflict: what the sender said under an id that is taken.
    said: dict[str, Any]
    actor: str


class Outcome(Struct, frozen=True, kw_only=True):
    """`status` is recorded, repeated, conflict or refused; `event` the one that stands."""

    event_id: UUID
    movement_id: int
    status: str
    event: Event | None = None
    loop: Loop | None = None
    plate: str = ""
    refusal: Refused | None = None
    #: What it was decided by, which words it.
    world: World | None = None


class Work(Struct):
    """One round: what was planned, and what is settled without a write."""

    moves: dict[int, Move]
    settled: dict[int, Outcome]
    planned: dict[int, Outcome]


async def append(
    conn: Connection, cache: WorldCache, proposals: Sequence[Proposal], now: datetime
) -> list[Outcome]:
    """Appends inside the caller's transaction. Outcomes come in the order of the proposals.

    Raises Unavailable("busy") when others kept changing the same movement.
    """
    done: dict[int, Outcome] = {}
    doubted, world = False, None
    for _ in range(ROUNDS):
        pending = {n: p for n, p in enumerate(proposals) if n not in done}
        if not pending:
            break
        known = await _known(conn, pending) if doubted else {}
        reading = await read_situations(conn, list({p.movement_id for p in pending.values()}))
        if not doubted and _any_repeated(pending, reading):
            doubted = True
            continue
        world = await cache.at(conn, reading.epoch)
        work = plan(pending, reading, known, world, now)
        done |= work.settled
        try:
            moved = await _write(conn, list(work.moves.values()), now)
        except UniqueViolationError as error:
            if error.constraint_name != "receipt_once":
                raise
            doubted = True
            continue
        done |= {n: o for n, o in work.planned.items() if o.movement_id in moved}
    if len(done) < len(proposals):
        raise Unavailable("busy")
    await keep_conflicts(conn, proposals, done, now)
    await _keep_breaches(conn, proposals, done, now)
    return [replace(done[n], world=world) for n in range(len(proposals))]


async def _write(conn: Connection, moves: Sequence[Move], now: datetime) -> set[int]:
    """One statement is one transaction; inside another it is kept apart, so that it can fail."""
    if not moves:
        return set()
    if not conn.is_in_transaction():
        return await write_moves(conn, moves, now)
    async with conn.transaction():
        return await write_moves(conn, moves, now)


async def _known(conn: Connection, pending: dict[int, Proposal]) -> dict[UUID, tuple[bytes, int]]:
    return await receipts_of(conn, [proposal.event_id for proposal in pending.values()])


def _any_repeated(pending: dict[int, Proposal], reading: Reading) -> bool:
    """Whether an id stands in its movement already, so that the receipts must be asked."""
    stored = {
        event.event_id for situation in reading.situations.values() for event in situation.events
    }
    return any(proposal.event_id in stored for proposal in pending.values())


def plan(
    pending: dict[int, Proposal],
    reading: Reading,
    known: dict[UUID, tuple[bytes, int]],
    world: World,
    now: datetime,
) -> Work:
    """Pure: what each proposal comes to, one after the other; later ones see the earlier."""
    work = Work(moves={}, settled={}, planned={})
    situations = dict(reading.situations)
    new: dict[UUID, Proposal] = {}
    for number, proposal in pending.items():
        situation = situations.get(proposal.movement_id)
        if (twin := new.get(proposal.event_id)) is not None:
            if not _same(twin, proposal):
                work.settled[number] = _outcome(proposal, "conflict")
            continue  # its twin is stored in this round; the next one finds it repeated
        if proposal.event_id in known:
            work.settled[number] = _repeated(proposal, known[proposal.event_id], situation)
        elif situation is None:
            refusal = NotFound("unknown_movement", movement_id=proposal.movement_id)
            work.settled[number] = _outcome(proposal, "refused", refusal=refusal)
        else:
            try:
                event = proposal.decide(situation, world, now)
            except Refused as refusal:
                work.settled[number] = _outcome(proposal, "refused", refusal=refusal)
                continue
            new[proposal.event_id] = proposal
            situations[proposal.movement_id] = _add(work, number, proposal, situation, event)
    return work


def _add(
    work: Work, number: int, proposal: Proposal, situation: Situation, event: Event
) -> Situation:
    movement_id = proposal.movement_id
    # The fold must see the body as it will be read back, or the same events would not be equal.
    event = replace(event, body=msgspec.json.decode(msgspec.json.encode(event.body)))
    before = work.moves.get(movement_id)
    changed = replace(situation, events=(*situation.events, event))
    loop = fold(movement_id, changed.events)
    told = tuple(messages(situation.loop, loop))
    work.moves[movement_id] = Move(
        loop=loop,
        version=situation.version,
        events=(*(before.events if before else ()), (event, proposal.body_hash)),
        messages=(*(before.messages if before else ()), *told),
    )
    work.planned[number] = _outcome(
        proposal, "recorded", event=event, loop=loop, plate=situation.movement.plate
    )
    return changed


def _same(one: Proposal, other: Proposal) -> bool:
    return (one.body_hash, one.movement_id) == (other.body_hash, other.movement_id)


def _repeated(proposal: Proposal, known: tuple[bytes, int], situation: Situation | None) -> Outcome:
    """The same id with the same body is the same event; with another it is a conflict."""
    if known != (proposal.body_hash, proposal.movement_id) or situation is None:
        return _outcome(proposal, "conflict")
    event = next(e for e in situation.events if e.event_id == proposal.event_id)
    plate = situation.movement.plate
    return _outcome(proposal, "repeated", event=event, loop=situation.loop, plate=plate)


def _outcome(
    proposal: Proposal,
    status: str,
    *,
    event: Event | None = None,
    loop: Loop | None = None,
    plate: str = "",
    refusal: Refused | None = None,
) -> Outcome:
    if status == "conflict":
        refusal = Conflict("event_id_taken", id=str(proposal.event_id))
    return Outcome(
        event_id=proposal.event_id,
        movement_id=proposal.movement_id,
        status=status,
        event=event,
        loop=loop,
        plate=plate,
        refusal=refusal,
    )


async def _keep_breaches(
    conn: Connection, proposals: Sequence[Proposal], done: dict[int, Outcome], now: datetime
) -> None:
    for number, outcome in done.items():
        if outcome.refusal is None or outcome.refusal.code not in REFUSED:
            continue
        proposal = proposals[number]
        await keep_breach(
            conn,
            proposal.movement_id,
            proposal.event_id,
            outcome.refusal.code,
            actor=proposal.actor,
            place_id=proposal.said.get("place_id"),
            now=now,
        )


async def keep_conflicts(
    conn: Connection,
    proposals: Sequence[Proposal],
    done: dict[int, Outcome],
    now: datetime,
) -> None:
    for number, outcome in done.items():
        if outcome.status == "conflict":
            await _keep_conflict(conn, proposals[number], now)


async def _keep_conflict(conn: Connection, proposal: Proposal, now: datetime) -> None:
    await conn.execute(
        """
        INSERT INTO registry.conflict (event_id, body_hash, movement_id, actor, body, received_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
        """,
        proposal.event_id,
        proposal.body_hash,
        proposal.movement_id,
        proposal.actor,
        msgspec.to_builtins(proposal.said),
        now,
    )
