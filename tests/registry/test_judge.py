"""The card at the lane: a pure verdict by rules that are data."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.judge import SEVERITY, Standing, Verdict, judge
from registry.model import Card, Failure, Movement, Proof, Subject
from registry.rules import SCENARIOS, Check, RuleSet, read_scenario
from tests.conftest import NOON

HENAN = read_scenario(SCENARIOS / "epidemic-henan.json")
HUIJI = read_scenario(SCENARIOS / "epidemic-huiji.json")
BOTH = pytest.mark.parametrize("rules", [HENAN, HUIJI], ids=["henan", "huiji"])
FRESH = {"health_code": NOON - timedelta(hours=1)}
NAMES = ("李**", "王**", "赵**")


def hours_ago(hours: float) -> datetime:
    return NOON - timedelta(hours=hours)


def proof(value: str, hours: float = 5, source: str = "province") -> Proof:
    return Proof(value=value, taken_at=hours_ago(hours), source=source)


def a_person(
    ordinal: int = 0, declared: dict[str, bool] | None = None, **evidence: Proof | None
) -> Subject:
    given_proofs = {"test": proof("negative")} | evidence
    return Subject(
        ordinal=ordinal,
        role="crew" if ordinal else "driver",
        masked_name=NAMES[ordinal],
        declared=declared or {},
        evidence={kind: each for kind, each in given_proofs.items() if each is not None},
    )


def a_movement(**changes: Any) -> Movement:
    fields: dict[str, Any] = {
        "movement_id": 4102000000001,
        "version": 1,
        "plate": "豫B12345",
        "trailer_plate": "豫B678挂",
        "origin": "山东省济南市",
        "goods": "daily",
        "entry_place_id": 1,
        "stops": (11,),
        "expected_entry_at": NOON,
        "expected_exit_at": NOON + timedelta(hours=20),
        "window_from": hours_ago(6),
        "window_to": NOON + timedelta(hours=24),
        "failures": (),
        "channel": "driver",
        "reported_at": hours_ago(9),
    }
    return Movement(**fields | changes)


def verdict(
    *people: Subject, rules: RuleSet = HENAN, movement: Movement | None = None, **changes: Any
) -> Verdict:
    asked: dict[str, Any] = {"at": NOON, "plate_seen": "", "sources": FRESH} | changes
    return judge(movement or a_movement(), people or (a_person(),), rules, None, **asked)


def codes(found: Verdict) -> list[str]:
    return [failure.code for failure in found.failures]


def test_the_table_of_cards_as_henan_rules_it() -> None:
    table = [
        (verdict(), "green", []),
        (verdict(a_person(health_code=proof("green"))), "green", []),
        (verdict(a_person(health_code=proof("yellow"))), "yellow", ["yellow_code"]),
        (verdict(a_person(health_code=proof("red"))), "red", ["red_code"]),
        (verdict(a_person(test=None)), "yellow", ["test_missing"]),
        (verdict(a_person(test=proof("positive"))), "yellow", ["test_missing"]),
        (verdict(a_person(test=proof("negative", 48))), "green", []),
        (verdict(a_person(test=proof("negative", 48.1))), "yellow", ["test_stale"]),
        (verdict(a_person(declared={"symptom": True})), "yellow", ["symptom_declared"]),
        (verdict(a_person(declared={"risk_area": True})), "yellow", ["risk_area_declared"]),
        (verdict(plate_seen="豫B99999"), "yellow", ["plate_differs"]),
        (verdict(sources={}), "yellow", ["list_stale"]),
        (verdict(at=NOON + timedelta(hours=25)), "yellow", ["list_stale", "outside_window"]),
        (verdict(standing=Standing.WITHDRAWN), "yellow", ["pass_withdrawn"]),
        (verdict(standing=Standing.USED), "yellow", ["pass_used"]),
        (verdict(movement=a_movement(channel="unreported")), "yellow", ["not_reported"]),
    ]
    assert [(str(v.card), codes(v)) for v, _, _ in table] == [(c, f) for _, c, f in table]


def test_huiji_turns_back_at_the_lane_whom_henan_sends_to_the_desk() -> None:
    for person in (a_person(test=None), a_person(test=proof("negative", 72))):
        henan, huiji = (verdict(person, rules=rules) for rules in (HENAN, HUIJI))
        assert (henan.card, huiji.card) == (Card.YELLOW, Card.WHITE)
        assert codes(henan) == codes(huiji)
    assert verdict(a_person(health_code=proof("red")), rules=HUIJI).card is Card.RED
    assert verdict(rules=HUIJI).card is Card.GREEN


def test_a_draft_is_never_green_and_says_what_is_missing() -> None:
    failures = (Failure(code="origin_missing", blocks=True, field="origin"),)
    found = verdict(movement=a_movement(failures=failures))
    assert (found.card, codes(found)) == (Card.YELLOW, ["report_incomplete"])
    assert found.failures[0].facts == {"fields": ["origin"]}


@BOTH
@pytest.mark.parametrize("seen", ["", "豫B12345", "豫b·12345", "豫B678挂"])
def test_the_reported_plates_agree_however_they_are_written(rules: RuleSet, seen: str) -> None:
    assert verdict(rules=rules, plate_seen=seen).card is Card.GREEN


@BOTH
@given(seen=st.text("豫鲁AB0123456789", min_size=1, max_size=8))
def test_another_plate_is_yellow_and_never_green(rules: RuleSet, seen: str) -> None:
    assert verdict(rules=rules, plate_seen=f"鲁{seen}").card is Card.YELLOW


@BOTH
def test_a_stale_list_clears_nobody_and_its_age_is_told(rules: RuleSet) -> None:
    fresh = verdict(rules=rules, sources={"health_code": hours_ago(24)})
    assert fresh.card is Card.GREEN
    stale = verdict(rules=rules, sources={"health_code": hours_ago(31.5)})
    assert (stale.card, codes(stale)) == (Card.YELLOW, ["list_stale"])
    assert stale.failures[0].facts == {"hours": 31}


@BOTH
def test_the_worst_card_of_the_cab_counts_and_names_its_person(rules: RuleSet) -> None:
    driver = a_person(0, declared={"symptom": True})
    crew = a_person(1, health_code=proof("red")), a_person(2)
    found = verdict(driver, *crew, rules=rules)
    worst = found.failures[0]
    assert (found.card, worst.code, worst.person) == (Card.RED, "red_code", 1)
    assert worst.facts["source"] == "province"
    assert [(f.code, f.person) for f in found.failures[1:]] == [("symptom_declared", 0)]


@BOTH
@pytest.mark.parametrize("source", ["", " "])
def test_a_red_without_a_source_is_sent_to_the_desk(rules: RuleSet, source: str) -> None:
    found = verdict(a_person(health_code=proof("red", source=source)), rules=rules)
    assert (found.card, codes(found)) == (Card.YELLOW, ["red_code"])


def test_a_red_rule_about_what_nobody_recorded_holds_nobody() -> None:
    """A rule set may say red of a declaration; a declaration is no source record."""
    hasty = msgspec.structs.replace(
        HENAN,
        rules=tuple(msgspec.structs.replace(rule, card=Card.RED) for rule in HENAN.rules),
    )
    found = verdict(
        a_person(test=None, declared={"symptom": True}), rules=hasty, plate_seen="豫B99999"
    )
    assert (found.card, len(found.failures)) == (Card.YELLOW, 3)
    assert verdict(a_person(health_code=proof("red")), rules=hasty).card is Card.RED


def test_the_verdict_tells_the_version_of_the_rules() -> None:
    assert verdict(rules=msgspec.structs.replace(HENAN, version=7)).rules_version == 7


PROOFS = st.builds(
    Proof,
    value=st.sampled_from(["negative", "positive", "green", "yellow", "red"]),
    taken_at=st.floats(0, 100).map(hours_ago),
    source=st.sampled_from(["province", ""]),
)
PEOPLE = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.none() | PROOFS, st.none() | PROOFS),
    min_size=1,
    max_size=3,
)


def in_order(person: Subject, at: datetime) -> bool:
    """Written out from the notices, without looking at the rules."""
    test, health = person.evidence.get("test"), person.evidence.get("health_code")
    if test is None or test.value != "negative":
        return False
    tested = at - test.taken_at <= timedelta(hours=48)
    coded = health is None or health.value not in {"yellow", "red"}
    return tested and coded and not any(person.declared.values())


@BOTH
@settings(max_examples=500)
@given(
    people=PEOPLE,
    late=st.integers(-10, 40),
    plate=st.sampled_from(["", "豫B12345", "豫B99999"]),
    age=st.integers(0, 60),
    standing=st.sampled_from(Standing),
)
def test_a_compliant_truck_is_green_and_never_turned_back(
    rules: RuleSet, people: list[Any], late: int, plate: str, age: int, standing: Standing
) -> None:
    """Invariant I10, and its reverse: whatever fails any rule is not green."""
    at = NOON + timedelta(hours=late)
    cab = tuple(
        a_person(n, {"symptom": ill, "risk_area": been}, test=test, health_code=health)
        for n, (ill, been, test, health) in enumerate(people)
    )
    sources = {"health_code": at - timedelta(hours=age)}
    found = verdict(*cab, rules=rules, at=at, plate_seen=plate, sources=sources, standing=standing)
    compliant = (
        all(in_order(person, at) for person in cab)
        and -6 <= late <= 24
        and plate != "豫B99999"
        and age <= 24
        and standing is Standing.VALID
    )
    assert (found.card is Card.GREEN) == compliant
    if found.card is Card.WHITE:
        assert {"test_missing", "test_stale"} & set(codes(found))
    severities = [SEVERITY.index(f.card or Card.GREEN) for f in found.failures]
    assert severities == sorted(severities, reverse=True)


SENTENCE = {"zh": "句", "en": "sentence"}


def a_rule(code: str, card: str, check: Check, **about: Any) -> dict[str, Any]:
    return {
        "code": code,
        "card": card,
        "check": check,
        "sentence": SENTENCE,
        "mend": SENTENCE,
    } | about


def test_rules_are_data_an_invented_kind_of_evidence_is_ruled_by_its_pack() -> None:
    """Snow chains and a register of grounded trucks: nothing in the code knows of either."""
    pack = {
        "scenario": "winter",
        "name": SENTENCE,
        "evidence": [
            {"kind": "chains", "mode": "record", "values": ["fitted"], "label": SENTENCE},
            {
                "kind": "grounded",
                "mode": "list",
                "values": ["yes"],
                "fresh_hours": 2,
                "label": SENTENCE,
            },
        ],
        "questions": [{"code": "ice", "sentence": SENTENCE}],
        "rules": [
            a_rule(
                "no_chains", "white", Check.EVIDENCE_MISSING, evidence="chains", values=["fitted"]
            ),
            a_rule("chains_worn", "yellow", Check.EVIDENCE_OLDER, evidence="chains", hours=3),
            a_rule("grounded", "red", Check.EVIDENCE_IS, evidence="grounded", values=["yes"]),
            a_rule("register_old", "yellow", Check.SOURCE_STALE, evidence="grounded"),
            a_rule("saw_ice", "yellow", Check.DECLARED, question="ice"),
        ],
        "turn_back_reasons": [],
        "hold_reasons": [],
        "goods": [],
    }
    rules = msgspec.convert(pack, RuleSet)
    chains = proof("fitted", 1)

    def card(*, grounded_as_of: float = 1, **about: Any) -> tuple[str, list[str]]:
        sources = {"grounded": hours_ago(grounded_as_of)}
        found = verdict(a_person(test=None, **about), rules=rules, sources=sources)
        return str(found.card), codes(found)

    assert card(chains=chains) == ("green", [])
    assert card() == ("white", ["no_chains"])
    assert card(chains=proof("fitted", 4)) == ("yellow", ["chains_worn"])
    assert card(chains=chains, grounded=proof("yes")) == ("red", ["grounded"])
    assert card(chains=chains, grounded_as_of=3) == ("yellow", ["register_old"])
    assert card(chains=chains, declared={"ice": True}) == ("yellow", ["saw_ice"])
