"""A day of queues and closures, gate by gate, from what the checkpoints told drivers."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from alerts.board_queries import CardCount
from alerts.charts import queue
from closedloop.watching import name_of
from kernel.i18n import t
from registry.gate_notices import Past
from registry.world import World

HOURS = 24
HOUR = timedelta(hours=1)
#: A wait above so many minutes is marked.
WAIT_LIMIT = 30
#: What went through lately: within this hour and the two before it.
LATELY = 3
Gate = tuple[int, str]


class Queue(Struct, frozen=True, kw_only=True):
    """A gate, or a whole place (`gate` is empty). `waits`: the longest of each hour, in minutes;
    `minutes` None: no wait stands now. `closed`: also where the whole place is.
    """

    place_id: int
    gate: str
    name: str
    closed: bool
    until: datetime | None
    minutes: int | None
    said_at: datetime
    waits: tuple[int, ...]
    shut: tuple[bool, ...]
    through: int


def queues(
    told: Iterable[Past],
    counted: Iterable[CardCount],
    world: World,
    first: datetime,
    now: datetime,
) -> list[Queue]:
    """`first`: the hour with which the day begins. Closed ones first, then by their wait."""
    by_gate: defaultdict[Gate, list[Past]] = defaultdict(list)
    for each in told:
        by_gate[each.place_id, each.gate].append(each)
    through = _through(counted, first)
    found = [
        _queue(
            gate,
            # A closure of the whole place is one of each of its lanes.
            [*said, *(each for each in by_gate.get((gate[0], ""), []) if each.kind == "closed")]
            if gate[1]
            else said,
            name_of(world, gate[0]),
            first,
            now,
            through[gate],
        )
        for gate, said in list(by_gate.items())
    ]
    return sorted(found, key=_order)


def _order(each: Queue) -> tuple[bool, int, str, str]:
    """A whole place stands before its lanes."""
    return not each.closed, 0 if each.closed else -(each.minutes or 0), each.name, each.gate


def _through(counted: Iterable[CardCount], first: datetime) -> defaultdict[Gate, int]:
    since = first + (HOURS - LATELY) * HOUR
    found: defaultdict[Gate, int] = defaultdict(int)
    for each in counted:
        if each.hour >= since and not each.desk:
            found[each.place_id, each.gate] += each.n
            if each.gate:
                found[each.place_id, ""] += each.n
    return found


def _queue(
    gate: Gate, said: Sequence[Past], name: str, first: datetime, now: datetime, through: int
) -> Queue:
    standing = [each for each in said if _stands(each, now, now)]
    closed = [each for each in standing if each.kind == "closed"]
    ends = [each.until for each in closed]
    waits = [each for each in standing if each.kind == "wait"]
    hours = [(first + n * HOUR, first + (n + 1) * HOUR) for n in range(HOURS)]
    return Queue(
        place_id=gate[0],
        gate=gate[1],
        name=name,
        closed=bool(closed),
        until=None if None in ends else max((at for at in ends if at), default=None),
        minutes=max((each.minutes or 0 for each in waits), default=None),
        said_at=max(each.said_at for each in standing or said),
        waits=tuple(_longest(said, start, end) for start, end in hours),
        shut=tuple(
            any(each.kind == "closed" and _stands(each, start, end) for each in said)
            for start, end in hours
        ),
        through=through,
    )


def _longest(said: Sequence[Past], start: datetime, end: datetime) -> int:
    return max(
        (each.minutes or 0 for each in said if each.kind == "wait" and _stands(each, start, end)),
        default=0,
    )


def _stands(each: Past, start: datetime, end: datetime) -> bool:
    """At any time from `start` on, before `end`; or at `start`."""
    return (each.said_at < end or each.said_at <= start) and (
        each.over_at is None or each.over_at > start
    )


def closed_now(found: Iterable[Queue]) -> set[Gate]:
    return {(each.place_id, each.gate) for each in found if each.closed}


def queue_row(each: Queue) -> dict[str, Any]:
    """As the page shows it."""
    title = t("ui.board.queues.day", gate=f"{each.name} {each.gate or t('ui.board.whole')}")
    return {
        "name": each.name,
        "gate": each.gate,
        "closed": each.closed,
        "until": each.until if each.closed else None,
        "minutes": each.minutes,
        "long": each.minutes is not None and each.minutes > WAIT_LIMIT,
        "said_at": each.said_at,
        "longest": max(each.waits),
        "shut_hours": sum(each.shut),
        "through": each.through,
        "svg": queue(title, each.waits, each.shut, WAIT_LIMIT),
    }
