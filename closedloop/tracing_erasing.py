"""What of a case is forgotten when its time is over: whom it was about, and whom it came upon.

The case itself stays, with its number, its hours and its counts.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from kernel.db import Connection
from kernel.retention import Cut, Eraser


async def _traces_due(conn: Connection, cut: Cut, limit: int | None) -> Sequence[UUID]:
    """By its closing; a case that nobody closed, by its opening."""
    rows = await conn.fetch(
        """
        SELECT c.id FROM closedloop.trace_case c
         WHERE coalesce(c.closed_at, c.opened_at) < $1
           AND (EXISTS (SELECT 1 FROM closedloop.trace_shown s WHERE s.case_id = c.id)
                OR EXISTS (SELECT 1 FROM closedloop.trace_subject s
                            WHERE s.case_id = c.id AND (s.person_id IS NOT NULL OR s.plate <> '')))
         ORDER BY c.opened_at LIMIT $2 FOR UPDATE OF c SKIP LOCKED
        """,
        cut.before,
        limit,
    )
    return [row["id"] for row in rows]


async def _erase_traces(conn: Connection, keys: Sequence[Any], _: datetime) -> None:
    await conn.execute(
        "UPDATE closedloop.trace_subject SET person_id = NULL, plate = '' WHERE case_id = ANY($1)",
        keys,
    )
    await conn.execute("DELETE FROM closedloop.trace_shown WHERE case_id = ANY($1)", keys)


ERASERS = (Eraser(name="traces", due=_traces_due, erase=_erase_traces),)
