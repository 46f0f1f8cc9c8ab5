"""What the database holds, against what the clients were told."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from closedloop.fold import fold
from closedloop.model import Loop
from kernel.db import Connection, connected
from registry.model import Event
from tests.faults.traffic import Traffic, Write


class Census(Struct, frozen=True, kw_only=True):
    """`doubled`: stored more often than it was meant, under whatever id. `torn`: receipts without
    events, events without receipts, movements without events. `unlike`: loops that are not the
    fold of their events. `early`: stored by a try that was not acknowledged.
    """

    acknowledged: int
    lost: int
    doubled: int
    unanswered: int
    early: int
    torn: int
    unlike: int

    def check(self, traffic: Traffic) -> None:
        said = f"{self} {traffic.figures()}"
        assert self.acknowledged > 0, said
        assert (self.lost, self.doubled, self.torn, self.unlike) == (0, 0, 0, 0), said
        assert (traffic.hung, traffic.wrong) == (0, []), said
        assert not traffic.refusals, said
        assert all(write.acknowledged for write in traffic.writes), said

    def line(self, kills: int, restarts: Sequence[float]) -> str:
        mean = sum(restarts) / len(restarts)
        return (
            f"kills={kills} acked={self.acknowledged} lost={self.lost} doubled={self.doubled} "
            f"unanswered={self.unanswered} of them stored={self.early} "
            f"restart mean={mean:.2f} max={max(restarts):.2f} s"
        )


async def count(dsn: str, traffic: Traffic) -> Census:
    async with connected(dsn) as conn:
        stored = await _stored(conn)
        receipts = {
            str(row[0]) for row in await conn.fetch("SELECT event_id FROM registry.receipt")
        }
        torn = await _torn(conn)
        unlike = await _unlike(conn)
    times: dict[str, datetime] = {str(row["event_id"]): row["received_at"] for row in stored}
    known = Counter(str(row["event_id"]) for row in stored)
    return Census(
        acknowledged=len(traffic.acknowledged),
        lost=sum(known[w.id] < 1 or w.id not in receipts for w in traffic.acknowledged),
        doubled=_doubled(stored, known, traffic.writes),
        unanswered=sum(write.unanswered > 0 for write in traffic.writes),
        early=sum(
            w.unanswered > 0 and w.id in times and times[w.id] < w.sent_at for w in traffic.writes
        ),
        torn=torn,
        unlike=unlike,
    )


async def _stored(conn: Connection) -> Sequence[Any]:
    return await conn.fetch(
        """
        SELECT e.event_id, e.received_at,
               CASE e.kind WHEN 'confirm' THEN e.body ->> 'note'
                           WHEN 'reported' THEN m.origin
                           WHEN 'opened' THEN 'opened ' || m.plate
                           ELSE e.sequence::text END AS mark
          FROM registry.event e JOIN registry.movement m USING (movement_id)
        """
    )


def _doubled(stored: Sequence[Any], known: Counter[str], writes: Sequence[Write]) -> int:
    """By the id, which may stand once over all movements, and by what was meant."""
    marks = Counter(row["mark"] for row in stored)
    meant = {str(write.mark) for write in writes}
    meant |= {f"opened {write.said['plate']}" for write in writes if "plate" in write.said}
    return sum(marks[mark] > 1 for mark in meant) + sum(number > 1 for number in known.values())


async def _torn(conn: Connection) -> int:
    return await conn.fetchval(
        """
        SELECT (SELECT count(*) FROM registry.receipt r
                  FULL JOIN registry.event e USING (event_id, movement_id)
                 WHERE r.event_id IS NULL OR e.event_id IS NULL OR r.body_hash IS NULL
                    OR e.kind IS NULL)
             + (SELECT count(*) FROM registry.movement m
                 WHERE NOT EXISTS (SELECT FROM registry.event e
                                    WHERE e.movement_id = m.movement_id))
             + (SELECT count(*) FROM registry.movement m
                 WHERE NOT EXISTS (SELECT FROM closedloop.loop l
                                    WHERE l.movement_id = m.movement_id))
        """
    )


async def _unlike(conn: Connection) -> int:
    events: defaultdict[int, list[Event]] = defaultdict(list)
    for row in await conn.fetch(
        """
        SELECT movement_id, event_id, kind, occurred_at, received_at, uncertainty_ms, place_id,
               gate, device_id, sequence, offline, actor, body
          FROM registry.event
        """
    ):
        event = msgspec.convert(dict(row), Event)
        events[event.movement_id].append(event)
    loops = {
        row["movement_id"]: msgspec.convert(row["view"], Loop)
        for row in await conn.fetch("SELECT movement_id, view FROM closedloop.loop")
    }
    everywhere = loops.keys() | events.keys()
    return sum(loops.get(known) != fold(known, events[known]) for known in everywhere)
