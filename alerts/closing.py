"""The end that two officers set (mission §3, closed_by_officer): a reason, evidence, four eyes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from alerts.model import CLOSE_REASONS, PURSUED
from alerts.replies import kept_proof
from closedloop.acts import Text
from closedloop.model import Closing
from closedloop.reporting import actor_name
from closedloop.situation import Situation
from kernel.auth import Actor
from kernel.errors import Conflict, Forbidden, Unprocessable
from registry.model import Role
from registry.world import World


class Close(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`decision`: propose (with reason and proof), approve or refuse."""

    id: UUID
    decision: Text = "propose"
    reason: Text = ""
    proof: Text = ""


#: The decision → the kind of its event.
KINDS = {"propose": "close_proposed", "approve": "closed", "refuse": "close_refused"}


def close_body(said: Close, at: Situation, _: World, actor: Actor, __: datetime) -> dict[str, Any]:
    """Raises Forbidden `not_your_role`, `second_person_needed`; Conflict `already_ended`,
    `close_waits`, `no_close_waits`; Unprocessable `close_reason_needed`, `proof_needed`.
    """
    if Role.DUTY not in actor.roles:
        raise Forbidden("not_your_role")
    if at.loop.state not in PURSUED:
        raise Conflict("already_ended", state=at.loop.state)
    waits, me = at.loop.closing, actor_name(actor)
    if said.decision == "propose":
        return _proposed(said, waits, me)
    if waits is None:
        raise Conflict("no_close_waits")
    if waits.by == me and said.decision == "approve":
        raise Forbidden("second_person_needed")
    if said.decision == "refuse":
        return {}
    return {
        "reason": waits.reason,
        "proof": waits.proof,
        "proposed_by": waits.by,
        "second_approver": me,
    }


def _proposed(said: Close, waits: Closing | None, me: str) -> dict[str, Any]:
    if waits is not None and waits.by != me:
        raise Conflict("close_waits")
    if said.reason not in CLOSE_REASONS:
        raise Unprocessable("close_reason_needed", known=list(CLOSE_REASONS))
    proof = kept_proof(said.proof)
    if not proof:
        raise Unprocessable("proof_needed")
    return {"reason": said.reason, "proof": proof}
