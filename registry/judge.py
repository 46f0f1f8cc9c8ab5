"""The verdict: which card a movement earns at a place and a time, and the rules that failed.

Pure: no clock, no database. A report shows its failures, a job voids passes and a lane shows
a card, all by this one judgement. Cards of seed 003; proofs of seeds 002 and 004.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct

from registry.model import Card, Failure, Movement, Place, Subject
from registry.plates import normalise
from registry.rules import Check, Mode, Rule, RuleSet

SEVERITY = (Card.GREEN, Card.YELLOW, Card.WHITE, Card.RED)

#: Evidence kind → when its source was last known to be complete.
Sources = Mapping[str, datetime]


class Standing(StrEnum):
    """What became of the pass: valid, voided or cancelled, or a truck's that is through."""

    VALID = "valid"
    WITHDRAWN = "withdrawn"
    USED = "used"


class Verdict(Struct, frozen=True, kw_only=True):
    card: Card
    failures: tuple[Failure, ...]
    rules_version: int


class Case(Struct, frozen=True, kw_only=True):
    """Everything a rule may look at."""

    movement: Movement
    people: tuple[Subject, ...]
    rules: RuleSet
    sources: Sources
    place: Place | None
    at: datetime
    plate_seen: str
    standing: Standing


Finding = tuple[int | None, dict[str, Any]]


def judge(
    movement: Movement,
    people: tuple[Subject, ...],
    rules: RuleSet,
    place: Place | None,
    at: datetime,
    plate_seen: str = "",
    *,
    sources: Sources,
    standing: Standing = Standing.VALID,
) -> Verdict:
    """The worst card of all failed rules; green when none failed.

    `at` is the time of presentation, aware; `plate_seen` may be empty when nobody read it.
    """
    case = Case(
        movement=movement,
        people=people,
        rules=rules,
        sources=sources,
        place=place,
        at=at,
        plate_seen=normalise(plate_seen),
        standing=standing,
    )
    failures = tuple(failure for rule in rules.rules for failure in _apply(rule, case))
    cards = [failure.card for failure in failures if failure.card is not None]
    return Verdict(
        card=max(cards, key=SEVERITY.index, default=Card.GREEN),
        failures=tuple(sorted(failures, key=_worst_first)),
        rules_version=rules.version,
    )


def _worst_first(failure: Failure) -> int:
    return -SEVERITY.index(failure.card or Card.GREEN)


def _apply(rule: Rule, case: Case) -> Iterator[Failure]:
    for person, facts in CHECKS[rule.check](rule, case):
        yield Failure(code=rule.code, card=_card(rule, facts), person=person, facts=facts)


def _card(rule: Rule, facts: dict[str, Any]) -> Card:
    """No hold without a source (invariant I11): what nobody recorded is for the desk to see."""
    if rule.card is Card.RED and not str(facts.get("source") or "").strip():
        return Card.YELLOW
    return rule.card


def _not_reported(_: Rule, case: Case) -> Iterator[Finding]:
    if case.movement.channel == "unreported":
        yield None, {}


def _incomplete(_: Rule, case: Case) -> Iterator[Finding]:
    if case.movement.blocked and case.movement.channel != "unreported":
        yield (
            None,
            {"fields": [f.field or f.code for f in case.movement.failures if f.blocks]},
        )


def _withdrawn(_: Rule, case: Case) -> Iterator[Finding]:
    if case.standing is Standing.WITHDRAWN:
        yield None, {}


def _used(_: Rule, case: Case) -> Iterator[Finding]:
    if case.standing is Standing.USED:
        yield None, {}


def _outside_window(_: Rule, case: Case) -> Iterator[Finding]:
    start, end = case.movement.window_from, case.movement.window_to
    if start is not None and end is not None and not start <= case.at <= end:
        yield None, {"from": start.isoformat(), "to": end.isoformat()}


def _plate_differs(_: Rule, case: Case) -> Iterator[Finding]:
    known = {case.movement.plate, case.movement.trailer_plate} - {""}
    if case.plate_seen and case.plate_seen not in known:
        yield None, {"reported": case.movement.plate, "seen": case.plate_seen}


def _declared(rule: Rule, case: Case) -> Iterator[Finding]:
    for subject in case.people:
        if rule.question and subject.declared.get(rule.question):
            yield subject.ordinal, {}


def _evidence_is(rule: Rule, case: Case) -> Iterator[Finding]:
    for subject in case.people:
        proof = subject.evidence.get(rule.evidence or "")
        if proof is not None and proof.value in rule.values:
            yield (
                subject.ordinal,
                {
                    "value": proof.value,
                    "source": proof.source,
                    "reference": proof.reference,
                    "taken_at": proof.taken_at.isoformat(),
                },
            )


def _evidence_missing(rule: Rule, case: Case) -> Iterator[Finding]:
    """A record is missing when nobody brought one; a list is never missing, only stale."""
    for subject in case.people:
        proof = subject.evidence.get(rule.evidence or "")
        if proof is None or (rule.values and proof.value not in rule.values):
            yield subject.ordinal, {}


def _evidence_older(rule: Rule, case: Case) -> Iterator[Finding]:
    limit = timedelta(hours=rule.hours or 0)
    for subject in case.people:
        proof = subject.evidence.get(rule.evidence or "")
        if proof is not None and case.at - proof.taken_at > limit:
            hours = int((case.at - proof.taken_at).total_seconds() // 3600)
            yield subject.ordinal, {"hours": hours, "limit": rule.hours}


def _source_stale(rule: Rule, case: Case) -> Iterator[Finding]:
    """Who is in no list is clear only while the list is fresh (mission §4)."""
    kind = case.rules.kind(rule.evidence or "")
    if kind is None or kind.mode is not Mode.LIST or kind.fresh_hours is None:
        return
    as_of = case.sources.get(kind.kind)
    if as_of is None:
        yield None, {"hours": None}
    elif case.at - as_of > timedelta(hours=kind.fresh_hours):
        yield None, {"hours": int((case.at - as_of).total_seconds() // 3600)}


CHECKS: dict[Check, Callable[[Rule, Case], Iterator[Finding]]] = {
    Check.NOT_REPORTED: _not_reported,
    Check.INCOMPLETE: _incomplete,
    Check.WITHDRAWN: _withdrawn,
    Check.USED: _used,
    Check.OUTSIDE_WINDOW: _outside_window,
    Check.PLATE_DIFFERS: _plate_differs,
    Check.DECLARED: _declared,
    Check.EVIDENCE_IS: _evidence_is,
    Check.EVIDENCE_MISSING: _evidence_missing,
    Check.EVIDENCE_OLDER: _evidence_older,
    Check.SOURCE_STALE: _source_stale,
}
