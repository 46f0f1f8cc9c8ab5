"""Since when each part of the service works, or does not: a row for each change, written once by
whichever process notices first. What nobody could write while all were away is written by the
first that is back, from the last sign of life.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct, convert

from kernel.db import Connection

KEPT = timedelta(days=30)
#: A page shows a week; a part cannot change more often than every two minutes.
MOST_CHANGES = 500
_LOCK = 0x5E4_71CE


class Change(Struct, frozen=True, kw_only=True):
    part: str
    works: bool
    since: datetime


class Outage(Struct, frozen=True, kw_only=True):
    """`ended` is None while it lasts."""

    part: str
    began: datetime
    ended: datetime | None


async def note_states(
    conn: Connection, found: Iterable[Change], away_since: datetime | None, now: datetime
) -> int:
    """How many changes were new. `away_since`: the last sign of life, where there was none for too
    long; then nothing worked until now, whatever works again. Runs in the caller's transaction.
    """
    await conn.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
    known = await _latest(conn)
    made = [
        change
        for each in found
        for change in news(known.get(each.part), each, away_since=away_since, now=now)
    ]
    for each in made:
        await conn.execute(
            """
            INSERT INTO kernel.service_state (part, works, since) VALUES ($1, $2, $3)
            ON CONFLICT DO NOTHING
            """,
            each.part,
            each.works,
            each.since,
        )
    if made:
        await _forget(conn, now)
    return len(made)


def news(
    last: Change | None, found: Change, *, away_since: datetime | None, now: datetime
) -> list[Change]:
    """What is to be written; the first row of a part is of when it first worked."""
    if last is None:
        return [found] if found.works else []
    made: list[Change] = []
    works = last.works
    if works and away_since is not None and away_since > last.since:
        made.append(Change(part=found.part, works=False, since=away_since))
        works = False
    if found.works != works:
        since = found.since if found.since > last.since else now
        made.append(Change(part=found.part, works=found.works, since=since))
    return made


async def _latest(conn: Connection) -> dict[str, Change]:
    rows = await conn.fetch(
        """
        SELECT DISTINCT ON (part) part, works, since FROM kernel.service_state
         ORDER BY part, since DESC
        """
    )
    return {row["part"]: convert(dict(row), Change) for row in rows}


async def _forget(conn: Connection, now: datetime) -> None:
    await conn.execute(
        """
        DELETE FROM kernel.service_state AS old
         WHERE since < $1 AND EXISTS (SELECT FROM kernel.service_state AS young
                                       WHERE young.part = old.part AND young.since > old.since
                                         AND young.since < $1)
        """,
        now - KEPT,
    )


async def changes(conn: Connection) -> list[Change]:
    """The oldest first."""
    rows = await conn.fetch(
        """
        SELECT part, works, since FROM kernel.service_state ORDER BY since DESC, part LIMIT $1
        """,
        MOST_CHANGES,
    )
    return [convert(dict(row), Change) for row in reversed(rows)]


def outages(told: Sequence[Change], since: datetime) -> list[Outage]:
    """Those that lasted into the time from `since` on, the newest first. `told`: oldest first."""
    began: dict[str, datetime] = {}
    found: list[Outage] = []
    for each in told:
        if not each.works:
            began.setdefault(each.part, each.since)
        elif each.part in began:
            start = began.pop(each.part)
            found.append(Outage(part=each.part, began=start, ended=each.since))
    found += [Outage(part=part, began=start, ended=None) for part, start in began.items()]
    kept = [each for each in found if each.ended is None or each.ended > since]
    return sorted(kept, key=lambda each: (each.began, each.part), reverse=True)
