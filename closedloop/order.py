"""One order for the events of a movement, the same however and whenever they were delivered.

Events are ordered by when they occurred. A lane's clock may be wrong by more than the gap
between two of its own scans, but it counts them: within one device the sequence decides.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from registry.model import Event


def in_order(events: Iterable[Event]) -> list[Event]:
    """Sorted by time, then each device's events put into its own places by sequence.

    The result depends on the set of events only (invariants I2 and I12).
    """
    ordered = sorted(
        {event.event_id: event for event in events}.values(),
        key=lambda event: (event.occurred_at, event.event_id.bytes),
    )
    places: dict[UUID, list[int]] = defaultdict(list)
    for position, event in enumerate(ordered):
        if event.device_id is not None and event.sequence is not None:
            places[event.device_id].append(position)
    for positions in places.values():
        own = sorted((ordered[p] for p in positions), key=_by_sequence)
        for position, event in zip(positions, own, strict=True):
            ordered[position] = event
    return ordered


def _by_sequence(event: Event) -> tuple[int, bytes]:
    return (event.sequence or 0, event.event_id.bytes)


def uncertain_order(earlier: Event, later: Event) -> bool:
    """Whether the clocks of two devices cannot tell which of two events came first."""
    if earlier.device_id is not None and earlier.device_id == later.device_id:
        return False
    doubt = timedelta(milliseconds=earlier.uncertainty_ms + later.uncertainty_ms)
    return bool(doubt) and later.occurred_at - earlier.occurred_at <= doubt
