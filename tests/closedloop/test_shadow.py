"""A rule set in shadow: exactly what it would have said, on what was known then."""

from collections import Counter
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from checkpoint.simulation.people import People
from closedloop import shadow
from closedloop.shadow import Shadow, card_of, reasons, run
from closedloop.situation import read_situations
from kernel.db import Connection
from kernel.privacy import Vault
from registry.erasing import erase_masks
from registry.imports import import_evidence
from registry.judge import judge
from registry.model import Card, Event, Proof, Subject
from registry.rules import SCENARIOS, RuleSet, read_scenario
from tests.checkpoint.moves import reported, scanned
from tests.city import City
from tests.conftest import NOON

HENAN = read_scenario(SCENARIOS / "epidemic-henan.json")
HUIJI = read_scenario(SCENARIOS / "epidemic-huiji.json")
DAY = timedelta(days=1)
SINCE, UNTIL = NOON - DAY, NOON + DAY


async def bring(
    conn: Connection, vault: Vault, kind: str, value: str, number: str, at: datetime, age: float
) -> None:
    taken = (at - timedelta(hours=age)).isoformat()
    report = await import_evidence(
        conn,
        vault,
        HENAN,
        kind,
        f"id_number,value,taken_at\n{number},{value},{taken}".encode(),
        "text/csv",
        source="province",
        as_of=at,
        dry_run=False,
        actor=None,
        now=at,
    )
    assert report.refused == 0


async def a_busy_day(conn: Connection, city: City, trucks: int = 24) -> None:
    """Trucks with and without proofs, some of which come in only after the scan."""
    dice, vault = Random(7), city.office.vault
    people = People(Random(7))
    for n in range(trucks):
        number, at = people.make().id_number, NOON + timedelta(minutes=n)
        if dice.random() < 0.7:
            age = dice.choice([1.0, 20.0, 47.0, 60.0])
            before = at - timedelta(seconds=30)
            await bring(conn, vault, "test", "negative", number, before, age)
        if dice.random() < 0.25:
            color = dice.choice(["yellow", "red", "green"])
            before = at - timedelta(seconds=20)
            await bring(conn, vault, "health_code", color, number, before, 2)
        plate = f"豫B{n:05}"
        declared = {"symptom": dice.random() < 0.1, "risk_area": False}
        movement_id = await reported(
            conn, city, tested=False, id_number=number, plate=plate, declared=declared
        )
        seen = dice.choice([plate, plate, "", "豫B99999"])
        await scanned(conn, city, movement_id, "entry", at, plate_seen=seen)
        if dice.random() < 0.5:
            after = at + timedelta(seconds=20)
            await bring(conn, vault, "test", "negative", number, after, 0.5)


async def recount(conn: Connection, rules: RuleSet) -> dict[tuple[Card, Card], int]:
    """By brute force: each scan by itself, each fact asked of the database."""
    rows = await conn.fetch("SELECT movement_id FROM registry.event WHERE kind = 'entry'")
    numbers = [row["movement_id"] for row in rows]
    counts: Counter[tuple[Card, Card]] = Counter()
    for situation in (await read_situations(conn, numbers)).situations.values():
        for event in situation.events:
            if event.kind == "entry":
                people = [await _as_of(conn, event, person) for person in situation.people]
                verdict = judge(
                    situation.movement,
                    tuple(people),
                    rules,
                    None,
                    event.occurred_at,
                    event.body["plate_seen"],
                    sources=await _sources(conn, event.received_at),
                )
                counts[card_of(reasons(event)), verdict.card] += 1
    return dict(counts)


async def _as_of(conn: Connection, event: Event, person: Subject) -> Subject:
    evidence: dict[str, Proof] = {}
    for kind in HENAN.evidence:
        row = await conn.fetchrow(
            """
            SELECT e.value, e.taken_at, e.source FROM registry.evidence e
              JOIN registry.evidence_batch b ON b.id = e.batch_id
              JOIN registry.movement_person p ON p.subject = e.subject
             WHERE p.movement_id = $1 AND p.ordinal = $2 AND e.kind = $3 AND b.imported_at <= $4
             ORDER BY e.taken_at DESC, e.source LIMIT 1
            """,
            event.movement_id,
            person.ordinal,
            kind.kind,
            event.received_at,
        )
        if row is not None:
            evidence[kind.kind] = Proof(**dict(row))
    return replace(person, evidence=evidence)


