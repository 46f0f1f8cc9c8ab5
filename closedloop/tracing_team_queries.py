"""Teams of tracing with their members, and what each was given to do."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct, convert

from kernel.auth import Actor
from kernel.db import Connection
from registry.scope import own_district


class Member(Struct, frozen=True, kw_only=True):
    """An account by its log-in, or the unit that sends somebody. `name` is what is shown."""

    part: str
    unit: str = ""
    login: str = ""
    name: str = ""


class Team(Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    open_tasks: int
    members: tuple[Member, ...]


class Step(Struct, frozen=True, kw_only=True):
    kind: str
    team: str
    name: str
    at: datetime


class Task(Struct, frozen=True, kw_only=True):
    id: UUID
    what: str
    team_id: UUID
    team: str
    state: str
    changed_at: datetime
    steps: tuple[Step, ...]


async def teams(conn: Connection, actor: Actor) -> list[Team]:
    """Those that are not ended, in the order in which they were made."""
    rows = await conn.fetch(
        """
        SELECT t.id, t.name,
               (SELECT count(*)::int FROM closedloop.trace_task k
                 WHERE k.team_id = t.id AND k.state <> 'done') AS open_tasks,
               (SELECT coalesce(jsonb_agg(jsonb_build_object(
                           'part', m.part, 'unit', m.unit, 'login', coalesce(a.login, ''),
                           'name', coalesce(a.name, m.unit)) ORDER BY m.ordinal), '[]')
                  FROM closedloop.trace_member m
                  LEFT JOIN registry.account a ON a.id = m.account_id
                 WHERE m.team_id = t.id) AS members
          FROM closedloop.trace_team t
         WHERE t.ended_at IS NULL AND ($1::text IS NULL OR t.district_code = $1)
         ORDER BY t.made_at, t.id
        """,
        own_district(actor),
    )
    return [convert(dict(row), Team) for row in rows]


async def tasks_of(conn: Connection, case_id: UUID) -> list[Task]:
    """In the order in which they were given, with all their steps."""
    rows = await conn.fetch(
        """
        SELECT k.id, k.what, k.team_id, t.name AS team, k.state, k.changed_at,
               (SELECT coalesce(jsonb_agg(jsonb_build_object(
                           'kind', s.kind, 'team', w.name, 'name', coalesce(a.name, ''),
                           'at', s.at) ORDER BY s.number), '[]')
                  FROM closedloop.trace_step s
                  JOIN closedloop.trace_team w ON w.id = s.team_id
                  LEFT JOIN registry.account a ON a.id = s.actor_id
                 WHERE s.task_id = k.id) AS steps
          FROM closedloop.trace_task k JOIN closedloop.trace_team t ON t.id = k.team_id
         WHERE k.case_id = $1 ORDER BY k.id
        """,
        case_id,
    )
    return [convert(dict(row), Task) for row in rows]
