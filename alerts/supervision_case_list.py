"""Cases of supervision as they are read: what each stands on is folded from its acts."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, convert

from alerts.supervision_steps import Act, Standing, fold
from kernel.db import Connection
from kernel.errors import NotFound
from registry.scope import within
from registry.stepladders import Again, Mark, OverStep, Stepladder, Supervision


class Case(Struct, frozen=True, kw_only=True):
    id: UUID
    due_id: int
    place_id: int | None
    name: str
    district_code: str
    street: str
    trade: str
    ladder: str
    opened_at: datetime
    standing: Standing
    acts: tuple[Act, ...]


class Told(Struct, frozen=True, kw_only=True):
    """One act as it is shown."""

    step: str
    ground: str
    reason: str
    evidence: str
    photo: UUID | None
    passed: bool | None
    deadline: datetime | None
    look_back: date | None
    actor_name: str
    at: datetime


_CASE = """
    SELECT o.id, o.due_id, d.place_id, d.name, d.district_code, d.street, d.trade, o.ladder,
           o.opened_at,
           (SELECT count(*) FROM alerts.oversight e
             WHERE e.due_id = o.due_id AND e.ladder = o.ladder AND e.opened_at < o.opened_at)
               AS earlier,
           (SELECT jsonb_agg(jsonb_build_object(
                   'step', a.step, 'actor_id', a.actor_id, 'at', a.at, 'ground', a.ground,
                   'reason', a.reason, 'evidence', a.evidence, 'passed', a.passed,
                   'deadline', a.deadline, 'look_back', a.look_back) ORDER BY a.number)
              FROM alerts.oversight_act a WHERE a.oversight_id = o.id) AS acts
      FROM alerts.oversight o JOIN registry.due_place d ON d.id = o.due_id
"""


async def case_of(
    conn: Connection, supervision: Supervision, case_id: UUID, district: str | None
) -> Case:
    """`district` is the actor's own. Raises NotFound `unknown_case`."""
    row = await conn.fetchrow(
        f"{_CASE} WHERE o.id = $1 AND {within('d.district_code', 2)}", case_id, district
    )
    if row is None:
        raise NotFound("unknown_case")
    return _case(supervision, dict(row))


async def open_cases(
    conn: Connection,
    supervision: Supervision,
    district: str | None = None,
    until: datetime | None = None,
) -> list[Case]:
    """The oldest first; with `until` as they stood then."""
    rows = await conn.fetch(
        f"""
        {_CASE} WHERE (o.ended_at IS NULL OR o.ended_at >= $2) AND {within("d.district_code", 1)}
           AND ($2::timestamptz IS NULL OR o.opened_at < $2) ORDER BY o.opened_at, o.id
        """,
        district,
        until,
    )
    return [_case(supervision, dict(row), until) for row in rows]


async def cases_of(conn: Connection, supervision: Supervision, due_id: int) -> list[Case]:
    """Of one place, the newest first, whether they are over or not."""
    rows = await conn.fetch(f"{_CASE} WHERE o.due_id = $1 ORDER BY o.opened_at DESC", due_id)
    return [_case(supervision, dict(row)) for row in rows]


def _case(supervision: Supervision, row: dict[str, Any], until: datetime | None = None) -> Case:
    acts = convert(row.pop("acts") or [], list[Act])
    acts = [act for act in acts if until is None or act.at < until]
    ladder = supervision.ladder(row["ladder"])
    earlier = row.pop("earlier")
    standing = fold(ladder, acts, earlier) if ladder else Standing(earlier=earlier)
    return convert(row | {"standing": standing, "acts": tuple(acts)}, Case)


async def told_of(conn: Connection, case_id: UUID) -> list[Told]:
    """The acts of a case in their order."""
    rows = await conn.fetch(
        """
        SELECT a.step, a.ground, a.reason, a.evidence, t.id AS photo, a.passed, a.deadline,
               a.look_back, coalesce(c.name, '') AS actor_name, a.at
          FROM alerts.oversight_act a LEFT JOIN registry.account c ON c.id = a.actor_id
          LEFT JOIN kernel.attachment t ON t.id = a.photo
         WHERE a.oversight_id = $1 ORDER BY a.number
        """,
        case_id,
    )
    return [convert(dict(row), Told) for row in rows]


def daily_step(ladder: Stepladder | None) -> OverStep | None:
    steps: Iterable[OverStep] = ladder.steps if ladder else ()
    return next((step for step in steps if step.again is Again.DAILY), None)


async def marks_of(conn: Connection, due_ids: Iterable[int]) -> dict[int, list[Mark]]:
    """What hangs now at each of these places."""
    rows = await conn.fetch(
        """
        SELECT due_id, mark FROM alerts.oversight
         WHERE due_id = ANY($1::bigint[]) AND mark <> '' AND ended_at IS NULL ORDER BY opened_at
        """,
        list(due_ids),
    )
    found: dict[int, list[Mark]] = {}
    for row in rows:
        found.setdefault(row["due_id"], []).append(Mark(row["mark"]))
    return found
