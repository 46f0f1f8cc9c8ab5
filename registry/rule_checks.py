"""What each kind of rule finds. Pure: a rule, and everything that it may look at."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct

from registry.areas import covers
from registry.model import Area, Movement, Place, Proof, Subject
from registry.rules import About, Check, Condition, Mode, RuleSet

#: Evidence kind → when its source was last known to be complete.
Sources = Mapping[str, datetime]


class Standing(StrEnum):
    """What became of the pass: valid, voided or cancelled, or a truck's that is through."""

    VALID = "valid"
    WITHDRAWN = "withdrawn"
    USED = "used"


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
    areas: tuple[Area, ...]


#: Whom it concerns (None: the truck or the journey), and the facts.
Finding = tuple[int | None, dict[str, Any]]


def _not_reported(_: Condition, case: Case) -> Iterator[Finding]:
    if case.movement.channel == "unreported":
        yield None, {}


def _incomplete(_: Condition, case: Case) -> Iterator[Finding]:
    if case.movement.blocked and case.movement.channel != "unreported":
        yield (
            None,
            {"fields": [f.field or f.code for f in case.movement.failures if f.blocks]},
        )


def _withdrawn(_: Condition, case: Case) -> Iterator[Finding]:
    if case.standing is Standing.WITHDRAWN:
        yield None, {}


def _used(_: Condition, case: Case) -> Iterator[Finding]:
    if case.standing is Standing.USED:
        yield None, {}


def _outside_window(_: Condition, case: Case) -> Iterator[Finding]:
    start, end = case.movement.window_from, case.movement.window_to
    if start is not None and end is not None and not start <= case.at <= end:
        yield None, {"from": start.isoformat(), "to": end.isoformat()}


def _plate_differs(_: Condition, case: Case) -> Iterator[Finding]:
    known = {case.movement.plate, case.movement.trailer_plate} - {""}
    if case.plate_seen and case.plate_seen not in known:
        yield None, {"reported": case.movement.plate, "seen": case.plate_seen}


def _declared(rule: Condition, case: Case) -> Iterator[Finding]:
    for subject in case.people:
        if rule.question and subject.declared.get(rule.question):
            yield subject.ordinal, {}


def _held(kind: str, case: Case) -> Iterator[tuple[int | None, Proof | None]]:
    """Whom a kind of evidence speaks of, and what they have of it."""
    known = case.rules.kind(kind)
    if known is not None and known.about is About.VEHICLE:
        yield None, _lasting(case.movement.vehicle.get(kind), case.at)
        return
    for subject in case.people:
        yield subject.ordinal, _lasting(subject.evidence.get(kind), case.at)


def _lasting(proof: Proof | None, at: datetime) -> Proof | None:
    """What has lapsed says nothing any more, for better or worse."""
    return None if proof is None or (proof.until is not None and at >= proof.until) else proof


def _evidence_is(rule: Condition, case: Case) -> Iterator[Finding]:
    for whom, proof in _held(rule.evidence or "", case):
        if proof is not None and proof.value in rule.values:
            yield (
                whom,
                {
                    "value": proof.value,
                    "source": proof.source,
                    "reference": proof.reference,
                    "taken_at": proof.taken_at.isoformat(),
                },
            )


def _evidence_missing(rule: Condition, case: Case) -> Iterator[Finding]:
    """A record is missing when nobody brought one; a list is never missing, only stale."""
    for whom, proof in _held(rule.evidence or "", case):
        if proof is None or (rule.values and proof.value not in rule.values):
            yield whom, {}


def _evidence_older(rule: Condition, case: Case) -> Iterator[Finding]:
    limit = timedelta(hours=rule.hours or 0)
    for whom, proof in _held(rule.evidence or "", case):
        if proof is not None and case.at - proof.taken_at > limit:
            hours = int((case.at - proof.taken_at).total_seconds() // 3600)
            yield whom, {"hours": hours, "limit": rule.hours}


def _source_stale(rule: Condition, case: Case) -> Iterator[Finding]:
    """Who is in no list is clear only while the list is fresh (mission §4)."""
    kind = case.rules.kind(rule.evidence or "")
    if kind is None or kind.mode is not Mode.LIST or kind.fresh_hours is None:
        return
    as_of = case.sources.get(kind.kind)
    if as_of is None:
        yield None, {"hours": None}
    elif case.at - as_of > timedelta(hours=kind.fresh_hours):
        yield None, {"hours": int((case.at - as_of).total_seconds() // 3600)}


def _in_area(rule: Condition, case: Case) -> Iterator[Finding]:
    """Whoever set out in an area that its source names, from the hour on that it names."""
    for area in case.areas:
        named = area.kind == rule.evidence and area.level in rule.values
        if named and _lasts(area, case.at) and covers(area, case.movement.origin):
            yield None, {"area": area.name, "level": area.level, "source": area.source}


def _lasts(area: Area, at: datetime) -> bool:
    return area.since <= at and (area.until is None or at < area.until)


CHECKS: dict[Check, Callable[[Condition, Case], Iterator[Finding]]] = {
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
    Check.IN_AREA: _in_area,
}


def goes_first(case: Case) -> bool:
    """Of a truck that meets every rule: whether it has what the rule set asks of those that go free
    and first.
    """
    priority = case.rules.priority
    if priority is None or (priority.goods and case.movement.goods not in priority.goods):
        return False
    return all(
        proof is not None and proof.value in needed.values and proof.taken_at <= case.at
        for needed in priority.proofs
        for _, proof in _held(needed.evidence, case)
    )
