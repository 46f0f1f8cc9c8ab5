"""A truck that arrived under a plate that was misread by one character (found at L1): an officer
says that it is the one that is missing.
"""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID, uuid5

from alerts.model import PURSUED
from closedloop.acts import just_after
from closedloop.commit import Outcome, Proposal, append
from closedloop.model import Level, State
from closedloop.reporting import Office, actor_name, body_hash, situation_of
from closedloop.situation import Situation, check_in_district
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, Unprocessable
from registry.model import Event
from registry.plates import one_character_off
from registry.world import World

Decide = Callable[[Situation, World, datetime], Event]
SEEN = frozenset({Level.A, Level.B})


async def same_truck(
    conn: Connection,
    office: Office,
    movement_id: int,
    *,
    event_id: UUID,
    other_id: int,
    actor: Actor,
    now: datetime,
) -> Outcome:
    """The missing truck gets the other's arrival, and the other ends. Raises Conflict
    `not_the_same_truck`, Unprocessable `same_truck_itself`.
    """
    if other_id == movement_id:
        raise Unprocessable("same_truck_itself")
    other = await situation_of(conn, other_id)
    seen = _arrival(other)

    def arrive(at: Situation, world: World, on: datetime) -> Event:
        check_in_district(at, actor, world)
        check_in_district(other, actor, world)
        _check(at, other, seen)
        since = at.loop.released_at or seen.occurred_at
        return Event(
            movement_id=movement_id,
            event_id=event_id,
            kind="arrival",
            occurred_at=min(just_after(since, seen.occurred_at), on),
            received_at=on,
            uncertainty_ms=seen.uncertainty_ms,
            place_id=seen.place_id,
            actor=actor_name(actor),
            body={"level": Level.A, "same_truck": other_id},
        )

    def end(_: Situation, __: World, on: datetime) -> Event:
        return Event(
            movement_id=other_id,
            event_id=uuid5(event_id, "merged"),
            kind="merged",
            occurred_at=on,
            received_at=on,
            actor=actor_name(actor),
            body={"into": movement_id},
        )

    proposals = [
        _proposal(movement_id, event_id, "arrival", arrive, actor, other_id),
        _proposal(other_id, uuid5(event_id, "merged"), "merged", end, actor, movement_id),
    ]
    (first,) = await append(conn, office.cache, proposals[:1], now)
    if first.refusal is not None:
        return first
    (second,) = await append(conn, office.cache, proposals[1:], now)
    return first if second.refusal is None else second


def _arrival(other: Situation) -> Event:
    """The newest arrival that somebody at the firm has seen."""
    seen = [
        event
        for event in other.events
        if event.kind == "arrival" and event.body.get("level") in SEEN
    ]
    if not seen:
        raise Conflict("not_the_same_truck")
    return max(seen, key=lambda event: event.occurred_at)


def _check(at: Situation, other: Situation, seen: Event) -> None:
    places = {stop.place_id for stop in at.loop.stops if not stop.closed}
    alike = one_character_off(at.movement.plate, other.movement.plate)
    waits = other.loop.state is State.DISCREPANCY and at.loop.state in PURSUED
    if not (alike and waits and seen.place_id in places):
        raise Conflict("not_the_same_truck")


def _proposal(
    movement_id: int, event_id: UUID, kind: str, decide: Decide, actor: Actor, other_id: int
) -> Proposal:
    return Proposal(
        event_id=event_id,
        movement_id=movement_id,
        body_hash=body_hash([movement_id, kind, other_id]),
        decide=decide,
        said={"kind": kind, "other": other_id},
        actor=actor_name(actor),
    )
