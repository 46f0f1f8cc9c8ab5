"""What happens to the trucks of page tests, played without pages."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from checkpoint.holds import HOLDS
from checkpoint.intake import propose
from checkpoint.scans import Scan
from closedloop.acts import Act
from closedloop.acts import propose as propose_act
from closedloop.commit import Outcome, append
from closedloop.model import Level, Loop
from closedloop.reporting import accepted, situation_of
from kernel.auth import Actor
from kernel.db import Connection
from kernel.ids import uuid7
from registry.passes import pass_number
from tests.city import City, a_report
from tests.conftest import NOON

#: Before anything else: what happens in the same millisecond has no order.
REPORTED = NOON - timedelta(minutes=10)


async def scanned(
    conn: Connection,
    city: City,
    movement_id: int,
    kind: str,
    at: datetime = NOON,
    *,
    received: datetime | None = None,
    **about: Any,
) -> Outcome:
    """A live scan, or one uploaded at `received`."""
    entry = kind == "entry"
    scan = Scan(
        id=uuid7(at),
        kind=kind,
        place_id=city.north if entry else city.mill,
        occurred_at=at,
        gate="1",
        offline=received is not None,
        **about,
    )
    actor = city.lane if entry else city.gatekeeper
    proposal = propose(scan, movement_id, actor, None if entry else Level.A)
    return accepted(await append(conn, city.office.cache, [proposal], received or at))[0]


async def reported(conn: Connection, city: City, **about: Any) -> int:
    return (await a_report(conn, city, REPORTED, **about)).movement.movement_id


async def released(conn: Connection, city: City, at: datetime = NOON, **about: Any) -> int:
    movement_id = await reported(conn, city, **about)
    await scanned(conn, city, movement_id, "entry", at)
    return movement_id


async def verifying(conn: Connection, city: City, at: datetime = NOON, **about: Any) -> int:
    """A truck whose driver has no test: yellow at the lane."""
    movement_id = await reported(conn, city, tested=False, **about)
    await scanned(conn, city, movement_id, "entry", at)
    return movement_id


async def about_hold(
    conn: Connection, city: City, movement_id: int, kind: str, by: Actor, at: datetime, **said: Any
) -> Outcome:
    act = Act(id=uuid7(at), kind=kind, **said)
    proposal = propose_act(movement_id, act, by, HOLDS)
    return accepted(await append(conn, city.office.cache, [proposal], at))[0]


async def held(
    conn: Connection, city: City, by: Actor, at: datetime = NOON, **about: Any
) -> tuple[int, UUID]:
    """A truck that a desk holds five minutes after its yellow card, and the hold's id."""
    movement_id = await verifying(conn, city, at, **about)
    later = at + timedelta(minutes=5)
    reason = (await city.office.cache.now(conn)).rules_at(later).hold_reasons[0].code
    done = await about_hold(
        conn, city, movement_id, "hold", by, later, source="令7号", reason=reason
    )
    return movement_id, done.event_id


async def loop_of(conn: Connection, movement_id: int) -> Loop:
    return (await situation_of(conn, movement_id)).loop


def number_of(city: City, movement_id: int) -> str:
    return pass_number(movement_id, city.office.vault)
