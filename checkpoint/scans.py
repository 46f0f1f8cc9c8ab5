"""A scan as a device sends it, and what its clock is worth."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from closedloop.acts import Number, Text
from kernel.errors import Unprocessable
from registry.rules import Limits

KINDS = frozenset({"entry", "arrival", "departure", "exit"})
#: A device a day ahead of us has no usable clock at all: it is told, and keeps the scan.
HOPELESS = timedelta(hours=24)
#: No device keeps a scan for longer: a time before this is that of a clock which was never set.
OLDEST = timedelta(days=366)
#: A quartz clock that nobody set drifts by less than this share of the time since it was set.
DRIFT = 100e-6
#: What the network and the officer's hand take on a live scan, and what an offset is known to.
LIVE_DOUBT_MS = 0
OFFLINE_DOUBT_MS = 2_000


class DeviceClock(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`monotonic`: ms since the device started; `offset`: ms to add to its time, as last known."""

    monotonic: Number = 0
    offset: Number = 0


class Override(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Text


#: A lane's reader sends whatever stands in a code: the longest QR code has 4,296 characters.
Read = Annotated[str, Meta(max_length=5000)]


class Scan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: UUID
    kind: str
    place_id: Number
    occurred_at: datetime
    pass_number: Read = ""
    plate: Text = ""
    gate: Text = ""
    device: Text = ""
    sequence: Number | None = None
    clock: DeviceClock = DeviceClock()
    offline: bool = False
    plate_seen: Text = ""
    code: Text = ""
    card_shown: Text = ""
    rules_version: Number | None = None
    override: Override | None = None


class Moment(Struct, frozen=True, kw_only=True):
    at: datetime
    uncertainty_ms: int
    flags: tuple[str, ...]


def moment(scan: Scan, now: datetime, limits: Limits) -> Moment:
    """When a scan occurred, as well as can be told (mission §3, rule 2).

    A live scan occurred when it reached us, whatever the device's clock says. An uploaded one
    occurred at the device's time put right by the last offset, never after its receipt, and is
    uncertain by the drift since then. Raises Unprocessable("occurred_in_future",
    "time_without_zone").
    """
    if scan.occurred_at.tzinfo is None:
        raise Unprocessable("time_without_zone")
    corrected = _corrected(scan, now)
    if corrected > now + HOPELESS:
        raise Unprocessable("occurred_in_future")
    skewed = timedelta(seconds=limits.clock_skew_seconds)
    if not scan.offline:
        flags = ("clock_skew",) if abs(corrected - now) > skewed else ()
        return Moment(at=now, uncertainty_ms=LIVE_DOUBT_MS, flags=flags)
    ahead = corrected > now + skewed
    at = max(min(corrected, now), now - OLDEST)
    age = now - at
    stale = age > timedelta(hours=limits.upload_hours)
    return Moment(
        at=at,
        uncertainty_ms=OFFLINE_DOUBT_MS + int(age.total_seconds() * 1000 * DRIFT),
        flags=(
            *(["clock_skew"] if ahead or at > corrected else []),
            *(["stale_upload"] if stale else []),
        ),
    )


def _corrected(scan: Scan, now: datetime) -> datetime:
    """An hour that no calendar has is that of a clock which was never set."""
    try:
        return (scan.occurred_at + timedelta(milliseconds=scan.clock.offset)).astimezone(UTC)
    except OverflowError:
        ahead = scan.clock.offset > 0 or scan.occurred_at.year > now.year
        return now + 2 * HOPELESS if ahead else now - 2 * OLDEST
