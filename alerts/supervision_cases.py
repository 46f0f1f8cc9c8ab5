"""Places on the ladders of supervision: opened, taken a step further, and read for lists.

What happened is the acts; the columns of a case are folded from them in the same transaction.
"""

from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID, uuid5

from msgspec import Struct
from msgspec.structs import replace

from alerts.supervision_case_list import case_of
from alerts.supervision_problems import reopen_all
from alerts.supervision_steps import Act, Standing, taken, why_not
from closedloop.reporting import body_hash
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, Unprocessable
from registry.coverage import due_row
from registry.scope import own_district
from registry.stepladders import Need, Stepladder, Supervision

LONGEST_TEXT = 500
MOST_DAYS = 90


class StepSaid(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`id` is the sender's. `days`: until the deadline; `photo`: the number of an attachment."""

    id: UUID
    step: str
    ground: str = ""
    reason: str = ""
    evidence: str = ""
    photo: UUID | None = None
    passed: bool | None = None
    days: int | None = None
    look_back: date | None = None


class Receipt(Struct, frozen=True, kw_only=True):
    """`case_id` is the case as it now stands on `step`."""

    id: UUID
    result: Literal["recorded", "repeated"]
    case_id: UUID


async def open_case(
    conn: Connection,
    supervision: Supervision,
    due_id: int,
    ladder: str,
    said: StepSaid,
    actor: Actor,
    now: datetime,
) -> Receipt:
    """The case gets the id of its first step. Raises NotFound `unknown_due`; Unprocessable
    `ladder_unknown`; Conflict `case_open`, and what `take_step` raises.
    """
    steps = supervision.ladder(ladder)
    if steps is None:
        raise Unprocessable("ladder_unknown", known=[each.code for each in supervision.ladders])
    said = replace(said, step=steps.steps[0].code)
    if (repeated := await _known(conn, said)) is not None:
        return repeated
    await due_row(conn, due_id, own_district(actor))
    earlier = await _earlier(conn, due_id, ladder, said.id)
    act = _act(steps, said, actor, now)
    _check(steps, Standing(earlier=earlier), act, actor)
    fresh = await conn.fetchval(
        """
        INSERT INTO alerts.oversight (id, due_id, ladder, step, opened_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING true
        """,
        said.id,
        due_id,
        ladder,
        act.step,
        now,
    )
    if not fresh:
        if (repeated := await _known(conn, said)) is not None:
            return repeated
        raise Conflict("case_open", ladder=ladder)
    await _append(conn, said.id, said, act, 1)
    await _store(conn, said.id, taken(steps, Standing(earlier=earlier), act), now)
    return Receipt(id=said.id, result="recorded", case_id=said.id)


async def take_step(
    conn: Connection,
    supervision: Supervision,
    case_id: UUID,
    said: StepSaid,
    actor: Actor,
    now: datetime,
) -> Receipt:
    """Raises NotFound `unknown_case`; Conflict `step_id_taken` and any of `CODES`; Unprocessable
    `step_text_too_long`, `step_days_out_of_range`.
    """
    await conn.execute("SELECT 1 FROM alerts.oversight WHERE id = $1 FOR UPDATE", case_id)
    if (repeated := await _known(conn, said)) is not None:
        return repeated
    case = await case_of(conn, supervision, case_id, own_district(actor))
    ladder = supervision.ladder(case.ladder)
    if ladder is None:
        raise Unprocessable("ladder_unknown", known=[each.code for each in supervision.ladders])
    act = _act(ladder, said, actor, now)
    _check(ladder, case.standing, act, actor)
    await _append(conn, case_id, said, act, len(case.acts) + 1)
    await _store(conn, case_id, taken(ladder, case.standing, act), now)
    step = ladder.step(act.step)
    if act.passed is False and step is not None and step.puts:
        # The look back failed: what was closed meanwhile is open again.
        said_of = uuid5(said.id, "problems")
        await reopen_all(conn, case.due_id, case.opened_at, said_of, act.evidence, actor, now)
    return Receipt(id=said.id, result="recorded", case_id=case_id)


def _check(ladder: Stepladder, standing: Standing, act: Act, actor: Actor) -> None:
    refusal = why_not(ladder, standing, act, actor.roles)
    if refusal is not None:
        raise Conflict(refusal.code, **refusal.facts)


def _act(ladder: Stepladder, said: StepSaid, actor: Actor, now: datetime) -> Act:
    texts = {name: _text(getattr(said, name)) for name in ("reason", "evidence")}
    if said.days is not None and not 1 <= said.days <= MOST_DAYS:
        raise Unprocessable("step_days_out_of_range", most=MOST_DAYS)
    step = ladder.step(said.step)
    dated = step is not None and Need.DEADLINE in step.needs
    return Act(
        step=said.step,
        actor_id=actor.id,
        at=now,
        ground=said.ground,
        passed=said.passed,
        deadline=now + timedelta(days=said.days) if said.days and dated else None,
        look_back=said.look_back,
        **texts,
    )


def _text(said: str) -> str:
    text = " ".join(said.replace("\0", "").split())
    if len(text) > LONGEST_TEXT:
        raise Unprocessable("step_text_too_long", most=LONGEST_TEXT)
    return text


async def _known(conn: Connection, said: StepSaid) -> Receipt | None:
    """Raises Conflict `step_id_taken` for the same id with other content."""
    row = await conn.fetchrow(
        "SELECT body_hash, oversight_id FROM alerts.oversight_act WHERE id = $1", said.id
    )
    if row is None:
        return None
    if row["body_hash"] != body_hash(said):
        raise Conflict("step_id_taken")
    return Receipt(id=said.id, result="repeated", case_id=row["oversight_id"])


async def _append(conn: Connection, case_id: UUID, said: StepSaid, act: Act, number: int) -> None:
    await conn.execute(
        """
        INSERT INTO alerts.oversight_act (id, body_hash, oversight_id, number, step, ground, reason,
                                          evidence, photo, passed, deadline, look_back, actor_id,
                                          at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        """,
        said.id,
        body_hash(said),
        case_id,
        number,
        act.step,
        act.ground,
        act.reason,
        act.evidence,
        said.photo,
        act.passed,
        act.deadline,
        act.look_back,
        act.actor_id,
        act.at,
    )


async def _store(conn: Connection, case_id: UUID, standing: Standing, now: datetime) -> None:
    await conn.execute(
        """
        UPDATE alerts.oversight SET step = $2, mark = $3, deadline = $4, look_back = $5,
               ended_at = $6 WHERE id = $1
        """,
        case_id,
        standing.step,
        standing.mark or "",
        standing.deadline,
        standing.look_back,
        now if standing.over else None,
    )


async def _earlier(conn: Connection, due_id: int, ladder: str, own: UUID) -> int:
    return await conn.fetchval(
        """
        SELECT count(*) FROM alerts.oversight
         WHERE due_id = $1 AND ladder = $2 AND id <> $3
           AND opened_at < coalesce((SELECT opened_at FROM alerts.oversight WHERE id = $3),
                                    'infinity')
        """,
        due_id,
        ladder,
        own,
    )
