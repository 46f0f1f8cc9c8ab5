"""What was said about a journey's limits goes with the journey."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from alerts.tickets_words import erase_callers
from kernel.db import Connection
from kernel.retention import Cut, Eraser

TABLES = (
    "alert", "reconciliation", "mark", "claim", "snooze", "note", "expectation",
    "expectation_answer",
)  # fmt: skip


async def erase_alerts(conn: Connection, movement_ids: Sequence[int]) -> None:
    for table in TABLES:
        await conn.execute(f"DELETE FROM alerts.{table} WHERE movement_id = ANY($1)", movement_ids)


async def _callers_due(conn: Connection, cut: Cut, limit: int | None) -> Sequence[UUID]:
    """Finished long ago, and still with somebody's name, number, plate or words."""
    rows = await conn.fetch(
        """
        SELECT t.id FROM alerts.ticket t
         WHERE t.finished_at < $1
           AND (t.caller_sealed IS NOT NULL OR t.phone_sealed IS NOT NULL OR t.plate <> ''
                OR EXISTS (SELECT 1 FROM alerts.ticket_words w WHERE w.ticket_id = t.id))
         ORDER BY t.finished_at LIMIT $2 FOR UPDATE OF t SKIP LOCKED
        """,
        cut.before,
        limit,
    )
    return [row["id"] for row in rows]


async def _tickets_due(conn: Connection, cut: Cut, limit: int | None) -> Sequence[UUID]:
    """The last step counts: the database lets go of none that is younger."""
    rows = await conn.fetch(
        """
        SELECT t.id FROM alerts.ticket t
         WHERE t.finished_at < $1
           AND NOT EXISTS (SELECT 1 FROM alerts.ticket_event e
                            WHERE e.ticket_id = t.id AND e.at >= $1)
         ORDER BY t.finished_at LIMIT $2 FOR UPDATE OF t SKIP LOCKED
        """,
        cut.before,
        limit,
    )
    return [row["id"] for row in rows]


async def _erase_tickets(conn: Connection, keys: Sequence[Any], _: datetime) -> None:
    """A list goes with the last of its people."""
    for table in ("ticket_words", "ticket_event"):
        await conn.execute(f"DELETE FROM alerts.{table} WHERE ticket_id = ANY($1)", keys)
    await conn.execute(
        """
        WITH gone AS (DELETE FROM alerts.ticket WHERE id = ANY($1) RETURNING batch_id)
        DELETE FROM alerts.ticket_batch b USING gone
         WHERE b.id = gone.batch_id
           AND NOT EXISTS (SELECT 1 FROM alerts.ticket t
                            WHERE t.batch_id = b.id AND t.id <> ALL($1))
        """,
        keys,
    )


ERASERS = (
    Eraser(name="callers", due=_callers_due, erase=erase_callers),
    Eraser(name="tickets", due=_tickets_due, erase=_erase_tickets),
)
