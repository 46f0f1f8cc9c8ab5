"""The loop of one movement: its states, its stops, the limits it runs against (mission §3)."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from registry.model import Card, Failure


class State(StrEnum):
    DRAFT = "draft"
    ISSUED = "issued"
    PRESENTED = "presented"
    VERIFYING = "verifying"
    TURNED_BACK = "turned_back"
    HELD = "held"
    TRANSFERRED = "transferred"
    RELEASED = "released"
    INCIDENT = "incident"
    OVERDUE = "overdue"
    ENQUIRY = "enquiry"
    ARRIVED = "arrived"
    DISCREPANCY = "discrepancy"
    CONFIRMED = "confirmed"
    EXIT_PENDING = "exit_pending"
    DISCHARGED = "discharged"
    CLOSED_BY_OFFICER = "closed_by_officer"
    REFERRED = "referred"
    LAPSED = "lapsed"
    VOIDED = "voided"
    CANCELLED = "cancelled"


#: Before the barrier: the truck is not in yet.
BEFORE_RELEASE = frozenset(
    {
        State.DRAFT,
        State.ISSUED,
        State.PRESENTED,
        State.VERIFYING,
        State.TURNED_BACK,
        State.VOIDED,
        State.CANCELLED,
    }
)
#: Their pass ends with its window (mission §3, lapsed).
LAPSING = frozenset({State.DRAFT, State.ISSUED, State.TURNED_BACK, State.VOIDED})
#: Administrative ends: a truck that is seen all the same is a fact that beats them.
ADMINISTRATIVE_ENDS = frozenset(
    {
        State.VOIDED,
        State.CANCELLED,
        State.CLOSED_BY_OFFICER,
        State.REFERRED,
        State.LAPSED,
    }
)
#: On the road inside: an arrival is expected.
UNDER_WAY = frozenset({State.RELEASED, State.INCIDENT})


class Level(StrEnum):
    """Evidence of arrival (mission §5). A and B close a stop, C is a claim."""

    A = "A"
    B = "B"
    C = "C"


class Limb(StrEnum):
    ARRIVAL = "arrival"
    CONFIRMATION = "confirmation"
    EXIT = "exit"
    #: The second approver's look at a hold; its taking over; its end; an answer to its appeal.
    HOLD = "hold"
    TAKEOVER = "takeover"
    EXPIRY = "expiry"
    APPEAL = "appeal"
    DESK = "desk"


class Stop(Struct, frozen=True, kw_only=True):
    """One destination. `road_minutes` leads here from the gate or from the stop before."""

    place_id: int
    road_minutes: int = 60
    limit_minutes: int = 120
    #: The version of the learned limit; 0 where the fixed rule made it.
    learned: int = 0
    due_at: datetime | None = None
    limit_no: int = 0
    claimed_at: datetime | None = None
    arrived_at: datetime | None = None
    level: Level | None = None
    confirmed_at: datetime | None = None
    departed_at: datetime | None = None
    late: bool = False

    @property
    def closed(self) -> bool:
        return self.confirmed_at is not None


class Hold(Struct, frozen=True, kw_only=True):
    """Somebody is held on the spot: on whose word, until when, and who has looked at it since.

    `person` is the ordinal of whom it names, None for the whole cab; `by`, `approved_by` and
    `ended_by` are `account:…` or `device:…`, and `by` is `rules` where a card ordered it. A hold
    that passes one of its times is flagged and stays (mission §6).
    """

    id: UUID
    source: str
    reason: str
    since: datetime
    by: str
    person: int | None = None
    review_by: datetime
    takeover_by: datetime
    expires_at: datetime
    appeal_minutes: int = 60
    #: What else was brought forward while it lasted, `source · reason`.
    also: tuple[str, ...] = ()
    approved_by: str = ""
    approved_at: datetime | None = None
    #: The place that is to take over, since when it has been asked.
    receiver_id: int | None = None
    asked_at: datetime | None = None
    grounds: str = ""
    appealed_at: datetime | None = None
    appeal_due: datetime | None = None
    #: How the last appeal was answered; the hold stood.
    dismissed_for: str = ""
    dismissed_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str = ""
    #: Why it was released, or under what number the receiving body keeps it.
    ended_for: str = ""

    @property
    def last_word(self) -> datetime:
        """What is said next answers this, whatever the clocks say."""
        said = (self.approved_at, self.asked_at, self.appealed_at, self.dismissed_at)
        return max((self.since, *(at for at in said if at is not None)))

    @property
    def appeal_waits(self) -> bool:
        return self.appeal_due is not None and self.ended_at is None


class Closing(Struct, frozen=True, kw_only=True):
    """One officer has said why a movement is over; `by` is `account:…`. Another has to agree."""

    by: str
    at: datetime
    reason: str
    proof: str = ""


class Deadline(Struct, frozen=True, kw_only=True):
    stop: int
    limb: Limb
    limit_no: int
    due_at: datetime
    flag_at: datetime
    #: When the ladder looks at it first: a while before, to remind.
    next_at: datetime
    place_id: int | None


class Loop(Struct, frozen=True, kw_only=True):
    """Everything that the events of one movement say, and nothing that depends on now."""

    movement_id: int
    state: State = State.DRAFT
    attempt: int = 0
    stops: tuple[Stop, ...] = ()
    failures: tuple[Failure, ...] = ()
    window_to: datetime | None = None
    expected_exit_at: datetime | None = None
    entry_place_id: int | None = None
    entry_gate: str = ""
    #: When a card was last given at a lane, and where: a second showing soon after is a duplicate.
    carded_at: datetime | None = None
    last_card: Card | None = None
    #: The first lane that let it through: place, gate and device. Another one is looked into (I6).
    passed_lane: str = ""
    state_since: datetime | None = None
    released_at: datetime | None = None
    #: No step of the ladder comes sooner than this (a release that reached us late).
    quiet_until: datetime | None = None
    extended: bool = False
    #: The hold that stands, or that ended with a transfer; and those that were released.
    hold: Hold | None = None
    ended_holds: tuple[Hold, ...] = ()
    holds: int = 0
    appeals: int = 0
    #: How often it was sent to the desk, or told to wait there.
    desk_no: int = 0
    #: When the desk saw the truck that the lane had sent there; None while it is on its way.
    at_desk_since: datetime | None = None
    confirm_minutes: int = 60
    desk_minutes: int = 60
    exit_minutes: int = 120
    stop_minutes: int = 60
    #: How long before a limit its driver is reminded, and from when after it is asked.
    ahead_minutes: int = 30
    enquiry_minutes: int = 15
    exit_scan: bool = False
    exited_at: datetime | None = None
    discrepancy: str | None = None
    #: The last coded reply to an enquiry (mission §7), 0 where there was none.
    last_reply: int = 0
    replied_at: datetime | None = None
    called_at: datetime | None = None
    closing: Closing | None = None
    void_reason: str = ""
    #: Discrepancies that were found are kept when they are settled.
    flags: tuple[str, ...] = ()

    @property
    def next_stop(self) -> int | None:
        return next((n for n, stop in enumerate(self.stops) if not stop.closed), None)

    @property
    def next_place_id(self) -> int | None:
        number = self.next_stop
        return None if number is None else self.stops[number].place_id

    @property
    def due_at(self) -> datetime | None:
        number = self.next_stop
        return None if number is None else self.stops[number].due_at


def state_at(loop: Loop, now: datetime) -> State:
    """Lapsed, overdue and enquiry are read off the clock, so that no timer has to have fired."""
    if loop.state in LAPSING and loop.window_to is not None and now > loop.window_to:
        return State.LAPSED
    due = loop.due_at if loop.state in UNDER_WAY else None
    if loop.state is State.EXIT_PENDING:
        due = exit_due(loop)
    if due is None or now <= due:
        return loop.state
    asked = max(due, loop.quiet_until or due) + timedelta(minutes=loop.enquiry_minutes)
    return State.ENQUIRY if now > asked else State.OVERDUE


def exit_due(loop: Loop) -> datetime | None:
    if loop.expected_exit_at is None:
        return None
    return loop.expected_exit_at + timedelta(minutes=loop.exit_minutes)
