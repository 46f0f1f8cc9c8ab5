"""Problems as they are read: one, or those that a number counts."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct, convert

from kernel.db import Connection
from kernel.errors import NotFound
from registry.scope import within

State = Literal["open", "mended", "closed"]
MOST_SHOWN = 200


class Problem(Struct, frozen=True, kw_only=True):
    id: UUID
    due_id: int
    place_id: int | None
    name: str
    district: str
    finding: str
    street: str
    trade: str
    state: State
    deadline: datetime
    late: bool
    source: str
    opened_at: datetime
    closed_at: datetime | None
    times_reopened: int


class ProblemTold(Struct, frozen=True, kw_only=True):
    act: str
    note: str
    evidence: str
    photo: UUID | None
    actor_name: str
    at: datetime


_PROBLEM = """
    SELECT p.id, p.due_id, d.place_id, d.name, t.name AS district, p.finding, p.street, p.trade,
           p.state, p.deadline, (p.state = 'open' AND p.deadline < {now}) AS late, p.source,
           p.opened_at, p.closed_at, p.times_reopened
      FROM alerts.problem p JOIN registry.due_place d ON d.id = p.due_id
      JOIN registry.district t ON t.code = d.district_code
"""


async def problem_of(
    conn: Connection, problem_id: UUID, district: str | None, now: datetime
) -> Problem:
    """`district` is the actor's own. Raises NotFound `unknown_problem`."""
    row = await conn.fetchrow(
        f"{_PROBLEM.format(now='$3')} WHERE p.id = $1 AND {within('d.district_code', 2)}",
        problem_id,
        district,
        now,
    )
    if row is None:
        raise NotFound("unknown_problem")
    return convert(dict(row), Problem)


class Sought(Struct, frozen=True, kw_only=True):
    """None is any. `late`: only those whose deadline is over."""

    state: str | None = None
    late: bool = False
    street: str | None = None
    trade: str | None = None
    due_id: int | None = None
    district: str | None = None


async def problems(
    conn: Connection,
    sought: Sought,
    now: datetime,
    *,
    after: tuple[datetime, UUID] | None = None,
    limit: int = MOST_SHOWN,
) -> list[Problem]:
    """By their deadlines; `after` is the last one seen."""
    rows = await conn.fetch(
        f"""
        {_PROBLEM.format(now="$1")}
         WHERE ($2::text IS NULL OR p.state = $2)
           AND (NOT $3 OR (p.state = 'open' AND p.deadline < $1))
           AND ($4::text IS NULL OR p.street = $4) AND ($5::text IS NULL OR p.trade = $5)
           AND ($6::bigint IS NULL OR p.due_id = $6) AND {within("d.district_code", 7)}
           AND ($8::timestamptz IS NULL OR (p.deadline, p.id) > ($8, $9::uuid))
         ORDER BY p.deadline, p.id LIMIT $10
        """,
        now,
        sought.state,
        sought.late,
        sought.street,
        sought.trade,
        sought.due_id,
        sought.district,
        *(after or (None, None)),
        limit,
    )
    return [convert(dict(row), Problem) for row in rows]


async def told_of_problem(conn: Connection, problem_id: UUID) -> list[ProblemTold]:
    """What was done, in its order."""
    rows = await conn.fetch(
        """
        SELECT a.act, a.note, a.evidence, t.id AS photo, coalesce(c.name, '') AS actor_name, a.at
          FROM alerts.problem_act a LEFT JOIN registry.account c ON c.id = a.actor_id
          LEFT JOIN kernel.attachment t ON t.id = a.photo
         WHERE a.problem_id = $1 ORDER BY a.number
        """,
        problem_id,
    )
    return [convert(dict(row), ProblemTold) for row in rows]


async def counts_by_unit(
    conn: Connection, now: datetime, district: str | None
) -> list[dict[str, Any]]:
    """Of each pair of units: what is open at a moment, and what of it is late; the latest first."""
    rows = await conn.fetch(
        f"""
        SELECT p.street, p.trade, count(*) AS open,
               count(*) FILTER (WHERE p.deadline < $1) AS late
          FROM alerts.problem p JOIN registry.due_place d ON d.id = p.due_id
         WHERE p.opened_at < $1 AND (p.closed_at IS NULL OR p.closed_at >= $1)
           AND {within("d.district_code", 2)}
         GROUP BY p.street, p.trade ORDER BY late DESC, open DESC, p.street, p.trade
        """,
        now,
        district,
    )
    return [dict(row) for row in rows]
