"""What the clock of a camera is worth. Pure."""

from datetime import UTC, datetime, timedelta

from checkpoint.scans import DRIFT, OFFLINE_DOUBT_MS, OLDEST, Moment
from kernel.errors import Unprocessable
from registry.rules import Limits

#: What the network takes where only the receipt is known.
RECEIPT_DOUBT_MS = 2_000
CLOCK_WRONG = "clock_wrong"


def moment(taken_at: datetime, now: datetime, limits: Limits, *, kept: bool) -> Moment:
    """When a reading was taken, as well as can be told, and never after its receipt.

    `kept`: the camera says that it could not send before. A time that no camera can mean (ahead of
    us, years ago, hours ago and yet live) is that of a clock nobody set: then it is the receipt's,
    and flagged. Raises Unprocessable("time_without_zone").
    """
    if taken_at.tzinfo is None:
        raise Unprocessable("time_without_zone")
    skew = timedelta(seconds=limits.clock_skew_seconds)
    said = _in_utc(taken_at)
    if said is None or not _believed(now - said, skew, kept=kept):
        return Moment(at=now, uncertainty_ms=RECEIPT_DOUBT_MS, flags=(CLOCK_WRONG,))
    at = min(said, now)
    age_ms = (now - at).total_seconds() * 1000
    if age_ms <= skew.total_seconds() * 1000:
        return Moment(at=at, uncertainty_ms=RECEIPT_DOUBT_MS, flags=())
    return Moment(at=at, uncertainty_ms=OFFLINE_DOUBT_MS + int(age_ms * DRIFT), flags=())


def _believed(age: timedelta, skew: timedelta, *, kept: bool) -> bool:
    return -skew <= age <= (OLDEST if kept else skew)


def _in_utc(taken_at: datetime) -> datetime | None:
    """None for an hour that no calendar has."""
    try:
        return taken_at.astimezone(UTC)
    except OverflowError:
        return None
