"""Reading the ledger. Appending to it is the group commit's work, one floor up."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from kernel.chain import Stream
from kernel.db import Connection
from registry.model import Event

EVENTS = Stream(
    name="events",
    table="registry.event",
    columns=(
        *("movement_id", "event_id", "kind", "occurred_at", "received_at", "uncertainty_ms"),
        *("place_id", "gate", "device_id", "sequence", "offline", "actor", "body"),
    ),
    at="received_at",
    kept="records",
)


async def events_of(conn: Connection, movement_id: int) -> list[Event]:
    """All events of a movement, in order of receipt."""
    rows = await conn.fetch(
        """
        SELECT movement_id, event_id, kind, occurred_at, received_at, uncertainty_ms, place_id,
               gate, device_id, sequence, offline, actor, body
          FROM registry.event WHERE movement_id = $1 ORDER BY received_at, event_id
        """,
        movement_id,
    )
    return [msgspec.convert(dict(row), Event) for row in rows]


async def receipts_of(conn: Connection, event_ids: Sequence[UUID]) -> dict[UUID, tuple[bytes, int]]:
    """Event id → the hash of its body and the movement it belongs to, for those already known."""
    rows = await conn.fetch(
        "SELECT event_id, body_hash, movement_id FROM registry.receipt WHERE event_id = ANY($1)",
        event_ids,
    )
    return {row["event_id"]: (row["body_hash"], row["movement_id"]) for row in rows}
