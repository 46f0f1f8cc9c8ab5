"""Scan intake: from a batch of items to an answer for each (architecture, the way of one scan)."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from checkpoint.queries import movement_by_plate
from checkpoint.scans import KINDS, Scan
from checkpoint.verdicts import check_scan, event_of
from closedloop.commit import Outcome, Proposal, append
from closedloop.group import GroupCommit
from closedloop.model import Level
from closedloop.reporting import Office, actor_name, body_hash, open_movement, opened_id
from closedloop.situation import Situation
from kernel.auth import Actor
from kernel.clock import Clock
from kernel.db import Connection, Pool
from kernel.errors import Malformed, Refused, Unprocessable
from registry.ledger import receipts_of
from registry.model import Card, Event, Role
from registry.offline_pass import NO_KEYS
from registry.passes import may_be_offline, read_pass
from registry.plates import parse
from registry.world import World

MOST = 500
SCANNERS = (Role.LANE, Role.FIRM, Role.DESK)
NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


class Batch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Items are read one by one, so that a bad one does not spoil the others."""

    scans: list[Any]


class Answer(Struct, frozen=True, kw_only=True):
    """What came of one item: an outcome, or the refusal of an item that never became one."""

    id: str | None
    outcome: Outcome | None = None
    refusal: Refused | None = None
    card: Card | None = None


class Intake(Struct, frozen=True, kw_only=True):
    office: Office
    group: GroupCommit
    pool: Pool
    clock: Clock


async def take(intake: Intake, batch: Batch, actor: Actor) -> list[Answer]:
    """Raises Malformed("too_many_scans"). Answers come in the order of the items."""
    if len(batch.scans) > MOST:
        raise Malformed("too_many_scans", most=MOST)
    read = [_read(raw) for raw in batch.scans]
    proposals: dict[int, Proposal] = {}
    answers: dict[int, Answer] = {}
    for number, item in enumerate(read):
        if isinstance(item, Answer):
            answers[number] = item
            continue
        try:
            movement_id = await _movement_of(intake, item, actor)
            proposals[number] = propose(item, movement_id, actor, level=None)
        except Refused as refused:
            card = Card.WRONG_CODE if refused.code in WRONG_CODES else None
            answers[number] = Answer(id=str(item.id), refusal=refused, card=card)
    outcomes = await intake.group.submit(list(proposals.values()))
    for number, outcome in zip(proposals, outcomes, strict=True):
        answers[number] = answer_of(outcome)
    return [answers[number] for number in range(len(read))]


#: The card that the lane shows for something that is no pass of ours.
WRONG_CODES = frozenset(
    {
        "not_a_pass",
        "pass_of_other_city",
        "pass_forged",
        "pass_mistyped",
        "pass_malformed",
        "pass_version_unknown",
        "pass_key_unknown",
    }
)


def answer_of(outcome: Outcome) -> Answer:
    return Answer(
        id=str(outcome.event_id),
        outcome=outcome,
        refusal=outcome.refusal,
        card=card_of(outcome),
    )


def card_of(outcome: Outcome) -> Card | None:
    """At a gate the card of the event; at a firm green for an arrival that agrees."""
    event, loop = outcome.event, outcome.loop
    if event is None:
        return None
    if event.kind == "entry":
        return Card(event.body["card"])
    if event.kind == "arrival" and loop is not None:
        return Card.YELLOW if loop.discrepancy else Card.GREEN
    return Card.GREEN


async def take_one(
    conn: Connection,
    intake: Intake,
    scan: Scan,
    actor: Actor,
    level: Level | None,
    now: datetime,
    *,
    own_time: bool = False,
    camera_plate: str = "",
) -> Answer:
    """One scan from a page, in the page's own transaction. Raises Refused.

    Its time is ours and no part of what was said, so that a form sent twice says the same; unless
    it stands on a sheet of paper. Nor is the plate that a camera read meanwhile.
    """
    movement_id = await _movement_in(conn, intake.office, scan, actor, now)
    seen = msgspec.structs.replace(scan, plate_seen=scan.plate_seen or camera_plate)
    proposal = propose(seen, movement_id, actor, level)
    if not own_time:
        said = msgspec.structs.replace(as_said(scan), occurred_at=NO_TIME)
        proposal = msgspec.structs.replace(proposal, body_hash=body_hash(said))
    return answer_of((await append(conn, intake.office.cache, [proposal], now))[0])


