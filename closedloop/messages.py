"""Who is told when a loop changes: intents for the outbox, one key each."""

from collections.abc import Iterator
from typing import Any

from closedloop.hold_messages import of_the_hold
from closedloop.message import Message
from closedloop.model import Loop, State

TWO_LANES = "used_in_two_lanes"


def messages(before: Loop, after: Loop) -> Iterator[Message]:
    if TWO_LANES in after.flags and TWO_LANES not in before.flags:
        yield Message(
            key=f"{after.movement_id}:{TWO_LANES}",
            movement_id=after.movement_id,
            kind="pass_in_two_lanes",
            recipient="duty",
            facts={"movement_id": after.movement_id},
        )
    yield from of_the_hold(before, after)
    if after.state is before.state and after.due_at == before.due_at:
        return
    if (kind := _of_the_pass(before.state, after.state)) is not None:
        yield _to_driver(kind, after)
        return
    number = after.next_stop
    if after.state is State.RELEASED and number is not None:
        yield _expected(after, number)
    elif after.state is State.DISCREPANCY:
        yield Message(
            key=f"{after.movement_id}:{after.state}:{_since(after)}",
            movement_id=after.movement_id,
            kind="truck_discrepancy",
            recipient="duty",
            facts={"movement_id": after.movement_id, "why": after.discrepancy},
        )


def _expected(loop: Loop, number: int) -> Message:
    stop = loop.stops[number]
    due = None if stop.due_at is None else stop.due_at.isoformat()
    return Message(
        key=f"{loop.movement_id}:{number}:expected:{stop.limit_no}",
        movement_id=loop.movement_id,
        kind="truck_expected",
        recipient=f"place:{stop.place_id}",
        facts={"movement_id": loop.movement_id, "due_at": due},
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
    facts: dict[str, Any] = {"movement_id": loop.movement_id}
    if kind == "pass_voided":
        facts["reason"] = loop.void_reason
    if loop.window_to is not None:
        facts["window_to"] = loop.window_to.isoformat()
    return Message(
        key=f"{loop.movement_id}:{kind}:{_since(loop)}",
        movement_id=loop.movement_id,
        kind=kind,
        recipient=f"movement:{loop.movement_id}",
        facts=facts,
    )


def _since(loop: Loop) -> str:
    return "" if loop.state_since is None else loop.state_since.isoformat()
