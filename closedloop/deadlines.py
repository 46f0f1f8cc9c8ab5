"""Which limits a loop runs against now. Pure; the commit writes them, one sweep reads them."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from closedloop.model import UNDER_WAY, Deadline, Hold, Limb, Loop, State, exit_due

#: A journey's driver can still hurry; for the others a reminder before the limit says nothing.
REMINDED = frozenset({Limb.ARRIVAL, Limb.EXIT})


def open_deadlines(loop: Loop) -> tuple[Deadline, ...]:
    """At most one per limb and stop; what is not among them is closed."""
    return tuple(_open(loop))


def _open(loop: Loop) -> Iterator[Deadline]:
    number = loop.next_stop
    if number is not None and loop.state in UNDER_WAY | {State.DISCREPANCY}:
        stop = loop.stops[number]
        # A truck that was seen where it does not belong has still to arrive where it does.
        waiting = loop.state in UNDER_WAY or stop.arrived_at is None
        if stop.due_at is not None and waiting:
            yield _deadline(loop, Limb.ARRIVAL, stop.due_at, number, stop.limit_no, stop.place_id)
        yield from _claims(loop)
    elif loop.state is State.EXIT_PENDING and (due := exit_due(loop)) is not None:
        yield _deadline(loop, Limb.EXIT, due, len(loop.stops), 1, loop.entry_place_id)
    elif loop.state is State.HELD and loop.hold is not None:
        yield from _held(loop, loop.hold)
    elif loop.state is State.VERIFYING and loop.state_since is not None:
        due = loop.state_since + timedelta(minutes=loop.desk_minutes)
        yield _deadline(loop, Limb.DESK, due, 0, loop.desk_no, loop.entry_place_id)


def _claims(loop: Loop) -> Iterator[Deadline]:
    """A claim (level C) or a discrepancy waits for the firm's word."""
    for number, stop in enumerate(loop.stops):
        since = stop.arrived_at or stop.claimed_at
        if since is not None and not stop.closed:
            due = since + timedelta(minutes=loop.confirm_minutes)
            number_of_limit = max(1, stop.limit_no)
            yield _deadline(loop, Limb.CONFIRMATION, due, number, number_of_limit, stop.place_id)


def _held(loop: Loop, held: Hold) -> Iterator[Deadline]:
    """A hold that passes one of its times is flagged; it never releases itself (mission §6)."""
    here, number = loop.entry_place_id, loop.holds
    if held.approved_at is None:
        yield _deadline(loop, Limb.HOLD, held.review_by, 0, number, here)
    # Whoever was asked to take over is the one to call.
    asked = held.receiver_id or here
    yield _deadline(loop, Limb.TAKEOVER, held.takeover_by, 0, number, asked)
    yield _deadline(loop, Limb.EXPIRY, held.expires_at, 0, number, here)
    if held.appeal_due is not None:
        yield _deadline(loop, Limb.APPEAL, held.appeal_due, 0, loop.appeals, here)


def _deadline(
    loop: Loop,
    limb: Limb,
    due: datetime,
    stop: int,
    limit_no: int,
    place_id: int | None,
) -> Deadline:
    flag_at = max(due, loop.quiet_until or due)
    ahead = loop.ahead_minutes if limb in REMINDED and flag_at == due else 0
    return Deadline(
        stop=stop,
        limb=limb,
        limit_no=limit_no,
        due_at=due,
        flag_at=flag_at,
        next_at=flag_at - timedelta(minutes=ahead),
        place_id=place_id,
    )
