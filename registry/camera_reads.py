"""Plates that cameras read: kept as they came, as evidence and never as a truck's state.

A device belongs to one place, and readings of one place are taken one after the other: so what is a
double is told by the rows that are there, whatever process took them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct, convert

from kernel.db import Connection

#: What a device is that reads plates; no account has this role.
CAMERA = "camera"
#: A truck that stands before a camera is read again and again: so long after the last reading of
#: its plate in that lane it may be another passage.
DOUBLE_SECONDS = 10
_LOCK = 0x63616D  # "cam"

Read = Literal["matched", "candidate", "unregistered", "doubtful", "double"]


class Reading(Struct, frozen=True, kw_only=True):
    """One reading as it is kept. `taken_at` is never later than its receipt."""

    id: str
    body_hash: bytes
    gate: str
    plate: str
    confidence: float
    taken_at: datetime
    uncertainty_ms: int
    clock_wrong: bool
    picture: str
    movement_id: int | None = None
    outcome: Read = "doubtful"


class Sighting(Struct, frozen=True, kw_only=True):
    """A reading as officers see it."""

    device_id: UUID
    id: str
    place_id: int
    gate: str
    plate: str
    confidence: float
    taken_at: datetime
    clock_wrong: bool
    picture: str
    movement_id: int | None
    outcome: Read


async def take_turn(conn: Connection, place_id: int) -> None:
    """Until the transaction ends, no other reading of this place is taken."""
    await conn.execute(
        "SELECT pg_advisory_xact_lock($1, ($2::bigint % 2147483647)::int)", _LOCK, place_id
    )


async def gate_of(conn: Connection, device_id: UUID) -> str | None:
    """The lane that a camera looks at; None where it was withdrawn."""
    return await conn.fetchval(
        "SELECT gate FROM registry.device WHERE id = $1 AND revoked_at IS NULL", device_id
    )


async def watched_by_camera(conn: Connection, place_id: int) -> bool:
    return await conn.fetchval(
        """
        SELECT EXISTS (SELECT FROM registry.device
                        WHERE place_id = $1 AND role = 'camera' AND revoked_at IS NULL)
        """,
        place_id,
    )


async def known_reads(
    conn: Connection, device_id: UUID, ids: Sequence[str]
) -> dict[str, tuple[bytes, str]]:
    """Id → body hash and outcome, of those that are there already."""
    rows = await conn.fetch(
        """
        SELECT id, body_hash, outcome FROM registry.camera_read
         WHERE device_id = $1 AND id = ANY($2)
        """,
        device_id,
        ids,
    )
    return {row["id"]: (row["body_hash"], row["outcome"]) for row in rows}


async def read_before(conn: Connection, place_id: int, reads: Sequence[Reading]) -> frozenset[str]:
    """Ids of those whose plate was read in the same lane a moment before or after."""
    rows = await conn.fetch(
        """
        SELECT DISTINCT n.id
          FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[])
               AS n (id, plate, gate, taken_at)
          JOIN registry.camera_read r
            ON r.plate = n.plate
           AND r.taken_at BETWEEN n.taken_at - $6 * interval '1 second'
                              AND n.taken_at + $6 * interval '1 second'
         WHERE r.place_id = $1 AND r.gate = n.gate
        """,
        place_id,
        [each.id for each in reads],
        [each.plate for each in reads],
        [each.gate for each in reads],
        [each.taken_at for each in reads],
        DOUBLE_SECONDS,
    )
    return frozenset(row["id"] for row in rows)


async def keep_reads(
    conn: Connection, device_id: UUID, place_id: int, reads: Sequence[Reading], now: datetime
) -> None:
    await conn.execute(
        """
        INSERT INTO registry.camera_read
               (device_id, id, body_hash, place_id, gate, plate, confidence, taken_at,
                received_at, uncertainty_ms, clock_wrong, picture, movement_id, outcome)
        SELECT $1, n.id, n.body_hash, $2, n.gate, n.plate, n.confidence, n.taken_at, $3,
               n.uncertainty_ms, n.clock_wrong, n.picture, n.movement_id, n.outcome
          FROM unnest($4::text[], $5::bytea[], $6::text[], $7::text[], $8::real[],
                      $9::timestamptz[], $10::int[], $11::boolean[], $12::text[], $13::bigint[],
                      $14::text[])
               AS n (id, body_hash, gate, plate, confidence, taken_at, uncertainty_ms,
                     clock_wrong, picture, movement_id, outcome)
        """,
        device_id,
        place_id,
        now,
        [each.id for each in reads],
        [each.body_hash for each in reads],
        [each.gate for each in reads],
        [each.plate for each in reads],
        [each.confidence for each in reads],
        [each.taken_at for each in reads],
        [each.uncertainty_ms for each in reads],
        [each.clock_wrong for each in reads],
        [each.picture for each in reads],
        [each.movement_id for each in reads],
        [each.outcome for each in reads],
    )


async def lately_at(
    conn: Connection, place_id: int, gate: str, since: datetime, limit: int
) -> list[Sighting]:
    """What cameras of a place saw since then, doubles left out, the newest first; of one lane, or
    of all where none is named.
    """
    rows = await conn.fetch(
        """
        SELECT device_id, id, place_id, gate, plate, confidence, taken_at, clock_wrong, picture,
               movement_id, outcome
          FROM registry.camera_read
         WHERE place_id = $1 AND taken_at >= $2 AND outcome <> 'double'
           AND ($3 = '' OR gate = $3)
         ORDER BY taken_at DESC, id LIMIT $4
        """,
        place_id,
        since,
        gate,
        limit,
    )
    return [convert(dict(row), Sighting) for row in rows]


async def find_read(conn: Connection, device_id: UUID, read_id: str) -> Sighting | None:
    """Takes the row until the transaction ends."""
    row = await conn.fetchrow(
        """
        SELECT device_id, id, place_id, gate, plate, confidence, taken_at, clock_wrong, picture,
               movement_id, outcome
          FROM registry.camera_read
         WHERE device_id = $1 AND id = $2 AND outcome = 'unregistered' FOR UPDATE
        """,
        device_id,
        read_id,
    )
    return None if row is None else convert(dict(row), Sighting)


async def settle(
    conn: Connection, read: Sighting, movement_id: int | None, actor_id: UUID, now: datetime
) -> None:
    """What an officer said of a plate holds for all its readings at that place that wait."""
    await conn.execute(
        """
        UPDATE registry.camera_read
           SET settled = CASE WHEN $3::bigint IS NULL THEN 'dismissed' ELSE 'movement' END,
               movement_id = $3, settled_by = $4, settled_at = $5
         WHERE plate = $1 AND place_id = $2 AND outcome = 'unregistered' AND settled = ''
        """,
        read.plate,
        read.place_id,
        movement_id,
        actor_id,
        now,
    )
