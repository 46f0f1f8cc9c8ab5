"""What phones would be sent, opened with the tests' own key."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from kernel.auth import token_hash
from kernel.db import Connection
from kernel.privacy import Vault
from registry.drivers import bind_device


class Sealed(Struct, frozen=True, kw_only=True):
    kind: str
    to: str
    facts: dict[str, Any]
    lang: str


async def letters(conn: Connection, vault: Vault) -> list[Sealed]:
    """Those that wait to be sent, the newest last."""
    rows = await conn.fetch(
        """
        SELECT kind, sealed FROM kernel.outbox
         WHERE recipient = 'phone' AND sealed IS NOT NULL ORDER BY created_at, id
        """
    )
    return [
        msgspec.convert(
            msgspec.json.decode(vault.open(row["sealed"], field="letter")) | {"kind": row["kind"]},
            Sealed,
        )
        for row in rows
    ]


async def code_sent(conn: Connection, vault: Vault) -> str:
    """The code that was sent last."""
    codes = [each.facts["code"] for each in await letters(conn, vault) if each.kind == "phone_code"]
    return codes[-1]


async def known_device(
    conn: Connection, token: str, person_id: UUID, now: datetime, *, proved_for: timedelta
) -> None:
    """A device that comes back as this person, whose document staff have seen."""
    await bind_device(conn, token, person_id, now)
    await conn.execute(
        "UPDATE registry.driver_device SET proved_until = $2 WHERE token_hash = $1",
        token_hash(token),
        now + proved_for,
    )
    await conn.execute("UPDATE registry.person SET verified_at = $2 WHERE id = $1", person_id, now)
    await conn.execute(
        "UPDATE registry.movement_person SET own = true WHERE person_id = $1 AND ordinal = 0",
        person_id,
    )
