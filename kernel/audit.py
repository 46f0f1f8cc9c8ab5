"""Who looked at whom, and why."""

from datetime import datetime
from uuid import uuid4

from kernel.auth import Actor
from kernel.db import Connection


async def record_access(
    conn: Connection,
    actor: Actor,
    *,
    action: str,
    subject_kind: str,
    subject: str,
    reason: str,
    now: datetime,
) -> None:
    """Add a row that can never be changed, in the transaction that does the reading.

    `subject` is an id of ours, never a number that belongs to the person.
    """
    await conn.execute(
        """
        INSERT INTO kernel.audit
            (id, at, actor_id, actor_name, action, subject_kind, subject, reason)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        uuid4(),
        now,
        actor.id,
        actor.name,
        action,
        subject_kind,
        subject,
        reason,
    )
