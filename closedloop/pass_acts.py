"""A pass is voided, issued again, or cancelled by its driver (mission §3). The facts are appended
like all others; each tells the driver (`messages`).
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from closedloop.acts import Act, Check
from closedloop.commit import Proposal, append
from closedloop.model import State, state_at
from closedloop.reporting import Office, accepted, body_hash, check_movement_id
from closedloop.saying import one_line
from closedloop.situation import Situation
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, Forbidden, Unprocessable
from registry.judge import Verdict, judge
from registry.model import Card, Event, Role
from registry.world import World

#: Who may take a pass away, and give it back.
KEEPERS = frozenset({Role.DESK, Role.DUTY, Role.REGISTRAR})
#: Each has its word under `void.reason.<code>`; the driver reads it.
VOID_REASONS = ("evidence_lapsed", "evidence_revoked", "details_wrong", "misused", "not_needed")
CANCELLABLE = frozenset({State.DRAFT, State.ISSUED, State.VOIDED, State.TURNED_BACK})


def _void(act: Act, at: Situation, _: World, actor: Actor, now: datetime) -> dict[str, Any]:
    """Only a pass that is good and unused; a truck that was seen is the desk's, not the pass's."""
    _is_keeper(actor)
    if act.reason not in VOID_REASONS:
        raise Unprocessable("void_reason_unknown", known=list(VOID_REASONS))
    state = state_at(at.loop, now)
    if state is not State.ISSUED:
        raise Conflict("nothing_to_void", state=state)
    return {"reason": act.reason, "note": act.note}


def _reissue(act: Act, at: Situation, world: World, actor: Actor, now: datetime) -> dict[str, Any]:
    """On new proof: what an officer saw, or because the rules find nothing any more."""
    _is_keeper(actor)
    state = state_at(at.loop, now)
    if at.loop.state is not State.VOIDED:
        raise Conflict("nothing_to_reissue", state=state)
    if state is State.LAPSED:
        raise Conflict("window_is_over")
    proof = one_line(act.proof or act.note)
    verdict = verdict_ahead(at, world, now)
    if not proof and verdict.card is not Card.GREEN:
        missing = sorted({failure.code for failure in verdict.failures})
        raise Unprocessable("new_proof_needed", missing=missing)
    return {"proof": proof, "note": act.note, "rules_version": verdict.rules_version}


def verdict_ahead(at: Situation, world: World, now: datetime) -> Verdict:
    """What the rules will say of the truck at the barrier, if nothing changes until its window
    opens; that the pass was voided is left aside.
    """
    opens = at.movement.window_from
    when = now if opens is None else max(now, opens)
    rules = world.rules_at(now)
    return judge(
        at.movement, at.people, rules, None, when, sources=world.sources, areas=world.areas
    )


def _is_keeper(actor: Actor) -> None:
    if not actor.roles & KEEPERS:
        raise Forbidden("not_your_role")


PASS_ACTS: dict[str, Check] = {"void": _void, "reissue": _reissue}


async def cancel(
    conn: Connection, office: Office, movement_id: int, event_id: UUID, now: datetime
) -> None:
    """By its driver. Cancelled once is cancelled. Raises Conflict("too_late_to_cancel")."""
    check_movement_id(movement_id)

    def decide(situation: Situation, _: World, at: datetime) -> Event:
        if situation.loop.state not in CANCELLABLE:
            raise Conflict("too_late_to_cancel", state=state_at(situation.loop, at))
        return Event(
            movement_id=movement_id,
            event_id=event_id,
            kind="cancelled",
            occurred_at=at,
            received_at=at,
            actor="driver",
        )

    proposal = Proposal(
        event_id=event_id,
        movement_id=movement_id,
        body_hash=body_hash([movement_id, "cancel"]),
        decide=decide,
        said={"kind": "cancel"},
        actor="driver",
    )
    accepted(await append(conn, office.cache, [proposal], now))