async def _sources(conn: Connection, at: datetime) -> dict[str, datetime]:
    rows = await conn.fetch(
        """
        SELECT kind, max(as_of) AS as_of FROM registry.evidence_batch
         WHERE imported_at <= $1 GROUP BY kind
        """,
        at,
    )
    return {row["kind"]: row["as_of"] for row in rows} | {"health_code": NOON}


def counted(found: Shadow) -> dict[tuple[Card, Card], int]:
    return {
        (Card(before), Card(after)): n
        for before, afters in found.cards.items()
        for after, n in afters.items()
    }


async def test_the_ruling_rule_set_changes_nothing(conn: Connection, city: City) -> None:
    await a_busy_day(conn, city)
    found = await run(conn, HENAN, SINCE, UNTIL)
    assert (found.scans, found.unknown, found.changes, found.changed) == (24, 0, 0, ())
    assert len(found.cards) > 2


async def test_the_diff_is_that_of_a_recount_by_brute_force(conn: Connection, city: City) -> None:
    await a_busy_day(conn, city)
    found = await run(conn, HUIJI, SINCE, UNTIL)
    assert counted(found) == await recount(conn, HUIJI)
    assert found.changes == len(found.changed) > 3
    assert {(each.before, each.after) for each in found.changed} == {(Card.YELLOW, Card.WHITE)}
    assert all({"test_missing", "test_stale"} & set(each.codes) for each in found.changed)


async def test_a_shadow_that_knew_what_came_later_is_found(
    conn: Connection, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_busy_day(conn, city)

    def hindsight(facts: Any, _: datetime) -> dict[str, Proof]:
        return {fact.kind: fact.proof for fact in facts}

    monkeypatch.setattr(shadow, "newest", hindsight)
    assert counted(await run(conn, HUIJI, SINCE, UNTIL)) != await recount(conn, HUIJI)


async def test_only_scans_of_the_span_count_and_duplicates_are_not_judged(
    conn: Connection, city: City
) -> None:
    await a_busy_day(conn, city, trucks=4)
    assert (await run(conn, HUIJI, NOON + timedelta(minutes=2), UNTIL)).scans == 2
    movement_id = await reported(conn, city, tested=True, plate="豫B77777")
    at = NOON + timedelta(hours=1)
    await scanned(conn, city, movement_id, "entry", at)
    again = await scanned(conn, city, movement_id, "entry", at + timedelta(minutes=2))
    assert again.event is not None
    assert again.event.body["card"] == "duplicate"
    assert (await run(conn, HENAN, at - timedelta(minutes=1), UNTIL)).scans == 1


async def test_whoever_was_erased_is_counted_and_not_judged(conn: Connection, city: City) -> None:
    await a_busy_day(conn, city, trucks=3)
    movement_id = await conn.fetchval("SELECT min(movement_id) FROM registry.movement_person")
    await erase_masks(conn, [movement_id], UNTIL)
    found = await run(conn, HENAN, SINCE, UNTIL)
    assert (found.scans, found.unknown) == (2, 1)


async def test_many_movements_are_read_in_chunks(
    conn: Connection, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_busy_day(conn, city, trucks=9)
    whole = await run(conn, HUIJI, SINCE, UNTIL)
    monkeypatch.setattr(shadow, "CHUNK", 2)
    monkeypatch.setattr(shadow, "AT_A_TIME", 2)
    assert await run(conn, HUIJI, SINCE, UNTIL) == whole
    monkeypatch.setattr(shadow, "MOST_KEPT", 1)
    short = await run(conn, HUIJI, SINCE, UNTIL)
    assert (len(short.changed), short.changes) == (1, whole.changes)
