"""A day in figures: what came, which cards, what was missing, and what was done about it."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from msgspec import Struct

from alerts.board_queries import Day, cards_by_hour, ledger
from alerts.charts import CARDS
from alerts.marks import marks_between
from kernel.db import Connection
from kernel.i18n import LOCAL_ZONE
from registry.marks import Mark

DAY = timedelta(days=1)


class Daily(Struct, frozen=True, kw_only=True):
    """`steps`: rungs of the ladder that were reached; `done`: acts of the enquiry by kind;
    `marks`: those of the day, lifted or not as it is known now.
    """

    day: date
    reported: int
    cards: dict[str, int]
    steps: dict[str, int]
    done: dict[str, int]
    checkpoints: tuple[Day, ...]
    firms: tuple[Day, ...]
    marks: tuple[Mark, ...]

    @property
    def entered(self) -> int:
        return sum(each.entered for each in self.checkpoints)

    @property
    def closed(self) -> int:
        return sum(each.closed for each in self.checkpoints)

    @property
    def late(self) -> int:
        return sum(each.late for each in self.checkpoints)

    @property
    def unentered(self) -> int:
        return sum(each.unentered for each in self.firms)


def hours_of(day: date) -> tuple[datetime, datetime]:
    """From midnight to midnight in Shanghai."""
    start = datetime(day.year, day.month, day.day, tzinfo=LOCAL_ZONE)
    return start, start + DAY


async def daily(
    conn: Connection, day: date, places: Sequence[int], *, district: str | None = None
) -> Daily:
    """`places`: the checkpoints whose cards count."""
    start, end = hours_of(day)
    cards: dict[str, int] = dict.fromkeys(CARDS, 0)
    for each in await cards_by_hour(conn, places, start):
        if each.hour < end and each.card in cards:
            cards[each.card] += each.n
    sides = [
        tuple(
            each for each in await ledger(conn, start, side, district=district) if each.day == day
        )
        for side in ("checkpoint", "firm")
    ]
    return Daily(
        day=day,
        reported=await _reported(conn, start, end, district),
        cards=cards,
        steps=await _steps(conn, start, end, district),
        done=await _done(conn, start, end, district),
        checkpoints=tuple(each for each in sides[0] if each.day == day),
        firms=tuple(each for each in sides[1] if each.day == day),
        marks=tuple(await marks_between(conn, start, end, district=district)),
    )


#: SQL: the movement of `t` has a place in the district $3, or there is none.
_TOUCHES = """($3::text IS NULL OR EXISTS (
    SELECT 1 FROM registry.movement m JOIN registry.place p
        ON p.id = ANY(m.stops || m.entry_place_id) AND p.district_code = $3
     WHERE m.movement_id = t.movement_id))"""


async def _reported(conn: Connection, start: datetime, end: datetime, district: str | None) -> int:
    return await conn.fetchval(
        f"""
        SELECT count(*) FROM registry.movement t
         WHERE t.reported_at >= $1 AND t.reported_at < $2 AND {_TOUCHES}
        """,
        start,
        end,
        district,
    )


async def _steps(
    conn: Connection, start: datetime, end: datetime, district: str | None
) -> dict[str, int]:
    rows = await conn.fetch(
        f"""
        SELECT t.step, count(*) AS n FROM alerts.alert t
         WHERE t.raised_at >= $1 AND t.raised_at < $2 AND {_TOUCHES}
         GROUP BY t.step ORDER BY t.step
        """,
        start,
        end,
        district,
    )
    return {row["step"]: row["n"] for row in rows}


async def _done(
    conn: Connection, start: datetime, end: datetime, district: str | None
) -> dict[str, int]:
    rows = await conn.fetch(
        f"""
        SELECT t.kind, count(*) AS n FROM registry.event t
         WHERE t.received_at >= $1 AND t.received_at < $2
           AND t.kind IN ('call', 'reply', 'closed', 'referred', 'extended', 'merged')
           AND {_TOUCHES}
         GROUP BY t.kind ORDER BY t.kind
        """,
        start,
        end,
        district,
    )
    return {row["kind"]: row["n"] for row in rows}
