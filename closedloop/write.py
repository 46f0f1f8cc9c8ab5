"""The one statement that stores events and moves loops.

It appends the events with their receipts, moves each loop if its version is still the one that
was read, writes and closes limits, and fills the outbox. It is the one place that writes
another floor's table, so that a scan costs one round trip and one commit.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from closedloop.deadlines import open_deadlines
from closedloop.message import Message
from closedloop.model import Loop
from kernel.db import Connection
from kernel.ids import uuid7
from registry.model import Event


class Move(Struct, frozen=True, kw_only=True):
    """New events of one movement and the loop that they make."""

    loop: Loop
    version: int
    events: tuple[tuple[Event, bytes], ...]
    messages: tuple[Message, ...]


WRITE = """
WITH moved AS (
    INSERT INTO closedloop.loop AS l
           (movement_id, version, state, entry_place_id, next_place_id, released_at, due_at,
            last_card, flags, view, updated_at)
    SELECT n.movement_id, n.version, n.state, n.entry_place_id, n.next_place_id, n.released_at,
           n.due_at, n.last_card, string_to_array(n.flags, ','), n.view::jsonb, $1
      FROM unnest($2::bigint[], $3::int[], $4::text[], $5::bigint[], $6::bigint[],
                  $7::timestamptz[], $8::timestamptz[], $9::text[], $10::text[], $11::text[])
           AS n (movement_id, version, state, entry_place_id, next_place_id, released_at, due_at,
                 last_card, flags, view)
    ON CONFLICT (movement_id) DO UPDATE
       SET version = excluded.version, state = excluded.state,
           entry_place_id = excluded.entry_place_id, next_place_id = excluded.next_place_id,
           released_at = excluded.released_at, due_at = excluded.due_at,
           last_card = excluded.last_card, flags = excluded.flags, view = excluded.view,
           updated_at = excluded.updated_at
     WHERE l.version = excluded.version - 1
    RETURNING l.movement_id, l.version, l.state
), changed AS (
    INSERT INTO closedloop.change (movement_id, version, state, at)
    SELECT movement_id, version, state, $1 FROM moved
), stored AS (
    INSERT INTO registry.event
           (movement_id, event_id, kind, occurred_at, received_at, uncertainty_ms, place_id, gate,
            device_id, sequence, offline, actor, body)
    SELECT n.movement_id, n.event_id, n.kind, n.occurred_at, n.received_at, n.uncertainty_ms,
           n.place_id, n.gate, n.device_id, n.sequence, n.offline, n.actor, n.body::jsonb
      FROM unnest($12::bigint[], $13::uuid[], $14::text[], $15::timestamptz[], $16::timestamptz[],
                  $17::int[], $18::bigint[], $19::text[], $20::uuid[], $21::bigint[],
                  $22::boolean[], $23::text[], $24::text[])
           AS n (movement_id, event_id, kind, occurred_at, received_at, uncertainty_ms, place_id,
                 gate, device_id, sequence, offline, actor, body)
      JOIN moved USING (movement_id)
), received AS (
    INSERT INTO registry.receipt (event_id, body_hash, movement_id, received_at)
    SELECT n.event_id, n.body_hash, n.movement_id, n.received_at
      FROM unnest($13::uuid[], $25::bytea[], $12::bigint[], $16::timestamptz[])
           AS n (event_id, body_hash, movement_id, received_at)
      JOIN moved USING (movement_id)
), limits AS (
    SELECT n.movement_id, n.stop, n.limb, n.limit_no, n.due_at, n.flag_at, n.next_at, n.place_id
      FROM unnest($26::bigint[], $27::int[], $28::text[], $29::int[], $30::timestamptz[],
                  $31::timestamptz[], $32::timestamptz[], $33::bigint[])
           AS n (movement_id, stop, limb, limit_no, due_at, flag_at, next_at, place_id)
      JOIN moved USING (movement_id)
), opened AS (
    INSERT INTO closedloop.deadline AS d
           (movement_id, stop, limb, limit_no, due_at, flag_at, next_at, place_id)
    SELECT movement_id, stop, limb, limit_no, due_at, flag_at, next_at, place_id FROM limits
    ON CONFLICT (movement_id, stop, limb, limit_no) DO UPDATE
       SET due_at = excluded.due_at, flag_at = excluded.flag_at, place_id = excluded.place_id,
           closed_at = NULL,
           -- A limit that moves takes its ladder along; the rungs that were taken stay taken.
           next_at = CASE WHEN d.climbed IS NULL THEN excluded.next_at
                          ELSE d.next_at + (excluded.flag_at - d.flag_at) END
     WHERE (d.due_at, d.flag_at, d.place_id) IS DISTINCT FROM
           (excluded.due_at, excluded.flag_at, excluded.place_id) OR d.closed_at IS NOT NULL
), closed AS (
    UPDATE closedloop.deadline d SET closed_at = $1
      FROM moved
     WHERE d.movement_id = moved.movement_id
       -- By the key, whatever the planner thinks: a plan that was made when few limits were open,
       -- and is kept, would read all that are open in the city at every scan.
       AND d.movement_id = ANY($2) AND coalesce(d.closed_at, 'infinity') = 'infinity'
       AND NOT EXISTS (SELECT 1 FROM limits n
                        WHERE n.movement_id = d.movement_id AND n.stop = d.stop
                          AND n.limb = d.limb AND n.limit_no = d.limit_no)
    RETURNING d.flag_at
), told AS (
    INSERT INTO kernel.outbox (id, key, kind, recipient, facts, created_at, next_at)
    SELECT n.id, n.key, n.kind, n.recipient, n.facts::jsonb, $1, $1
      FROM unnest($34::uuid[], $35::bigint[], $36::text[], $37::text[], $38::text[], $39::text[])
           AS n (id, movement_id, key, kind, recipient, facts)
      JOIN moved USING (movement_id)
    ON CONFLICT (key) DO NOTHING
)
SELECT moved.movement_id,
       (SELECT pg_notify('duty', '') FROM closed WHERE closed.flag_at <= $1 LIMIT 1) IS NULL
           AS quiet
  FROM moved
