"""Who was there too: the neighbourhoods of many sightings, in one statement.

Two presences may have met where their times, each with its uncertainty, are not further apart than
so many minutes; they certainly did where even the farthest of them are not. For every other person
the least and the greatest gap are all that any rule needs.
"""

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from closedloop.tracing_model import Meeting, Sighting
from closedloop.tracing_sightings import COUNTED, FARTHEST
from kernel.db import Connection

#: An index of its own has what is uncertain by more (migration 0026), which is rare.
_FEW_MS = 60_000
_FEW = "interval '1 minute'"
#: SQL, microseconds: of two presences `s` and `o` that lie `gap` apart, the gap they may have had.
DOUBT = "1000::bigint * (near.own_doubt::bigint + near.doubt)"
MINUTE = 60_000_000


def _around(at: str, doubt: str) -> tuple[str, str]:
    """Both conditions under which a row may be near: hardly uncertain, or far more."""
    near = "{at} BETWEEN s.since - s.reach - {far} AND s.until + s.reach + {far} AND {doubt}"
    return (
        near.format(at=at, far=_FEW, doubt=f"{doubt} <= {_FEW_MS}"),
        near.format(at=at, far=FARTHEST, doubt=f"{doubt} > {_FEW_MS}"),
    )


def _sources() -> str:
    """SQL: everybody else's presences at the place of `s`."""
    ledger = f"""
        SELECT e.movement_id, NULL::uuid AS person_id, '' AS plate, '' AS masked_name, e.gate,
               e.occurred_at AS at, e.uncertainty_ms AS doubt, true AS sure
          FROM registry.event e WHERE e.place_id = s.place_id AND {COUNTED} AND """
    visits = """
        SELECT NULL, v.person_id, '', v.masked_name, v.gate, v.visited_at, v.uncertainty_ms, true
          FROM closedloop.visit v
         WHERE v.place_id = s.place_id AND v.person_id IS NOT NULL AND """
    readings = """
        SELECT c.movement_id, NULL, c.plate, '', c.gate, c.taken_at, c.uncertainty_ms,
               c.outcome = 'matched' OR c.movement_id IS NULL
          FROM registry.camera_read c
         WHERE c.place_id = s.place_id AND (c.movement_id IS NOT NULL OR c.plate <> s.plate) AND """
    parts = [
        source + around
        for source, at, doubt in (
            (ledger, "e.occurred_at", "e.uncertainty_ms"),
            (visits, "v.visited_at", "v.uncertainty_ms"),
            (readings, "c.taken_at", "c.uncertainty_ms"),
        )
        for around in _around(at, doubt)
    ]
    return " UNION ALL ".join(parts)


def near_sql(doubt: str = DOUBT) -> str:
    return f"""
    WITH s AS MATERIALIZED (
        SELECT s.*, $10::interval + s.doubt * interval '1 millisecond' AS reach
          FROM unnest($1::int[], $2::uuid[], $3::bigint[], $4::text[], $5::bigint[], $6::text[],
                      $7::timestamptz[], $8::timestamptz[], $9::int[], $14::boolean[])
               AS s (number, person_id, movement_id, plate, place_id, gate, since, until, doubt,
                     sure)
    ), near AS MATERIALIZED (
        SELECT s.number, s.person_id AS own, s.place_id, s.doubt AS own_doubt,
               o.movement_id, o.person_id, o.plate, o.masked_name, o.gate, o.at, o.doubt,
               coalesce(s.movement_id = o.movement_id, false) AS together,
               s.gate <> '' AND s.gate = o.gate AS same_gate, s.sure AND o.sure AS sure,
               round(date_part('epoch', greatest(o.at - s.until, s.since - o.at, interval '0'))
                     * 1000000)::bigint AS gap
          FROM s CROSS JOIN LATERAL ({_sources()}) o
    ), met AS (
        SELECT near.*, near.gap - {doubt} AS possible,
               CASE WHEN near.sure THEN near.gap + {doubt} END AS certain,
               coalesce(near.person_id, p.person_id) AS who, p.ordinal,
               coalesce(nullif(near.masked_name, ''), p.masked_name, '') AS mask,
               coalesce(near.person_id::text, p.person_id::text, near.movement_id::text,
                        '~' || md5(near.plate)) AS key
          FROM near LEFT JOIN registry.movement_person p ON p.movement_id = near.movement_id
         WHERE near.gap - {doubt} <= (extract(epoch FROM $10::interval) * 1000000)::bigint
    ), others AS (
        SELECT met.number, met.key, met.who AS person_id, bool_or(met.together) AS together,
               bool_or(met.together AND met.sure) AS together_sure,
               min(met.possible) AS place_possible, min(met.certain) AS place_certain,
               min(met.possible) FILTER (WHERE met.same_gate) AS gate_possible,
               min(met.certain) FILTER (WHERE met.same_gate) AS gate_certain,
               count(*)::int AS times, min(met.at) AS first_at, max(met.at) AS last_at,
               (array_agg(ROW (met.place_id, met.gate, met.at, met.doubt, met.movement_id,
                               met.ordinal, met.plate, met.mask)::closedloop.trace_nearest
                          ORDER BY met.possible, met.at, met.movement_id))[1] AS nearest
          FROM met
         WHERE CASE WHEN met.who IS NULL THEN NOT met.together
                    ELSE met.who IS DISTINCT FROM met.own END
         GROUP BY met.number, met.key, met.who
    )
    SELECT x.number, x.key, x.person_id, x.together, x.together_sure, x.place_possible,
           x.place_certain, x.gate_possible, x.gate_certain, x.times, x.first_at, x.last_at,
           (x.nearest).place_id, (x.nearest).gate, (x.nearest).at AS near_at,
           (x.nearest).doubt_ms, (x.nearest).movement_id, (x.nearest).ordinal,
           coalesce(nullif((x.nearest).plate, ''), m.plate, '') AS plate,
           (x.nearest).masked_name
      FROM others x
      LEFT JOIN registry.movement m ON m.movement_id = (x.nearest).movement_id
     WHERE (x.number, x.key) > ($11::int, $12::text)
       AND NOT EXISTS (SELECT 1 FROM registry.person p
                        WHERE p.id = x.person_id AND p.erased_at IS NOT NULL)
     ORDER BY x.number, x.key LIMIT $13"""


#: Before the first.
START = (0, "")


async def meetings(
    conn: Connection,
    seen: Sequence[Sighting],
    minutes: int,
    *,
    limit: int,
    after: tuple[int, str] = START,
) -> list[Meeting]:
    """Everybody who may have been within so many minutes of one of the sightings, in the order of
    subject and key, from a cursor on. Whoever was erased is left out.
    """
    counted = [each for each in seen if each.counted]
    if not counted:
        return []
    rows = await conn.fetch(
        near_sql(),
        [each.number for each in counted],
        [each.person_id for each in counted],
        [each.movement_id for each in counted],
        [each.plate for each in counted],
        [each.place_id for each in counted],
        [each.gate for each in counted],
        [each.since for each in counted],
        [each.until for each in counted],
        [each.doubt_ms for each in counted],
        timedelta(minutes=minutes),
        *after,
        limit,
        [each.sure for each in counted],
    )
    return [msgspec.convert(dict(row), Meeting) for row in rows]
