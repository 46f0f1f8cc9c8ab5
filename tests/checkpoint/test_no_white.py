"""No path gives white to a truck that meets every rule, or makes a hold without a source.

Four guards stand one behind the other: the verdict and the desk's check, the fold, and the
database's constraints. Each is taken away in turn, and the breach is found.
"""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import checkpoint.desk
import checkpoint.verdicts
from checkpoint.desk import DESK
from checkpoint.scans import Scan
from checkpoint.verdicts import verdict_of
from closedloop import at_gate
from closedloop.acts import Act, propose
from closedloop.fold import fold
from closedloop.model import State
from closedloop.situation import Situation
from kernel.errors import Refused
from registry.model import Card
from registry.world import World
from tests.checkpoint.white import (
    ACTS,
    DESK_OFFICER,
    GATE,
    LANE,
    SCANS,
    breach_of_a_scan,
    has_source,
    situations,
    white_is_earned,
)
from tests.closedloop.tales import event, report
from tests.conftest import NOON


@settings(max_examples=1200)
@given(situations(), SCANS)
def test_no_scan_gives_an_unearned_white_or_a_hold_without_a_source(
    case: tuple[Situation, World], scan: Scan
) -> None:
    assert breach_of_a_scan(*case, scan) == ""


@settings(max_examples=1200)
@given(situations(), ACTS, st.sampled_from(["yellow", "green", ""]))
def test_no_act_of_a_desk_does_either(case: tuple[Situation, World], act: Act, carded: str) -> None:
    at, world = case
    if carded:
        at = replace(at, events=(*at.events, event("entry", -5, card=carded)))
    try:
        made = propose(at.movement.movement_id, act, DESK_OFFICER, DESK).decide(at, world, NOON)
    except Refused:
        return
    if act.outcome == "hold":
        assert has_source(made)
    else:
        assert white_is_earned(made)


def test_without_the_folds_guard_the_breach_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    tale = (report(), event("entry", 0, card="white"))
    assert fold(1, tale).state is State.VERIFYING
    monkeypatch.setattr(at_gate, "names_a_failed_rule", lambda _: True)
    assert fold(1, tale).state is State.TURNED_BACK


@pytest.mark.parametrize(
    "fault", ["white_as_shown", "red_as_shown"], ids=["white kept as shown", "red kept as shown"]
)
def test_without_the_verdicts_guard_the_property_finds_it(
    monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    word = "white" if fault == "white_as_shown" else "red"
    real = checkpoint.verdicts._what_happened

    def careless(seen: Any, verdict: Any) -> tuple[Card, list[str]]:
        shown = seen.scan.card_shown
        return (Card(shown), []) if seen.scan.offline and shown == word else real(seen, verdict)

    monkeypatch.setattr(checkpoint.verdicts, "_what_happened", careless)
    if word == "red":
        monkeypatch.setattr(checkpoint.verdicts, "_hold_facts", lambda _: {})
    found: list[str] = []

    @settings(max_examples=1200)
    @given(situations(), SCANS)
    def looked_for(case: tuple[Situation, World], scan: Scan) -> None:
        found.append(breach_of_a_scan(*case, scan))

    looked_for()
    assert any(found)


def test_the_examples_are_of_both_kinds() -> None:
    cards: list[Card] = []

    @settings(max_examples=400)
    @given(situations())
    def looked_at(case: tuple[Situation, World]) -> None:
        at, world = case
        seen = checkpoint.verdicts.Seen(
            scan=Scan(id=UUID(int=7), kind="entry", place_id=1, occurred_at=NOON),
            actor=LANE, situation=at, world=world, place=GATE, level=None,
            moment=checkpoint.verdicts.moment(
                Scan(id=UUID(int=7), kind="entry", place_id=1, occurred_at=NOON),
                NOON,
                world.rules_at(NOON).limits,
            ),
        )  # fmt: skip
        cards.append(verdict_of(seen).card)

    looked_at()
    assert {Card.GREEN, Card.YELLOW, Card.WHITE, Card.RED} <= set(cards)
