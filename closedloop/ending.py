"""Journeys that are over, and what is erased some days after their end.

A journey is open while anything is waited for: it has an open limit, or its state says so. A pass
that was never used ends with its window.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from kernel.db import Connection
from kernel.retention import Cut, Eraser
from registry.erasing import (
    erase_health,
    erase_masks,
    erase_people,
    erase_records,
    erase_submissions,
)

#: States in which somebody still waits for the truck, or the truck for somebody.
OPEN = (
    "presented", "verifying", "held", "released", "incident", "overdue", "enquiry", "arrived",
    "discrepancy", "exit_pending", "referred",
)  # fmt: skip
_OPEN = ", ".join(f"'{state}'" for state in OPEN)
#: Of a row `l` of closedloop.loop and its movement `m`: whether it was over before $1.
OVER = f"""
    l.state NOT IN ({_OPEN})
    AND greatest(l.updated_at, m.window_to, m.reported_at) < $1
    AND NOT EXISTS (SELECT 1 FROM closedloop.deadline d
                     WHERE d.movement_id = l.movement_id AND d.closed_at IS NULL)"""


async def _over(
    conn: Connection, cut: Cut, limit: int | None, holds: str, begun: str, people: str = ""
) -> Sequence[int]:
    """Movements that are over and still hold what `holds` asks for, the oldest by `begun` first: a
    journey that began later than $1 cannot have been over before it. With `people` joined, one is
    there for each of them.
    """
    rows = await conn.fetch(
        # How many stands in the text: a kept plan that does not know it sorts all that is due.
        f"""
        SELECT l.movement_id FROM registry.movement m
          JOIN closedloop.loop l ON l.movement_id = m.movement_id
          {people}
         WHERE {begun} < $1 AND {holds} AND {OVER}
         ORDER BY {begun} LIMIT {"ALL" if limit is None else int(limit)}
           FOR UPDATE OF l SKIP LOCKED
        """,
        cut.before,
    )
    return [row["movement_id"] for row in rows]


_PEOPLE = "JOIN registry.movement_person p ON p.movement_id = m.movement_id"


async def _submissions_due(conn: Connection, cut: Cut, limit: int | None) -> Sequence[int]:
    return await _over(conn, cut, limit, "m.submission_sealed IS NOT NULL", "m.reported_at")


async def _health_due(conn: Connection, cut: Cut, limit: int | None) -> Sequence[int]:
    holds = "(p.declared <> '{}' OR p.evidence <> '{}')"
    return await _over(conn, cut, limit, holds, "p.attached_at", _PEOPLE)


async def _masks_due(conn: Connection, cut: Cut, limit: int | None) -> Sequence[int]:
    holds = "(p.masked_name <> '' OR p.subject <> '')"
    return await _over(conn, cut, limit, holds, "p.attached_at", _PEOPLE)


async def _records_due(conn: Connection, cut: Cut, limit: int | None) -> Sequence[int]:
    """Late facts count: the database lets go of none that was received since."""
    recent = """NOT EXISTS (SELECT 1 FROM registry.event v
                             WHERE v.movement_id = l.movement_id AND v.received_at >= $1)"""
    return await _over(conn, cut, limit, recent, "m.reported_at")


#: By movement; the loop last, which the others belong to.
TABLES = (
    "closedloop.deadline", "closedloop.breach", "closedloop.appeal", "closedloop.change",
    "closedloop.loop",
)  # fmt: skip


async def _erase_records(conn: Connection, keys: Sequence[Any], now: datetime) -> None:
    for table in TABLES:
        await conn.execute(f"DELETE FROM {table} WHERE movement_id = ANY($1)", keys)
    await erase_records(conn, keys, now)


async def _people_due(conn: Connection, cut: Cut, limit: int | None) -> Sequence[UUID]:
    """Whose every journey is over. A report on its way holds the person's row and is skipped."""
    rows = await conn.fetch(
        f"""
        SELECT p.id FROM registry.person p
         WHERE p.erased_at IS NULL AND p.updated_at < $1
           AND NOT EXISTS (
               SELECT 1 FROM registry.movement_person s
                WHERE s.person_id = p.id
                  AND NOT EXISTS (SELECT 1 FROM closedloop.loop l
                                    JOIN registry.movement m ON m.movement_id = l.movement_id
                                   WHERE l.movement_id = s.movement_id AND {OVER}))
           AND NOT EXISTS (SELECT 1 FROM closedloop.visit v
                            WHERE v.person_id = p.id AND v.received_at >= $1)
           AND NOT EXISTS (SELECT 1 FROM closedloop.visit v
                            WHERE v.guardian_id = p.id AND v.received_at >= $1)
         ORDER BY p.updated_at LIMIT $2 FOR UPDATE OF p SKIP LOCKED
        """,
        cut.before,
        limit,
    )
    return [row["id"] for row in rows]


async def _erase_people(conn: Connection, keys: Sequence[Any], now: datetime) -> None:
    """Visits that are kept for longer lose whose they were."""
    for column in ("person_id", "guardian_id"):
        await conn.execute(
            f"""
            UPDATE closedloop.visit SET masked_name = '', {column} = NULL
             WHERE {column} = ANY($1)
            """,
            keys,
        )
    await erase_people(conn, keys, now)


async def _visits_due(conn: Connection, cut: Cut, limit: int | None) -> Sequence[UUID]:
    rows = await conn.fetch(
        """
        SELECT id FROM closedloop.visit WHERE received_at < $1
         ORDER BY received_at LIMIT $2 FOR UPDATE SKIP LOCKED
        """,
        cut.before,
        limit,
    )
    return [row["id"] for row in rows]


async def _erase_visits(conn: Connection, keys: Sequence[Any], _: datetime) -> None:
    await conn.execute("DELETE FROM closedloop.visit_report WHERE visit_id = ANY($1)", keys)
    await conn.execute("DELETE FROM closedloop.visit WHERE id = ANY($1)", keys)


ERASERS = (
    Eraser(name="visits", due=_visits_due, erase=_erase_visits),
    Eraser(name="submissions", due=_submissions_due, erase=erase_submissions),
    Eraser(name="health", due=_health_due, erase=erase_health),
    Eraser(name="people", due=_people_due, erase=_erase_people),
    Eraser(name="masked_names", due=_masks_due, erase=erase_masks),
)
RECORDS = Eraser(name="records", due=_records_due, erase=_erase_records)
