"""The verdict: which card a movement earns at a place and a time, and the rules that failed.

Pure: no clock, no database. A report shows its failures, a job voids passes and a lane shows
a card, all by this one judgement. Cards of seed 003; proofs of seeds 002 and 004.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from msgspec import Struct

from registry.model import Area, Card, Failure, Movement, Place, Subject
from registry.plates import normalise
from registry.rule_checks import CHECKS, Case, Sources, Standing, goes_first
from registry.rules import Rule, RuleSet

__all__ = ["SEVERITY", "Sources", "Standing", "Verdict", "judge"]

SEVERITY = (Card.GREEN, Card.YELLOW, Card.WHITE, Card.RED)


class Verdict(Struct, frozen=True, kw_only=True):
    card: Card
    failures: tuple[Failure, ...]
    rules_version: int
    #: Green, free and first.
    priority: bool = False


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
    areas: tuple[Area, ...] = (),
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
        areas=areas,
    )
    failures = tuple(failure for rule in rules.rules for failure in _apply(rule, case))
    cards = [failure.card for failure in failures if failure.card is not None]
    card = max(cards, key=SEVERITY.index, default=Card.GREEN)
    return Verdict(
        card=card,
        failures=tuple(sorted(failures, key=_worst_first)),
        rules_version=rules.version,
        priority=card is Card.GREEN and goes_first(case),
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
