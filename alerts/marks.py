"""Marks that a ladder climbed to its end has left (alerts.referring), and what became of each."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct, convert

from kernel.db import Connection
from registry.marks import Mark
from registry.scope import touches_district, within

MOST = 500


class Marked(Struct, frozen=True, kw_only=True):
    """A firm, or a carrier by its plate, with its marks, the newest first."""

    about: str
    place_id: int | None
    name: str
    marks: tuple[Mark, ...]

    @property
    def standing(self) -> int:
        return sum(not each.lifted_by for each in self.marks)


async def marks_between(
    conn: Connection, since: datetime, until: datetime, *, district: str | None = None
) -> list[Mark]:
    """The newest first. Whether one is lifted is read off its loop as it is now. A firm's is of the
    firm's district, a carrier's of any that the truck touched.
    """
    rows = await conn.fetch(
        f"""
        {MARKS}
         WHERE k.at >= $1 AND k.at < $2
           AND (k.about = 'firm' AND {within("p.district_code", 3)}
                OR k.about = 'carrier' AND {touches_district("$3")})
         ORDER BY k.at DESC, k.movement_id, k.about LIMIT $4
        """,
        since,
        until,
        district,
        MOST,
    )
    return [convert(dict(row), Mark) for row in rows]


async def marks_of_firm(conn: Connection, place_id: int, since: datetime) -> list[Mark]:
    rows = await conn.fetch(
        f"""
        {MARKS}
         WHERE k.place_id = $1 AND k.at >= $2 ORDER BY k.at DESC, k.movement_id LIMIT $3
        """,
        place_id,
        since,
        MOST,
    )
    return [convert(dict(row), Mark) for row in rows]


async def marks_of(conn: Connection, plate: str, place_id: int | None) -> list[Mark]:
    """Of the carrier and of the firm, the newest first."""
    rows = await conn.fetch(
        f"""
        {MARKS}
         WHERE k.plate = $1 OR k.place_id = $2 ORDER BY k.at DESC, k.movement_id LIMIT 20
        """,
        plate,
        place_id,
    )
    return [convert(dict(row), Mark) for row in rows]


#: SQL: a mark with what its limit was waiting for, if that has come since.
MARKS = """
    SELECT k.movement_id, k.about, k.place_id, coalesce(p.name, '') AS place, m.plate, k.at,
           (CASE k.limb WHEN 'exit' THEN l.view ->> 'exited_at'
                        WHEN 'confirmation' THEN l.view -> 'stops' -> k.stop ->> 'confirmed_at'
                        ELSE l.view -> 'stops' -> k.stop ->> 'arrived_at' END)::timestamptz
               AS found_at,
           (CASE WHEN l.state IN ('discharged', 'closed_by_officer')
                 THEN l.view ->> 'state_since' END)::timestamptz AS ended_at
      FROM alerts.mark k
      JOIN registry.movement m ON m.movement_id = k.movement_id
      JOIN closedloop.loop l ON l.movement_id = k.movement_id
      LEFT JOIN registry.place p ON p.id = k.place_id"""


def by_whom(marks: Iterable[Mark], about: str) -> list[Marked]:
    """Firms or carriers, those with most standing marks first."""
    found: defaultdict[tuple[int | None, str], list[Mark]] = defaultdict(list)
    for each in marks:
        if each.about == about:
            name = each.place if about == "firm" else each.plate
            found[each.place_id, name].append(each)
    listed = [
        Marked(about=about, place_id=place_id, name=name, marks=tuple(said))
        for (place_id, name), said in found.items()
    ]
    return sorted(listed, key=lambda each: (-each.standing, -len(each.marks), each.name))


def standing_by_firm(marks: Iterable[Mark]) -> Counter[int]:
    return Counter(
        each.place_id for each in marks if each.place_id is not None and not each.lifted_by
    )
