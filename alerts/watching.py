"""The system watches itself: jobs that stand still, a canary that is silent, messages that nobody
got. A dead man's switch: each job says when it was at work, and whoever looks sees who has not.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct, convert
from prometheus_client import Gauge

from kernel.db import Connection

#: Without a beat for so long, or for three of its own rounds, a job stands still.
LEAST_STALE = timedelta(seconds=120)
ROUNDS = 3
#: Jobs by which people notice a missing truck, and the seconds between two runs of each.
WATCHED: dict[str, float] = {"sweep": 5, "deliveries": 2, "canary": 60}

JOB_AGE = Gauge("checkpoint_job_age_seconds", "Seconds since a job was last at work", ["job"])
OVERDUE = Gauge("checkpoint_overdue_limits", "Limits that have passed and are open")
SWEEP_LAG = Gauge("checkpoint_sweep_lag_seconds", "How long the oldest due rung has been waiting")
WAITING = Gauge("checkpoint_deliveries_waiting", "Deliveries that are due and not sent")
DEAD = Gauge("checkpoint_deliveries_dead", "Deliveries that nobody got")
CANARY = Gauge("checkpoint_canary_ms", "How long the last canary took; -1 while it is silent")


class Watched(Struct, frozen=True, kw_only=True):
    """What an open look finds. `lag` is how long the oldest due rung has been waiting."""

    overdue: int
    lag: float
    waiting: int
    dead: int


async def beats(conn: Connection) -> dict[str, datetime]:
    """The last sign of life of each job that ever gave one."""
    rows = await conn.fetch("SELECT name, beat_at FROM kernel.heartbeat")
    return {row["name"]: row["beat_at"] for row in rows}


async def standing_still(
    conn: Connection, rounds: Mapping[str, float], now: datetime
) -> dict[str, float]:
    """Jobs without a beat in time: name → seconds since the last one, or infinity. `rounds` are the
    seconds between two runs of each.
    """
    known = await beats(conn)
    ages = {
        name: (now - known[name]).total_seconds() if name in known else float("inf")
        for name in rounds
    }
    return {name: age for name, age in ages.items() if age > allowed(rounds[name])}


def allowed(seconds: float) -> float:
    return max(LEAST_STALE.total_seconds(), ROUNDS * seconds)


async def look(conn: Connection, now: datetime) -> Watched:
    row = await conn.fetchrow(
        """
        SELECT (SELECT count(*) FROM closedloop.deadline
                 WHERE closed_at IS NULL AND flag_at <= $1) AS overdue,
               (SELECT coalesce(extract(epoch FROM $1 - min(next_at))::float8, 0)
                  FROM (SELECT next_at FROM closedloop.deadline
                         WHERE closed_at IS NULL AND next_at <= $1 ORDER BY next_at LIMIT 1) d)
                   AS lag,
               (SELECT count(*) FROM kernel.delivery
                 WHERE sent_at IS NULL AND gave_up_at IS NULL AND next_at <= $1) AS waiting,
               (SELECT count(*) FROM kernel.delivery WHERE gave_up_at IS NOT NULL) AS dead
        """,
        now,
    )
    return convert(dict(row or {}), Watched)


async def measure(conn: Connection, rounds: Mapping[str, float], now: datetime) -> None:
    """Puts what is found where Prometheus reads it."""
    found = await look(conn, now)
    OVERDUE.set(found.overdue)
    SWEEP_LAG.set(found.lag)
    WAITING.set(found.waiting)
    DEAD.set(found.dead)
    for name, at in (await beats(conn)).items():
        if name in rounds:
            JOB_AGE.labels(name).set((now - at).total_seconds())
