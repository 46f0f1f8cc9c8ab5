"""A rule set is data: kinds of evidence, questions, rules, reasons and limits of one emergency.

The shapes here check a scenario file when it is loaded; nothing in the code knows what the
evidence is evidence of.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from registry.bilingual import Text
from registry.desk_rules import Asked, DeskRules, shipped_desk
from registry.ladder import LADDER, Rung
from registry.model import Card
from registry.stepladders import Supervision
from registry.tracing_rules import Tracing

SCENARIOS = Path(__file__).parent / "scenarios"


class Mode(StrEnum):
    """A `list` clears whoever it does not name, while it is fresh; a `record` must be there."""

    LIST = "list"
    RECORD = "record"


class About(StrEnum):
    """Whom a kind of evidence speaks of: of an area it concerns whoever sets out there."""

    PERSON = "person"
    VEHICLE = "vehicle"
    AREA = "area"


class Check(StrEnum):
    NOT_REPORTED = "not_reported"
    INCOMPLETE = "incomplete"
    WITHDRAWN = "withdrawn"
    USED = "used"
    OUTSIDE_WINDOW = "outside_window"
    PLATE_DIFFERS = "plate_differs"
    DECLARED = "declared"
    EVIDENCE_IS = "evidence_is"
    EVIDENCE_MISSING = "evidence_missing"
    EVIDENCE_OLDER = "evidence_older"
    SOURCE_STALE = "source_stale"
    IN_AREA = "in_area"


class EvidenceKind(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    kind: str
    mode: Mode
    values: tuple[str, ...]
    label: Text
    about: About = About.PERSON
    #: One reference serves one subject: a certificate shown for a second truck is refused.
    single: bool = False
    #: Hours after which a list clears nobody; None where the kind is a record.
    fresh_hours: int | None = None
    #: The values in words, in their order; without them the values themselves are shown.
    spoken: tuple[Text, ...] = ()

    def said(self, value: str) -> Text:
        known = dict(zip(self.values, self.spoken, strict=False))
        return known.get(value, Text(zh=value, en=value))


class Question(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: str
    sentence: Text


class Condition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a rule looks for, and what is said where it is found."""

    code: str
    check: Check
    sentence: Text
    mend: Text
    evidence: str | None = None
    values: tuple[str, ...] = ()
    hours: int | None = None
    question: str | None = None


class Rule(Condition, frozen=True, kw_only=True, forbid_unknown_fields=True):
    card: Card


class VisitQuestion(Question, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`alarming` is the answer that a rule's `declared` is about: of some questions it is no."""

    alarming: bool = True


class VisitRule(Condition, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a venue's screen says of a visitor. `reported`: its district is told at once."""

    shown: Literal["ask", "stop"]
    reported: bool = False


class Visitors(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What visitors of ordinary places are asked once, and after so many days again; and what the
    answers and the evidence come to. Without rules every visitor is only written down.
    """

    questions: tuple[VisitQuestion, ...] = ()
    rules: tuple[VisitRule, ...] = ()
    ask_again_days: int = 14


class Reason(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: str
    sentence: Text
    mend: Text


class Goods(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: str
    label: Text


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Mission §6. Minutes and hours as their names say."""

    window_before_hours: int = 6
    window_after_hours: int = 24
    report_ahead_days: int = 7
    arrival_factor: float = 1.5
    arrival_extra_minutes: int = 30
    arrival_min_minutes: int = 60
    arrival_max_minutes: int = 360
    #: Learned limits: from so many completed loops on (0: never), of which so many of a hundred
    #: came in time, and so many minutes more.
    learn_samples: int = 30
    learn_percent: int = 98
    learn_extra_minutes: int = 15
    road_minutes: int = 60
    stop_minutes: int = 60
    confirm_minutes: int = 60
    desk_minutes: int = 60
    hold_review_minutes: int = 30
    hold_takeover_minutes: int = 60
    hold_expiry_minutes: int = 240
    appeal_minutes: int = 60
    exit_after_minutes: int = 120
    delay_minutes: int = 60
    duplicate_minutes: int = 10
    upload_hours: int = 72
    upload_grace_minutes: int = 15
    clock_skew_seconds: int = 120


class Needed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A proof that must be there with one of these values, and last: of the truck, or of everybody
    in the cab.
    """

    evidence: str
    values: tuple[str, ...]


class Priority(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who goes free and first: a truck that meets every rule, carries one of these goods and has
    these proofs (seed 002: two proofs and two codes). `issued` is the kind of evidence that
    registrars issue here as a pass with a number, for at most so many days.
    """

    sentence: Text
    proofs: tuple[Needed, ...]
    goods: tuple[str, ...] = ()
    issued: str = ""
    most_days: int = 30


class RuleSet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    scenario: str
    name: Text
    evidence: tuple[EvidenceKind, ...]
    questions: tuple[Question, ...]
    rules: tuple[Rule, ...]
    turn_back_reasons: tuple[Reason, ...]
    hold_reasons: tuple[Reason, ...]
    goods: tuple[Goods, ...]
    limits: Limits = Limits()
    priority: Priority | None = None
    ladder: tuple[Rung, ...] = LADDER
    tracing: Tracing = Tracing()
    #: How places are supervised; nothing where the pack says nothing.
    supervision: Supervision = Supervision()
    #: What the phone desk asks, read off the screen while somebody is on the line.
    call_questions: tuple[Question, ...] = ()
    visitors: Visitors = Visitors()
    #: What the telephone room asks those whom it is to call (seed 003).
    screening: tuple[Asked, ...] = ()
    #: The information desk's categories and clocks; those shipped where it says nothing of them.
    desk: DeskRules | None = None
    exit_scan: bool = False
    claim_closes: bool = False
    #: The recording in which the questions are read aloud; empty where there is none.
    spoken: str = ""
    version: int = 0

    @property
    def information(self) -> DeskRules:
        return self.desk or shipped_desk()

    def kind(self, code: str) -> EvidenceKind | None:
        return next((kind for kind in self.evidence if kind.kind == code), None)

    def sentences(self) -> dict[str, tuple[Text, Text]]:
        """Code → what is wrong, how to mend it; for rules and for an officer's reasons."""
        spoken = (*self.rules, *self.turn_back_reasons, *self.hold_reasons)
        return {each.code: (each.sentence, each.mend) for each in spoken}


def shipped() -> list[Path]:
    """The packs that come with the service; the first is the default."""
    listed = Path(__file__).with_name("shipped.json").read_bytes()
    names = msgspec.json.decode(listed, type=list[str])
    return [SCENARIOS / f"{name}.json" for name in names]


def read_scenario(path: Path) -> RuleSet:
    """Raises msgspec.ValidationError naming the place in the file that is wrong."""
    return msgspec.json.decode(path.read_bytes(), type=RuleSet)


def arrival_limit(road_minutes: int, limits: Limits) -> timedelta:
    """Mission §6: road time × 1.5 + 30 min, at least an hour, at most six."""
    minutes = road_minutes * limits.arrival_factor + limits.arrival_extra_minutes
    return timedelta(
        minutes=min(max(minutes, limits.arrival_min_minutes), limits.arrival_max_minutes)
    )


def window(expected_entry_at: datetime, limits: Limits) -> tuple[datetime, datetime]:
    return (
        expected_entry_at - timedelta(hours=limits.window_before_hours),
        expected_entry_at + timedelta(hours=limits.window_after_hours),
    )
