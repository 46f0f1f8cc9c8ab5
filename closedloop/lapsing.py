"""Passes whose proof has lapsed are voided, and given back on a new one (mission §3, §6).

The lane judges for itself: this only tells the driver in time. It may run in any number of
processes and miss any number of ticks; each lapse voids a pass once, because the event's id is
made of it.
"""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import structlog
from msgspec import Struct

from closedloop.commit import Outcome, Proposal, append
from closedloop.model import State, state_at
from closedloop.pass_acts import verdict_ahead
from closedloop.reporting import Office, body_hash
from closedloop.situation import Situation, read_situations
from kernel.db import Connection
from kernel.errors import Conflict
from registry.model import Card, Event, Proof
from registry.rules import About, Check, RuleSet
from registry.world import World

LAPSED = "evidence_lapsed"
#: So many at a time, so that a night's backlog goes in short transactions.
MOST = 500
#: Seconds between two portions: there may be hundreds, and a lane waits for the same database.
REST = 0.05
_NAMES = UUID("7f1c2f5e-98c4-5c0e-9f6b-0c8a5a3d2b11")

log = structlog.get_logger()


async def lapse_and_renew(conn: Connection, office: Office, now: datetime) -> tuple[int, int]:
    """How many passes were voided, and how many were given back."""
    world = await office.cache.now(conn)
    if not world.rule_sets:  # a service that is being set up
        return 0, 0
    ages = dict(_ages(world.rules_at(now)))
    voided = renewed = 0
    after: int | None = 0
    while after is not None:
        slice_ = await _may_have_lapsed(conn, ages, now, after)
        if slice_.found:
            voided += await _void(conn, office, world, slice_.found, now)
        after = slice_.last
        if after is not None:
            await asyncio.sleep(REST)
    after = 0
    while found := await _voided_for_it(conn, now, after):
        renewed += await _renew(conn, office, world, found, now)
        after = found[-1]
    if voided or renewed:
        log.info("passes_lapsed", voided=voided, renewed=renewed)
    return voided, renewed


def _ages(rules: RuleSet) -> Iterator[tuple[str, timedelta]]:
    """Evidence kind → the age at which a rule finds it too old; the shortest counts."""
    limits: dict[str, int] = {}
    for rule in rules.rules:
        if rule.check is Check.EVIDENCE_OLDER and rule.evidence and rule.hours:
            limits[rule.evidence] = min(rule.hours, limits.get(rule.evidence, rule.hours))
    for kind, hours in limits.items():
        yield kind, timedelta(hours=hours)


class Slice(Struct, frozen=True, kw_only=True):
    """`last`: behind it there may be more; None at the end."""

    found: list[int]
    last: int | None


async def _may_have_lapsed(
    conn: Connection, ages: dict[str, timedelta], now: datetime, after: int
) -> Slice:
    """Of the next unused passes those with a proof that is too old by now, or whose last moment has
    passed: in the order of their numbers, since those that an officer gave back are found again
    each time.
    """
    row = await conn.fetchrow(
        # The number stands in the text: a kept plan that does not know how few are wanted reads
        # and sorts them all. And both tables begin behind the last one: a merge would read the
        # second from its first row at every portion.
        f"""
        WITH unused AS (
            SELECT m.movement_id, m.vehicle
              FROM closedloop.loop l JOIN registry.movement m ON m.movement_id = l.movement_id
             WHERE l.state = 'issued' AND l.movement_id > $4 AND m.movement_id > $4
               AND (m.window_to IS NULL OR m.window_to > $1)
             ORDER BY l.movement_id LIMIT {MOST:d}
        ), held AS (
            SELECT u.movement_id, e.key AS kind, e.value AS proof
              FROM unused u, jsonb_each(u.vehicle) e
            UNION ALL
            SELECT u.movement_id, e.key, e.value
              FROM unused u JOIN registry.movement_person p ON p.movement_id = u.movement_id,
                   jsonb_each(p.evidence) e
        )
        SELECT ARRAY(
                   SELECT DISTINCT h.movement_id
                     FROM held h LEFT JOIN unnest($2::text[], $3::interval[]) AS aged (kind, most)
                          ON aged.kind = h.kind
                    WHERE (h.proof ->> 'taken_at')::timestamptz < $1 - aged.most
                       OR (h.proof ->> 'until')::timestamptz <= $1
                    ORDER BY h.movement_id) AS found,
               (SELECT max(movement_id) FROM unused HAVING count(*) = {MOST:d}) AS last
        """,
        now,
        list(ages),
        list(ages.values()),
        after,
    )
    return Slice(found=row["found"], last=row["last"]) if row else Slice(found=[], last=None)


