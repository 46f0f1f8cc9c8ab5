"""What a venue's screen says of a visitor: clear, ask or stop, and the rules that say so.

Pure, and apart from the cards of a gate: whoever comes on foot has no pass, no plate and no lane.
Only recorded evidence stops anybody; what was merely declared, or cannot be known, is asked about.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from registry.areas import plain
from registry.model import Area, Movement, Proof, Subject
from registry.rule_checks import CHECKS, Case, Sources, Standing
from registry.rules import RuleSet, VisitRule

Shown = Literal["clear", "ask", "stop"]
SEVERITY: tuple[Shown, ...] = ("clear", "ask", "stop")

#: A venue needs no more of a proof than its age and who vouches for it.
KEPT = ("source", "hours")


class Finding(Struct, frozen=True, kw_only=True):
    """One rule that spoke. `facts` hold an age, a source; nothing that names anybody."""

    code: str
    shown: Shown
    facts: dict[str, Any] = {}


class Seen(Struct, frozen=True, kw_only=True):
    """What is known of a visitor. `declared`: question → whether its answer alarms."""

    declared: Mapping[str, bool] = {}
    evidence: Mapping[str, Proof] = {}
    address: str = ""


def judge_visit(
    seen: Seen,
    rules: RuleSet,
    at: datetime,
    *,
    sources: Sources,
    areas: tuple[Area, ...] = (),
) -> tuple[Shown, tuple[Finding, ...]]:
    """The gravest of what the rules say; the gravest finding first."""
    case = _case(seen, rules, at, sources, _near(areas, seen.address))
    found = [
        Finding(code=rule.code, shown=_shown(rule, facts), facts=_kept(facts))
        for rule in rules.visitors.rules
        for _, facts in CHECKS[rule.check](rule, case)
    ]
    found.sort(key=lambda each: -SEVERITY.index(each.shown))
    return (found[0].shown if found else "clear"), tuple(found)


def _kept(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: facts[name] for name in KEPT if facts.get(name) is not None}


def _shown(rule: VisitRule, facts: Mapping[str, Any]) -> Shown:
    """Nobody is stopped by what nobody recorded (as invariant I11 has it of holds)."""
    if rule.shown == "stop" and not str(facts.get("source") or "").strip():
        return "ask"
    return rule.shown


def _near(areas: tuple[Area, ...], address: str) -> tuple[Area, ...]:
    """Of hundreds of areas the few whose first word stands in the address at all."""
    text = plain(address)
    if not text:
        return ()
    return tuple(area for area in areas if not area.words or plain(area.words[0]) in text)


def _case(
    seen: Seen, rules: RuleSet, at: datetime, sources: Sources, areas: tuple[Area, ...]
) -> Case:
    """The rules look at a visitor as at somebody who sets out from their own address."""
    movement = Movement(
        movement_id=0,
        version=0,
        plate="",
        trailer_plate="",
        origin=seen.address,
        goods="",
        entry_place_id=None,
        stops=(),
        expected_entry_at=None,
        expected_exit_at=None,
        window_from=None,
        window_to=None,
        failures=(),
        channel="",
        reported_at=at,
    )
    visitor = Subject(
        ordinal=0,
        role="",
        masked_name="",
        declared=dict(seen.declared),
        evidence=dict(seen.evidence),
    )
    return Case(
        movement=movement,
        people=(visitor,),
        rules=rules,
        sources=sources,
        place=None,
        at=at,
        plate_seen="",
        standing=Standing.VALID,
        areas=areas,
    )
