"""Taking a case's report out of the house: asked for by one officer, allowed by another."""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct, convert

from closedloop.tracing_cases import audited, check_open
from closedloop.tracing_queries import own_case
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, Forbidden, NotFound


class Export(Struct, frozen=True, kw_only=True):
    id: UUID
    asked_by: UUID
    asker: str
    asked_at: datetime
    decided_by: UUID | None
    decider: str
    decided_at: datetime | None
    approved: bool | None

    def lasts(self, hours: int, now: datetime) -> bool:
        """Whether it was allowed, not too long ago."""
        return (
            self.approved is True
            and self.decided_at is not None
            and now < self.decided_at + timedelta(hours=hours)
        )


async def exports_of(conn: Connection, case_id: UUID) -> list[Export]:
    """The newest first."""
    rows = await conn.fetch(
        """
        SELECT e.id, e.asked_by, coalesce(a.name, '') AS asker, e.asked_at, e.decided_by,
               coalesce(d.name, '') AS decider, e.decided_at, e.approved
          FROM closedloop.trace_export e
          LEFT JOIN registry.account a ON a.id = e.asked_by
          LEFT JOIN registry.account d ON d.id = e.decided_by
         WHERE e.case_id = $1 ORDER BY e.asked_at DESC, e.id LIMIT 20
        """,
        case_id,
    )
    return [convert(dict(row), Export) for row in rows]


async def ask_export(
    conn: Connection, case_id: UUID, export_id: UUID, actor: Actor, now: datetime
) -> None:
    """The same id again is the same wish. Raises NotFound `unknown_trace`; Conflict as
    `check_open`, `event_id_taken`.
    """
    case = await own_case(conn, case_id, actor)
    check_open(case)
    kept = await conn.fetchval(
        """
        INSERT INTO closedloop.trace_export AS e (id, case_id, asked_by, asked_at)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (id) DO UPDATE SET asked_by = e.asked_by
         WHERE (e.case_id, e.asked_by) = ($2, $3) RETURNING id
        """,
        export_id,
        case_id,
        actor.id,
        now,
    )
    if kept is None:
        raise Conflict("event_id_taken", id=str(export_id))
    await audited(conn, actor, "ask_trace_export", case_id, case.number, now)


async def decide_export(
    conn: Connection, case_id: UUID, export_id: UUID, actor: Actor, now: datetime, *, yes: bool
) -> None:
    """By a second officer. Raises NotFound `unknown_trace`, `unknown_trace_export`; Forbidden
    `trace_second_person`; Conflict `trace_decided` and as `check_open`.
    """
    case = await own_case(conn, case_id, actor, held=True)
    check_open(case)
    found = next((e for e in await exports_of(conn, case_id) if e.id == export_id), None)
    if found is None:
        raise NotFound("unknown_trace_export")
    if found.approved is yes and found.decided_by == actor.id:
        return
    if found.asked_by == actor.id and yes:
        raise Forbidden("trace_second_person")
    if found.approved is not None:
        raise Conflict("trace_decided")
    await conn.execute(
        """
        UPDATE closedloop.trace_export SET decided_by = $2, decided_at = $3, approved = $4
         WHERE id = $1 AND approved IS NULL
        """,
        export_id,
        actor.id,
        now,
        yes,
    )
    await audited(conn, actor, "decide_trace_export", case_id, case.number, now)


async def check_allowed(
    conn: Connection, case_id: UUID, hours: int, actor: Actor, now: datetime
) -> None:
    """Whether either of the two officers may take the report along now.

    Raises Forbidden `trace_export_not_allowed`.
    """
    for each in await exports_of(conn, case_id):
        if each.lasts(hours, now) and actor.id in {each.asked_by, each.decided_by}:
            return
    raise Forbidden("trace_export_not_allowed")
