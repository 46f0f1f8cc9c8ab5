"""The clock of a case (seed 003): what must be done by when, and who set each mark."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct, convert

from closedloop.tracing_cases import audited
from closedloop.tracing_model import CaseState
from closedloop.tracing_queries import own_case
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, NotFound
from registry.rules import Text
from registry.tracing_rules import TraceMark
from registry.world import World


class Standing(StrEnum):
    """Of a mark; each has a shape and a word of its own."""

    DONE = "done"
    DONE_LATE = "done_late"
    OVERDUE = "overdue"
    RUNNING = "running"


class MarkSet(Struct, frozen=True, kw_only=True):
    mark: str
    done_at: datetime
    name: str


class Mark(Struct, frozen=True, kw_only=True):
    """`minutes` are those it was late, or is by now; or those that are left."""

    code: str
    label: Text
    due_at: datetime
    standing: Standing
    minutes: int
    done_at: datetime | None = None
    name: str = ""


def clock(
    marks: Sequence[TraceMark], began: datetime, done: Mapping[str, MarkSet], now: datetime
) -> list[Mark]:
    """Every mark of the rule set as it stands at `now`."""
    return [_mark(each, began, done.get(each.code), now) for each in marks]


def _mark(mark: TraceMark, began: datetime, done: MarkSet | None, now: datetime) -> Mark:
    due = began + timedelta(minutes=mark.minutes)
    at = now if done is None else done.done_at
    late = at > due
    if done is None:
        standing = Standing.OVERDUE if late else Standing.RUNNING
    else:
        standing = Standing.DONE_LATE if late else Standing.DONE
    return Mark(
        code=mark.code,
        label=mark.label,
        due_at=due,
        standing=standing,
        minutes=-(-abs(at - due) // timedelta(minutes=1)),
        done_at=None if done is None else done.done_at,
        name="" if done is None else done.name,
    )


async def marks_set(conn: Connection, case_id: UUID) -> dict[str, MarkSet]:
    rows = await conn.fetch(
        """
        SELECT m.mark, m.done_at, coalesce(a.name, '') AS name
          FROM closedloop.trace_mark m LEFT JOIN registry.account a ON a.id = m.done_by
         WHERE m.case_id = $1
        """,
        case_id,
    )
    return {row["mark"]: convert(dict(row), MarkSet) for row in rows}


async def set_mark(
    conn: Connection, world: World, case_id: UUID, mark: str, actor: Actor, now: datetime
) -> None:
    """Now, and by this officer. A mark that stands already stays as it was.

    Raises NotFound `unknown_trace`, `trace_mark_unknown`; Conflict `trace_closed`.
    """
    case = await own_case(conn, case_id, actor)
    if case.state in {CaseState.CLOSED, CaseState.REFUSED}:
        raise Conflict(f"trace_{case.state}")
    rules = world.rules_of(case.rules_version, case.opened_at)
    if mark not in {each.code for each in rules.tracing.marks}:
        raise NotFound("trace_mark_unknown")
    status = await conn.execute(
        """
        INSERT INTO closedloop.trace_mark (case_id, mark, done_by, done_at)
        VALUES ($1, $2, $3, $4) ON CONFLICT (case_id, mark) DO NOTHING
        """,
        case_id,
        mark,
        actor.id,
        now,
    )
    if status == "INSERT 0 1":
        await audited(conn, actor, "mark_trace", case_id, case.number, now)