def as_said(scan: Scan) -> Scan:
    """A console that had no answer sends its scan again, and by then from its outbox: how it came
    is no part of what was said.
    """
    return msgspec.structs.replace(scan, offline=False)


def propose(scan: Scan, movement_id: int, actor: Actor, level: Level | None) -> Proposal:
    def decide(situation: Situation, world: World, now: datetime) -> Event:
        return event_of(scan, actor, level, situation, world, now)

    return Proposal(
        event_id=scan.id,
        movement_id=movement_id,
        body_hash=body_hash(as_said(scan)),
        decide=decide,
        said=msgspec.to_builtins(scan),
        actor=actor_name(actor),
    )


def _read(said: Any) -> Scan | Answer:  # noqa: ANN401 - whatever a device sent
    try:
        scan = msgspec.convert(said, Scan)
    except msgspec.ValidationError as error:
        refusal = Malformed("scan_malformed", problem=str(error))
        return Answer(id=id_of(said), refusal=refusal)
    if scan.kind not in KINDS:
        refusal = Unprocessable("unknown_kind", kind=scan.kind, known=sorted(KINDS))
        return Answer(id=str(scan.id), refusal=refusal)
    return scan


def id_of(said: Any) -> str | None:  # noqa: ANN401
    """So that the sender can tell which of its items was refused."""
    said_id: Any = said.get("id") if isinstance(said, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return said_id if isinstance(said_id, str) else None


async def _movement_of(intake: Intake, scan: Scan, actor: Actor) -> int:
    """What the lanes send thousands of times asks no database: 24 digits never do, and an offline
    pass only where the memory of keys was not compared a moment ago.
    """
    office = intake.office
    if scan.pass_number and not may_be_offline(scan.pass_number):
        return read_pass(scan.pass_number, office.vault, office.city)
    if scan.pass_number and office.cache.fresh and office.cache.held is not None:
        keys = office.cache.held.pass_keys
        return read_pass(scan.pass_number, office.vault, office.city, keys)
    async with intake.pool.acquire(timeout=2) as conn, conn.transaction():
        return await _movement_in(conn, intake.office, scan, actor, intake.clock.now())


async def pass_said(conn: Connection, office: Office, text: str) -> int:
    """The movement that either form of a pass names. Raises as `read_pass` does."""
    keys = (await office.cache.now(conn)).pass_keys if may_be_offline(text) else NO_KEYS
    return read_pass(text, office.vault, office.city, keys)


async def _movement_in(
    conn: Connection, office: Office, scan: Scan, actor: Actor, now: datetime
) -> int:
    """By pass number, else by plate. A plate that nobody reported gets a movement of its own.

    A repeated scan keeps the movement it had: by now the plate may lead to another.
    """
    if scan.pass_number:
        return await pass_said(conn, office, scan.pass_number)
    if not scan.plate.strip():
        raise Unprocessable("pass_or_plate_needed")
    plate = parse(scan.plate).text
    known = await receipts_of(conn, [scan.id, opened_id(scan.id)])
    if known:
        return next(iter(known.values()))[1]
    found = await movement_by_plate(conn, plate, scan.kind, scan.place_id, now)
    if found is not None:
        return found
    when = check_scan(scan, actor, await office.cache.now(conn), now)
    return await open_movement(
        conn,
        office,
        scan_id=scan.id,
        plate=plate,
        stops=(scan.place_id,) if scan.kind == "arrival" else (),
        seen_at=when.at,
        actor=actor,
        now=now,
    )
