"""Who is told of a hold: the duty desk, the body that is to take over, and whoever is held."""

from collections.abc import Iterator

from closedloop.message import Message
from closedloop.model import Hold, Loop, State


def of_the_hold(before: Loop, after: Loop) -> Iterator[Message]:
    """One message for each thing that became of it. To drivers no name, no plate, no source."""
    was, held = before.hold, after.hold
    if held is None:
        if was is not None and after.state is not State.CLOSED_BY_OFFICER:
            yield _told(after, was, "hold_released", f"movement:{after.movement_id}")
        return
    if was is None or was.id != held.id:
        yield _told(after, held, "truck_held", "duty", why=_words(held))
        yield _told(after, held, "hold_begun", f"movement:{after.movement_id}")
        return
    if held.receiver_id not in {None, was.receiver_id}:
        to = f"place:{held.receiver_id}"
        yield _told(after, held, f"hold_transfer:{held.receiver_id}", to)
    if held.ended_at is not None and was.ended_at is None:
        yield _told(after, held, "hold_taken_over", "duty")
    if held.appealed_at != was.appealed_at:
        yield _told(after, held, f"hold_appealed:{after.appeals}", "duty", grounds=held.grounds)
    if held.dismissed_at not in {None, was.dismissed_at}:
        to = f"movement:{after.movement_id}"
        yield _told(after, held, f"hold_stands:{after.appeals}", to)


def _words(held: Hold) -> dict[str, str]:
    return {"source": held.source, "reason": held.reason}


def _told(loop: Loop, held: Hold, what: str, recipient: str, **facts: object) -> Message:
    """`what` is the kind, and after a colon which of several of that kind it is."""
    return Message(
        key=f"{loop.movement_id}:{what}:{held.id}",
        movement_id=loop.movement_id,
        kind=what.partition(":")[0],
        recipient=recipient,
        facts={"movement_id": loop.movement_id, "hold": str(held.id)} | facts,
    )
