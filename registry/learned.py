"""Arrival limits learned from completed loops, per pair of places: kept by version, so that every
limit can be explained by what was known when it was fixed.
"""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct, convert

from kernel.db import Connection
from registry.rules import Limits

#: A change of fewer minutes makes no new version: limits should not flicker.
LEAST_CHANGE = 5


class Learned(Struct, frozen=True, kw_only=True):
    """`percent` of `samples` completed loops arrived within `within_minutes`; the limit is that
    with the rule set's extra, between its floor and its cap.
    """

    origin_id: int
    place_id: int
    version: int
    minutes: int
    samples: int
    percent: int
    within_minutes: int
    learned_at: datetime


class Seen(Struct, frozen=True, kw_only=True):
    """What completed loops of one pair say."""

    origin_id: int
    place_id: int
    samples: int
    within_minutes: int


def learned_minutes(within: int, limits: Limits) -> int:
    """Never below the floor and never above the cap of the fixed rule (mission §6)."""
    return min(
        max(within + limits.learn_extra_minutes, limits.arrival_min_minutes),
        limits.arrival_max_minutes,
    )


async def learned_limits(conn: Connection) -> dict[tuple[int, int], Learned]:
    """The newest version of each pair."""
    rows = await conn.fetch(
        """
        SELECT DISTINCT ON (origin_id, place_id)
               origin_id, place_id, version, minutes, samples, percent, within_minutes, learned_at
          FROM registry.learned_limit ORDER BY origin_id, place_id, version DESC
        """
    )
    found = [convert(dict(row), Learned) for row in rows]
    return {(each.origin_id, each.place_id): each for each in found}


async def learned_version(
    conn: Connection, origin_id: int, place_id: int, version: int
) -> Learned | None:
    """By which a limit was fixed, whatever was learned since."""
    row = await conn.fetchrow(
        """
        SELECT origin_id, place_id, version, minutes, samples, percent, within_minutes, learned_at
          FROM registry.learned_limit
         WHERE (origin_id, place_id, version) = ($1, $2, $3)
        """,
        origin_id,
        place_id,
        version,
    )
    return None if row is None else convert(dict(row), Learned)


async def keep_learned(
    conn: Connection,
    seen: Sequence[Seen],
    known: dict[tuple[int, int], Learned],
    limits: Limits,
    now: datetime,
) -> int:
    """How many limits are new or changed by enough to matter."""
    fresh = [each for each in seen if _differs(each, known, limits)]
    await conn.executemany(
        """
        INSERT INTO registry.learned_limit
               (origin_id, place_id, version, minutes, samples, percent, within_minutes, learned_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING
        """,
        [
            (
                each.origin_id,
                each.place_id,
                _version(known.get((each.origin_id, each.place_id))) + 1,
                learned_minutes(each.within_minutes, limits),
                each.samples,
                limits.learn_percent,
                each.within_minutes,
                now,
            )
            for each in fresh
        ],
    )
    return len(fresh)


def _differs(each: Seen, known: dict[tuple[int, int], Learned], limits: Limits) -> bool:
    before = known.get((each.origin_id, each.place_id))
    minutes = learned_minutes(each.within_minutes, limits)
    return before is None or abs(minutes - before.minutes) >= LEAST_CHANGE


def _version(known: Learned | None) -> int:
    return 0 if known is None else known.version
