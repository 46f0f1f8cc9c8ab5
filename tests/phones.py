"""What phones would be sent, opened with the tests' own key."""

from typing import Any

import msgspec
from msgspec import Struct

from kernel.db import Connection
from kernel.privacy import Vault


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
