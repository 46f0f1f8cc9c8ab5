"""Use-cases of the enquiry: each appends to the ledger under its sender's id."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from alerts.closing import KINDS, Close, close_body
from alerts.model import Code
from alerts.notes import keep_note
from alerts.replies import Call, Reply, call_body, reply_body, reply_of_call
from closedloop.acts import ACTS, Act, propose
from closedloop.commit import Outcome, Proposal, append
from closedloop.reporting import Office, actor_name, body_hash, check_movement_id
from closedloop.situation import Situation, check_in_district
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Forbidden, Unprocessable
from registry.model import Event, Role
from registry.world import World

#: Makes the body of the event, or raises Refused.
Body = Callable[[Situation, World, datetime], dict[str, Any]]


async def reply(
    conn: Connection,
    office: Office,
    movement_id: int,
    said: Reply,
    actor: Actor | None,
    now: datetime,
) -> Outcome:
    """By the driver (no actor), the firm or an officer. A firm that says “arrived” vouches for the
    truck, which is an arrival. The outcome carries what was refused; nothing of it is raised.
    """
    firm = actor is not None and Role.FIRM in actor.roles
    if firm and actor is not None and said.code == Code.ARRIVED:
        act = Act(id=said.id, kind="confirm", note=said.note)
        return await _append(conn, office, propose(movement_id, act, actor, ACTS), now)

    def body(at: Situation, world: World, on: datetime) -> dict[str, Any]:
        if firm and actor is not None:
            _own_stop(at, actor)
        return reply_body(said, at, world, actor, on)

    outcome = await _append(
        conn, office, _proposal(movement_id, said.id, "reply", said, actor, body), now
    )
    return await _noted(conn, office, outcome, said.note, now)


async def call(
    conn: Connection, office: Office, movement_id: int, said: Call, actor: Actor, now: datetime
) -> Outcome:
    """A call and what it brought stand or fall together; the outcome is that of the first that was
    refused, or of the call.
    """
    answered = reply_of_call(said)

    def calling(at: Situation, world: World, on: datetime) -> dict[str, Any]:
        body = call_body(said, at, world, actor, on)
        reply_body(said, at, world, actor, on)  # whatever would be refused next is refused now
        return body

    def answering(at: Situation, world: World, on: datetime) -> dict[str, Any]:
        return reply_body(said, at, world, actor, on)

    proposals = [
        _proposal(movement_id, said.id, "call", said, actor, calling),
        _proposal(movement_id, answered.id, "reply", answered, actor, answering),
    ]
    outcomes = await append(conn, office.cache, proposals, now)
    outcome = next((each for each in outcomes if each.refusal is not None), outcomes[-1])
    if outcomes[0].refusal is None:
        await _noted(conn, office, outcomes[0], said.note, now)
    return outcome


async def close(
    conn: Connection, office: Office, movement_id: int, said: Close, actor: Actor, now: datetime
) -> Outcome:
    kind = KINDS.get(said.decision)
    if kind is None:
        raise Unprocessable("decision_unknown", known=sorted(KINDS))

    def body(at: Situation, world: World, on: datetime) -> dict[str, Any]:
        return close_body(said, at, world, actor, on)

    return await _append(
        conn, office, _proposal(movement_id, said.id, kind, said, actor, body), now
    )


def _own_stop(at: Situation, actor: Actor) -> None:
    if actor.place_id not in {stop.place_id for stop in at.loop.stops}:
        raise Forbidden("not_your_truck")


def _proposal(
    movement_id: int,
    event_id: UUID,
    kind: str,
    said: object,
    actor: Actor | None,
    body: Body,
) -> Proposal:
    """Raises NotFound("unknown_movement"). What is kept of a conflict has no free words in it."""
    check_movement_id(movement_id)

    def decide(situation: Situation, world: World, now: datetime) -> Event:
        check_in_district(situation, actor, world)
        return Event(
            movement_id=movement_id,
            event_id=event_id,
            kind=kind,
            occurred_at=now,
            received_at=now,
            place_id=None if actor is None else actor.place_id,
            actor=actor_name(actor),
            body=body(situation, world, now),
        )

    kept = {name: value for name, value in msgspec.to_builtins(said).items() if name != "note"}
    return Proposal(
        event_id=event_id,
        movement_id=movement_id,
        body_hash=body_hash([movement_id, kind, said]),
        decide=decide,
        said=kept | {"kind": kind},
        actor=actor_name(actor),
    )


async def _append(conn: Connection, office: Office, proposal: Proposal, now: datetime) -> Outcome:
    return (await append(conn, office.cache, [proposal], now))[0]


async def _noted(
    conn: Connection, office: Office, outcome: Outcome, note: str, now: datetime
) -> Outcome:
    if outcome.refusal is None:
        await keep_note(conn, office.vault, outcome.movement_id, outcome.event_id, note, now)
    return outcome
