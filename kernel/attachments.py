"""What is kept beside the record in a form of its own: photos, sealed, by their senders' ids."""

import asyncio
import hashlib
from datetime import datetime
from uuid import UUID

from msgspec import Struct, convert

from kernel.db import Connection
from kernel.errors import Conflict, NotFound
from kernel.photos import drawn_anew
from kernel.privacy import Vault

FIELD = "attachment"
#: Of one owner: enough to show, too few to fill a disk.
MOST = 12


class Attachment(Struct, frozen=True, kw_only=True):
    id: UUID
    kept_by: str
    kept_at: datetime


async def attach(
    conn: Connection,
    vault: Vault,
    *,
    attachment_id: UUID,
    owner: str,
    sent: bytes,
    by: str,
    now: datetime,
) -> bool:
    """Whether it is new: the same photo under the same id is kept once.

    Raises Conflict `photo_id_taken`, `photos_too_many`; Unprocessable `photo_unreadable`,
    `photo_too_large`.
    """
    digest = hashlib.sha256(sent).digest()
    if await _is_there(conn, attachment_id, owner, digest):
        return False
    if len(await attachments_of(conn, owner)) >= MOST:
        raise Conflict("photos_too_many", most=MOST)
    drawn = await asyncio.to_thread(drawn_anew, sent)
    status = await conn.execute(
        """
        INSERT INTO kernel.attachment (id, owner, sent, sealed, kept_by, kept_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING
        """,
        attachment_id,
        owner,
        digest,
        vault.seal_bytes(drawn, field=FIELD),
        by,
        now,
    )
    # Somebody was quicker: the same tap twice, or a taken id.
    return status.endswith(" 1") or not await _is_there(conn, attachment_id, owner, digest)


async def _is_there(conn: Connection, attachment_id: UUID, owner: str, digest: bytes) -> bool:
    """Raises Conflict `photo_id_taken`."""
    same = await conn.fetchval(
        "SELECT owner = $2 AND sent = $3 FROM kernel.attachment WHERE id = $1",
        attachment_id,
        owner,
        digest,
    )
    if same is False:
        raise Conflict("photo_id_taken")
    return bool(same)


async def attachments_of(conn: Connection, owner: str) -> list[Attachment]:
    """The oldest first."""
    rows = await conn.fetch(
        "SELECT id, kept_by, kept_at FROM kernel.attachment WHERE owner = $1 ORDER BY kept_at, id",
        owner,
    )
    return [convert(dict(row), Attachment) for row in rows]


async def owner_of(conn: Connection, attachment_id: UUID) -> str:
    """Raises NotFound `unknown_photo`."""
    owner = await conn.fetchval("SELECT owner FROM kernel.attachment WHERE id = $1", attachment_id)
    if owner is None:
        raise NotFound("unknown_photo")
    return owner


async def opened(conn: Connection, vault: Vault, attachment_id: UUID) -> bytes:
    """A JPEG. Whoever asks has been looked at, and the look is on record. Raises NotFound."""
    sealed = await conn.fetchval(
        "SELECT sealed FROM kernel.attachment WHERE id = $1", attachment_id
    )
    if sealed is None:
        raise NotFound("unknown_photo")
    return vault.open_bytes(sealed, field=FIELD)
