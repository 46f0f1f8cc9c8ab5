"""Limits that are due, taken once each: the part of the sweep that writes this floor's table.

By state over the whole past: it may run in any number of processes, be killed at any moment and
miss any number of ticks. Rows that somebody else is changing are left for the next time, so that
no sweep ever waits for an arrival, nor an arrival for a sweep.
"""

from collections.abc import Iterable

from registry.ladder import Rung

#: After an outage the ladder is climbed a rung at a time, so that whoever is asked can answer
#: before the police are. What lies closer together than this keeps its distance.
PAUSE_MINUTES = 15

#: To stand behind WITH. $1 is now, $2 to $4 are the rungs (`rungs_as_arrays`), $5 the most rows.
#: `climbed` are the limits that came to a rung, with its `step`.
TAKE_DUE = f"""
    rungs AS (
        SELECT limb, step, minutes FROM unnest($2::text[], $3::text[], $4::int[])
            AS r (limb, step, minutes)
    ), due AS (
        SELECT movement_id, stop, limb, limit_no, flag_at, climbed
          FROM closedloop.deadline
         WHERE closed_at IS NULL AND next_at <= $1
         ORDER BY next_at LIMIT $5
           FOR UPDATE SKIP LOCKED
    ), found AS (
        SELECT d.*, r.step, r.minutes, n.minutes AS after,
               d.flag_at + r.minutes * interval '1 minute' <= $1 AS reached
          FROM due d
          LEFT JOIN LATERAL (
              SELECT step, minutes FROM rungs
               WHERE limb = d.limb AND minutes > coalesce(d.climbed, -100000)
                 -- A reminder after the limit is none.
                 AND (minutes >= 0 OR d.flag_at > $1)
               ORDER BY minutes LIMIT 1) r ON true
          LEFT JOIN LATERAL (
              SELECT minutes FROM rungs WHERE limb = d.limb AND minutes > r.minutes
               ORDER BY minutes LIMIT 1) n ON true
    ), moved AS (
        UPDATE closedloop.deadline d
           SET climbed = CASE WHEN f.reached THEN f.minutes ELSE d.climbed END,
               next_at = CASE
                   WHEN NOT f.reached THEN f.flag_at + f.minutes * interval '1 minute'
                   WHEN f.after IS NULL THEN NULL
                   WHEN f.minutes < 0 THEN f.flag_at + f.after * interval '1 minute'
                   ELSE greatest(
                       f.flag_at + f.after * interval '1 minute',
                       $1 + least(f.after - f.minutes, {PAUSE_MINUTES}) * interval '1 minute') END
          FROM found f
         WHERE d.movement_id = f.movement_id AND d.stop = f.stop AND d.limb = f.limb
           AND d.limit_no = f.limit_no
        RETURNING d.movement_id, d.stop, d.limb, d.limit_no, d.due_at, d.place_id, f.step,
                  f.reached
    ), climbed AS (
        SELECT movement_id, stop, limb, limit_no, due_at, place_id, step FROM moved WHERE reached
    )"""


def rungs_as_arrays(ladder: Iterable[Rung]) -> tuple[list[str], list[str], list[int]]:
    """Limbs, steps and minutes, a row for each limb of a rung."""
    rows = [(limb, rung.step, rung.minutes) for rung in ladder for limb in rung.limbs]
    return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]
