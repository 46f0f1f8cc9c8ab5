"""Where a person, or a truck, was seen: at gates, at firms, at venues, by cameras."""

from collections.abc import Sequence

import msgspec

from closedloop.tracing_model import How, Sighting, Wanted
from kernel.db import Connection

#: SQL, of an event `e`: how it is known that the truck was there. A driver who scans a poster
#: claims it (evidence level C); the others were seen by somebody else's device.
HOW = """
    CASE WHEN e.kind IN ('entry', 'exit') THEN 'gate'
         WHEN e.kind = 'confirm' THEN 'tapped'
         WHEN e.kind IN ('departure', 'departed') THEN 'left'
         WHEN e.body ->> 'level' = 'A' THEN 'tapped'
         WHEN e.body ->> 'level' = 'B' THEN 'code'
         ELSE 'claim' END"""
SEEN = "e.kind IN ('entry', 'exit', 'confirm', 'departure', 'departed', 'arrival')"
#: The same without what is only claimed.
COUNTED = f"({SEEN} AND (e.kind <> 'arrival' OR e.body ->> 'level' IN ('A', 'B')))"
#: No uncertainty is greater: milliseconds are kept in 31 bits.
FARTHEST = "interval '25 days'"
MOST = 20_000

_WITHIN = """{at} >= w.since - {doubt} * interval '1 millisecond'
           AND {at} <= w.until + {doubt} * interval '1 millisecond'"""


def _within(at: str, doubt: str) -> str:
    """SQL: the uncertain time touches the hours of `w`."""
    return _WITHIN.format(at=at, doubt=doubt)


def _in_district(place: str) -> str:
    return f"""($6::text IS NULL OR EXISTS (
        SELECT 1 FROM registry.place d WHERE d.id = {place} AND d.district_code = $6))"""


_EVENTS = f"""
    SELECT w.number, {HOW} AS how, e.place_id, e.gate, e.occurred_at AS at,
           e.uncertainty_ms AS doubt_ms, e.offline, true AS sure, w.person_id, w.movement_id,
           w.ordinal, w.plate, w.masked_name
      FROM moved w JOIN registry.event e ON e.movement_id = w.movement_id
     WHERE {SEEN} AND e.place_id IS NOT NULL AND {_within("e.occurred_at", "e.uncertainty_ms")}"""
_VISITS = f"""
    SELECT w.number, 'visit', v.place_id, v.gate, v.visited_at, v.uncertainty_ms, v.offline, true,
           w.person_id, NULL, NULL, '', v.masked_name
      FROM wanted w JOIN closedloop.visit v ON v.person_id = w.person_id
       AND v.visited_at BETWEEN w.since - {FARTHEST} AND w.until + {FARTHEST}
     WHERE {_within("v.visited_at", "v.uncertainty_ms")}"""
#: Of a person only readings that were found to be of their journey.
_READINGS = f"""
    SELECT w.number, 'camera', c.place_id, c.gate, c.taken_at, c.uncertainty_ms, false,
           c.outcome = 'matched', w.person_id, c.movement_id, w.ordinal, c.plate, w.masked_name
      FROM (SELECT DISTINCT number, person_id, movement_id, ordinal, plate, masked_name, since,
                   until
              FROM moved WHERE person_id IS NOT NULL) w
      JOIN registry.camera_read c ON c.plate = w.plate AND c.movement_id = w.movement_id
       AND c.taken_at BETWEEN w.since - {FARTHEST} AND w.until + {FARTHEST}
     WHERE {_within("c.taken_at", "c.uncertainty_ms")}
     UNION ALL
    SELECT w.number, 'camera', c.place_id, c.gate, c.taken_at, c.uncertainty_ms, false, true,
           NULL, c.movement_id, NULL, c.plate, ''
      FROM wanted w JOIN registry.camera_read c ON w.plate <> '' AND c.plate = w.plate
       AND c.taken_at BETWEEN w.since - {FARTHEST} AND w.until + {FARTHEST}
     WHERE {_within("c.taken_at", "c.uncertainty_ms")}"""
#: Whoever was erased is nobody any more.
_WANTED = """
    SELECT w.number, w.person_id, w.plate, w.since, w.until
      FROM unnest($1::int[], $2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[])
           AS w (number, person_id, plate, since, until)
     WHERE NOT EXISTS (SELECT 1 FROM registry.person p
                        WHERE p.id = w.person_id AND p.erased_at IS NOT NULL)"""
_MOVED = """
    SELECT w.number, w.since, w.until, w.person_id, s.movement_id, s.ordinal, m.plate,
           s.masked_name
      FROM wanted w JOIN registry.movement_person s ON s.person_id = w.person_id
      JOIN registry.movement m ON m.movement_id = s.movement_id
     UNION ALL
    SELECT w.number, w.since, w.until, NULL, k.movement_id, NULL, w.plate, ''
      FROM wanted w JOIN registry.plate_lookup k ON w.plate <> '' AND k.plate = w.plate"""


async def sightings(
    conn: Connection, wanted: Sequence[Wanted], *, district: str | None = None
) -> list[Sighting]:
    """By subject and time; whoever is confined to a district sees the places of that district."""
    seen = [each for each in wanted if each.place_id is None]
    rows = await conn.fetch(
        f"""
        WITH wanted AS MATERIALIZED ({_WANTED}), moved AS MATERIALIZED ({_MOVED}),
             seen AS ({_EVENTS} UNION ALL {_VISITS} UNION ALL {_READINGS})
        SELECT number, how, place_id, gate, at AS since, at AS until, doubt_ms, offline, sure,
               person_id, movement_id, ordinal, plate, masked_name
          FROM seen WHERE {_in_district("seen.place_id")}
         ORDER BY number, at, place_id, how
        """,
        [each.number for each in seen],
        [each.person_id for each in seen],
        [each.plate for each in seen],
        [each.since for each in seen],
        [each.until for each in seen],
        district,
    )
    found = [msgspec.convert(dict(row), Sighting) for row in rows]
    return found + [_asked(each) for each in wanted if each.place_id is not None]


def _asked(wanted: Wanted) -> Sighting:
    """Of a place its hours are looked at, as if somebody had been there all the time."""
    assert wanted.place_id is not None  # noqa: S101 - chosen by the caller just above
    return Sighting(
        number=wanted.number,
        how=How.ASKED,
        place_id=wanted.place_id,
        gate="",
        since=wanted.since,
        until=wanted.until,
        doubt_ms=0,
    )
