"""How long each class of data is kept, and the erasing of what is due.

Each floor offers erasers for what it stores; the root collects them. An eraser says which keys are
due and erases them. A class is erased by one process at a time, in small batches of a transaction
each; run again, it finds nothing.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from msgspec import Struct, convert

from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import NotFound, Unprocessable

BATCH = 500
#: One run ends after so many batches of a class; the next one goes on.
MOST_BATCHES = 200
LONGEST_REASON = 200
REVEAL_QUOTA = "reveal_quota"
TRACE_QUOTA = "trace_quota"
#: Numbers of people for an officer and day, where the others are days.
QUOTAS = (REVEAL_QUOTA, TRACE_QUOTA)
_LOCK = 0x72657461  # "reta"


class Cut(Struct, frozen=True, kw_only=True):
    """What was finished before `before` is due at `now`."""

    now: datetime
    before: datetime


#: The keys of what is due, at most so many (None: all).
FindDue = Callable[[Connection, Cut, int | None], Awaitable[Sequence[Any]]]
Erase = Callable[[Connection, Sequence[Any], datetime], Awaitable[None]]


class Eraser(Struct, frozen=True, kw_only=True):
    """`name` is the class in kernel.retention."""

    name: str
    due: FindDue
    erase: Erase


class Kept(Struct, frozen=True, kw_only=True):
    """A class as it is set; `amount` is days, or a number of readings for the quota."""

    name: str
    amount: int
    least: int
    most: int


class Change(Struct, frozen=True, kw_only=True):
    name: str
    before: int
    after: int
    reason: str
    actor_name: str
    at: datetime


async def kept(conn: Connection) -> dict[str, Kept]:
    rows = await conn.fetch(
        "SELECT class AS name, amount, least, most FROM kernel.retention ORDER BY class"
    )
    return {row["name"]: convert(dict(row), Kept) for row in rows}


async def changes(conn: Connection, limit: int) -> list[Change]:
    """The newest first."""
    rows = await conn.fetch(
        """
        SELECT class AS name, before, after, reason, actor_name, at
          FROM kernel.retention_change ORDER BY at DESC, id LIMIT $1
        """,
        limit,
    )
    return [convert(dict(row), Change) for row in rows]


async def change(
    conn: Connection, actor: Actor, *, name: str, amount: int, reason: str, now: datetime
) -> None:
    """Raises NotFound `unknown_class`; Unprocessable `reason_needed`, `keeping_out_of_bounds`."""
    row = await conn.fetchrow(
        "SELECT amount, least, most FROM kernel.retention WHERE class = $1 FOR UPDATE", name
    )
    if row is None:
        raise NotFound("unknown_class")
    if not reason.strip():
        raise Unprocessable("keeping_needs_reason")
    if not row["least"] <= amount <= row["most"]:
        raise Unprocessable("keeping_out_of_bounds", least=row["least"], most=row["most"])
    if amount == row["amount"]:
        return
    await conn.execute("UPDATE kernel.retention SET amount = $2 WHERE class = $1", name, amount)
    await conn.execute(
        """
        INSERT INTO kernel.retention_change
               (id, class, before, after, reason, actor_id, actor_name, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        uuid4(),
        name,
        row["amount"],
        amount,
        reason.strip()[:LONGEST_REASON],
        actor.id,
        actor.name,
        now,
    )


async def count_due(conn: Connection, erasers: Sequence[Eraser], now: datetime) -> dict[str, int]:
    """Class → how many are due; changes nothing."""
    counted: dict[str, int] = {}
    for eraser in erasers:
        keys = await eraser.due(conn, await _cut(conn, eraser.name, now), None)
        counted[eraser.name] = counted.get(eraser.name, 0) + len(keys)
    return counted


async def erase_due(conn: Connection, erasers: Sequence[Eraser], now: datetime) -> dict[str, int]:
    """Class → how many were erased. The connection must not be in a transaction of the caller's,
    or the batches are one.
    """
    done: dict[str, int] = {}
    for eraser in erasers:
        for _ in range(MOST_BATCHES):
            count = await _erase_batch(conn, eraser, now)
            done[eraser.name] = done.get(eraser.name, 0) + count
            if count < BATCH:
                break
    return done


async def _erase_batch(conn: Connection, eraser: Eraser, now: datetime) -> int:
    async with conn.transaction():
        mine = await conn.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK)
        if not mine:
            return 0  # another process is at it
        keys = await eraser.due(conn, await _cut(conn, eraser.name, now), BATCH)
        if keys:
            # What is append-only lets go of what is due, and of nothing else (migration 0009).
            await conn.execute("SET LOCAL checkpoint.retention = 'on'")
            await eraser.erase(conn, keys, now)
            await conn.execute("SET LOCAL checkpoint.retention = 'off'")
        return len(keys)


async def _cut(conn: Connection, name: str, now: datetime) -> Cut:
    days = await conn.fetchval("SELECT amount FROM kernel.retention WHERE class = $1", name)
    return Cut(now=now, before=now - timedelta(days=days))


async def _sessions_due(conn: Connection, cut: Cut, limit: int | None) -> Sequence[Any]:
    rows = await conn.fetch(
        "SELECT id FROM kernel.session WHERE expires_at <= $1 LIMIT $2", cut.before, limit
    )
    return [row["id"] for row in rows]


async def _erase_sessions(conn: Connection, keys: Sequence[Any], _: datetime) -> None:
    await conn.execute("DELETE FROM kernel.session WHERE id = ANY($1)", keys)


async def _messages_due(conn: Connection, cut: Cut, limit: int | None) -> Sequence[UUID]:
    """A message that was sent, or given up, keeps its facts and loses number and words."""
    rows = await conn.fetch(
        """
        SELECT id FROM kernel.outbox
         WHERE sealed IS NOT NULL AND coalesce(sent_at, gave_up_at) <= $1
         ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
        """,
        cut.before,
        limit,
    )
    return [row["id"] for row in rows]


async def _erase_messages(conn: Connection, keys: Sequence[Any], _: datetime) -> None:
    await conn.execute("UPDATE kernel.outbox SET sealed = NULL WHERE id = ANY($1)", keys)


async def _audit_due(conn: Connection, cut: Cut, limit: int | None) -> Sequence[UUID]:
    rows = await conn.fetch(
        "SELECT id FROM kernel.audit WHERE at < $1 ORDER BY at LIMIT $2", cut.before, limit
    )
    return [row["id"] for row in rows]


async def _erase_audit(conn: Connection, keys: Sequence[Any], _: datetime) -> None:
    await conn.execute("DELETE FROM kernel.audit WHERE id = ANY($1)", keys)


async def _photos_due(conn: Connection, cut: Cut, limit: int | None) -> Sequence[UUID]:
    rows = await conn.fetch(
        """
        SELECT id FROM kernel.attachment WHERE kept_at < $1
         ORDER BY kept_at LIMIT $2 FOR UPDATE SKIP LOCKED
        """,
        cut.before,
        limit,
    )
    return [row["id"] for row in rows]


async def _erase_photos(conn: Connection, keys: Sequence[Any], _: datetime) -> None:
    await conn.execute("DELETE FROM kernel.attachment WHERE id = ANY($1)", keys)


ERASERS = (
    Eraser(name="sessions", due=_sessions_due, erase=_erase_sessions),
    Eraser(name="messages", due=_messages_due, erase=_erase_messages),
    Eraser(name="audit", due=_audit_due, erase=_erase_audit),
    Eraser(name="photos", due=_photos_due, erase=_erase_photos),
)
