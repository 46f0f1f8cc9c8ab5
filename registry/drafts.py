"""Drafts of reports: what was typed so far, sealed, and whose device may go on with it.

A draft has an address of its own, and only the device that began it, or that took up the link of
it, gets in. Two reports begun are two drafts; a correction is one for a device and a journey.
"""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import msgspec
from msgspec import Struct

from kernel.auth import new_token, token_hash
from kernel.db import Connection
from kernel.errors import NotFound
from kernel.ids import uuid7
from kernel.privacy import Vault

Typed = dict[str, str]

#: Where a report begins: the way on for whoever comes too late.
BEGIN = "/d/new"
LIVES = timedelta(hours=24)
#: Somebody else began it: the driver may be asleep or on the road.
LINK_LIVES = timedelta(hours=72)


class Draft(Struct, frozen=True, kw_only=True):
    """`event_id` is that of the report it becomes: sent twice, it is one report. `became` is
    the movement it made, or the one it amends. `linked`: somebody else typed what it holds.
    """

    id: UUID
    kind: str
    channel: str
    made_by: str
    typed: Typed
    event_id: UUID
    became: int | None
    sent_at: datetime | None
    linked: bool

    @property
    def masked(self) -> bool:
        """Whoever opens it may not be whoever typed it."""
        return self.linked or self.kind == "amendment"


async def begin(
    conn: Connection,
    vault: Vault,
    *,
    token: str | None,
    typed: Typed,
    channel: str,
    made_by: str,
    now: datetime,
    kind: str = "report",
    became: int | None = None,
) -> tuple[UUID, str | None]:
    """Its id. Without a device's token it has a link of its own, which is told here and never
    again.
    """
    link = None if token else new_token()
    draft_id = await conn.fetchval(
        """
        INSERT INTO registry.draft
               (id, owner_hash, link_hash, kind, channel, made_by, typed_sealed, event_id, became,
                created_at, updated_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11) RETURNING id
        """,
        uuid4(),
        token_hash(token) if token else None,
        token_hash(link) if link else None,
        kind,
        channel,
        made_by,
        _sealed(vault, typed),
        uuid7(now),
        became,
        now,
        now + (LINK_LIVES if link else LIVES),
    )
    return draft_id, link


async def owned_draft(
    conn: Connection, vault: Vault, draft_id: UUID, token: str, now: datetime
) -> Draft:
    """Locked until the transaction ends, so that two taps come one after the other. A draft of
    another device, one that has expired and one that never was answer alike.

    Raises NotFound("unknown_draft").
    """
    row = await conn.fetchrow(
        """
        SELECT id, kind, channel, made_by, typed_sealed, event_id, became, sent_at,
               link_hash IS NOT NULL AS linked
          FROM registry.draft
         WHERE id = $1 AND owner_hash = $2 AND expires_at > $3 FOR UPDATE
        """,
        draft_id,
        token_hash(token),
        now,
    )
    if row is None:
        raise NotFound("unknown_draft", begin_at=BEGIN)
    fields = dict(row)
    typed = msgspec.json.decode(vault.open(fields.pop("typed_sealed"), field="draft"), type=Typed)
    return Draft(typed=typed, **fields)


async def amendment_of(
    conn: Connection, movement_id: int, token: str, now: datetime
) -> UUID | None:
    """The amendment that this device has begun and not yet sent."""
    return await conn.fetchval(
        """
        SELECT id FROM registry.draft
         WHERE owner_hash = $1 AND kind = 'amendment' AND became = $2 AND sent_at IS NULL
           AND expires_at > $3
         ORDER BY updated_at DESC LIMIT 1
        """,
        token_hash(token),
        movement_id,
        now,
    )


async def keep_typed(
    conn: Connection, vault: Vault, draft_id: UUID, typed: Typed, now: datetime
) -> None:
    await conn.execute(
        """
        UPDATE registry.draft
           SET typed_sealed = $2, updated_at = $3, expires_at = greatest(expires_at, $4)
         WHERE id = $1
        """,
        draft_id,
        _sealed(vault, typed),
        now,
        now + LIVES,
    )


async def mark_sent(
    conn: Connection, vault: Vault, draft_id: UUID, became: int, now: datetime
) -> None:
    """What was typed now stands in the report; the draft only remembers where it led."""
    await conn.execute(
        """
        UPDATE registry.draft SET sent_at = $2, became = $3, typed_sealed = $4 WHERE id = $1
        """,
        draft_id,
        now,
        became,
        _sealed(vault, {}),
    )


async def linked_draft(
    conn: Connection, vault: Vault, link: str, token: str, now: datetime
) -> Typed:
    """What a link leads to, for anyone until a device has taken it up, then for that device.

    Raises NotFound("unknown_draft").
    """
    row = await conn.fetchrow(
        """
        SELECT typed_sealed FROM registry.draft
         WHERE link_hash = $1 AND (owner_hash IS NULL OR owner_hash = $2) AND expires_at > $3
        """,
        token_hash(link),
        token_hash(token),
        now,
    )
    if row is None:
        raise NotFound("unknown_draft", begin_at=BEGIN)
    return msgspec.json.decode(vault.open(row["typed_sealed"], field="draft"), type=Typed)


async def take_link(conn: Connection, link: str, token: str, now: datetime) -> UUID:
    """The first device that takes it up has it. Raises NotFound("unknown_draft")."""
    draft_id = await conn.fetchval(
        """
        UPDATE registry.draft SET owner_hash = $2
         WHERE link_hash = $1 AND expires_at > $3 AND (owner_hash IS NULL OR owner_hash = $2)
        RETURNING id
        """,
        token_hash(link),
        token_hash(token),
        now,
    )
    if draft_id is None:
        raise NotFound("unknown_draft", begin_at=BEGIN)
    return draft_id


class Prepared(Struct, frozen=True, kw_only=True):
    """One line of what somebody has prepared for drivers; nothing personal."""

    id: UUID
    created_at: datetime
    expires_at: datetime
    opened: bool
    became: int | None
    sent_at: datetime | None


async def prepared_by(conn: Connection, made_by: str, since: datetime) -> list[Prepared]:
    rows = await conn.fetch(
        """
        SELECT id, created_at, expires_at, owner_hash IS NOT NULL AS opened, became, sent_at
          FROM registry.draft
         WHERE made_by = $1 AND link_hash IS NOT NULL AND created_at > $2
         ORDER BY created_at DESC
        """,
        made_by,
        since,
    )
    return [msgspec.convert(dict(row), Prepared) for row in rows]


def _sealed(vault: Vault, typed: Typed) -> bytes:
    return vault.seal(msgspec.json.encode(typed).decode(), field="draft")
