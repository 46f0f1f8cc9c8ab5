"""How a pack traces: classes of contacts, rules that give them, clock and teams (seed 003)."""

from enum import StrEnum

from msgspec import Struct

from registry.bilingual import Text


class Meets(StrEnum):
    """How two people came together. `contact_of`: through somebody of another class."""

    SAME_VEHICLE = "same_vehicle"
    SAME_GATE = "same_gate"
    SAME_PLACE = "same_place"
    CONTACT_OF = "contact_of"


class TraceClass(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: str
    label: Text


class TraceRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`minutes` apart at most, at a gate or place; `of`: the class whose contacts are meant, which
    are those of that same class to them.
    """

    code: str
    gives: str
    meets: Meets
    sentence: Text
    minutes: int | None = None
    of: str | None = None


class TraceMark(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must be done so many minutes after a case was opened."""

    code: str
    minutes: int
    label: Text


class TeamPart(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: str
    members: int
    label: Text


class RiskPlace(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place at which so many cases were within so many days."""

    label: Text
    cases: int
    days: int = 14


class Tracing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Classes stand in their order: the first is the gravest (seed 003). One officer alone may
    look at so many subjects over so many days; a second is needed for more.
    """

    classes: tuple[TraceClass, ...] = ()
    rules: tuple[TraceRule, ...] = ()
    risk_place: RiskPlace | None = None
    marks: tuple[TraceMark, ...] = ()
    team: tuple[TeamPart, ...] = ()
    alone_subjects: int = 5
    alone_days: int = 14
    most_days: int = 90
    export_hours: int = 24
