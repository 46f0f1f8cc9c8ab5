"""What cameras send: each reading is kept once, and said to be of this truck, of one of these, of
none that was reported, or of nobody knows whom. It moves no truck (decision 0042).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from alerts.camera_watch import tell_wanted
from checkpoint.camera_matching import LEAST_CONFIDENCE, candidates, outcome_of, reported
from checkpoint.camera_times import moment
from closedloop.acts import Text
from closedloop.reporting import Office, body_hash
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, Malformed, Refused, Unauthenticated
from registry.camera_reads import (
    DOUBLE_SECONDS,
    Reading,
    gate_of,
    keep_reads,
    known_reads,
    read_before,
    take_turn,
)
from registry.model import Place
from registry.plates import normalise
from registry.world import World

MOST = 500
LONGEST_PLATE = 16

ReadId = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00]*\Z")]
Said = Annotated[str, Meta(max_length=32, pattern=r"^[^\x00]*\Z")]
Picture = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00]*\Z")]
Confidence = Annotated[float, Meta(ge=0, le=1)]


class CameraRead(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`id` is the camera's own, for ever; `offline`: it could not be sent when it was taken;
    `picture` says where the camera keeps its picture.
    """

    id: ReadId
    plate: Said
    confidence: Confidence
    taken_at: datetime
    gate: Text = ""
    picture: Picture = ""
    offline: bool = False


class ReadResult(Struct, frozen=True, kw_only=True):
    """`status`: recorded, repeated, conflict or refused; `outcome`: what the reading came to."""

    id: str | None
    status: str
    outcome: str | None = None
    refusal: Refused | None = None


class _Watch(Struct, frozen=True, kw_only=True):
    """Where a camera stands, and when it spoke."""

    actor: Actor
    place: Place
    gate: str
    world: World
    now: datetime


async def take_reads(
    conn: Connection, office: Office, actor: Actor, said: Sequence[Any], now: datetime
) -> list[ReadResult]:
    """Results come in the order of the items; one bad item never spoils the others. Raises
    Malformed("too_many_scans"), Unauthenticated("token_unknown") for a camera that was withdrawn.
    """
    if len(said) > MOST:
        raise Malformed("too_many_scans", most=MOST)
    world = await office.cache.now(conn)
    place = world.place(actor.place_id or 0)
    await take_turn(conn, place.id)
    gate = await gate_of(conn, actor.id)
    if gate is None:
        raise Unauthenticated("token_unknown")
    watch = _Watch(actor=actor, place=place, gate=gate, world=world, now=now)
    results: dict[int, ReadResult] = {}
    reads: dict[int, Reading] = {}
    for number, raw in enumerate(said):
        try:
            reads[number] = _read(raw, watch)
        except Refused as refusal:
            results[number] = ReadResult(id=_id_of(raw), status="refused", refusal=refusal)
    new = await _new_ones(conn, watch, reads, results)
    kept = await _judged(conn, watch, list(new.values()))
    await keep_reads(conn, actor.id, place.id, kept, now)
    outcomes = {each.id: each.outcome for each in kept}
    for number, read in new.items():
        results[number] = ReadResult(id=read.id, status="recorded", outcome=outcomes[read.id])
    await _tell(conn, watch, kept)
    return [
        _settled(results.get(number), reads.get(number), outcomes) for number in range(len(said))
    ]


def _settled(
    result: ReadResult | None, read: Reading | None, outcomes: Mapping[str, str]
) -> ReadResult:
    """What stands twice in one batch comes to what its twin came to."""
    if result is not None:
        return result
    id_ = "" if read is None else read.id
    return ReadResult(id=id_, status="repeated", outcome=outcomes.get(id_))


