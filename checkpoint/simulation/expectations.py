"""What the simulator itself knows that the city should know now, and where the city differs.

The simulator was there when everything happened. It has no part in the service's own reading of
events: each story says how it ends.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from msgspec import Struct

#: The time from the gate to the firm: road time × 1.5 + 30 min, at least an hour, at most six.
LIMIT_FACTOR, LIMIT_EXTRA, LIMIT_LEAST, LIMIT_MOST = 1.5, 30, 60, 360


def limit(road_minutes: int) -> timedelta:
    minutes = road_minutes * LIMIT_FACTOR + LIMIT_EXTRA
    return timedelta(minutes=int(min(max(minutes, LIMIT_LEAST), LIMIT_MOST)))


class Expected(Struct, frozen=True, kw_only=True):
    """`events`: how many distinct things were sent about this movement. `cards`: scan id → card
    at a lane. `alerts`: limbs of which an alert is open now.
    """

    story: str
    movement_id: int
    state: str
    late: bool
    events: int
    cards: Mapping[str, str]
    alerts: frozenset[str] = frozenset()


class Observed(Struct, frozen=True, kw_only=True):
    """The same, as lists, histories and alerts of the server have it."""

    state: str
    listed_state: str
    late: bool
    events: int
    cards: Mapping[str, str]
    alerts: frozenset[str] = frozenset()


def differences(expected: Sequence[Expected], seen: Mapping[int, Observed]) -> list[str]:
    """One line for each movement of which the city knows something else."""
    return [line for each in expected if (line := _difference(each, seen.get(each.movement_id)))]


def _difference(expected: Expected, seen: Observed | None) -> str:
    head = f"{expected.story} {expected.movement_id}: "
    if seen is None:
        return head + "is not known to the city"
    pairs = (
        ("state", expected.state, seen.state),
        ("state in the list", expected.state, seen.listed_state),
        ("late", expected.late, seen.late),
        ("events", expected.events, seen.events),
        ("cards", dict(expected.cards), dict(seen.cards)),
        ("open alerts", sorted(expected.alerts), sorted(seen.alerts)),
    )
    found = [f"{name} {theirs}, expected {ours}" for name, ours, theirs in pairs if ours != theirs]
    return head + "; ".join(found) if found else ""


def states(expected: Iterable[Expected]) -> Counter[str]:
    return Counter(each.state for each in expected)


def cards(expected: Iterable[Expected]) -> Counter[str]:
    return Counter(card for each in expected for card in each.cards.values())
