"""Where the lives of trucks are played: a city on a database, and the trucks with their facts."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg

from checkpoint.intake import propose
from checkpoint.scans import Scan
from closedloop.commit import Outcome, Proposal, append
from closedloop.model import Level, Loop
from closedloop.planning import release_body
from kernel.auth import Actor
from kernel.db import Connection, prepare
from kernel.ids import uuid7
from kernel.privacy import Vault
from registry.model import Event
from tests.city import IDS, City, _device, add_proof, build
from tests.closedloop.plain_model import Fact, Story, tell
from tests.conftest import NOON

PLATE, OTHER = "豫B12345", "豫B99999"
TESTED, UNTESTED, RED = range(3)
HOUR = timedelta(hours=1)
OFFICER = Actor(id=uuid4(), kind="account", name="duty", roles=frozenset({"duty"}))
DRIVER = Actor(id=uuid4(), kind="account", name="driver", roles=frozenset({"driver"}))


@dataclass
class Ground:
    """What all examples stand on: one loop, one connection, one city."""

    runner: asyncio.Runner
    conn: Connection
    city: City
    depot: Actor
    examples: int = 0
    steps: int = 0

    @property
    def firms(self) -> dict[int, Actor]:
        return {self.city.mill: self.city.gatekeeper, self.city.depot: self.depot}

    @property
    def places(self) -> dict[str, int]:
        return {"entry": self.city.north, "mill": self.city.mill, "depot": self.city.depot}

    def append(self, proposals: list[Proposal], now: datetime) -> list[Outcome]:
        return self.runner.run(append(self.conn, self.city.office.cache, proposals, now))

    def fetch(self, sql: str, *values: object) -> list[Any]:
        return self.runner.run(self.conn.fetch(sql, *values))

    def scan(
        self,
        truck: "Truck",
        what: str,
        at: datetime,
        level: str,
        other_plate: bool,
        *,
        offline: bool,
    ) -> Proposal:
        """Levels B and C are the driver's own scan; `what` names the place."""
        entry, place = what == "entry", self.places[what]
        scan = Scan(
            id=uuid7(at),
            kind="entry" if entry else "arrival",
            place_id=place,
            occurred_at=at,
            offline=offline,
            plate_seen=OTHER if other_plate else PLATE,
        )
        staff = self.city.lane if entry else self.firms[place]
        actor = DRIVER if level in {"B", "C"} and not entry else staff
        known = Level(level) if level and not entry else None
        return propose(scan, truck.movement_id, actor, known)

    def agrees(self, truck: "Truck", loop: Loop | None) -> None:
        story = truck.story
        assert loop is not None
        assert (loop.state, loop.attempt) == (story.state, story.attempt)
        assert [
            (s.place_id, s.due_at, s.limit_no, s.claimed_at, s.arrived_at, s.closed, s.late)
            for s in loop.stops
        ] == [tuple(vars(leg).values()) for leg in story.legs]
        (row,) = self.fetch(
            """
            SELECT l.state, l.due_at, ARRAY(
                       SELECT (d.stop, d.limb, d.limit_no, d.flag_at) FROM closedloop.deadline d
                        WHERE d.movement_id = $1 AND d.closed_at IS NULL) AS limits,
                   (SELECT count(*) FROM registry.event v WHERE v.movement_id = $1) AS events
              FROM closedloop.loop l WHERE l.movement_id = $1
            """,
            truck.movement_id,
        )
        assert (row["state"], row["events"]) == (story.state, len(truck.facts))
        assert row["due_at"] == (story.leg.due if story.leg else None)
        assert {tuple(limit) for limit in row["limits"]} == story.limits()


@dataclass
class Truck:
    movement_id: int
    person: int
    entry_at: datetime
    places: tuple[int, ...]
    blocked: bool
    facts: list[Fact] = field(default_factory=list)
    sent: list[Proposal] = field(default_factory=list)
    flagged: set[tuple[int, str, int]] = field(default_factory=set)

    @property
    def story(self) -> Story:
        return tell(self.facts)

    def card(self, at: datetime, *, other_plate: bool) -> str:
        """Written from the table of cards, not from the rules."""
        story = self.story
        if story.state == "held":
            return "red"
        if story.carded and story.carded[0] == "green" and not other_plate:
            since = at - story.carded[1]
            if timedelta(0) <= since <= timedelta(minutes=10):
                return "duplicate"
        if self.person == RED:
            return "red"
        compliant = (
            self.person == TESTED
            and at - (NOON - 5 * HOUR) <= 48 * HOUR
            and at - NOON <= 24 * HOUR
            and self.entry_at - 6 * HOUR <= at <= self.entry_at + 24 * HOUR
            and not (other_plate or self.blocked)
            and story.state not in {"cancelled", "discharged"}
        )
        return "green" if compliant else "yellow"


def said(truck: Truck, kind: str, actor: Actor, now: datetime, body: dict[str, Any]) -> Proposal:
    """A fact as a use-case of a floor above would append it."""

    def decide(situation: Any, world: Any, now: datetime) -> Event:
        planned = release_body(situation.movement, world, world.rules_at(now), actor.place_id)
        return Event(
            movement_id=truck.movement_id,
            event_id=event_id,
            kind=kind,
            occurred_at=now,
            received_at=now,
            body=planned | body,
        )

    event_id = uuid7(now)
    return Proposal(
        event_id=event_id,
        movement_id=truck.movement_id,
        body_hash=event_id.bytes * 2,
        decide=decide,
        said=body,
        actor=actor.name,
    )


async def begin(dsn: str, vault: Vault, runner: asyncio.Runner) -> Ground:
    conn = await asyncpg.connect(dsn)
    await prepare(conn)
    city = await build(conn, vault, NOON)
    await add_proof(conn, vault, "test", "negative", NOON - 5 * HOUR, IDS[TESTED])
    await add_proof(conn, vault, "health_code", "red", NOON - 5 * HOUR, IDS[RED])
    depot, _ = await _device(conn, "firm", city.depot, NOON)
    return Ground(runner, conn, city, depot)
