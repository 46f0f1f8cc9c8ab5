"""The sweep: every limit that has passed is flagged once (mission §7, L1).

By state over the whole past, in one statement, under a unique key: it may run in any number of
processes, be killed at any moment and miss any number of ticks, and what is due is flagged all
the same, once. The ticker that calls it carries no data.
"""

from datetime import datetime, timedelta

from kernel.db import Connection

HEARTBEAT = "sweep"
#: So many at a time, so that a backlog of a bad night goes in short transactions.
MOST = 20_000
#: An arrival that was received in time may be a moment from its commit when its limit passes:
#: whoever sweeps by the clock sweeps this far behind it (invariant I3).
SETTLING = timedelta(seconds=2)


async def sweep(conn: Connection, now: datetime, most: int = MOST) -> int:
    """Flags at most `most` limits that passed before `now`; returns how many were new.

    The alert, the message and the knock on the duty page's door stand or fall together.
    One order of all rows: two sweeps at once wait for each other, and never in a circle.
    """
    row = await conn.fetchrow(
        """
        WITH due AS (
            SELECT d.movement_id, d.stop, d.limb, d.limit_no, d.due_at, d.place_id
              FROM closedloop.deadline d
              LEFT JOIN alerts.alert a
                ON a.movement_id = d.movement_id AND a.stop = d.stop AND a.limb = d.limb
               AND a.limit_no = d.limit_no AND a.step = 'L1'
             WHERE d.closed_at IS NULL AND d.flag_at <= $1 AND a.movement_id IS NULL
             ORDER BY d.flag_at, d.movement_id, d.stop, d.limb, d.limit_no LIMIT $2
        ), flagged AS (
            INSERT INTO alerts.alert (movement_id, stop, limb, limit_no, step, due_at, raised_at)
            SELECT movement_id, stop, limb, limit_no, 'L1', due_at, $1 FROM due
            ON CONFLICT DO NOTHING
            RETURNING movement_id, stop, limb, limit_no, due_at
        ), told AS (
            INSERT INTO kernel.outbox (id, key, kind, recipient, facts, created_at, next_at)
            SELECT gen_random_uuid(),
                   concat_ws(':', movement_id, stop, limb, limit_no, 'L1'), 'limit_passed', 'duty',
                   jsonb_build_object('movement_id', movement_id, 'limb', limb, 'due_at', due_at),
                   $1, $1
              FROM flagged
            ON CONFLICT (key) DO NOTHING
        )
        SELECT count(*) AS flagged,
               CASE WHEN count(*) > 0 THEN pg_notify('duty', '')::text END AS knock
          FROM flagged
        """,
        now,
        most,
    )
    await _beat(conn, now)
    return 0 if row is None else row["flagged"]


async def sweep_all(conn: Connection, now: datetime) -> int:
    """Until nothing is left; each round is a transaction of its own when none is open."""
    total = 0
    while flagged := await sweep(conn, now):
        total += flagged
        if flagged < MOST:
            break
    return total


async def _beat(conn: Connection, now: datetime) -> None:
    await conn.execute(
        """
        INSERT INTO kernel.heartbeat AS h (name, beat_at) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET beat_at = greatest(h.beat_at, excluded.beat_at)
        """,
        HEARTBEAT,
        now,
    )
