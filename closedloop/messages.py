"""Who is told when a loop changes: intents for the outbox, one key each."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from closedloop.model import Loop, State


class Message(Struct, frozen=True, kw_only=True):
    """`key` makes one message of many tries; `recipient` is `place:ID` or a role."""

    key: str
    movement_id: int
    kind: str
    recipient: str
    facts: dict[str, Any]


def messages(before: Loop, after: Loop) -> Iterator[Message]:
    if after.state is before.state and after.due_at == before.due_at:
        return
    number = after.next_stop
    if after.state is State.RELEASED and number is not None:
        stop = after.stops[number]
        yield Message(
            key=f"{after.movement_id}:{number}:expected:{stop.limit_no}",
            movement_id=after.movement_id,
            kind="truck_expected",
            recipient=f"place:{stop.place_id}",
            facts={
                "movement_id": after.movement_id,
                "due_at": None if stop.due_at is None else stop.due_at.isoformat(),
            },
        )
    elif after.state in {State.HELD, State.DISCREPANCY}:
        since = "" if after.state_since is None else after.state_since.isoformat()
        yield Message(
            key=f"{after.movement_id}:{after.state}:{since}",
            movement_id=after.movement_id,
            kind=f"truck_{after.state}",
            recipient="duty",
            facts={
                "movement_id": after.movement_id,
                "why": after.discrepancy or after.hold,
            },
        )
