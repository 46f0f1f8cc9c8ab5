"""What supervision forgets: visits, and what is over: cases, problems and joint tasks with every
word that officers wrote about them. Marks that hang and problems that are open stay.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from kernel.db import Connection
from kernel.retention import Cut, Eraser

#: Of each kind: what goes first, and the row itself.
_ERASED = {
    "visit": ("DELETE FROM alerts.street_visit WHERE id = ANY($1::uuid[])",),
    "case": (
        "DELETE FROM alerts.oversight_act WHERE oversight_id = ANY($1::uuid[])",
        "DELETE FROM alerts.oversight WHERE id = ANY($1::uuid[])",
    ),
    "problem": (
        "DELETE FROM alerts.problem_act WHERE problem_id = ANY($1::uuid[])",
        "DELETE FROM alerts.problem WHERE id = ANY($1::uuid[])",
    ),
    "task": ("DELETE FROM alerts.joint_task WHERE id = ANY($1::uuid[])",),
}


async def _due(conn: Connection, cut: Cut, limit: int | None) -> Sequence[Any]:
    rows = await conn.fetch(
        """
        SELECT s.what, s.id FROM (
            SELECT 'visit' AS what, id FROM alerts.street_visit WHERE visited_at < $1
            UNION ALL
            SELECT 'case', id FROM alerts.oversight WHERE ended_at < $1
            UNION ALL
            SELECT 'problem', id FROM alerts.problem WHERE closed_at < $1
            UNION ALL
            SELECT 'task', id FROM alerts.joint_task WHERE done_at < $1) s
         LIMIT $2
        """,
        cut.before,
        limit,
    )
    return [(row["what"], row["id"]) for row in rows]


async def _erase(conn: Connection, keys: Sequence[Any], _: datetime) -> None:
    for what, statements in _ERASED.items():
        ids = [key for kind, key in keys if kind == what]
        for statement in statements if ids else ():
            await conn.execute(statement, ids)


ERASERS = (Eraser(name="supervision", due=_due, erase=_erase),)
