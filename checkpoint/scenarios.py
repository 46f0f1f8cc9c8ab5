"""What a scenario of the sandbox does to a truck, by the same use-cases that a city's gates call.

Outcomes are fixed and told in docs/api.md: whoever writes a program for a firm or a camera tries it
without a city, without a truck, and without waiting.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid5

from checkpoint.intake import Intake, take_one
from checkpoint.scans import Scan
from closedloop.acts import Act, propose
from closedloop.commit import append
from closedloop.model import Level
from closedloop.pass_acts import PASS_ACTS
from closedloop.reporting import accepted, report
from kernel.auth import Actor
from kernel.db import Connection
from registry.imports import import_evidence, refresh_source
from registry.model import Card, Movement, PlaceKind, Role
from registry.plates import PROVINCES
from registry.report_queries import find_movement, read_submission
from registry.rules import About, Check, Mode
from registry.submission import Submission

SOURCE = "sandbox"
#: Whoever stands in the sandbox's lanes and offices.
STAFF = Actor(
    id=UUID("01a20ae1-0000-7000-8000-00000000000a"),
    kind="system",
    name="sandbox",
    roles=frozenset({Role.DUTY, Role.DESK}),
)
#: Longer than any arrival limit: whatever was let in then is late.
LONG_AGO = timedelta(hours=8)
A_WHILE = timedelta(minutes=20)


class Stage(NamedTuple):
    conn: Connection
    intake: Intake
    movement: Movement
    now: datetime

    def id(self, what: str) -> UUID:
        """A scenario that is played twice is the same events."""
        return uuid5(STAFF.id, f"{self.movement.movement_id} {what}")


async def _evidence(at: Stage, kind: str, value: str) -> None:
    said = await read_submission(at.conn, at.intake.office.vault, at.movement.movement_id)
    taken = at.now.isoformat()
    text = f"id_number,id_type,value,taken_at\n{said.id_number},{said.id_type},{value},{taken}\n"
    world = await at.intake.office.cache.now(at.conn)
    await import_evidence(
        at.conn,
        at.intake.office.vault,
        world.rules_at(at.now),
        kind,
        text.encode(),
        "text/csv",
        source=SOURCE,
        as_of=at.now,
        dry_run=False,
        actor=STAFF,
        now=at.now,
    )


async def _green(at: Stage) -> None:
    """Of each kind of proof about people the first value that no rule objects to, as of now: what
    was tried with the same person before is over.
    """
    rules = (await at.intake.office.cache.now(at.conn)).rules_at(at.now)
    for kind in rules.evidence:
        bad = {
            value
            for rule in rules.rules
            if rule.evidence == kind.kind and rule.check is Check.EVIDENCE_IS
            for value in rule.values
        }
        good = next((value for value in kind.values if value not in bad), None)
        if kind.about is About.PERSON and good is not None:
            await _evidence(at, kind.kind, good)


async def _yellow(at: Stage) -> None:
    await _with_card(at, Card.YELLOW)


async def _red(at: Stage) -> None:
    await _with_card(at, Card.RED)


async def _with_card(at: Stage, card: Card) -> None:
    """What the first rule of that card objects to; the rule set says what that is."""
    await _green(at)
    rules = (await at.intake.office.cache.now(at.conn)).rules_at(at.now)
    for rule in rules.rules:
        if rule.card is card and rule.check is Check.EVIDENCE_IS and rule.evidence:
            later = at._replace(now=at.now + timedelta(milliseconds=1))
            await _evidence(later, rule.evidence, rule.values[0])
            return


async def _on_the_way(at: Stage) -> None:
    await _green(at)
    await _let_in(at, at.now - A_WHILE)


async def _late_arrival(at: Stage) -> None:
    await _green(at)
    await _let_in(at, at.now - LONG_AGO)


async def _arrived(at: Stage) -> None:
    await _green(at)
    world = await at.intake.office.cache.now(at.conn)
    stop = next(iter(at.movement.stops), 0)
    road = world.road_minutes(at.movement.entry_place_id, stop, world.rules_at(at.now))
    await _let_in(at, at.now - timedelta(minutes=road + 10))
    if stop:
        await _scan(at, "arrival", stop, at.now - timedelta(minutes=1), Level.A)


async def _voided(at: Stage) -> None:
    said = Act(id=at.id("void"), kind="void", reason="details_wrong")
    proposal = propose(at.movement.movement_id, said, STAFF, PASS_ACTS)
    accepted(await append(at.conn, at.intake.office.cache, [proposal], at.now))


async def _let_in(at: Stage, when: datetime) -> None:
    world = await at.intake.office.cache.now(at.conn)
    gates = (each.id for each in world.places.values() if each.kind is PlaceKind.CHECKPOINT)
    await _scan(at, "entry", at.movement.entry_place_id or next(gates), when, None)


async def _scan(at: Stage, kind: str, place_id: int, when: datetime, level: Level | None) -> None:
    scan = Scan(
        id=at.id(kind),
        kind=kind,
        place_id=place_id,
        occurred_at=when,
        plate=at.movement.plate,
        offline=True,
        card_shown="green" if kind == "entry" else "",
    )
    await take_one(at.conn, at.intake, scan, STAFF, level, at.now, own_time=True)


#: Scenarios of a report: in which condition its truck is from then on.
OF_REPORTS: dict[str, Callable[[Stage], Awaitable[None]]] = {
    "green": _green,
    "yellow": _yellow,
    "red": _red,
    "on_the_way": _on_the_way,
    "late_arrival": _late_arrival,
    "arrived": _arrived,
    "voided": _voided,
}
#: Scenarios of readings: what is known of the plates in the batch before it is taken.
OF_READINGS = frozenset({"matched", "candidate", "unregistered"})
#: Scenarios of any call: what goes wrong on the way.
OF_TROUBLE = frozenset({"busy", "too_many", "lost_answer"})
KNOWN = frozenset({*OF_REPORTS, *OF_READINGS, *OF_TROUBLE})


async def play_report(
    conn: Connection, intake: Intake, scenario: str, movement_id: int, now: datetime
) -> None:
    world = await intake.office.cache.now(conn)
    for kind in world.rules_at(now).evidence:
        if kind.mode is Mode.LIST:
            await refresh_source(conn, kind.kind, SOURCE, now)
    movement = await find_movement(conn, movement_id)
    await OF_REPORTS[scenario](Stage(conn, intake, movement, now))


async def prepare_plates(
    conn: Connection, intake: Intake, scenario: str, plates: Sequence[str], now: datetime
) -> None:
    """Reports each plate (`matched`), or one that is a character off (`candidate`)."""
    if scenario == "unregistered":
        return
    # From midnight on, so that the report of a day is the same whenever it is made.
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for plate in plates:
        known = plate if scenario == "matched" else _misread(plate)
        said = Submission(
            name="测试司机", id_number="410221199001011239", phone="13800000000",
            plate=known, origin="山东省济南市", expected_entry_at=day,
            expected_exit_at=day + timedelta(hours=40),
        )  # fmt: skip
        await report(
            conn,
            intake.office,
            event_id=uuid5(STAFF.id, f"{known} {day.date()}"),
            said=said,
            channel="api",
            actor=STAFF,
            now=now,
        )


def _misread(plate: str) -> str:
    return PROVINCES[(PROVINCES.find(plate[:1]) + 1) % len(PROVINCES)] + plate[1:]
