"""Messages that are to leave the house, written in the transaction that causes them."""

from datetime import datetime
from uuid import UUID, uuid4

import msgspec

from kernel.db import Connection

# Held by whoever gives out positions, so that they are committed in their order.
POSITIONS_LOCK = 0x6F7574


class Message(msgspec.Struct, frozen=True, kw_only=True):
    position: int
    id: UUID
    key: str
    kind: str
    recipient: str
    facts: dict[str, object]
    created_at: datetime
    sent_at: datetime | None


async def post(
    conn: Connection,
    *,
    kind: str,
    key: str,
    recipient: str,
    facts: dict[str, object],
    now: datetime,
) -> bool:
    """Write a message; a key that was written before is left as it is, and False is given."""
    status = await conn.execute(
        """
        INSERT INTO kernel.outbox (id, key, kind, recipient, facts, created_at, next_at)
        VALUES ($1, $2, $3, $4, $5, $6, $6)
        ON CONFLICT (key) DO NOTHING
        """,
        uuid4(),
        key,
        kind,
        recipient,
        facts,
        now,
    )
    return status == "INSERT 0 1"


async def feed(conn: Connection, after: int, limit: int) -> list[Message]:
    """Give messages in the order of their positions, beginning behind `after`.

    A reader that comes back with the last position it saw misses none.
    """
    await _give_positions(conn)
    rows = await conn.fetch(
        """
        SELECT position, id, key, kind, recipient, facts, created_at, sent_at
        FROM kernel.outbox WHERE position > $1 ORDER BY position LIMIT $2
        """,
        after,
        limit,
    )
    return msgspec.convert(rows, list[Message])


async def _give_positions(conn: Connection) -> None:
    """In order of time, by one reader after the other; the sequence only remembers the last."""
    await conn.execute("SELECT pg_advisory_xact_lock($1)", POSITIONS_LOCK)
    last: int = await conn.fetchval("SELECT last_value FROM kernel.outbox_position")
    status = await conn.execute(
        """
        UPDATE kernel.outbox AS o SET position = $1::bigint + waiting.number
        FROM (
            SELECT id, row_number() OVER (ORDER BY created_at, key) AS number
            FROM kernel.outbox WHERE position IS NULL
        ) AS waiting
        WHERE o.id = waiting.id
        """,
        last,
    )
    given = int(status.rpartition(" ")[2])
    if given:
        await conn.execute("SELECT setval('kernel.outbox_position', $1::bigint)", last + given)
