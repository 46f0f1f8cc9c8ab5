"""The ledger of problems: what is wrong at which place, who answers for it by place and by trade,
until when, and how it was mended, checked by another officer and struck off (seeds 001, 003).
"""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid5

from msgspec import Struct

from alerts.supervision_problem_list import Problem, State, problem_of
from closedloop.reporting import body_hash
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, Forbidden, Unprocessable
from registry.coverage import DueRow, due_row
from registry.model import Role
from registry.scope import own_district
from registry.stepladders import Supervision

ACTS = ("mend", "send_back", "close", "reopen")
#: Who may say that a problem is over.
CLOSERS = frozenset({Role.INSPECTOR, Role.REGISTRAR, Role.DUTY})
LONGEST_TEXT = 500
#: State and act → the next state; whatever is not here is refused.
NEXT: dict[tuple[str, str], State] = {
    ("open", "mend"): "mended",
    ("mended", "send_back"): "open",
    ("mended", "close"): "closed",
    ("closed", "reopen"): "open",
}
#: An act that came too late is told what was done before it.
_TOO_LATE = {"open": "problem_not_mended", "mended": "problem_mended", "closed": "problem_closed"}


class NewProblem(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`id` is the sender's; units are those of the place's row unless they are named."""

    id: UUID
    due_id: int
    finding: str
    note: str = ""
    street: str = ""
    trade: str = ""
    days: int | None = None


class ProblemAct(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`photo` is the number of an attachment."""

    id: UUID
    act: str
    note: str = ""
    evidence: str = ""
    photo: UUID | None = None


class ProblemReceipt(Struct, frozen=True, kw_only=True):
    id: UUID
    result: Literal["recorded", "repeated"]
    problem_id: UUID
    state: State


async def open_problem(
    conn: Connection,
    supervision: Supervision,
    said: NewProblem,
    actor: Actor,
    now: datetime,
    *,
    source: Literal["visit", "officer", "proposal"] = "officer",
    reference: str = "",
) -> ProblemReceipt:
    """One that is open already for the same finding at the same place is given back.

    Raises NotFound `unknown_due`; Unprocessable `finding_unknown`, `problem_text_too_long`;
    Conflict `problem_id_taken`.
    """
    finding = supervision.finding(said.finding)
    if finding is None:
        known = [each.code for each in supervision.findings]
        raise Unprocessable("finding_unknown", known=known)
    row = await due_row(conn, said.due_id, own_district(actor))
    digest = body_hash(said)
    if (before := await _known(conn, said.id, digest)) is not None:
        return before
    # Two officers who find the same thing at one place open one problem.
    await conn.execute("SELECT 1 FROM registry.due_place WHERE id = $1 FOR UPDATE", said.due_id)
    same = await _open_already(conn, said)
    if same is not None:
        return ProblemReceipt(id=said.id, result="repeated", problem_id=same[0], state=same[1])
    days = finding.mend_days if said.days is None else min(max(said.days, 1), 90)
    await _insert(conn, said, row, now + timedelta(days=days), actor, now, source, reference)
    act = ProblemAct(id=said.id, act="open", note=said.note)
    await _append(conn, said.id, act, digest, actor, now)
    return ProblemReceipt(id=said.id, result="recorded", problem_id=said.id, state="open")


async def _open_already(conn: Connection, said: NewProblem) -> tuple[UUID, State] | None:
    row = await conn.fetchrow(
        """
        SELECT id, state FROM alerts.problem
         WHERE due_id = $1 AND finding = $2 AND state <> 'closed' LIMIT 1
        """,
        said.due_id,
        said.finding,
    )
    return None if row is None else (row["id"], row["state"])


async def _insert(
    conn: Connection,
    said: NewProblem,
    row: DueRow,
    deadline: datetime,
    actor: Actor,
    now: datetime,
    source: str,
    reference: str,
) -> None:
    await conn.execute(
        """
        INSERT INTO alerts.problem (id, due_id, finding, street, trade, state, deadline, source,
                                    reference, opened_by, opened_at)
        VALUES ($1, $2, $3, $4, $5, 'open', $6, $7, $8, $9, $10)
        """,
        said.id,
        said.due_id,
        said.finding,
        _text(said.street) or row.street,
        _text(said.trade) or row.trade,
        deadline,
        source,
        reference,
        actor.id,
        now,
    )


async def act_on_problem(
    conn: Connection, problem_id: UUID, said: ProblemAct, actor: Actor, now: datetime
) -> ProblemReceipt:
    """Of two who close one problem the first wins, and the other is told who was quicker.

    Raises NotFound `unknown_problem`; Forbidden `problem_not_yours_to_close`; Unprocessable
    `problem_act_unknown`, `evidence_needed`, `problem_text_too_long`; Conflict `problem_id_taken`,
    `problem_needs_another`, `problem_not_mended`, `problem_mended`, `problem_closed`.
    """
    if said.act not in ACTS:
        raise Unprocessable("problem_act_unknown", known=list(ACTS))
    await conn.execute("SELECT 1 FROM alerts.problem WHERE id = $1 FOR UPDATE", problem_id)
    problem = await problem_of(conn, problem_id, own_district(actor), now)
    digest = body_hash(said)
    if (before := await _known(conn, said.id, digest)) is not None:
        return before
    state = await _allowed(conn, problem, said, actor)
    await _append(conn, problem_id, said, digest, actor, now)
    await conn.execute(
        """
        UPDATE alerts.problem
           SET state = $2, closed_at = CASE WHEN $2 = 'closed' THEN $3::timestamptz END,
               times_reopened = times_reopened + CASE WHEN $4 = 'reopen' THEN 1 ELSE 0 END,
               deadline = CASE WHEN $4 = 'reopen' THEN $3 + interval '1 day' ELSE deadline END
         WHERE id = $1
        """,
        problem_id,
        state,
        now,
        said.act,
    )
    return ProblemReceipt(id=said.id, result="recorded", problem_id=problem_id, state=state)


async def _allowed(conn: Connection, problem: Problem, said: ProblemAct, actor: Actor) -> State:
    state = NEXT.get((problem.state, said.act))
    last = await conn.fetchrow(
        """
        SELECT a.actor_id, a.at, coalesce(c.name, '') AS name
          FROM alerts.problem_act a LEFT JOIN registry.account c ON c.id = a.actor_id
         WHERE a.problem_id = $1 ORDER BY a.number DESC LIMIT 1
        """,
        problem.id,
    )
    if state is None:
        facts = {} if last is None else {"by": last["name"], "at": last["at"].isoformat()}
        raise Conflict(_TOO_LATE[problem.state], **facts)
    if said.act in {"close", "send_back"}:
        if not actor.roles & CLOSERS:
            raise Forbidden("problem_not_yours_to_close")
        if last is not None and last["actor_id"] == actor.id:
            raise Conflict("problem_needs_another")
    needed = said.note if said.act == "send_back" else said.evidence
    if not needed.strip():
        raise Unprocessable("evidence_needed")
    return state


def _text(said: str) -> str:
    text = " ".join(said.replace("\0", "").split())
    if len(text) > LONGEST_TEXT:
        raise Unprocessable("problem_text_too_long", most=LONGEST_TEXT)
    return text


async def _known(conn: Connection, act_id: UUID, digest: bytes) -> ProblemReceipt | None:
    row = await conn.fetchrow(
        """
        SELECT a.body_hash, p.id, p.state FROM alerts.problem_act a
          JOIN alerts.problem p ON p.id = a.problem_id WHERE a.id = $1
        """,
        act_id,
    )
    if row is None:
        return None
    if row["body_hash"] != digest:
        raise Conflict("problem_id_taken")
    return ProblemReceipt(id=act_id, result="repeated", problem_id=row["id"], state=row["state"])


async def _append(
    conn: Connection,
    problem_id: UUID,
    said: ProblemAct,
    digest: bytes,
    actor: Actor,
    now: datetime,
) -> None:
    await conn.execute(
        """
        INSERT INTO alerts.problem_act
               (id, body_hash, problem_id, number, act, note, evidence, photo, actor_id, at)
        SELECT $1, $2, $3, count(*) + 1, $4, $5, $6, $7, $8, $9
          FROM alerts.problem_act WHERE problem_id = $3
        """,
        said.id,
        digest,
        problem_id,
        said.act,
        _text(said.note),
        _text(said.evidence),
        said.photo,
        actor.id,
        now,
    )


async def reopen_all(
    conn: Connection,
    due_id: int,
    since: datetime,
    said_of: UUID,
    evidence: str,
    actor: Actor,
    now: datetime,
) -> None:
    """The problems of a place that were closed since then are open again."""
    rows = await conn.fetch(
        "SELECT id FROM alerts.problem WHERE due_id = $1 AND closed_at >= $2 ORDER BY id",
        due_id,
        since,
    )
    for row in rows:
        said = ProblemAct(id=uuid5(said_of, str(row["id"])), act="reopen", evidence=evidence)
        await act_on_problem(conn, row["id"], said, actor, now)
