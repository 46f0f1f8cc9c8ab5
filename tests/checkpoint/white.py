"""Trucks that meet every rule and trucks that do not, drawn at random, with whatever a lane or a
desk may say of them; and what must never come of it.
"""

from datetime import timedelta
from types import MappingProxyType
from uuid import UUID, uuid4

from hypothesis import strategies as st
from msgspec.structs import replace

from checkpoint.scans import DeviceClock, Scan
from checkpoint.verdicts import event_of
from closedloop.acts import Act
from closedloop.fold import fold
from closedloop.model import State
from closedloop.situation import Situation
from kernel.auth import Actor
from registry.model import Event, Failure, Movement, Place, PlaceKind, Proof, Subject
from registry.rules import About, Check, RuleSet, read_scenario, shipped
from registry.world import World
from tests.checkpoint.test_desk import officer
from tests.closedloop.tales import event, report
from tests.conftest import NOON
from tests.support import REPOSITORY

PACKS = tuple(
    replace(read_scenario(path), version=number)
    for number, path in enumerate((*shipped(), REPOSITORY / "tests/scenarios/flood-relief.json"), 1)
)
GATE = Place(
    id=1, kind=PlaceKind.CHECKPOINT, category="", name="北卡口", district_code="410221",
    road="", status="active", screen_secret=b"s",
)  # fmt: skip
LANE = Actor(id=uuid4(), kind="account", name="lane", roles=frozenset({"lane"}), place_id=1)
DESK_OFFICER = officer(1)


def white_is_earned(event: Event) -> bool:
    """What every event that turns back must be able to show."""
    failed = {reason["card"] for reason in event.body.get("reasons", ())}
    return bool(failed - {None, "green"}) and event.body.get("rules_version") is not None


def is_white(event: Event) -> bool:
    return event.body.get("card") == "white" or event.body.get("outcome") == "turn_back"


def is_hold(event: Event) -> bool:
    return event.body.get("card") == "red" or event.body.get("outcome") == "hold"


def has_source(event: Event) -> bool:
    said = (event.body.get("source"), event.body.get("reason"))
    return all(str(part or "").strip() for part in said)


def proofs(rules: RuleSet) -> st.SearchStrategy[dict[str, Proof]]:
    """Any of the rule set's kinds with any of its values, of any age, perhaps without a source."""
    kinds = [(kind.kind, value) for kind in rules.evidence for value in kind.values]
    one = st.builds(
        lambda said, hours, source: (
            said[0],
            Proof(value=said[1], taken_at=NOON - timedelta(hours=hours), source=source),
        ),
        st.sampled_from(kinds),
        st.integers(0, 200),
        st.sampled_from(["province", "", "  "]),
    )
    return st.lists(one, max_size=4).map(dict)


def in_order(rules: RuleSet, about: About) -> dict[str, Proof]:
    """All that the rules want of a person or a truck."""
    wanted = (rule for rule in rules.rules if rule.check is Check.EVIDENCE_MISSING)
    kinds = {kind.kind for kind in rules.evidence if kind.about is about}
    return {
        rule.evidence: Proof(value=rule.values[0], taken_at=NOON, source="province")
        for rule in wanted
        if rule.evidence in kinds
    }


@st.composite
def situations(draw: st.DrawFn) -> tuple[Situation, World]:
    """Half of them of trucks that meet every rule."""
    rules, sound = draw(st.sampled_from(PACKS)), draw(st.booleans())

    def perhaps() -> bool:
        return not sound and draw(st.booleans())

    declared = {question.code: perhaps() for question in rules.questions}
    blocked = (Failure(code="origin_missing", blocks=True),) if perhaps() else ()
    movement = Movement(
        movement_id=4102000000001, version=1, plate="豫B12345", trailer_plate="", origin="济南",
        goods="other", entry_place_id=1, stops=(11,), expected_entry_at=NOON,
        expected_exit_at=None, window_from=NOON - timedelta(hours=6),
        window_to=NOON + timedelta(hours=-1 if perhaps() else 24), failures=blocked,
        channel="unreported" if perhaps() else "driver", reported_at=NOON,
        vehicle=in_order(rules, About.VEHICLE) if sound else draw(proofs(rules)),
    )  # fmt: skip
    person = Subject(
        ordinal=0, role="driver", masked_name="李**", declared=declared,
        evidence=in_order(rules, About.PERSON) if sound else draw(proofs(rules)),
    )  # fmt: skip
    sources = {kind.kind: NOON for kind in rules.evidence if not perhaps()}
    events = (report(), *([event("voided", -10)] if perhaps() else []))
    world = World(
        epoch=1, places={1: GATE}, roads={}, codes={}, tokens={}, ends={}, holders=frozenset({LANE.id}),
        sources=MappingProxyType(sources), rule_sets=((NOON - timedelta(days=9), rules),),
    )  # fmt: skip
    return Situation(movement=movement, people=(person,), events=events, version=1), world


SCANS = st.builds(
    Scan,
    id=st.just(UUID(int=7)),
    kind=st.just("entry"),
    place_id=st.just(1),
    occurred_at=st.integers(-60, 60).map(lambda minutes: NOON + timedelta(minutes=minutes)),
    offline=st.booleans(),
    plate_seen=st.sampled_from(["", "豫B12345", "豫B99999"]),
    card_shown=st.sampled_from(["", "green", "yellow", "white", "red", "purple"]),
    rules_version=st.sampled_from([None, 1, 99]),
    clock=st.builds(DeviceClock, offset=st.integers(-3_600_000, 3_600_000)),
)


def breach_of_a_scan(at: Situation, world: World, scan: Scan) -> str:
    made = event_of(scan, LANE, None, at, world, NOON)
    if is_white(made) and not white_is_earned(made):
        return "white without a failed rule"
    if is_hold(made) and not has_source(made):
        return "hold without a source"
    loop = fold(made.movement_id, (*at.events, made))
    if loop.state is State.TURNED_BACK and not white_is_earned(made):
        return "turned back"
    if loop.state is State.HELD and (loop.hold is None or not loop.hold.source):
        return "held"
    return ""


ACTS = st.builds(
    Act,
    id=st.just(UUID(int=8)),
    kind=st.just("desk"),
    outcome=st.sampled_from(["turn_back", "hold"]),
    reason=st.sampled_from(
        ["", *{r.code for pack in PACKS for r in (*pack.turn_back_reasons, *pack.hold_reasons)}]
    ),
    source=st.sampled_from(["", "   ", "令〔2022〕7号"]),
)
