"""What a team found at a place. What a telephone sends carries an id of its own and may come late,
and twice.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID, uuid5

from msgspec import Struct

from alerts.street_rounds import find_round
from alerts.supervision_problems import NewProblem, open_problem
from closedloop.reporting import body_hash
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, NotFound, Refused, Unprocessable
from registry.coverage import due_row
from registry.inspections import TrialScan, record_test_scan
from registry.scope import own_district
from registry.stepladders import Supervision

LONGEST_NOTE = 500


class Trial(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A test scan on the spot."""

    gate: str
    result: str
    code: str | None = None


class VisitSaid(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`id` is the sender's, `visited_at` its clock; no finding means that all is well. `photo` is
    the number of an attachment.
    """

    id: UUID
    round_id: UUID
    due_id: int
    findings: tuple[str, ...] = ()
    note: str = ""
    photo: UUID | None = None
    test: Trial | None = None
    visited_at: datetime | None = None


class VisitResult(Struct, frozen=True, kw_only=True):
    id: UUID
    status: Literal["recorded", "repeated", "conflict", "refused"]
    code: str = ""
    facts: dict[str, object] = {}
    problems: tuple[UUID, ...] = ()


async def record_visits(
    conn: Connection,
    supervision: Supervision,
    visits: tuple[VisitSaid, ...],
    actor: Actor,
    now: datetime,
) -> list[VisitResult]:
    """A result for each; one that is refused spoils no other."""
    results: list[VisitResult] = []
    for said in visits:
        try:
            async with conn.transaction():
                results.append(await record_visit(conn, supervision, said, actor, now))
        except Refused as refused:
            status = "conflict" if refused.code == "stop_id_taken" else "refused"
            results.append(
                VisitResult(id=said.id, status=status, code=refused.code, facts=refused.facts)
            )
    return results


async def record_visit(
    conn: Connection, supervision: Supervision, said: VisitSaid, actor: Actor, now: datetime
) -> VisitResult:
    """Raises NotFound `unknown_round`, `unknown_due`; Unprocessable `finding_unknown`,
    `note_too_long`, `visit_without_code`; Conflict `stop_id_taken`; and what a test scan raises.
    """
    digest = body_hash(said)
    known = await conn.fetchval("SELECT body_hash FROM alerts.street_visit WHERE id = $1", said.id)
    if known is not None:
        if known != digest:
            raise Conflict("stop_id_taken")
        return VisitResult(id=said.id, status="repeated")
    team = await _team(conn, said, actor)
    findings = _findings(supervision, said)
    at = min(said.visited_at or now, now)
    stored = await _store(conn, said, digest, team, findings, actor, at, now)
    if not stored:
        return VisitResult(id=said.id, status="repeated")
    await _test(conn, said, actor, now)
    opened = [
        (await open_problem(conn, supervision, _problem(said, code), actor, now, source="visit"))
        for code in findings
    ]
    return VisitResult(
        id=said.id, status="recorded", problems=tuple(each.problem_id for each in opened)
    )


async def _team(conn: Connection, said: VisitSaid, actor: Actor) -> int:
    await find_round(conn, said.round_id, own_district(actor))
    team = await conn.fetchval(
        "SELECT team FROM alerts.street_stop WHERE round_id = $1 AND due_id = $2",
        said.round_id,
        said.due_id,
    )
    if team is None:
        raise NotFound("unknown_due", due_id=said.due_id)
    return team


def _findings(supervision: Supervision, said: VisitSaid) -> list[str]:
    known = [each.code for each in supervision.findings]
    findings = list(dict.fromkeys(code for code in said.findings if code))
    if not set(findings) <= set(known):
        raise Unprocessable("finding_unknown", known=known)
    if len(said.note) > LONGEST_NOTE:
        raise Unprocessable("note_too_long", most=LONGEST_NOTE)
    return findings


async def _store(
    conn: Connection,
    said: VisitSaid,
    digest: bytes,
    team: int,
    findings: list[str],
    actor: Actor,
    at: datetime,
    now: datetime,
) -> bool:
    stored = await conn.fetchval(
        """
        INSERT INTO alerts.street_visit (id, body_hash, round_id, due_id, team, findings, note,
                                         photo, actor_id, visited_at, received_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (id) DO NOTHING RETURNING true
        """,
        said.id,
        digest,
        said.round_id,
        said.due_id,
        team,
        findings,
        " ".join(said.note.replace("\0", "").split()),
        said.photo,
        actor.id,
        at,
        now,
    )
    await conn.execute(
        """
        UPDATE alerts.street_stop SET visited_at = greatest(visited_at, $3)
         WHERE round_id = $1 AND due_id = $2
        """,
        said.round_id,
        said.due_id,
        at,
    )
    return bool(stored)


async def _test(conn: Connection, said: VisitSaid, actor: Actor, now: datetime) -> None:
    if said.test is None:
        return
    row = await due_row(conn, said.due_id, own_district(actor))
    if row.place_id is None:
        raise Unprocessable("visit_without_code")
    trial = TrialScan(id=said.id, gate=said.test.gate, result=said.test.result, code=said.test.code)
    await record_test_scan(conn, row.place_id, trial, actor, now, district=actor.district)


def _problem(said: VisitSaid, code: str) -> NewProblem:
    return NewProblem(id=uuid5(said.id, code), due_id=said.due_id, finding=code, note=said.note)
