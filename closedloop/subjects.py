"""A person's journeys, for that person: where they stand, and those that can still be undone."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from closedloop.commit import Proposal, append
from closedloop.model import State, state_at
from closedloop.reporting import EDITABLE, Office, accepted, amend, body_hash
from closedloop.situation import Situation, read_situations
from closedloop.visit_queries import visits_of
from kernel.db import Connection
from kernel.errors import Conflict
from kernel.ids import uuid7
from registry.model import Event
from registry.world import World

#: Not shown at any checkpoint yet: the driver may take it back.
UNPRESENTED = frozenset({State.DRAFT, State.ISSUED, State.VOIDED})


async def journeys(conn: Connection, person_id: UUID) -> list[Situation]:
    """Their own, and once staff have seen the document all in which the person sits; the newest
    first.
    """
    rows = await conn.fetch(
        """
        SELECT s.movement_id FROM registry.movement_person s
          JOIN registry.person p ON p.id = s.person_id
         WHERE s.person_id = $1 AND (s.own OR p.verified_at IS NOT NULL)
        """,
        person_id,
    )
    reading = await read_situations(conn, [row["movement_id"] for row in rows])
    found = reading.situations.values()
    return sorted(found, key=lambda each: each.movement.reported_at, reverse=True)


async def subject_data(conn: Connection, person_id: UUID, now: datetime) -> dict[str, Any]:
    return {
        "journeys": [_told(each, now) for each in await journeys(conn, person_id)],
        "visits": await visits_of(conn, person_id),
    }


def _told(at: Situation, now: datetime) -> dict[str, Any]:
    return {
        "movement_id": at.movement.movement_id,
        "state": state_at(at.loop, now),
        "plate": at.movement.plate,
        "entry_place_id": at.loop.entry_place_id or at.movement.entry_place_id,
        "stops": at.movement.stops,
        "reported_at": at.movement.reported_at,
        "released_at": at.loop.released_at,
        "due_at": at.loop.due_at,
        "events": [
            {"kind": e.kind, "occurred_at": e.occurred_at, "place_id": e.place_id}
            for e in at.events
        ],
    }


async def _driven(conn: Connection, person_id: UUID) -> list[int]:
    """Movements whose driver it is: crew change nothing of another's report."""
    rows = await conn.fetch(
        """
        SELECT s.movement_id FROM registry.movement_person s
          JOIN registry.person p ON p.id = s.person_id
         WHERE s.person_id = $1 AND s.ordinal = 0 AND (s.own OR p.verified_at IS NOT NULL)
         ORDER BY s.movement_id
        """,
        person_id,
    )
    return [row["movement_id"] for row in rows]


async def cancel_unpresented(
    conn: Connection, office: Office, person_id: UUID, now: datetime
) -> int:
    """Returns how many were cancelled. Doing it twice cancels once."""
    driven = await _driven(conn, person_id)
    situations = (await read_situations(conn, driven)).situations.values()
    fit = [each for each in situations if each.loop.state in UNPRESENTED]
    proposals = [_cancellation(each.movement.movement_id, person_id) for each in fit]
    accepted(await append(conn, office.cache, proposals, now))
    return len(proposals)


def _cancellation(movement_id: int, person_id: UUID) -> Proposal:
    event_id = uuid5(person_id, f"withdrawn {movement_id}")

    def decide(situation: Situation, _: World, now: datetime) -> Event:
        if situation.loop.state not in UNPRESENTED:
            raise Conflict("already_presented", state=situation.loop.state)
        return Event(
            movement_id=movement_id,
            event_id=event_id,
            kind="cancelled",
            occurred_at=now,
            received_at=now,
            actor="driver",
            body={"reason": "withdrawn"},
        )

    return Proposal(
        event_id=event_id,
        movement_id=movement_id,
        body_hash=body_hash([movement_id, "withdrawn"]),
        decide=decide,
        said={"kind": "cancelled"},
        actor="driver",
    )


async def correct_open(
    conn: Connection, office: Office, person_id: UUID, changes: dict[str, object], now: datetime
) -> None:
    """The same correction in every report that may still be amended: each its next version."""
    driven = await _driven(conn, person_id)
    situations = (await read_situations(conn, driven)).situations.values()
    for each in situations:
        if state_at(each.loop, now) in EDITABLE:
            await amend(
                conn,
                office,
                movement_id=each.movement.movement_id,
                event_id=uuid7(now),
                changes=changes,
                actor=None,
                now=now,
            )
