"""A rule set in shadow: what it would have said to the scans of the past days (mission §4).

Each scan is judged anew on what was known when it was judged: the evidence and the lists that had
been imported by then, the events that had been received. What is kept of a report is its last
version before the barrier, and of areas their last description. Nothing is written.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from closedloop.fold import fold
from closedloop.model import State
from closedloop.situation import Situation, read_situations
from kernel.db import Connection
from registry.areas import read_areas
from registry.evidence import truck
from registry.judge import SEVERITY, Standing, judge
from registry.model import Area, Card, Event, Failure, Proof
from registry.past import Fact, SourceHistory, facts_of, source_history, subjects_of
from registry.rules import RuleSet

#: Movements read at once, and scans judged between two looks at what else waits.
CHUNK = 500
AT_A_TIME = 100
#: So many changes are kept with a run; all are counted.
MOST_KEPT = 500
#: Reasons of the machine itself: no rule set has a say in them.
NOT_JUDGED = frozenset({"duplicate", "under_hold"})
WITHDRAWN = frozenset({State.VOIDED, State.CANCELLED})


class Change(Struct, frozen=True, kw_only=True):
    """One scan whose card would be another; `codes` are the rules that it would fail."""

    movement_id: int
    event_id: UUID
    plate: str
    at: datetime
    before: Card
    after: Card
    codes: tuple[str, ...]


class Shadow(Struct, frozen=True, kw_only=True):
    """`cards`: before → after → scans. `unknown`: scans of people who were erased since."""

    scans: int
    unknown: int
    cards: dict[str, dict[str, int]]
    changes: int
    changed: tuple[Change, ...]


class Past(Struct, frozen=True, kw_only=True):
    """What a chunk of scans is judged on."""

    sources: SourceHistory
    facts: Mapping[bytes, Sequence[Fact]]
    subjects: Mapping[tuple[int, int], bytes]
    areas: tuple[Area, ...]


async def run(conn: Connection, rules: RuleSet, since: datetime, until: datetime) -> Shadow:
    """Over the entry scans that were received from `since` until before `until`."""
    cards: dict[str, Counter[str]] = {card: Counter() for card in SEVERITY}
    kept: list[Change] = []
    scans = unknown = 0
    async for before, change, judged in judged_anew(conn, rules, since, until):
        if not judged:
            unknown += 1
            continue
        scans += 1
        cards[before][before if change is None else change.after] += 1
        if change is not None and len(kept) < MOST_KEPT:
            kept.append(change)
    return Shadow(
        scans=scans,
        unknown=unknown,
        cards={card: dict(counts) for card, counts in cards.items() if counts},
        changes=sum(n for card, counts in cards.items() for c, n in counts.items() if c != card),
        changed=tuple(kept),
    )


async def judged_anew(
    conn: Connection, rules: RuleSet, since: datetime, until: datetime
) -> AsyncGenerator[tuple[Card, Change | None, bool]]:
    """Of each scan: its card as it was ruled, the change if there is one, and whether it could be
    judged. In the order of the movements' numbers; memory stays that of one chunk.
    """
    sources, areas = await source_history(conn, rules), await read_areas(conn)
    after, done = 0, 0
    while numbers := await _next(conn, since, until, after):
        after = numbers[-1]
        situations = (await read_situations(conn, numbers)).situations
        subjects = await subjects_of(conn, numbers)
        trucks = {truck(each.movement.plate) for each in situations.values()}
        facts = await facts_of(conn, [*set(subjects.values()), *trucks])
        past = Past(sources=sources, facts=facts, subjects=subjects, areas=areas)
        for number in numbers:
            for event in ruled(situations[number].events, since, until):
                yield _compare(situations[number], event, rules, past)
                done += 1
                if done % AT_A_TIME == 0:
                    await asyncio.sleep(0)  # lanes wait for the same loop


async def _next(conn: Connection, since: datetime, until: datetime, after: int) -> list[int]:
    rows = await conn.fetch(
        """
        SELECT DISTINCT movement_id FROM registry.event
         WHERE movement_id > $3 AND kind = 'entry' AND received_at >= $1 AND received_at < $2
         ORDER BY movement_id LIMIT $4
        """,
        since,
        until,
        after,
        CHUNK,
    )
    return [row["movement_id"] for row in rows]


def ruled(events: Iterable[Event], since: datetime, until: datetime) -> list[Event]:
    """The entry scans on which rules had their say, in the order of receipt."""
    entries = [e for e in events if e.kind == "entry" and since <= e.received_at < until]
    known = [e for e in entries if not NOT_JUDGED & {reason.code for reason in reasons(e)}]
    return sorted(known, key=lambda e: (e.received_at, e.event_id))


def reasons(event: Event) -> tuple[Failure, ...]:
    return msgspec.convert(event.body.get("reasons", ()), tuple[Failure, ...])


def card_of(failures: Iterable[Failure]) -> Card:
    cards = [failure.card for failure in failures if failure.card is not None]
    return max(cards, key=SEVERITY.index, default=Card.GREEN)


def _compare(
    at: Situation, event: Event, rules: RuleSet, past: Past
) -> tuple[Card, Change | None, bool]:
    before = card_of(reasons(event))
    if any(not past.subjects.get((event.movement_id, p.ordinal)) for p in at.people):
        return before, None, False
    failures = rejudge(at, event, rules, past)
    after = card_of(failures)
    if after is before:
        return before, None, True
    change = Change(
        movement_id=event.movement_id,
        event_id=event.event_id,
        plate=at.movement.plate,
        at=event.occurred_at,
        before=before,
        after=after,
        codes=tuple(failure.code for failure in failures),
    )
    return before, change, True


def rejudge(at: Situation, event: Event, rules: RuleSet, past: Past) -> tuple[Failure, ...]:
    """The rules that a scan would fail. Pure."""
    seen_at = event.received_at

    def known(subject: bytes) -> dict[str, Proof]:
        return newest(past.facts.get(subject, ()), seen_at)

    people = tuple(
        msgspec.structs.replace(
            person, evidence=known(past.subjects[event.movement_id, person.ordinal])
        )
        for person in at.people
    )
    movement = msgspec.structs.replace(at.movement, vehicle=known(truck(at.movement.plate)))
    verdict = judge(
        movement,
        people,
        rules,
        None,
        event.occurred_at,
        str(event.body.get("plate_seen") or ""),
        sources=past.sources.at(seen_at),
        standing=_standing(at, seen_at),
        areas=past.areas,
    )
    return verdict.failures


def newest(facts: Iterable[Fact], at: datetime) -> dict[str, Proof]:
    """Of each kind the newest that had been imported by then; the facts are sorted by time."""
    return {fact.kind: fact.proof for fact in facts if fact.imported_at <= at}


def _standing(at: Situation, seen_at: datetime) -> Standing:
    earlier = [event for event in at.events if event.received_at < seen_at]
    state = fold(at.movement.movement_id, earlier).state
    if state in WITHDRAWN:
        return Standing.WITHDRAWN
    return Standing.USED if state is State.DISCHARGED else Standing.VALID
