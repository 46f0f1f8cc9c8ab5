"""A case of tracing as the API tells it."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from closedloop.reporting import Office
from closedloop.tracing_clock import Mark, clock, marks_set
from closedloop.tracing_exports import Export, exports_of
from closedloop.tracing_model import Case, CaseState
from closedloop.tracing_team_queries import Task, tasks_of
from kernel.db import Connection


class TraceView(Struct, frozen=True, kw_only=True):
    """A case without its people. `needs_second` and `approved`: whether a second officer must
    agree, and has.
    """

    id: UUID
    number: str
    reason: str
    state: CaseState
    since: datetime
    until: datetime
    subjects: int
    people_shown: int
    opened_by: str
    opened_at: datetime
    needs_second: bool
    approved: bool | None
    decided_by: str
    closed_at: datetime | None
    marks: list[Mark]
    tasks: list[Task]
    exports: list[Export]


class Decision(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    approve: bool


async def view(conn: Connection, office: Office, case: Case, now: datetime) -> TraceView:
    world = await office.cache.now(conn)
    marks = world.rules_of(case.rules_version, case.opened_at).tracing.marks
    return TraceView(
        id=case.id,
        number=case.number,
        reason=case.reason,
        state=case.state,
        since=case.since,
        until=case.until,
        subjects=case.subjects,
        people_shown=case.people_shown,
        opened_by=case.opener,
        opened_at=case.opened_at,
        needs_second=case.needs_second,
        approved=case.approved,
        decided_by=case.decider,
        closed_at=case.closed_at,
        marks=clock(marks, case.opened_at, await marks_set(conn, case.id), now),
        tasks=await tasks_of(conn, case.id),
        exports=await exports_of(conn, case.id),
    )
