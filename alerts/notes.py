"""What was said in a call or beside a reply, in its own words: sealed and apart from the ledger."""

from datetime import datetime
from uuid import UUID

from closedloop.saying import one_line
from kernel.audit import record_access
from kernel.auth import Actor
from kernel.db import Connection
from kernel.privacy import Vault

FIELD = "enquiry_note"
LONGEST = 500


async def keep_note(
    conn: Connection, vault: Vault, movement_id: int, event_id: UUID, note: str, now: datetime
) -> None:
    """Nothing where nothing was said; the first words under an id stand."""
    if not (said := one_line(note, LONGEST)):
        return
    await conn.execute(
        """
        INSERT INTO alerts.note (movement_id, event_id, sealed, written_at)
        VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
        """,
        movement_id,
        event_id,
        vault.seal(said, field=FIELD),
        now,
    )


async def read_notes(
    conn: Connection, vault: Vault, movement_id: int, actor: Actor, now: datetime
) -> dict[UUID, str]:
    """Event id → what was written. The reading leaves its audit row."""
    rows = await conn.fetch(
        "SELECT event_id, sealed FROM alerts.note WHERE movement_id = $1", movement_id
    )
    if rows:
        await record_access(
            conn,
            actor,
            action="read_enquiry_notes",
            subject_kind="movement",
            subject=str(movement_id),
            reason="page",
            now=now,
        )
    return {row["event_id"]: vault.read(row["sealed"], field=FIELD) or "" for row in rows}
