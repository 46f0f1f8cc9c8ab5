"""Items of a batch of acts, which are read one by one."""

from checkpoint.desk import DESK
from closedloop.acts import ACTS, Act, propose
from closedloop.commit import Proposal
from closedloop.pass_acts import PASS_ACTS
from kernel.auth import Actor

CHECKS = ACTS | PASS_ACTS | DESK


class MovementAct(Act, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An act in a batch names its movement."""

    movement_id: int

    def proposal(self, actor: Actor) -> Proposal:
        said = {name: getattr(self, name) for name in Act.__struct_fields__}
        return propose(self.movement_id, Act(**said), actor, CHECKS)
