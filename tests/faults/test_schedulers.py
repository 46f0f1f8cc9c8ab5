"""Several schedulers that are killed at any moment flag every limit once; and the check can fail.

CHECKPOINT_FAULT_KILLS, CHECKPOINT_FAULT_LIMITS and CHECKPOINT_FAULT_LADDER make a longer run.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import asyncpg
import pytest

from tests.support import REPOSITORY, run_on

KILLS = int(os.environ.get("CHECKPOINT_FAULT_KILLS", "8"))
LIMITS = int(os.environ.get("CHECKPOINT_FAULT_LIMITS", "2400"))
#: So many limits climb the whole ladder.
LADDER = int(os.environ.get("CHECKPOINT_FAULT_LADDER", str(LIMITS // 2)))
#: So many limits pass at the same moment, and a moment is this long.
AT_ONCE, MOMENT = 40, 0.12
#: The last of them passes so late, and a hundred thousand take a while to write.
PATIENCE = 30.0 + LIMITS / AT_ONCE * MOMENT + max(LIMITS, LADDER) / 1000

#: An insert that takes its time: a kill falls into the middle of it, and two of them meet.
SLOWLY = """
CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(0.001); RETURN NEW; END $$;
CREATE TRIGGER slowly BEFORE INSERT ON alerts.alert FOR EACH ROW EXECUTE FUNCTION slowly()
"""


class Sweepers:
    """Scheduler processes; only those that were started here are ever ended."""

    def __init__(self, dsn: str, count: int, kind: str, warp: float) -> None:
        self._said = (dsn, kind, str(warp))
        self.running = [self._start() for _ in range(count)]
        for process in self.running:
            self._wait_until_ready(process)

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.faults.sweeper", *self._said],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
        )

    @staticmethod
    def _wait_until_ready(process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

    def kill_one(self, random: Random) -> None:
        number = random.randrange(len(self.running))
        killed, self.running[number] = self.running[number], self._start()
        self._end([killed])
        self._wait_until_ready(self.running[number])

    def pause_one(self, random: Random, seconds: float) -> None:
        """It stands still in the middle of whatever it does, and then goes on with it."""
        paused = random.choice(self.running)
        paused.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        paused.send_signal(signal.SIGCONT)

    @staticmethod
    def _end(processes: list[subprocess.Popen[str]]) -> None:
        failed = [process.pid for process in processes if process.poll() is not None]
        for process in processes:
            process.kill()
            process.communicate()
        assert failed == [], "a scheduler ended by itself"

    def end(self) -> None:
        self._end(self.running)


@contextmanager
def sweepers(dsn: str, count: int, kind: str = "ours", warp: float = 1) -> Iterator[Sweepers]:
    started = Sweepers(dsn, count, kind, warp)
    try:
        yield started
    finally:
        started.end()


def fall_due(dsn: str, limits: int) -> None:
    """Limits of as many movements; they pass in groups, one moment after the other, from now."""
    statement = f"""
        INSERT INTO closedloop.deadline (movement_id, stop, limb, limit_no, due_at, flag_at, next_at)
        SELECT 4102000000000 + n, 0, 'arrival', 1, at, at, at
          FROM generate_series(1, {limits}) AS n,
               LATERAL (SELECT clock_timestamp() + n / {AT_ONCE} * {MOMENT} * interval '1 second'
                            AS at) AS moments
         ORDER BY random()
    """
    asyncio.run(run_on(dsn, statement))


async def _counts(dsn: str) -> dict[str, float]:
    conn = await asyncpg.connect(dsn)
    row = await conn.fetchrow(
        """
        SELECT (SELECT count(*) FROM closedloop.deadline) AS due,
               count(*) AS flagged, count(DISTINCT movement_id) AS movements,
               (SELECT count(DISTINCT facts ->> 'movement_id') FROM kernel.outbox) AS told,
               (SELECT count(*) FROM kernel.outbox) AS messages,
               coalesce(percentile_cont(0.99) WITHIN GROUP
                   (ORDER BY extract(epoch FROM raised_at - due_at)), 0)::float8 AS p99
          FROM alerts.alert
        """
    )
    await conn.close()
    assert row is not None
    return {name: float(value) for name, value in row.items()}


def wait_until_flagged(dsn: str) -> None:
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        counts = asyncio.run(_counts(dsn))
        if counts["movements"] == counts["due"]:
            return
        time.sleep(0.2)


def check_each_flagged_once(dsn: str) -> dict[str, float]:
    """Raises AssertionError when a limit was missed or flagged, or told, more than once."""
    counts = asyncio.run(_counts(dsn))
    missed = counts["due"] - counts["movements"]
    doubled = counts["flagged"] - counts["movements"]
    assert (missed, doubled) == (0, 0)
    assert counts["told"] == counts["messages"] == counts["due"]
    return counts


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 3])
def test_schedulers_that_are_killed_flag_every_limit_once(cloned: str, count: int) -> None:
    random = Random(count)
    asyncio.run(run_on(cloned, SLOWLY))
    with sweepers(cloned, count) as running:
        fall_due(cloned, LIMITS)
        for _ in range(KILLS):
            time.sleep(random.uniform(0, 0.4))
            running.kill_one(random)
        wait_until_flagged(cloned)
    counts = check_each_flagged_once(cloned)
    print(
        f"schedulers: processes={count} kills={KILLS} limits={counts['due']:.0f} missed=0 doubled=0 "
        f"p99={counts['p99']:.2f}s"
    )


def race(dsn: str, kind: str) -> None:
    """Three schedulers meet over the same limits. The naive ones read what is due and then write
    it, into a table whose key would refuse the second flag.
    """
    asyncio.run(run_on(dsn, SLOWLY))
    if kind == "naive":
        asyncio.run(run_on(dsn, "ALTER TABLE alerts.alert DROP CONSTRAINT alert_pkey"))
    with sweepers(dsn, 3, kind):
        fall_due(dsn, 400)
        wait_until_flagged(dsn)
        time.sleep(0.5)


# ── the whole ladder ──

#: So much faster passes the ladder's time, and it is climbed to its fifth rung. Many limits pass
#: more slowly: a reminder after its limit is none, and a clock that outruns the sweep leaves none.
WARP = min(1200.0, 6_000_000 / LADDER)
CLIMBED = ("L0", "L1", "L2", "L3", "L4", "L5")
LAST = 240


def set_out(dsn: str, limits: int) -> None:
    """Limits that pass within the first hour of a warped clock that begins now."""
    statement = f"""
        INSERT INTO kernel.heartbeat (name, beat_at) VALUES ('warp', clock_timestamp());
        INSERT INTO closedloop.deadline
               (movement_id, stop, limb, limit_no, due_at, flag_at, next_at, place_id)
        SELECT 4102000000000 + n, 0, 'arrival', 1, at, at, at - interval '30 minutes', 1
          FROM generate_series(1, {limits}) AS n,
               LATERAL (SELECT clock_timestamp() + interval '40 minutes'
                               + n * interval '1 hour' / {limits} AS at) AS moments
         ORDER BY random()
    """
    asyncio.run(run_on(dsn, statement))


async def _steps(dsn: str) -> dict[str, tuple[int, int]]:
    """Step → how many rows, of how many movements."""
    conn = await asyncpg.connect(dsn)
    rows = await conn.fetch(
        """
        SELECT step, count(*) AS rows, count(DISTINCT movement_id) AS movements
          FROM alerts.alert GROUP BY step
        """
    )
    await conn.close()
    return {row["step"]: (row["rows"], row["movements"]) for row in rows}


async def _out_of_order(dsn: str) -> tuple[int, int]:
    """Rungs that came before one below them, and messages whose key stands twice."""
    conn = await asyncpg.connect(dsn)
    early = await conn.fetchval(
        """
        SELECT count(*) FROM alerts.alert a JOIN alerts.alert b USING (movement_id)
         WHERE a.step < b.step AND a.raised_at > b.raised_at
        """
    )
    twice = await conn.fetchval("SELECT count(*) - count(DISTINCT key) FROM kernel.outbox")
    await conn.close()
    return early, twice


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 5])
def test_each_rung_of_the_ladder_comes_once_whoever_is_killed_or_stopped(
    cloned: str, count: int
) -> None:
    random = Random(count)
    limits = LADDER
    with sweepers(cloned, count, warp=WARP) as running:
        set_out(cloned, limits)
        ends = time.monotonic() + (40 + 60 + LAST) * 60 / WARP + PATIENCE
        wanted = dict.fromkeys(CLIMBED, (limits, limits))
        kills = pauses = 0
        while (steps := asyncio.run(_steps(cloned))) != wanted and time.monotonic() < ends:
            if random.random() < 0.5:
                running.pause_one(random, random.uniform(0, 0.6))
                pauses += 1
            else:
                running.kill_one(random)
                kills += 1
            time.sleep(random.uniform(0, 0.5))
    assert steps == wanted
    assert asyncio.run(_out_of_order(cloned)) == (0, 0)
    print(
        f"ladder: processes={count} kills={kills} pauses={pauses} limits={limits} "
        f"rungs={len(CLIMBED)} missed=0 doubled=0"
    )


def test_a_scheduler_that_believes_a_clock_that_jumps_is_found(cloned: str) -> None:
    """Limits that pass in an hour: ours raise nothing in a second, whatever their clocks say."""
    ahead = """
        INSERT INTO closedloop.deadline
               (movement_id, stop, limb, limit_no, due_at, flag_at, next_at)
        SELECT n, 0, 'arrival', 1, at, at, at
          FROM generate_series(1, 50) AS n,
               LATERAL (SELECT clock_timestamp() + interval '1 hour' AS at) AS moments
    """
    asyncio.run(run_on(cloned, ahead))
    flagged: dict[str, float] = {}
    for kind in ("ours", "own-clock"):
        with sweepers(cloned, 2, kind):
            time.sleep(1)
        flagged[kind] = asyncio.run(_counts(cloned))["flagged"]
    assert flagged["ours"] == 0 < flagged["own-clock"]
