"""The shapes of tracing: who was seen where, and who was there too (seed 003)."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct


class How(StrEnum):
    """How a presence is known. A claim proves nothing, and is told without being counted."""

    GATE = "gate"
    TAPPED = "tapped"
    CODE = "code"
    LEFT = "left"
    CLAIM = "claim"
    VISIT = "visit"
    CAMERA = "camera"
    #: No presence: the place and hours that were asked about.
    ASKED = "asked"


class Wanted(Struct, frozen=True, kw_only=True):
    """One subject and the hours that are looked at; one of the three is given."""

    number: int
    since: datetime
    until: datetime
    person_id: UUID | None = None
    plate: str = ""
    place_id: int | None = None


class Sighting(Struct, frozen=True, kw_only=True):
    """`until` differs from `since` only where hours were asked about. A sighting is uncertain by
    `doubt_ms` to either side; `sure` is false where a camera was not certain of the truck.
    """

    number: int
    how: How
    place_id: int
    gate: str
    since: datetime
    until: datetime
    doubt_ms: int
    offline: bool = False
    sure: bool = True
    person_id: UUID | None = None
    movement_id: int | None = None
    ordinal: int | None = None
    plate: str = ""
    masked_name: str = ""

    @property
    def counted(self) -> bool:
        return self.how is not How.CLAIM


class Meeting(Struct, frozen=True, kw_only=True):
    """All that somebody had to do with one subject. Gaps are microseconds between the two: at
    the least that is possible (below nought where the times overlap), and at the most; None where
    there was none, or where nobody can be certain. `key` orders them and names who it was.
    """

    number: int
    key: str
    together: bool
    together_sure: bool
    place_possible: int
    gate_possible: int | None
    place_certain: int | None
    gate_certain: int | None
    times: int
    first_at: datetime
    last_at: datetime
    #: The nearest of them.
    place_id: int
    gate: str
    near_at: datetime
    doubt_ms: int
    person_id: UUID | None = None
    movement_id: int | None = None
    ordinal: int | None = None
    plate: str = ""
    masked_name: str = ""


class Contact(Struct, frozen=True, kw_only=True):
    """A meeting under the first rule that it meets. `through` is the number of whoever stood
    between, for those of the second degree.
    """

    meeting: Meeting
    code: str
    rule: str
    certain: bool
    through: int | None = None


class CaseState(StrEnum):
    WAITING = "waiting"
    OPEN = "open"
    REFUSED = "refused"
    CLOSED = "closed"


class Subject(Struct, frozen=True, kw_only=True):
    number: int
    kind: str
    person_id: UUID | None = None
    plate: str = ""
    place_id: int | None = None
    #: Of a person: as the latest report or visit has it, empty once erased.
    masked_name: str = ""


class Case(Struct, frozen=True, kw_only=True):
    id: UUID
    number: str
    reason: str
    district_code: str | None
    since: datetime
    until: datetime
    subjects: int
    people_shown: int
    rules_version: int
    opened_by: UUID
    opener: str
    opened_at: datetime
    needs_second: bool
    decided_by: UUID | None
    decider: str
    decided_at: datetime | None
    approved: bool | None
    closed_at: datetime | None

    @property
    def state(self) -> CaseState:
        if self.closed_at is not None:
            return CaseState.CLOSED
        if not self.needs_second or self.approved:
            return CaseState.OPEN
        return CaseState.WAITING if self.approved is None else CaseState.REFUSED

    @property
    def days(self) -> float:
        return (self.until - self.since) / timedelta(days=1)
