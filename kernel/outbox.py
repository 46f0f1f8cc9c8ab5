"""Messages that are to leave the house, written in the transaction that causes them."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import msgspec

from kernel.db import Connection
from kernel.privacy import Vault

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


async def post_to_phone(
    conn: Connection,
    vault: Vault,
    *,
    to: str,
    kind: str,
    facts: dict[str, object],
    key: str,
    lang: str,
    now: datetime,
) -> None:
    """A message for one phone. Its number and its facts are sealed, and the feed has it not."""
    letter = msgspec.json.encode({"to": to, "facts": facts, "lang": lang}).decode()
    await conn.execute(
        """
        INSERT INTO kernel.outbox
               (id, key, kind, recipient, facts, created_at, next_at, sealed)
        VALUES ($1, $2, $3, 'phone', '{}', $4, $4, $5)
        ON CONFLICT (key) DO NOTHING
        """,
        uuid4(),
        key,
        kind,
        now,
        vault.seal(letter, field="letter"),
    )


#: How long the feed keeps what was said (mission M12).
FEED_DAYS = 30


async def forget_old(conn: Connection, now: datetime) -> int:
    """Messages that have had their time, with their deliveries; how many."""
    status = await conn.execute(
        "DELETE FROM kernel.outbox WHERE created_at < $1", now - timedelta(days=FEED_DAYS)
    )
    return int(status.rpartition(" ")[2])


async def feed(conn: Connection, after: int, limit: int) -> list[Message]:
    """Give messages in the order of their positions, beginning behind `after`.

    A reader that comes back with the last position it saw misses none.
    """
    await give_positions(conn)
    rows = await conn.fetch(
        """
        SELECT position, id, key, kind, recipient, facts, created_at, sent_at
        FROM kernel.outbox WHERE position > $1 ORDER BY position LIMIT $2
        """,
        after,
        limit,
    )
    return msgspec.convert(rows, list[Message])


async def give_positions(conn: Connection) -> None:
    """In order of time, by one reader after the other; the sequence only remembers the last."""
    await conn.execute("SELECT pg_advisory_xact_lock($1)", POSITIONS_LOCK)
    last: int = await conn.fetchval("SELECT last_value FROM kernel.outbox_position")
    status = await conn.execute(
        """
        UPDATE kernel.outbox AS o SET position = $1::bigint + waiting.number
        FROM (
            SELECT id, row_number() OVER (ORDER BY created_at, key) AS number
            FROM kernel.outbox WHERE position IS NULL AND recipient <> 'phone'
        ) AS waiting
        WHERE o.id = waiting.id
        """,
        last,
    )
    given = int(status.rpartition(" ")[2])
    if given:
        await conn.execute("SELECT setval('kernel.outbox_position', $1::bigint)", last + given)
