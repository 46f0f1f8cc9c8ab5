"""What the duty desk works with: coded replies, ends set by hand, and the name of an alert."""

from enum import IntEnum

from msgspec import Struct

from closedloop.model import UNDER_WAY, State
from kernel.errors import NotFound

#: While somebody still looks for the truck.
PURSUED = UNDER_WAY | {State.EXIT_PENDING, State.REFERRED, State.DISCREPANCY}
CLAIM_MINUTES = 15
SNOOZES = (10, 30)
#: From then on an alert that nobody has claimed is marked.
UNCLAIMED_MINUTES = 10


class Code(IntEnum):
    """Coded replies of mission §7, after the transit procedure's enquiry (IE143)."""

    UNKNOWN_HERE = 1
    DUPLICATE = 2
    ARRIVED = 3
    ELSEWHERE = 4
    DELAYED = 5
    BREAKDOWN = 6
    LEFT = 7
    UNREACHABLE = 8
    REFUSES = 9


#: What each side is offered; an officer may note any of them after a call.
DRIVERS = (Code.ARRIVED, Code.DELAYED, Code.BREAKDOWN, Code.ELSEWHERE, Code.LEFT)
FIRMS = (
    Code.ARRIVED, Code.DELAYED, Code.BREAKDOWN, Code.ELSEWHERE, Code.UNKNOWN_HERE, Code.DUPLICATE,
)  # fmt: skip
#: Each has its words under `close.reason.<code>`.
CLOSE_REASONS = ("arrived_unseen", "never_set_out", "left_unseen", "reported_twice", "settled")


class AlertId(Struct, frozen=True, kw_only=True):
    """A limit that passed: `movement-stop-limb-limit`, as `4102000000001-0-arrival-1`."""

    movement_id: int
    stop: int
    limb: str
    limit_no: int

    def __str__(self) -> str:
        return f"{self.movement_id}-{self.stop}-{self.limb}-{self.limit_no}"


def read_alert_id(text: str) -> AlertId:
    """Raises NotFound("unknown_alert")."""
    parts = text.split("-")
    numbers = [parts[n] for n in (0, 1, 3)] if len(parts) == 4 else []
    if len(numbers) != 3 or not all(n.isascii() and n.isdigit() and len(n) < 14 for n in numbers):
        raise NotFound("unknown_alert")
    movement_id, stop, limit_no = (int(n) for n in numbers)
    if max(stop, limit_no) >= 2**31:
        raise NotFound("unknown_alert")
    return AlertId(movement_id=movement_id, stop=stop, limb=parts[2], limit_no=limit_no)
