"""Who looked at whom, and why."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from msgspec import Struct, convert

from kernel.auth import Actor
from kernel.db import Connection
from kernel.privacy import without_numbers


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

    `subject` is an id of ours, never a number that belongs to the person; a number that an officer
    wrote into the reason, or looked for, does not stay there.
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
        without_numbers(subject),
        without_numbers(reason),
    )


async def record_accesses(
    conn: Connection,
    actor: Actor,
    *,
    action: str,
    subject_kind: str,
    subjects: Sequence[str],
    reason: str,
    now: datetime,
) -> None:
    """The same for many at once: a row for each, in one statement."""
    await conn.execute(
        """
        INSERT INTO kernel.audit
            (id, at, actor_id, actor_name, action, subject_kind, subject, reason)
        SELECT gen_random_uuid(), $1, $2, $3, $4, $5, subject, $7
          FROM unnest($6::text[]) AS subject
        """,
        now,
        actor.id,
        actor.name,
        action,
        subject_kind,
        [without_numbers(subject) for subject in subjects],
        without_numbers(reason),
    )


class Access(Struct, frozen=True, kw_only=True):
    at: datetime
    actor_id: UUID
    action: str
    reason: str


async def accesses(conn: Connection, subjects: Sequence[tuple[str, str]]) -> list[Access]:
    """Who looked at any of these (kind, id), the newest first."""
    rows = await conn.fetch(
        """
        SELECT a.at, a.actor_id, a.action, a.reason FROM kernel.audit a
          JOIN unnest($1::text[], $2::text[]) AS s (kind, id)
            ON a.subject_kind = s.kind AND a.subject = s.id
         ORDER BY a.at DESC
        """,
        [kind for kind, _ in subjects],
        [subject for _, subject in subjects],
    )
    return [convert(dict(row), Access) for row in rows]