def _read(raw: Any, watch: _Watch) -> Reading:  # noqa: ANN401 - whatever a camera sent
    try:
        said = msgspec.convert(raw, CameraRead)
    except msgspec.ValidationError as error:
        raise Malformed("read_malformed", problem=str(error)) from error
    limits = watch.world.rules_at(watch.now).limits
    when = moment(said.taken_at, watch.now, limits, kept=said.offline)
    return Reading(
        id=said.id,
        # How it came is no part of what was said: a camera that had no answer sends it as kept.
        body_hash=body_hash(replace(said, offline=False)),
        gate=said.gate if said.gate in watch.place.gates else watch.gate,
        plate=normalise(said.plate)[:LONGEST_PLATE],
        confidence=said.confidence,
        taken_at=when.at,
        uncertainty_ms=when.uncertainty_ms,
        clock_wrong=bool(when.flags),
        picture=said.picture,
    )


def _id_of(raw: Any) -> str | None:  # noqa: ANN401
    said: Any = raw.get("id") if isinstance(raw, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return said if isinstance(said, str) else None


async def _new_ones(
    conn: Connection,
    watch: _Watch,
    reads: Mapping[int, Reading],
    results: dict[int, ReadResult],
) -> dict[int, Reading]:
    """Fills in what comes of ids that are taken, here or earlier in the batch."""
    known = await known_reads(conn, watch.actor.id, [read.id for read in reads.values()])
    new: dict[int, Reading] = {}
    first: dict[str, bytes] = {}
    for number, read in reads.items():
        digest, outcome = known.get(read.id, (first.get(read.id), None))
        if digest is None:
            new[number] = read
            first[read.id] = read.body_hash
        elif digest != read.body_hash:
            refusal = Conflict("event_id_taken", id=read.id)
            results[number] = ReadResult(id=read.id, status="conflict", refusal=refusal)
        elif outcome is not None:
            results[number] = ReadResult(id=read.id, status="repeated", outcome=outcome)
    return new


async def _judged(conn: Connection, watch: _Watch, reads: Sequence[Reading]) -> list[Reading]:
    if not reads:
        return []
    double = await read_before(conn, watch.place.id, reads)
    double |= doubles_among([read for read in reads if read.id not in double])
    known = await reported(conn, {read.plate for read in reads}, watch.place, watch.now)
    sure = {
        read.plate
        for read in reads
        if read.id not in double and read.confidence >= LEAST_CONFIDENCE
    }
    close = await candidates(conn, sure - known.keys(), watch.place, watch.now)
    return [
        _with_outcome(read, known, outcome_of(read.plate, read.confidence, known, close))
        if read.id not in double
        else _with_outcome(read, known, "double")
        for read in reads
    ]


def _with_outcome(read: Reading, known: Mapping[str, int], outcome: Any) -> Reading:  # noqa: ANN401 - Read
    """A doubtful reading names no truck; a double names the one that its first reading named."""
    sure = outcome == "matched" or (outcome == "double" and read.confidence >= LEAST_CONFIDENCE)
    return replace(read, outcome=outcome, movement_id=known.get(read.plate) if sure else None)


def doubles_among(reads: Sequence[Reading]) -> frozenset[str]:
    """Ids of those that follow another of the same plate and lane within a moment. Pure."""
    last: dict[tuple[str, str], datetime] = {}
    double: set[str] = set()
    for read in sorted(reads, key=lambda each: each.taken_at):
        key = (read.plate, read.gate)
        before = last.get(key)
        if before is not None and read.taken_at - before <= timedelta(seconds=DOUBLE_SECONDS):
            double.add(read.id)
        last[key] = read.taken_at
    return frozenset(double)


async def _tell(conn: Connection, watch: _Watch, kept: Sequence[Reading]) -> None:
    """The lane's page is knocked on at every passage, the duty desk where it concerns it."""
    counted = [read for read in kept if read.outcome != "double"]
    if not counted:
        return
    plates = {read.plate for read in counted if read.confidence >= LEAST_CONFIDENCE} - {""}
    rules = watch.world.rules_at(watch.now)
    wanted = await tell_wanted(conn, rules.ladder, plates, watch.place.id, watch.now)
    await conn.execute("SELECT pg_notify('cameras', $1)", str(watch.place.id))
    if wanted or any(read.outcome == "unregistered" for read in counted):
        await conn.execute("SELECT pg_notify('duty', '')")
