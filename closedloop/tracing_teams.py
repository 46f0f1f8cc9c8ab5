"""Teams that go out (seed 003: fourteen of five), and what each was given to do."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from asyncpg.exceptions import UniqueViolationError

from closedloop.tracing_cases import audited, one_line
from closedloop.tracing_model import CaseState
from closedloop.tracing_queries import own_case
from closedloop.tracing_team_queries import Member, Team, teams
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, NotFound, Unprocessable
from kernel.privacy import without_numbers
from registry.scope import own_district
from registry.tracing_rules import TeamPart

LONGEST_NAME, LONGEST_WHAT = 40, 120
#: What may follow what; a task is handed over in any state but the last.
FOLLOWS = {
    "acknowledged": ("assigned",),
    "done": ("assigned", "acknowledged"),
    "handed_over": ("assigned", "acknowledged"),
}


async def make_team(
    conn: Connection,
    team_id: UUID,
    name: str,
    members: Sequence[Member],
    parts: Sequence[TeamPart],
    actor: Actor,
    now: datetime,
) -> None:
    """As many of each part as the rule set says. The same id again is the same team.

    Raises Unprocessable `trace_team_name_needed`, `trace_team_incomplete`, `trace_member_unknown`;
    Conflict `trace_team_known`.
    """
    said = without_numbers(one_line(name, LONGEST_NAME))
    if not said:
        raise Unprocessable("trace_team_name_needed")
    given = [each for each in members if each.login.strip() or each.unit.strip()]
    counts = {part.code: part.members for part in parts}
    if {part: sum(each.part == part for each in given) for part in counts} != counts:
        raise Unprocessable("trace_team_incomplete", n=sum(counts.values()))
    accounts = [await _account(conn, each.login) for each in given]
    try:
        async with conn.transaction():
            status = await conn.execute(
                """
                INSERT INTO closedloop.trace_team (id, name, district_code, made_by, made_at)
                VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING
                """,
                team_id,
                said,
                own_district(actor),
                actor.id,
                now,
            )
    except UniqueViolationError as known:
        raise Conflict("trace_team_known") from known
    if status == "INSERT 0 1":
        await _keep_members(conn, team_id, given, accounts)


async def _account(conn: Connection, login: str) -> UUID | None:
    if not login.strip():
        return None
    found = await conn.fetchval(
        "SELECT id FROM registry.account WHERE login = $1 AND disabled_at IS NULL",
        login.strip().casefold(),
    )
    if found is None:
        raise Unprocessable("trace_member_unknown")
    return found


async def _keep_members(
    conn: Connection, team_id: UUID, members: Sequence[Member], accounts: Sequence[UUID | None]
) -> None:
    await conn.execute(
        """
        INSERT INTO closedloop.trace_member (team_id, ordinal, part, unit, account_id)
        SELECT $1, n.ordinal, n.part, n.unit, n.account_id
          FROM unnest($2::text[], $3::text[], $4::uuid[]) WITH ORDINALITY
               AS n (part, unit, account_id, ordinal)
        """,
        team_id,
        [each.part for each in members],
        [without_numbers(one_line(each.unit, LONGEST_NAME)) for each in members],
        accounts,
    )


async def end_team(conn: Connection, team_id: UUID, actor: Actor, now: datetime) -> None:
    """Raises NotFound `unknown_trace_team`; Conflict `trace_team_busy` while it has work."""
    team = await _team(conn, team_id, actor)
    if team.open_tasks:
        raise Conflict("trace_team_busy")
    await conn.execute(
        "UPDATE closedloop.trace_team SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL",
        team_id,
        now,
    )


async def _team(conn: Connection, team_id: UUID | None, actor: Actor) -> Team:
    found = next((each for each in await teams(conn, actor) if each.id == team_id), None)
    if found is None:
        raise NotFound("unknown_trace_team")
    return found


async def assign(
    conn: Connection,
    case_id: UUID,
    task_id: UUID,
    what: str,
    team_id: UUID | None,
    actor: Actor,
    now: datetime,
) -> None:
    """The same id again is the same task. Raises Unprocessable `trace_task_needed`; NotFound
    `unknown_trace_team`, `unknown_trace`; Conflict `trace_closed`, `trace_refused`,
    `event_id_taken`.
    """
    case = await own_case(conn, case_id, actor)
    if case.state in {CaseState.CLOSED, CaseState.REFUSED}:
        raise Conflict(f"trace_{case.state}")
    said = without_numbers(one_line(what, LONGEST_WHAT))
    if not said:
        raise Unprocessable("trace_task_needed")
    team = await _team(conn, team_id, actor)
    kept = await conn.fetchval(
        """
        INSERT INTO closedloop.trace_task AS k (id, case_id, what, team_id, state, changed_at)
        VALUES ($1, $2, $3, $4, 'assigned', $5)
        ON CONFLICT (id) DO UPDATE SET what = k.what WHERE (k.case_id, k.what) = ($2, $3)
        RETURNING id
        """,
        task_id,
        case_id,
        said,
        team.id,
        now,
    )
    if kept is None:
        raise Conflict("event_id_taken", id=str(task_id))
    if await _step(conn, task_id, task_id, "assigned", team.id, actor, now):
        await audited(conn, actor, "assign_trace", case_id, case.number, now)


async def take_step(
    conn: Connection,
    case_id: UUID,
    task_id: UUID,
    step_id: UUID,
    kind: str,
    actor: Actor,
    now: datetime,
    *,
    to: UUID | None = None,
) -> None:
    """Acknowledged, done, or handed over `to` another team. The same id again is the same step.

    Raises NotFound `unknown_trace_task`, `unknown_trace_team`; Unprocessable `trace_step_unknown`;
    Conflict `trace_step_wrong`, `event_id_taken`.
    """
    if kind not in FOLLOWS:
        raise Unprocessable("trace_step_unknown", known=sorted(FOLLOWS))
    await own_case(conn, case_id, actor)
    task = await conn.fetchrow(
        """
        SELECT team_id, state FROM closedloop.trace_task WHERE id = $1 AND case_id = $2 FOR UPDATE
        """,
        task_id,
        case_id,
    )
    if task is None:
        raise NotFound("unknown_trace_task")
    team_id = task["team_id"] if kind != "handed_over" else (await _team(conn, to, actor)).id
    known = await conn.fetchrow(
        "SELECT task_id, kind FROM closedloop.trace_step WHERE id = $1", step_id
    )
    if known is not None:
        if tuple(known) == (task_id, kind):
            return
        raise Conflict("event_id_taken", id=str(step_id))
    if task["state"] not in FOLLOWS[kind]:
        raise Conflict("trace_step_wrong")
    await _step(conn, task_id, step_id, kind, team_id, actor, now)
    await conn.execute(
        """
        UPDATE closedloop.trace_task SET team_id = $2, state = $3, changed_at = $4 WHERE id = $1
        """,
        task_id,
        team_id,
        "assigned" if kind == "handed_over" else kind,
        now,
    )


async def _step(
    conn: Connection,
    task_id: UUID,
    step_id: UUID,
    kind: str,
    team_id: UUID,
    actor: Actor,
    now: datetime,
) -> bool:
    status = await conn.execute(
        """
        INSERT INTO closedloop.trace_step (id, task_id, number, kind, team_id, actor_id, at)
        SELECT $1, $2, count(*) + 1, $3, $4, $5, $6 FROM closedloop.trace_step WHERE task_id = $2
        ON CONFLICT (id) DO NOTHING
        """,
        step_id,
        task_id,
        kind,
        team_id,
        actor.id,
        now,
    )
    return status == "INSERT 0 1"
