"""Drivers who come back: a device that remembers them, and what it may open."""

from datetime import datetime
from uuid import UUID

from kernel.auth import token_hash
from kernel.db import Connection

#: The cookie in which a driver's device keeps its token.
COOKIE = "driver"


async def proven_person(conn: Connection, token: str, now: datetime) -> UUID | None:
    """The person whose device this is, once they have shown in this hour that it is they."""
    return await conn.fetchval(
        """
        SELECT person_id FROM registry.driver_device
         WHERE token_hash = $1 AND revoked_at IS NULL AND proved_until > $2
        """,
        token_hash(token),
        now,
    )
