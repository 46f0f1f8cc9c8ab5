"""The fold of a hold: on whose word, approved, handed over, appealed against (mission §4).

What is said of a hold names it, so that a late word about one never changes another.
"""

from datetime import timedelta

from msgspec.structs import replace

from closedloop.arrival import with_flag
from closedloop.model import Hold, Loop, State
from closedloop.steps import to
from registry.model import Event

#: For holds that say nothing of their times (mission §6).
MINUTES = {"review_minutes": 30, "takeover_minutes": 60, "expiry_minutes": 240}
APPEAL_MINUTES = 60
RULES = "rules"


def hold(loop: Loop, event: Event) -> Loop:
    """No hold without a source (invariant I11): such an event is kept, and does nothing."""
    source, reason = event.body.get("source"), event.body.get("reason")
    if not source or not reason:
        return with_flag(loop, "hold_without_source")
    if loop.state in {State.DISCHARGED, State.TRANSFERRED}:
        return with_flag(loop, "hold_after_end")
    if loop.state is State.HELD and loop.hold is not None:
        return replace(loop, hold=_also(loop.hold, f"{source} · {reason}"))
    begun = replace(loop, hold=_begun(event, str(source), str(reason)), holds=loop.holds + 1)
    return to(begun, State.HELD, event)


def _also(held: Hold, more: str) -> Hold:
    """A second word does not begin the hold anew: its times run on, and its approval stands."""
    if more in {f"{held.source} · {held.reason}", *held.also}:
        return held
    return replace(held, also=(*held.also, more))


def _begun(event: Event, source: str, reason: str) -> Hold:
    review, takeover, expiry = (
        event.occurred_at + timedelta(minutes=int(event.body.get(name, usual)))
        for name, usual in MINUTES.items()
    )
    person = event.body.get("person")
    return Hold(
        id=event.event_id,
        source=source,
        reason=reason,
        since=event.occurred_at,
        # What the rules ordered is nobody's to take back.
        by=RULES if event.kind == "entry" else event.actor,
        person=None if person is None else int(person),
        review_by=review,
        takeover_by=takeover,
        expires_at=expiry,
        appeal_minutes=int(event.body.get("appeal_minutes", APPEAL_MINUTES)),
    )


def concerns(held: Hold, event: Event) -> bool:
    """An event that names no hold means the one that stands."""
    return event.body.get("hold") in {None, str(held.id)}


def without_hold(loop: Loop, event: Event) -> Loop:
    """A truck that is let go is held no longer; what was said of the hold is kept."""
    if loop.hold is None:
        return loop
    ended = _ended(loop.hold, event, str(event.body.get("reason") or ""))
    return replace(loop, hold=None, ended_holds=(*loop.ended_holds, ended))


def approve(loop: Loop, event: Event) -> Loop:
    if (held := _standing(loop, event)) is None:
        return with_flag(loop, "other_hold")
    if held.by == event.actor:
        return with_flag(loop, "approved_by_its_holder")
    if held.approved_at is not None:
        return loop
    return _with(loop, held, approved_by=event.actor, approved_at=event.occurred_at)


def ask_receiver(loop: Loop, event: Event) -> Loop:
    """Somebody is asked to take over; the truck is still held here."""
    if (held := _standing(loop, event)) is None:
        return with_flag(loop, "other_hold")
    return _with(loop, held, receiver_id=int(event.body["receiver"]), asked_at=event.occurred_at)


def transfer(loop: Loop, event: Event) -> Loop:
    """The receiving body says that it has taken over."""
    held = loop.hold
    if loop.state is not State.HELD or held is None:
        return with_flag(loop, "transfer_without_hold")
    if not concerns(held, event):
        return with_flag(loop, "other_hold")
    if held.approved_at is None:
        loop = with_flag(loop, "transferred_unapproved")
    ended = _ended(held, event, str(event.body.get("reference") or ""))
    return to(replace(loop, hold=ended), State.TRANSFERRED, event)


def appeal(loop: Loop, event: Event) -> Loop:
    if (held := _standing(loop, event)) is None:
        return with_flag(loop, "other_hold")
    if held.appeal_waits:
        return loop
    loop = replace(loop, appeals=loop.appeals + 1)
    return _with(
        loop,
        held,
        grounds=str(event.body.get("grounds", "")),
        appealed_at=event.occurred_at,
        appeal_due=event.occurred_at + timedelta(minutes=held.appeal_minutes),
        dismissed_for="",
        dismissed_at=None,
    )


def dismiss(loop: Loop, event: Event) -> Loop:
    """An appeal is answered, and the hold stands; a release answers it by itself."""
    if (held := _standing(loop, event)) is None:
        return with_flag(loop, "other_hold")
    if event.actor in {held.by, held.approved_by}:
        return with_flag(loop, "appeal_judged_by_its_holder")
    why = str(event.body.get("reason", ""))
    return _with(loop, held, appeal_due=None, dismissed_for=why, dismissed_at=event.occurred_at)


def _standing(loop: Loop, event: Event) -> Hold | None:
    held = loop.hold
    if loop.state is not State.HELD or held is None or not concerns(held, event):
        return None
    return held


def _with(loop: Loop, held: Hold, **changes: object) -> Loop:
    return replace(loop, hold=replace(held, **changes))


def _ended(held: Hold, event: Event, why: str) -> Hold:
    return replace(
        held,
        ended_at=event.occurred_at,
        ended_by=event.actor,
        ended_for=why,
        appeal_due=None,
    )


STEPS = {
    "hold": hold,
    "hold_approved": approve,
    "hold_transfer": ask_receiver,
    "transferred": transfer,
    "hold_appealed": appeal,
    "hold_dismissed": dismiss,
}