"""


async def write_moves(conn: Connection, moves: Sequence[Move], now: datetime) -> set[int]:
    """Returns the movements that were moved; of the others nothing was stored.

    Raises UniqueViolationError(receipt_once) where an event id is known already.
    """
    rows = await conn.fetch(WRITE, *_columns(moves, now))
    return {row["movement_id"] for row in rows}


def _columns(moves: Sequence[Move], now: datetime) -> list[Any]:
    events = [pair for move in moves for pair in move.events]
    told = [message for move in moves for message in move.messages]
    return [
        now,
        *_loops(moves),
        *_events([event for event, _ in events]),
        [body_hash for _, body_hash in events],
        *_limits(moves),
        [uuid7(now) for _ in told],
        [message.movement_id for message in told],
        [message.key for message in told],
        [message.kind for message in told],
        [message.recipient for message in told],
        [_json(message.facts) for message in told],
    ]


def _loops(moves: Sequence[Move]) -> list[list[Any]]:
    loops = [move.loop for move in moves]
    return [
        [loop.movement_id for loop in loops],
        [move.version + 1 for move in moves],
        [str(loop.state) for loop in loops],
        [loop.entry_place_id for loop in loops],
        [loop.next_place_id for loop in loops],
        [loop.released_at for loop in loops],
        [loop.due_at for loop in loops],
        [loop.last_card or "" for loop in loops],
        [",".join(loop.flags) for loop in loops],
        [_json(loop) for loop in loops],
    ]


def _events(events: Sequence[Event]) -> list[list[Any]]:
    return [
        [event.movement_id for event in events],
        [event.event_id for event in events],
        [event.kind for event in events],
        [event.occurred_at for event in events],
        [event.received_at for event in events],
        [event.uncertainty_ms for event in events],
        [event.place_id for event in events],
        [event.gate for event in events],
        [event.device_id for event in events],
        [event.sequence for event in events],
        [event.offline for event in events],
        [event.actor for event in events],
        [_json(event.body) for event in events],
    ]


def _limits(moves: Sequence[Move]) -> list[list[Any]]:
    limits = [
        (move.loop.movement_id, deadline)
        for move in moves
        for deadline in open_deadlines(move.loop)
    ]
    return [
        [movement_id for movement_id, _ in limits],
        [deadline.stop for _, deadline in limits],
        [str(deadline.limb) for _, deadline in limits],
        [deadline.limit_no for _, deadline in limits],
        [deadline.due_at for _, deadline in limits],
        [deadline.flag_at for _, deadline in limits],
        [deadline.next_at for _, deadline in limits],
        [deadline.place_id for _, deadline in limits],
    ]


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
