"""The sweep: every limit climbs the ladder, each rung once (mission §7).

In one statement, under a unique key: it may run in any number of processes, be killed at any
moment and miss any number of ticks, and what is due is raised all the same, once. The ticker that
calls it carries no data.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from asyncpg import QueryCanceledError

from closedloop.due import TAKE_DUE, rungs_as_arrays
from kernel.db import Connection
from kernel.jobs import beat
from registry.ladder import LADDER, Does, Rung, Tells

HEARTBEAT = "sweep"
#: So many at a time, so that a backlog of a bad night goes in short transactions.
MOST = 5_000
#: A database that is too slow for so many has fewer to do at once, down to these.
LEAST = 50
#: An arrival that was received in time may be a moment from its commit when its limit passes:
#: whoever sweeps by the clock sweeps this far behind it (invariant I3).
SETTLING = timedelta(seconds=2)
#: What is said on each rung; alerts' catalogue has the words.
KINDS = {
    Does.REMIND: "limit_ahead",
    Does.FLAG: "limit_passed",
    Does.ENQUIRE: "enquiry",
    Does.CALL: "call_needed",
    Does.WATCH: "field_check",
    Does.TRACE: "tracing_asked",
    Does.REFER: "truck_referred",
}

SWEEP = f"""
    WITH {TAKE_DUE}, raised AS (
        INSERT INTO alerts.alert (movement_id, stop, limb, limit_no, step, due_at, raised_at)
        SELECT movement_id, stop, limb, limit_no, step, due_at, $1 FROM climbed
        ON CONFLICT DO NOTHING
        RETURNING movement_id, stop, limb, limit_no, step, due_at
    ), tells AS (
        SELECT limb, step, whom, kind FROM unnest($6::text[], $7::text[], $8::text[], $9::text[])
            AS t (limb, step, whom, kind)
    ), told AS (
        INSERT INTO kernel.outbox (id, key, kind, recipient, facts, created_at, next_at)
        SELECT gen_random_uuid(), concat_ws(':', r.movement_id, r.stop, r.limb, r.limit_no, r.step,
                   nullif(t.whom, 'duty')), t.kind,
               CASE t.whom WHEN 'driver' THEN 'movement:' || r.movement_id
                           WHEN 'firm' THEN 'place:' || c.place_id ELSE t.whom END,
               jsonb_build_object('movement_id', r.movement_id, 'limb', r.limb, 'step', r.step,
                                  'due_at', r.due_at, 'place_id', c.place_id), $1, $1
          FROM raised r
          JOIN climbed c USING (movement_id, stop, limb, limit_no, step)
          JOIN tells t ON t.limb = r.limb AND t.step = r.step
         WHERE t.whom <> 'firm' OR c.place_id IS NOT NULL
        ON CONFLICT (key) DO NOTHING
    )
    SELECT (SELECT count(*) FROM raised) AS raised,
           -- A limit that was only put off to its next rung is worked through as well.
           (SELECT count(*) FROM due) AS taken,
           CASE WHEN EXISTS (SELECT FROM raised) THEN pg_notify('duty', '')::text END AS knock
"""


async def sweep(
    conn: Connection, now: datetime, most: int = MOST, ladder: Sequence[Rung] = LADDER
) -> int:
    """Takes at most `most` limits that came to a rung before `now`; returns how many rungs were
    new. The alert, the messages and the knock on the duty page's door stand or fall together.
    """
    raised, _ = await _sweep(conn, now, most, ladder)
    return raised


async def sweep_all(conn: Connection, now: datetime, ladder: Sequence[Rung] = LADDER) -> int:
    """Until nothing is left; each round is a transaction of its own when none is open. A round that
    takes longer than a statement may is tried with fewer: else it would fail again and for ever,
    and no truck be missed by anybody.
    """
    total, most = 0, MOST
    while True:
        try:
            raised, taken = await _sweep(conn, now, most, ladder)
        except QueryCanceledError:
            if most <= LEAST or conn.is_in_transaction():
                raise
            most = max(most // 4, LEAST)
            continue
        total += raised
        if taken < most:
            return total


async def _sweep(
    conn: Connection, now: datetime, most: int, ladder: Sequence[Rung]
) -> tuple[int, int]:
    arrays = rungs_as_arrays(ladder)
    row = await conn.fetchrow(SWEEP, now, *arrays, most, *_told(ladder))
    await beat(conn, HEARTBEAT, now)
    return (0, 0) if row is None else (row["raised"], row["taken"])


def _told(ladder: Sequence[Rung]) -> tuple[list[str], list[str], list[str], list[str]]:
    """Limb, step, whom, kind of message. A confirmation is the firm's affair: no driver is asked
    for it.
    """
    rows = [
        (limb, rung.step, str(whom), KINDS[rung.does])
        for rung in ladder
        for limb in rung.limbs
        for whom in rung.tells
        if not (limb == "confirmation" and whom is Tells.DRIVER)
    ]
    return (
        [row[0] for row in rows],
        [row[1] for row in rows],
        [row[2] for row in rows],
        [row[3] for row in rows],
    )


async def database_time(conn: Connection) -> datetime:
    """One clock for all schedulers: a process whose own has jumped hurries nobody."""
    return await conn.fetchval("SELECT clock_timestamp()")
