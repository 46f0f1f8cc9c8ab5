"""How many places should have a code, have one, use it: by district, street office and trade.

All is counted at a moment: for a day that is over, at its end. A scan is one of a truck at a gate,
or a visit; each place's last one is read by its index, however many there were.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Literal

from msgspec import Struct, convert

from alerts.daily import hours_of
from kernel.db import Connection
from registry.scope import within

What = Literal["due", "set_up", "missing", "in_use", "today", "idle"]
WHATS: tuple[What, ...] = ("due", "set_up", "missing", "in_use", "today", "idle")
MOST_ROWS = 200


class Moment(Struct, frozen=True, kw_only=True):
    """`until` is the moment; scans since `midnight` are the day's; a code is in use that was
    scanned since `used_since`.
    """

    until: datetime
    midnight: datetime
    used_since: datetime


class Line(Struct, frozen=True, kw_only=True):
    """`level`: all, district, street or trade."""

    level: Literal["all", "district", "street", "trade"]
    district_code: str = ""
    district: str = ""
    street: str = ""
    trade: str = ""
    due: int
    set_up: int
    in_use: int
    today: int
    idle: int

    @property
    def missing(self) -> int:
        return self.due - self.set_up


class Row(Struct, frozen=True, kw_only=True):
    id: int
    name: str
    district: str
    street: str
    trade: str
    address: str
    place_id: int | None
    set_up: bool
    idle: bool
    last_scan: datetime | None


class Which(Struct, frozen=True, kw_only=True):
    """Which rows are asked for; '' is all of that kind, `district` the actor's or the chosen."""

    what: What = "due"
    district: str | None = None
    street: str | None = None
    trade: str | None = None
    name: str = ""


def what_of(text: str) -> What:
    """Everything that is due where the word is none of ours."""
    known: dict[str, What] = {what: what for what in WHATS}
    return known.get(text, "due")


def moment(day: date, now: datetime, idle_days: int) -> Moment:
    """The end of a day, or now while it lasts."""
    start, end = hours_of(day)
    until = min(now, end)
    return Moment(until=until, midnight=start, used_since=until - timedelta(days=idle_days))


#: $1 until, $2 midnight, $3 used since. A row that came later was not due then.
_STANDING = """
    SELECT d.id, d.name, d.name_key, d.district_code, d.street, d.trade, d.address, d.place_id,
           (p.status = 'active' AND c.issued_at IS NOT NULL) IS TRUE AS set_up,
           greatest(e.at, v.at) AS last_scan,
           greatest(e.at, v.at) >= $2 AS today,
           greatest(e.at, v.at) >= $3 AS in_use,
           (p.status = 'active' AND c.issued_at < $3
            AND (greatest(e.at, v.at) < $3 OR (e.at IS NULL AND v.at IS NULL))) IS TRUE AS idle
      FROM registry.due_place d
      LEFT JOIN registry.place p ON p.id = d.place_id
      LEFT JOIN LATERAL (
           SELECT min(k.issued_at) AS issued_at FROM registry.code k
            WHERE k.place_id = d.place_id AND k.status = 'active' AND k.issued_at < $1) c ON true
      LEFT JOIN LATERAL (
           SELECT s.occurred_at AS at FROM registry.event s
            WHERE s.place_id = d.place_id AND s.occurred_at < $1
              AND s.kind IN ('entry', 'arrival', 'departure', 'exit')
            ORDER BY s.occurred_at DESC LIMIT 1) e ON true
      LEFT JOIN LATERAL (
           SELECT s.visited_at AS at FROM closedloop.visit s
            WHERE s.place_id = d.place_id AND s.visited_at < $1
            ORDER BY s.visited_at DESC LIMIT 1) v ON true
     WHERE d.created_at <= $1 AND (d.struck_at IS NULL OR d.struck_at > $1)
"""


async def figures(conn: Connection, at: Moment, district: str | None = None) -> list[Line]:
    """The whole first, then districts, streets and trades by their names."""
    rows = await conn.fetch(
        f"""
        WITH standing AS MATERIALIZED ({_STANDING} AND {within("d.district_code", 4)})
        SELECT CASE WHEN grouping(s.trade) = 0 THEN 'trade' WHEN grouping(s.street) = 0
                    THEN 'street' WHEN grouping(s.district_code) = 0 THEN 'district'
                    ELSE 'all' END AS level,
               coalesce(s.district_code, '') AS district_code, coalesce(t.name, '') AS district,
               coalesce(s.street, '') AS street, coalesce(s.trade, '') AS trade,
               count(*) FILTER (WHERE s.id IS NOT NULL) AS due,
               count(*) FILTER (WHERE s.set_up) AS set_up,
               count(*) FILTER (WHERE s.set_up AND s.in_use) AS in_use,
               count(*) FILTER (WHERE s.set_up AND s.today) AS today,
               count(*) FILTER (WHERE s.idle) AS idle
          FROM standing s LEFT JOIN registry.district t ON t.code = s.district_code
         GROUP BY GROUPING SETS ((), (s.district_code, t.name),
                                 (s.district_code, t.name, s.street), (s.trade))
         ORDER BY s.district_code, s.street, s.trade
        """,
        at.until,
        at.midnight,
        at.used_since,
        district,
    )
    order = {"all": 0, "district": 1, "street": 2, "trade": 3}
    lines = [convert(dict(row), Line) for row in rows]
    return sorted(lines, key=lambda line: order[line.level])


_ONLY: dict[What, str] = {
    "due": "true",
    "set_up": "s.set_up",
    "missing": "NOT s.set_up",
    "in_use": "s.set_up AND s.in_use",
    "today": "s.set_up AND s.today",
    "idle": "s.idle",
}


async def rows_of(
    conn: Connection, at: Moment, which: Which, *, after: int = 0, limit: int = MOST_ROWS
) -> list[Row]:
    """What a number counts, in the order of the ledger; `after` is the last one seen."""
    rows = await conn.fetch(
        f"""
        SELECT s.id, s.name, t.name AS district, s.street, s.trade, s.address, s.place_id,
               s.set_up, s.idle, s.last_scan
          FROM ({_STANDING} AND {within("d.district_code", 4)}
                  AND ($5::text IS NULL OR d.street = $5) AND ($6::text IS NULL OR d.trade = $6)
                  AND ($7 = '' OR strpos(lower(d.name), lower($7)) > 0)
                  AND d.id > $8) s
          JOIN registry.district t ON t.code = s.district_code
         WHERE {_ONLY[which.what]} ORDER BY s.id LIMIT $9
        """,
        at.until,
        at.midnight,
        at.used_since,
        which.district,
        which.street,
        which.trade,
        which.name,
        after,
        limit,
    )
    return [convert(dict(row), Row) for row in rows]


def worst(lines: Sequence[Line], level: str, most: int = 10) -> list[Line]:
    """Units of whose places the most are missing, the most first."""
    found = [line for line in lines if line.level == level and line.missing]
    return sorted(found, key=lambda line: (-line.missing, line.street, line.trade))[:most]
