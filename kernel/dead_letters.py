"""Messages that were tried for a day in vain, or refused for good: seen on a page,
and sent again from there.
"""

from datetime import datetime
from uuid import UUID

from msgspec import Struct, convert

from kernel.db import Connection
from kernel.errors import NotFound


class Dead(Struct, frozen=True, kw_only=True):
    """A message that was tried for a day in vain, or that the other side will never take."""

    message_id: UUID
    channel_id: UUID
    channel: str
    kind: str
    recipient: str
    created_at: datetime
    gave_up_at: datetime
    attempts: int
    error: str


async def dead_letters(conn: Connection, limit: int = 200) -> list[Dead]:
    """The newest first."""
    rows = await conn.fetch(
        """
        SELECT d.message_id, d.channel_id, c.name AS channel, o.kind, o.recipient, o.created_at,
               d.gave_up_at, d.attempts, d.error
          FROM kernel.delivery d
          JOIN kernel.outbox o ON o.id = d.message_id
          JOIN kernel.channel c ON c.id = d.channel_id
         WHERE d.gave_up_at IS NOT NULL ORDER BY d.gave_up_at DESC, d.message_id LIMIT $1
        """,
        limit,
    )
    return [convert(dict(row), Dead) for row in rows]


async def send_again(conn: Connection, message_id: UUID, channel_id: UUID, now: datetime) -> None:
    """A dead letter is tried once more, and once an hour if that fails. Raises NotFound."""
    status = await conn.execute(
        """
        UPDATE kernel.delivery SET gave_up_at = NULL, next_at = $3
         WHERE message_id = $1 AND channel_id = $2 AND gave_up_at IS NOT NULL
        """,
        message_id,
        channel_id,
        now,
    )
    if status.endswith(" 0"):
        raise NotFound("unknown_delivery")
