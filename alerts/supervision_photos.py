"""Photos that prove what supervision found or did, each beside the place of the ledger."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import convert

from closedloop.photos import photo_id_of, shown
from closedloop.reporting import actor_name
from kernel.attachments import Attachment, attach
from kernel.auth import Actor
from kernel.db import Connection
from kernel.privacy import Vault

_OWNER = "due:"


def due_owning(owner: str) -> int | None:
    """The place of the ledger beside which this is kept; None where it is kept beside another."""
    return int(owner.split(":")[1]) if owner.startswith(_OWNER) else None


def photo_named(event_id: UUID, sent: bytes) -> UUID | None:
    """The number that what is said gives to its photo."""
    return photo_id_of(event_id) if sent else None


async def keep_photo(
    conn: Connection,
    vault: Vault,
    due_id: int,
    event_id: UUID,
    sent: bytes,
    actor: Actor,
    now: datetime,
) -> None:
    """In the transaction of what was said. Raises what `attach` raises."""
    await attach(
        conn,
        vault,
        attachment_id=photo_id_of(event_id),
        # Every act is an owner of its own: a daily check takes no other's room.
        owner=f"{_OWNER}{due_id}:{event_id}",
        sent=sent,
        by=actor_name(actor),
        now=now,
    )


async def photos_of_place(conn: Connection, due_id: int, most: int = 30) -> list[dict[str, Any]]:
    """For `photos.html`: what sweeps, problems and cases have of this place, the newest first."""
    rows = await conn.fetch(
        """
        WITH named AS (
            SELECT photo FROM alerts.street_visit WHERE due_id = $1
            UNION SELECT a.photo FROM alerts.problem p
                  JOIN alerts.problem_act a ON a.problem_id = p.id WHERE p.due_id = $1
            UNION SELECT a.photo FROM alerts.oversight o
                  JOIN alerts.oversight_act a ON a.oversight_id = o.id WHERE o.due_id = $1
        )
        SELECT t.id, t.kept_by, t.kept_at FROM named JOIN kernel.attachment t ON t.id = named.photo
         ORDER BY t.kept_at DESC, t.id LIMIT $2
        """,
        due_id,
        most,
    )
    return [shown(convert(dict(row), Attachment)) for row in rows]
