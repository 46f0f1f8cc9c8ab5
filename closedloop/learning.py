"""What completed loops say of the way from a checkpoint to a firm (mission §6: limits are learned,
per pair of places). Late arrivals count, or the limits would learn from the punctual only; trucks
that were sent on, held up by an accident or given more time do not.
"""

from datetime import datetime, timedelta

from msgspec import convert

from closedloop.reporting import Office
from kernel.db import Connection
from registry.learned import Seen, keep_learned
from registry.rules import Limits

#: Older loops tell of other roads.
REACH = timedelta(days=60)
EVERY = timedelta(hours=20)
MARK = "learned"
#: A limit of these was not run down by the road alone.
NOT_THE_ROAD = (
    "diverted", "extended_by_officers", "arrived_too_early", "wrong_plate", "order_uncertain",
)  # fmt: skip


async def learn(conn: Connection, office: Office, now: datetime) -> int:
    """Once a day, by whichever process comes first; how many limits changed."""
    async with conn.transaction():
        if not await _due(conn, now):
            return 0
        world = await office.cache.now(conn)
        limits = world.rules_at(now).limits if world.rule_sets else Limits()
        if not limits.learn_samples:
            return 0
        seen = await completed(conn, now - REACH, limits)
        return await keep_learned(conn, seen, dict(world.learned), limits, now)


async def _due(conn: Connection, now: datetime) -> bool:
    row = await conn.fetchrow(
        """
        INSERT INTO kernel.heartbeat AS h (name, beat_at) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET beat_at = $2 WHERE h.beat_at <= $3
        RETURNING name
        """,
        MARK,
        now,
        now - EVERY,
    )
    return row is not None


async def completed(conn: Connection, since: datetime, limits: Limits) -> list[Seen]:
    """Pairs with enough completed loops, and the minutes within which most of them came."""
    rows = await conn.fetch(
        """
        SELECT origin_id, place_id, count(*) AS samples,
               ceil(percentile_cont($3) WITHIN GROUP (ORDER BY minutes))::int AS within_minutes
          FROM (SELECT l.entry_place_id AS origin_id, (s ->> 'place_id')::bigint AS place_id,
                       extract(epoch FROM (s ->> 'arrived_at')::timestamptz - l.released_at) / 60
                           AS minutes
                  FROM closedloop.loop l, LATERAL (SELECT l.view -> 'stops' -> 0 AS s) first
                 WHERE l.released_at >= $1 AND l.state IN ('discharged', 'exit_pending')
                   AND s ->> 'arrived_at' IS NOT NULL AND s ->> 'level' IN ('A', 'B')
                   AND NOT l.flags && $4::text[]) way
         WHERE minutes > 0
         GROUP BY origin_id, place_id HAVING count(*) >= $2
        """,
        since,
        limits.learn_samples,
        limits.learn_percent / 100,
        list(NOT_THE_ROAD),
    )
    return [convert(dict(row), Seen) for row in rows]
