"""What was said about a work item, and by whom: sealed, masked, and read with an audit row."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from kernel.audit import record_access
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, NotFound
from kernel.privacy import Vault
from registry.reveal import reason_kept, within_quota

NAME, PHONE, WORDS = "ticket_caller", "ticket_phone", "ticket_words"
LONGEST = 1000


class Said(Struct, frozen=True, kw_only=True):
    """`answers`: question of the script → answer, by their codes."""

    words: str = ""
    answers: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Said({len(self.words)}, {len(self.answers)})"


class Caller(Struct, frozen=True, kw_only=True):
    """In full. Either may be empty."""

    name: str
    phone: str

    def __repr__(self) -> str:
        return "Caller()"


def plain(text: str, most: int = LONGEST) -> str:
    """As it was typed, on one line, without what no text in the record has."""
    kept = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(kept.split())[:most]


async def keep_words(
    conn: Connection, vault: Vault, ticket_id: UUID, event_id: UUID, said: Said
) -> None:
    if not said.words and not said.answers:
        return
    await conn.execute(
        """
        INSERT INTO alerts.ticket_words (event_id, ticket_id, sealed) VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING
        """,
        event_id,
        ticket_id,
        vault.seal(msgspec.json.encode(said).decode(), field=WORDS),
    )


async def read_words(
    conn: Connection, vault: Vault, ticket_id: UUID, actor: Actor | None, now: datetime
) -> dict[UUID, Said]:
    """Event id → what was said. A caller reads their own item, which needs no audit row."""
    rows = await conn.fetch(
        "SELECT event_id, sealed FROM alerts.ticket_words WHERE ticket_id = $1", ticket_id
    )
    if rows and actor is not None:
        await record_access(
            conn,
            actor,
            action="read_ticket",
            subject_kind="ticket",
            subject=str(ticket_id),
            reason="page",
            now=now,
        )
    opened = {row["event_id"]: vault.read(row["sealed"], field=WORDS) for row in rows}
    return {
        event_id: msgspec.json.decode(text, type=Said)
        for event_id, text in opened.items()
        if text is not None
    }


async def read_caller(
    conn: Connection, vault: Vault, ticket_id: UUID, actor: Actor, now: datetime
) -> tuple[Caller, str]:
    """Whom to call and what for, shown to the officer who has the call in hand: being given the
    call is the reason, and the row of the audit says so.
    """
    row = await conn.fetchrow(
        """
        SELECT t.caller_sealed, t.phone_sealed, w.sealed FROM alerts.ticket t
          LEFT JOIN alerts.ticket_event e ON e.ticket_id = t.id AND e.sequence = 1
          LEFT JOIN alerts.ticket_words w ON w.event_id = e.event_id
         WHERE t.id = $1
        """,
        ticket_id,
    )
    if row is None:
        raise NotFound("unknown_ticket")
    await record_access(
        conn,
        actor,
        action="call_sheet",
        subject_kind="ticket",
        subject=str(ticket_id),
        reason="call",
        now=now,
    )
    said = vault.read(row["sealed"], field=WORDS)
    words = msgspec.json.decode(said, type=Said).words if said else ""
    name = vault.read(row["caller_sealed"], field=NAME) or ""
    phone = vault.read(row["phone_sealed"], field=PHONE) or ""
    return Caller(name=name, phone=phone), words


async def reveal_caller(
    conn: Connection,
    vault: Vault,
    ticket_id: UUID,
    actor: Actor,
    *,
    reason: str,
    note: str,
    now: datetime,
) -> Caller:
    """Name and telephone, for a reason, within the officer's quota of the day.

    Raises NotFound `unknown_ticket`; Conflict `erased`; and those of `reason_kept` and
    `within_quota`.
    """
    kept = reason_kept(reason, note)
    row = await conn.fetchrow(
        "SELECT caller_sealed, phone_sealed FROM alerts.ticket WHERE id = $1", ticket_id
    )
    if row is None:
        raise NotFound("unknown_ticket")
    await within_quota(conn, actor, now)
    await record_access(
        conn,
        actor,
        action="reveal",
        subject_kind="ticket",
        subject=str(ticket_id),
        reason=kept,
        now=now,
    )
    name = vault.read(row["caller_sealed"], field=NAME)
    phone = vault.read(row["phone_sealed"], field=PHONE)
    if name is None and phone is None:
        raise Conflict("erased")
    return Caller(name=name or "", phone=phone or "")


async def erase_callers(conn: Connection, ticket_ids: Sequence[UUID], _: datetime) -> None:
    """Who it was and what was said go; what was done, and when, stays."""
    await conn.execute("DELETE FROM alerts.ticket_words WHERE ticket_id = ANY($1)", ticket_ids)
    await conn.execute(
        """
        UPDATE alerts.ticket
           SET caller_sealed = NULL, phone_sealed = NULL, phone_blind = NULL, masked_name = '',
               masked_phone = '', plate = '', seen_at = NULL
         WHERE id = ANY($1)
        """,
        ticket_ids,
    )
