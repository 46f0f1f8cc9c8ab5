"""A truck that never was: let in, missed, flagged, arrived and forgotten, in one transaction that
is taken back. Whatever stands between a scan and its alert is tried with the real database, rules
and sweep, and nothing of it remains (decision 0033).
"""

import time
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from alerts.overdue import sweep
from closedloop.commit import Proposal, append
from closedloop.model import Level, State
from closedloop.planning import release_body
from closedloop.reporting import Office, accepted, body_hash, open_movement, situation_of
from closedloop.situation import Situation
from kernel.auth import Actor
from kernel.db import Connection
from kernel.ids import uuid7
from registry.model import Card, Event, Place, PlaceKind
from registry.world import World

#: So long ago that its limit is the first that any sweep would take.
LONG_AGO = timedelta(days=3650)
PLATE = "豫Z00000"


class Sung(Struct, frozen=True, kw_only=True):
    """`silent`: empty, or the step at which nothing was heard."""

    silent: str
    ms: float


async def sing(conn: Connection, office: Office, now: datetime) -> Sung:
    """Where no checkpoint and no firm is registered yet there is nothing to try."""
    world = await office.cache.now(conn)
    gate, firm = _any(world, PlaceKind.CHECKPOINT), _any(world, PlaceKind.DESTINATION)
    began = time.perf_counter()
    silent = ""
    if gate is not None and firm is not None and world.rule_sets:
        undo = conn.transaction()
        await undo.start()
        try:
            silent = await _live(conn, office, gate, firm, now)
        finally:
            await undo.rollback()
    return Sung(silent=silent, ms=(time.perf_counter() - began) * 1000)


def _any(world: World, kind: PlaceKind) -> Place | None:
    return next((each for each in world.places.values() if each.kind is kind and each.active), None)


async def _live(conn: Connection, office: Office, gate: Place, firm: Place, now: datetime) -> str:
    at = now - LONG_AGO
    scan_id = uuid7(now)
    actor = Actor(id=scan_id, kind="system", name="canary", roles=frozenset())
    movement_id = await open_movement(
        conn, office, scan_id=scan_id, plate=PLATE, stops=(firm.id,), seen_at=at, actor=actor,
        now=now,
    )  # fmt: skip
    await _append(conn, office, movement_id, "entry", gate.id, at, now)
    world = await office.cache.now(conn)
    await sweep(conn, now, 1, world.rules_at(now).ladder)
    if not await _flagged(conn, movement_id):
        return "sweep"
    await _append(conn, office, movement_id, "arrival", firm.id, now, now)
    loop = (await situation_of(conn, movement_id)).loop
    if loop.state not in {State.DISCHARGED, State.EXIT_PENDING}:
        return "loop"
    return "" if await _closed(conn, movement_id) else "limit"


async def _append(
    conn: Connection,
    office: Office,
    movement_id: int,
    kind: str,
    place_id: int,
    at: datetime,
    now: datetime,
) -> None:
    event_id = uuid7(now)

    def decide(situation: Situation, world: World, on: datetime) -> Event:
        return Event(
            movement_id=movement_id,
            event_id=event_id,
            kind=kind,
            occurred_at=at,
            # As if it had been live: what is uploaded late keeps quiet for a while.
            received_at=at,
            place_id=place_id,
            body=_body(kind, situation, world, place_id, on),
        )

    proposal = Proposal(
        event_id=event_id,
        movement_id=movement_id,
        body_hash=body_hash([str(event_id), kind]),
        decide=decide,
        said={"kind": kind},
        actor="system",
    )
    accepted(await append(conn, office.cache, [proposal], now))


def _body(
    kind: str, situation: Situation, world: World, gate: int, now: datetime
) -> dict[str, Any]:
    if kind == "arrival":
        return {"level": Level.A}
    plan = release_body(situation.movement, world, world.rules_at(now), gate)
    return plan | {"card": Card.GREEN}


async def _flagged(conn: Connection, movement_id: int) -> bool:
    return await conn.fetchval(
        "SELECT EXISTS (SELECT FROM alerts.alert WHERE movement_id = $1)", movement_id
    )


async def _closed(conn: Connection, movement_id: int) -> bool:
    return not await conn.fetchval(
        """
        SELECT EXISTS (SELECT FROM closedloop.deadline
                        WHERE movement_id = $1 AND closed_at IS NULL)
        """,
        movement_id,
    )
