"""What the record holds, in the shapes that every floor above reads."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct


class PlaceKind(StrEnum):
    CHECKPOINT = "checkpoint"
    DESTINATION = "destination"
    VENUE = "venue"


class Role(StrEnum):
    DRIVER = "driver"
    LANE = "lane"
    DESK = "desk"
    FIRM = "firm"
    DUTY = "duty"
    TRACER = "tracer"
    REGISTRAR = "registrar"
    INSPECTOR = "inspector"
    HOTLINE = "hotline"
    DISPATCHER = "dispatcher"
    RECEIVER = "receiver"
    POLICE = "police"
    GRID = "grid"
    SOURCE = "source"
    ADMIN = "admin"
    SECURITY = "security"
    AUDITOR = "auditor"


class Card(StrEnum):
    """What the lane's device shows; the order of severity is in `judge`."""

    GREEN = "green"
    YELLOW = "yellow"
    WHITE = "white"
    RED = "red"
    DUPLICATE = "duplicate"
    WRONG_CODE = "wrong_code"


class Lane(Struct, frozen=True, kw_only=True):
    """A gate of a checkpoint: which way it leads, whom it serves, and whether it is kept free for
    trucks that go first (seed 002).
    """

    gate: str
    direction: Literal["in", "out", "both"] = "both"
    serves: Literal["all", "trucks", "cars"] = "all"
    dedicated: bool = False


class Place(Struct, frozen=True, kw_only=True):
    id: int
    kind: PlaceKind
    category: str
    name: str
    district_code: str
    road: str
    status: str
    screen_secret: bytes
    gates: tuple[str, ...] = ()
    lanes: tuple[Lane, ...] = ()

    @property
    def active(self) -> bool:
        return self.status == "active"


class Area(Struct, frozen=True, kw_only=True):
    """An area as its source describes it: `words` are those that an address in it has, all
    of them; an address that has a word of `spared` is not in it, and where `included` names some,
    only those are (seed 000: from a street down to a courtyard, and from an hour on).
    """

    kind: str
    name: str
    level: str
    since: datetime
    until: datetime | None = None
    words: tuple[str, ...]
    included: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()
    source: str = ""


class Proof(Struct, frozen=True, kw_only=True):
    """The newest evidence of one kind about one person or vehicle."""

    value: str
    taken_at: datetime
    source: str
    reference: str = ""
    #: From then on it says nothing any more.
    until: datetime | None = None


class Subject(Struct, frozen=True, kw_only=True):
    """One person of a movement, as the lane may know them: no number, a masked name."""

    ordinal: int
    role: str
    masked_name: str
    declared: dict[str, bool]
    evidence: dict[str, Proof]


class Failure(Struct, frozen=True, kw_only=True):
    """One rule that is not met. `blocks` keeps a report a draft; the others speak at the gate."""

    code: str
    blocks: bool = False
    card: Card | None = None
    person: int | None = None
    field: str | None = None
    facts: dict[str, Any] = {}


class Movement(Struct, frozen=True, kw_only=True):
    movement_id: int
    version: int
    plate: str
    trailer_plate: str
    origin: str
    goods: str
    entry_place_id: int | None
    stops: tuple[int, ...]
    expected_entry_at: datetime | None
    expected_exit_at: datetime | None
    window_from: datetime | None
    window_to: datetime | None
    failures: tuple[Failure, ...]
    channel: str
    reported_at: datetime
    #: Evidence about the truck itself, as it is about people in `Subject`.
    vehicle: dict[str, Proof] = {}

    @property
    def blocked(self) -> bool:
        return any(failure.blocks for failure in self.failures)


class Event(Struct, frozen=True, kw_only=True):
    """One fact about a movement. `occurred_at` is the device's time put right by its last known
    offset, never later than `received_at`; `uncertainty_ms` says how far it may be off.
    """

    movement_id: int
    event_id: UUID
    kind: str
    occurred_at: datetime
    received_at: datetime
    uncertainty_ms: int = 0
    place_id: int | None = None
    gate: str = ""
    device_id: UUID | None = None
    sequence: int | None = None
    offline: bool = False
    actor: str = "system"
    body: dict[str, Any] = {}
