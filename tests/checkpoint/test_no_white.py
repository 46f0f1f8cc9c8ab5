"""No path gives white to a truck that meets every rule, or makes a hold without a source.

Four guards stand one behind the other: the verdict and the desk's check, the fold, and the
database's constraints. Each is taken away in turn, and the breach is found.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import checkpoint.desk
import checkpoint.verdicts
from checkpoint.desk import DESK
from checkpoint.scans import DeviceClock, Scan
from checkpoint.verdicts import event_of, verdict_of
from closedloop import at_gate
from closedloop.acts import Act, propose
from closedloop.breaches import breaches_since, today
from closedloop.fold import fold
from closedloop.model import State
from closedloop.situation import Situation
from kernel.auth import Actor
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.errors import Refused
from kernel.ids import uuid7
from registry.model import Card, Event, Failure, Movement, Place, PlaceKind, Proof, Subject
from registry.rules import About, Check, RuleSet, read_scenario, shipped
from registry.world import World
from tests.checkpoint.moves import loop_of, reported, scanned, verifying
from tests.checkpoint.test_desk import LATER, compliant, decide, officer
from tests.city import City
from tests.closedloop.tales import event, report
from tests.conftest import NOON
from tests.http import submit
from tests.support import REPOSITORY

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
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
        epoch=1, places={1: GATE}, roads={}, codes={}, tokens={}, holders=frozenset({LANE.id}),
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
    if loop.state is State.HELD and not (loop.hold or {}).get("source"):
        return "held"
    return ""


@settings(max_examples=1200)
@given(situations(), SCANS)
def test_no_scan_gives_an_unearned_white_or_a_hold_without_a_source(
    case: tuple[Situation, World], scan: Scan
) -> None:
    assert breach_of_a_scan(*case, scan) == ""


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


# ── every path, for trucks that meet every rule and for trucks that do not ──


async def by_the_desk(conn: Connection, city: City, movement_id: int) -> str:
    reason = (await city.office.cache.now(conn)).rules_at(LATER).turn_back_reasons[0].code
    try:
        await decide(conn, city, movement_id, "turn_back", reason=reason)
    except Refused as refused:
        return refused.code
    return "done"


async def by_an_upload(conn: Connection, city: City, movement_id: int) -> str:
    at = LATER - timedelta(minutes=1)
    shown = await scanned(conn, city, movement_id, "entry", at, received=LATER, card_shown="white")
    assert shown.event is not None
    flags = shown.event.body["flags"]
    return "white_against_rules" if "white_against_rules" in flags else "done"


async def by_sql(conn: Connection, _: City, movement_id: int) -> str:
    """Somebody at the database itself."""
    try:
        async with conn.transaction():
            await conn.execute(
                """
                INSERT INTO registry.event
                       (movement_id, event_id, kind, occurred_at, received_at, actor, body)
                VALUES ($1, $2, 'entry', $3, $3, 'somebody', '{"card": "white"}')
                """,
                movement_id,
                uuid4(),
                LATER,
            )
    except asyncpg.CheckViolationError as error:
        return str(error.constraint_name)
    return "done"


@pytest.mark.parametrize(
    ("path", "refused"),
    [
        (by_the_desk, "must_not_turn_back"),
        (by_an_upload, "white_against_rules"),
        (by_sql, "white_names_a_failed_rule"),
    ],
)
async def test_each_path_is_shut_to_a_compliant_truck(
    conn: Connection, city: City, path: Any, refused: str
) -> None:
    movement_id = await compliant(conn, city)
    assert await path(conn, city, movement_id) == refused
    loop = await loop_of(conn, movement_id)
    assert loop.state is State.VERIFYING
    listed = await breaches_since(conn, NOON)
    known = [] if path is by_sql else [(movement_id, refused)]
    assert [(each.movement_id, each.code) for each in listed] == known


@pytest.mark.parametrize("path", [by_the_desk, by_an_upload])
async def test_each_path_is_open_for_a_truck_that_fails_a_rule(
    conn: Connection, city: City, path: Any
) -> None:
    movement_id = await verifying(conn, city)
    assert await path(conn, city, movement_id) == "done"
    assert (await loop_of(conn, movement_id)).state is State.TURNED_BACK
    assert await breaches_since(conn, NOON) == []
    assert (await today(conn, NOON)).turned_back == 1


async def test_the_page_refuses_says_why_and_tells_the_duty_desk(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    movement_id = await compliant(conn, city)
    clock.at = LATER
    desk = await logged_in("desk", city.north)
    shown = await desk.get("/desk?lang=en")
    form = {"event_id": str(uuid7(LATER)), "reason": "no_valid_test"}
    for _ in range(2):
        answer = await submit(desk, shown, f"/desk/{movement_id}/turn-back", form)
        assert answer.status_code == 422
        assert "may not be turned back" in answer.text
    duty = await logged_in("duty")
    told = await duty.get("/duty?lang=en")
    assert told.text.count("Somebody tried to turn back") == 1
    assert f"/loops/{movement_id}" in told.text


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("entry", '{"card": "red"}'),
        ("entry", '{"card": "red", "source": " ", "reason": "red_code"}'),
        ("desk", '{"outcome": "hold", "reason": "red_code_held"}'),
        ("hold", '{"source": "令", "reason": ""}'),
        ("entry", '{"card": "white", "rules_version": 1, "reasons": []}'),
        ("entry", '{"card": "white", "rules_version": 1, "reasons": [{"card": "green"}]}'),
        ("entry", '{"card": "white", "reasons": [{"card": "yellow"}]}'),
        ("desk", '{"outcome": "turn_back", "rules_version": 1}'),
    ],
)
async def test_the_record_itself_refuses(
    conn: Connection, city: City, kind: str, body: str
) -> None:
    movement_id = await reported(conn, city)
    with pytest.raises(asyncpg.CheckViolationError):
        await _insert(conn, movement_id, kind, body)


async def _insert(conn: Connection, movement_id: int, kind: str, body: str) -> None:
    async with conn.transaction():
        await conn.execute(
            """
            INSERT INTO registry.event
                   (movement_id, event_id, kind, occurred_at, received_at, actor, body)
            VALUES ($1, $2, $3, $4, $4, 'somebody', $5::text::jsonb)
            """,
            movement_id,
            uuid4(),
            kind,
            LATER,
            body,
        )


async def test_nobody_is_held_without_a_source_and_the_board_counts_it(
    conn: Connection, city: City
) -> None:
    movement_id = await reported(conn, city)
    at = LATER - timedelta(minutes=1)
    await scanned(conn, city, movement_id, "entry", at, received=LATER, card_shown="red")
    assert (await loop_of(conn, movement_id)).state is State.VERIFYING
    assert [each.code for each in await breaches_since(conn, NOON)] == ["hold_without_source"]
    assert (await today(conn, NOON)).without_source == 0
    await conn.execute("UPDATE closedloop.loop SET state = 'held', view = '{}'")
    assert (await today(conn, NOON)).without_source == 1


# ── each guard is taken away ──


async def test_without_the_check_at_the_desk_the_fold_and_the_record_refuse(
    conn: Connection, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    movement_id = await compliant(conn, city)
    real = checkpoint.desk.standing_verdict

    def careless(*case: Any) -> Any:
        return replace(real(*case), card=Card.YELLOW)

    monkeypatch.setattr(checkpoint.desk, "standing_verdict", careless)
    with pytest.raises(asyncpg.CheckViolationError):
        await by_the_desk(conn, city, movement_id)


async def test_without_the_constraint_the_fold_still_verifies(conn: Connection, city: City) -> None:
    movement_id = await compliant(conn, city)
    await conn.execute("ALTER TABLE registry.event DROP CONSTRAINT white_names_a_failed_rule")
    assert await by_sql(conn, city, movement_id) == "done"
    loop = await loop_of(conn, movement_id)
    assert loop.state is State.VERIFYING
    assert "white_without_reason" in loop.flags


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
