"""A scan as a device sends it, and what its clock is worth."""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from kernel.errors import Unprocessable
from registry.rules import Limits

KINDS = frozenset({"entry", "arrival", "departure", "exit"})
#: A device a day ahead of us has no usable clock at all: it is told, and keeps the scan.
HOPELESS = timedelta(hours=24)
#: A quartz clock that nobody set drifts by less than this share of the time since it was set.
DRIFT = 100e-6
#: What the network and the officer's hand take on a live scan, and what an offset is known to.
LIVE_DOUBT_MS = 0
OFFLINE_DOUBT_MS = 2_000


class DeviceClock(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`monotonic`: ms since the device started; `offset`: ms to add to its time, as last known."""

    monotonic: int = 0
    offset: int = 0


class Override(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: str


class Scan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: UUID
    kind: str
    place_id: int
    occurred_at: datetime
    pass_number: str = ""
    plate: str = ""
    gate: str = ""
    device: str = ""
    sequence: int | None = None
    clock: DeviceClock = DeviceClock()
    offline: bool = False
    plate_seen: str = ""
    code: str = ""
    card_shown: str = ""
    rules_version: int | None = None
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
    corrected = scan.occurred_at + timedelta(milliseconds=scan.clock.offset)
    if corrected > now + HOPELESS:
        raise Unprocessable("occurred_in_future")
    skewed = timedelta(seconds=limits.clock_skew_seconds)
    if not scan.offline:
        flags = ("clock_skew",) if abs(corrected - now) > skewed else ()
        return Moment(at=now, uncertainty_ms=LIVE_DOUBT_MS, flags=flags)
    ahead = corrected > now + skewed
    at = min(corrected, now)
    age = now - at
    stale = age > timedelta(hours=limits.upload_hours)
    return Moment(
        at=at,
        uncertainty_ms=OFFLINE_DOUBT_MS + int(age.total_seconds() * 1000 * DRIFT),
        flags=(*(["clock_skew"] if ahead else []), *(["stale_upload"] if stale else [])),
    )
