"""Who is told when a loop changes: intents for the outbox, one key each."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from closedloop.model import Loop, State

TWO_LANES = "used_in_two_lanes"


class Message(Struct, frozen=True, kw_only=True):
    """`key` makes one message of many tries; `recipient` is `place:ID`, `movement:ID` (its
    driver; whoever sends it looks the telephone number up) or a role.
    """

    key: str
    movement_id: int
    kind: str
    recipient: str
    facts: dict[str, Any]


def messages(before: Loop, after: Loop) -> Iterator[Message]:
    if TWO_LANES in after.flags and TWO_LANES not in before.flags:
        yield Message(
            key=f"{after.movement_id}:{TWO_LANES}",
            movement_id=after.movement_id,
            kind="pass_in_two_lanes",
            recipient="duty",
            facts={"movement_id": after.movement_id},
        )
    if after.state is before.state and after.due_at == before.due_at:
        return
    if (kind := _of_the_pass(before.state, after.state)) is not None:
        yield _to_driver(kind, after)
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


def _of_the_pass(before: State, after: State) -> str | None:
    """What became of the pass itself, if that is what changed."""
    if before is after:
        return None
    if after is State.ISSUED:
        return "pass_reissued" if before is State.VOIDED else None
    return {State.VOIDED: "pass_voided", State.CANCELLED: "pass_cancelled"}.get(after)


def _to_driver(kind: str, loop: Loop) -> Message:
    """Nothing in it that a stranger's telephone should not show: no name, no plate."""
    since = "" if loop.state_since is None else loop.state_since.isoformat()
    facts: dict[str, Any] = {"movement_id": loop.movement_id}
    if kind == "pass_voided":
        facts["reason"] = loop.void_reason
    if loop.window_to is not None:
        facts["window_to"] = loop.window_to.isoformat()
    return Message(
        key=f"{loop.movement_id}:{kind}:{since}",
        movement_id=loop.movement_id,
        kind=kind,
        recipient=f"movement:{loop.movement_id}",
        facts=facts,
    )
