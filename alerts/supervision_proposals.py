"""What the loop learned becomes a proposed problem: firms that confirm late, checkpoints that
release without a reading, holes in what devices sent, attempts against the rules. Derived whenever
they are looked at; an officer accepts one, or says why not.
"""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from alerts.supervision_problems import NewProblem, ProblemReceipt, open_problem
from alerts.supervision_steps import local_day
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, NotFound, Unprocessable
from registry.coverage import row_of_place
from registry.scope import own_district, within
from registry.stepladders import Supervision

LONGEST_REASON = 200


class Proposal(Struct, frozen=True, kw_only=True):
    """`reference` is the finding, the place and the Monday of the week: one a week. `n` is how
    often it was seen in `days`.
    """

    reference: str
    finding: str
    place_id: int
    name: str
    district_code: str
    n: int
    days: int


#: Place and count; $1 since, $2 now, $3 the least, $4 the district.
_LATE = """
    SELECT dl.place_id, count(*) AS n FROM alerts.alert a
      JOIN closedloop.deadline dl
        ON (dl.movement_id, dl.stop, dl.limb, dl.limit_no)
           = (a.movement_id, a.stop, a.limb, a.limit_no)
     WHERE a.limb = 'confirmation' AND a.step = 'L1' AND a.raised_at >= $1 AND a.raised_at <= $2
     GROUP BY dl.place_id
"""
_UNREAD = """
    SELECT e.place_id, count(*) AS n
      FROM registry.place c JOIN registry.event e ON e.place_id = c.id
     WHERE c.kind = 'checkpoint' AND e.occurred_at >= $1 AND e.occurred_at <= $2
       AND e.kind = 'entry' AND e.body ->> 'card' = 'green'
       AND coalesce(e.body ->> 'plate_seen', '') = ''
     GROUP BY e.place_id
"""
_HOLES = """
    SELECT g.place_id, sum(g.n) AS n FROM (
        SELECT e.place_id, max(e.sequence) - min(e.sequence) + 1 - count(DISTINCT e.sequence) AS n
          FROM registry.place c JOIN registry.event e ON e.place_id = c.id
         WHERE c.kind = 'checkpoint' AND e.occurred_at >= $1 AND e.occurred_at <= $2
           AND e.device_id IS NOT NULL AND e.sequence IS NOT NULL
         GROUP BY e.place_id, e.device_id) g
     GROUP BY g.place_id
"""
_AGAINST = """
    SELECT b.place_id, count(*) AS n FROM (
        SELECT place_id FROM closedloop.breach
         WHERE code = 'must_not_turn_back' AND tried_at >= $1 AND tried_at <= $2
        UNION ALL
        SELECT place_id FROM registry.event
         WHERE received_at >= $1 AND received_at <= $2
           AND body -> 'flags' ?| ARRAY['white_against_rules', 'hold_without_source']
           AND body -> 'flags' ? 'white_against_rules') b
     GROUP BY b.place_id
"""


async def proposals(
    conn: Connection, supervision: Supervision, now: datetime, district: str | None = None
) -> list[Proposal]:
    """The most frequent first, without those that were answered this week."""
    least = {
        "confirms_late": (_LATE, supervision.late_confirmations),
        "skips_reading": (_UNREAD, supervision.unread_releases),
        "holes": (_HOLES, supervision.holes),
        "against_rules": (_AGAINST, supervision.against_rules),
    }
    found: list[Proposal] = []
    for finding, (sql, n) in least.items():
        if supervision.finding(finding) is not None:
            found += await _found(conn, finding, sql, n, supervision.look_days, now, district)
    answered = await _answered(conn, [each.reference for each in found])
    left = [each for each in found if each.reference not in answered]
    return sorted(left, key=lambda each: (-each.n, each.reference))


async def _found(
    conn: Connection,
    finding: str,
    sql: str,
    least: int,
    days: int,
    now: datetime,
    district: str | None,
) -> list[Proposal]:
    monday = local_day(now) - timedelta(days=local_day(now).weekday())
    rows = await conn.fetch(
        f"""
        SELECT s.place_id, s.n::int AS n, p.name, p.district_code
          FROM ({sql}) s JOIN registry.place p ON p.id = s.place_id
         WHERE s.n >= $3 AND {within("p.district_code", 4)}
        """,
        now - timedelta(days=days),
        now,
        max(least, 1),
        district,
    )
    return [
        Proposal(reference=f"{finding}:{r['place_id']}:{monday}", finding=finding, days=days, **r)
        for r in rows
    ]


async def _answered(conn: Connection, references: list[str]) -> set[str]:
    rows = await conn.fetch(
        "SELECT reference FROM alerts.proposal_answer WHERE reference = ANY($1::text[])",
        references,
    )
    return {row["reference"] for row in rows}


async def accept(
    conn: Connection,
    supervision: Supervision,
    reference: str,
    event_id: UUID,
    actor: Actor,
    now: datetime,
) -> ProblemReceipt:
    """Raises NotFound `unknown_proposal`; Conflict `proposal_answered`."""
    known = await conn.fetchval("SELECT id FROM alerts.problem WHERE reference = $1", reference)
    if known == event_id:
        return ProblemReceipt(id=event_id, result="repeated", problem_id=known, state="open")
    proposal = await _proposal(conn, supervision, reference, actor, now)
    await _answer(conn, reference, "", actor, now, accepted=True)
    due_id = await row_of_place(conn, proposal.place_id, now, own_district(actor))
    said = NewProblem(id=event_id, due_id=due_id, finding=proposal.finding)
    return await open_problem(
        conn, supervision, said, actor, now, source="proposal", reference=reference
    )


async def decline(
    conn: Connection,
    supervision: Supervision,
    reference: str,
    reason: str,
    actor: Actor,
    now: datetime,
) -> None:
    """Raises NotFound `unknown_proposal`; Conflict `proposal_answered`; Unprocessable
    `reason_needed`, `reason_too_long`.
    """
    reason = " ".join(reason.replace("\0", "").split())
    if not reason:
        raise Unprocessable("reason_needed")
    if len(reason) > LONGEST_REASON:
        raise Unprocessable("reason_too_long", most=LONGEST_REASON)
    await _proposal(conn, supervision, reference, actor, now)
    await _answer(conn, reference, reason, actor, now, accepted=False)


async def _proposal(
    conn: Connection, supervision: Supervision, reference: str, actor: Actor, now: datetime
) -> Proposal:
    if await _answered(conn, [reference]):
        raise Conflict("proposal_answered")
    found = await proposals(conn, supervision, now, own_district(actor))
    proposal = next((each for each in found if each.reference == reference), None)
    if proposal is None:
        raise NotFound("unknown_proposal")
    return proposal


async def _answer(
    conn: Connection, reference: str, reason: str, actor: Actor, now: datetime, *, accepted: bool
) -> None:
    fresh = await conn.fetchval(
        """
        INSERT INTO alerts.proposal_answer (reference, accepted, reason, actor_id, at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING true
        """,
        reference,
        accepted,
        reason,
        actor.id,
        now,
    )
    if not fresh:
        raise Conflict("proposal_answered")