async def _voided_for_it(conn: Connection, now: datetime, after: int) -> list[int]:
    rows = await conn.fetch(
        """
        SELECT l.movement_id
          FROM closedloop.loop l JOIN registry.movement m ON m.movement_id = l.movement_id
         WHERE l.state = 'voided' AND l.movement_id > $4 AND m.movement_id > $4
           AND l.view ->> 'void_reason' = $2
           AND (m.window_to IS NULL OR m.window_to > $1)
         ORDER BY l.movement_id LIMIT $3
        """,
        now,
        LAPSED,
        MOST,
        after,
    )
    return [row["movement_id"] for row in rows]


async def _void(
    conn: Connection, office: Office, world: World, found: Sequence[int], now: datetime
) -> int:
    situations = (await read_situations(conn, found)).situations
    proposals = [
        _voiding(number, moment)
        for number, at in situations.items()
        if (moment := lapsed_at(at, world, now)) is not None
    ]
    return _recorded(await append(conn, office.cache, proposals, now))


def lapsed_at(at: Situation, world: World, now: datetime) -> datetime | None:
    """When the last proof that an unused pass needs lapsed; None while it is good, and where an
    officer has given the pass back since.
    """
    if state_at(at.loop, now) is not State.ISSUED:
        return None
    moments = [moment for moment in _moments(at, world.rules_at(now)) if moment < now]
    given_back = [each.occurred_at for each in at.events if each.kind == "reissued"]
    last = max(moments, default=None)
    return None if last is None or any(moment >= last for moment in given_back) else last


def _moments(at: Situation, rules: RuleSet) -> Iterator[datetime]:
    """The last moment of each proof that a rule asks for."""
    ages = dict(_ages(rules))
    needed = {rule.evidence for rule in rules.rules if rule.check is Check.EVIDENCE_MISSING}
    for kind in rules.evidence:
        for proof in _held(at, kind.kind, kind.about):
            if kind.kind in ages:
                yield proof.taken_at + ages[kind.kind]
            if proof.until is not None and kind.kind in needed:
                yield proof.until


def _held(at: Situation, kind: str, about: About) -> list[Proof]:
    held = [at.movement.vehicle] if about is About.VEHICLE else [p.evidence for p in at.people]
    return [each[kind] for each in held if kind in each]


def _voiding(movement_id: int, moment: datetime) -> Proposal:
    def decide(situation: Situation, world: World, now: datetime) -> Event:
        if lapsed_at(situation, world, now) is None:
            raise Conflict("nothing_to_void", state=situation.loop.state)
        return _event(movement_id, event_id, "voided", now, reason=LAPSED)

    event_id = uuid5(_NAMES, f"{movement_id} lapsed {moment.isoformat()}")
    return _proposal(movement_id, event_id, "voided", decide)


async def _renew(
    conn: Connection, office: Office, world: World, found: Sequence[int], now: datetime
) -> int:
    situations = (await read_situations(conn, found)).situations
    proposals = [
        _renewing(number, at)
        for number, at in situations.items()
        if verdict_ahead(at, world, now).card is Card.GREEN
    ]
    return _recorded(await append(conn, office.cache, proposals, now))


def _renewing(movement_id: int, at: Situation) -> Proposal:
    def decide(situation: Situation, world: World, now: datetime) -> Event:
        loop = situation.loop
        if loop.state is not State.VOIDED or loop.void_reason != LAPSED:
            raise Conflict("nothing_to_reissue", state=loop.state)
        verdict = verdict_ahead(situation, world, now)
        if verdict.card is not Card.GREEN:
            raise Conflict("nothing_to_reissue", state=loop.state)
        version = verdict.rules_version
        return _event(movement_id, event_id, "reissued", now, rules_version=version)

    since = at.loop.state_since
    event_id = uuid5(_NAMES, f"{movement_id} renewed {since and since.isoformat()}")
    return _proposal(movement_id, event_id, "reissued", decide)


def _event(movement_id: int, event_id: UUID, kind: str, now: datetime, **body: Any) -> Event:  # noqa: ANN401
    return Event(
        movement_id=movement_id,
        event_id=event_id,
        kind=kind,
        occurred_at=now,
        received_at=now,
        body=body,
    )


def _proposal(movement_id: int, event_id: UUID, kind: str, decide: Any) -> Proposal:  # noqa: ANN401
    return Proposal(
        event_id=event_id,
        movement_id=movement_id,
        body_hash=body_hash([movement_id, kind]),
        decide=decide,
        said={"kind": kind},
        actor="system",
    )


def _recorded(outcomes: Sequence[Outcome]) -> int:
    return sum(outcome.status == "recorded" for outcome in outcomes)
