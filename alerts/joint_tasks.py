"""Joint enforcement (seed 003): several offices go to one place together; what came of it."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct, convert

from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, NotFound, Unprocessable
from registry.coverage import due_row
from registry.scope import own_district, within
from registry.stepladders import Supervision

LONGEST_TEXT = 500
MOST_SHOWN = 100


class NewTask(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`id` is the sender's; at least two parties of the rule set."""

    id: UUID
    due_id: int
    parties: tuple[str, ...]
    purpose: str
    meets_at: datetime


class Task(Struct, frozen=True, kw_only=True):
    id: UUID
    due_id: int
    name: str
    street: str
    trade: str
    parties: tuple[str, ...]
    purpose: str
    meets_at: datetime
    asked_by_name: str
    result: str
    done_by_name: str
    done_at: datetime | None


async def ask_for_task(
    conn: Connection, supervision: Supervision, said: NewTask, actor: Actor, now: datetime
) -> UUID:
    """Asked for twice under one id it is one. Raises NotFound `unknown_due`; Unprocessable
    `parties_needed`, `reason_needed`, `task_text_too_long`.
    """
    known = {party.code for party in supervision.parties}
    parties = list(dict.fromkeys(party for party in said.parties if party in known))
    if len(parties) < 2 or len(parties) != len(set(said.parties)):
        raise Unprocessable("parties_needed", known=sorted(known))
    purpose = _text(said.purpose)
    if not purpose:
        raise Unprocessable("reason_needed")
    await due_row(conn, said.due_id, own_district(actor))
    await conn.execute(
        """
        INSERT INTO alerts.joint_task (id, due_id, parties, purpose, meets_at, asked_by, asked_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
        """,
        said.id,
        said.due_id,
        parties,
        purpose,
        said.meets_at,
        actor.id,
        now,
    )
    return said.id


async def tell_result(
    conn: Connection, task_id: UUID, result: str, actor: Actor, now: datetime
) -> None:
    """The first result stands. Raises NotFound `unknown_task`; Unprocessable `evidence_needed`,
    `task_text_too_long`; Conflict `task_done`.
    """
    text = _text(result)
    if not text:
        raise Unprocessable("evidence_needed")
    row = await conn.fetchrow(
        f"""
        SELECT t.result, t.done_by, t.done_at FROM alerts.joint_task t
          JOIN registry.due_place d ON d.id = t.due_id
         WHERE t.id = $1 AND {within("d.district_code", 2)} FOR UPDATE OF t
        """,
        task_id,
        own_district(actor),
    )
    if row is None:
        raise NotFound("unknown_task")
    if row["done_at"] is not None:
        if (row["result"], row["done_by"]) == (text, actor.id):
            return
        raise Conflict("task_done", at=row["done_at"].isoformat())
    await conn.execute(
        "UPDATE alerts.joint_task SET result = $2, done_by = $3, done_at = $4 WHERE id = $1",
        task_id,
        text,
        actor.id,
        now,
    )


def _text(said: str) -> str:
    text = " ".join(said.replace("\0", "").split())
    if len(text) > LONGEST_TEXT:
        raise Unprocessable("task_text_too_long", most=LONGEST_TEXT)
    return text


async def tasks(conn: Connection, district: str | None, due_id: int | None = None) -> list[Task]:
    """Those without a result first, then the newest."""
    rows = await conn.fetch(
        f"""
        SELECT t.id, t.due_id, d.name, d.street, d.trade, t.parties, t.purpose, t.meets_at,
               coalesce(a.name, '') AS asked_by_name, t.result,
               coalesce(b.name, '') AS done_by_name, t.done_at
          FROM alerts.joint_task t JOIN registry.due_place d ON d.id = t.due_id
          LEFT JOIN registry.account a ON a.id = t.asked_by
          LEFT JOIN registry.account b ON b.id = t.done_by
         WHERE {within("d.district_code", 1)} AND ($2::bigint IS NULL OR t.due_id = $2)
         ORDER BY t.done_at IS NOT NULL, t.meets_at DESC, t.id LIMIT $3
        """,
        district,
        due_id,
        MOST_SHOWN,
    )
    return [convert(dict(row), Task) for row in rows]
