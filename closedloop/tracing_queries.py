"""Cases of tracing as they stand, and their subjects."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct, convert

from closedloop.tracing_model import Case, Subject, Wanted
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import NotFound
from registry.scope import own_district

_CASE = """
    SELECT c.id, c.number, c.reason, c.district_code, c.since, c.until, c.subjects,
           c.people_shown, c.rules_version, c.opened_by, coalesce(o.name, '') AS opener,
           c.opened_at, c.needs_second, c.decided_by, coalesce(d.name, '') AS decider,
           c.decided_at, c.approved, c.closed_at
      FROM closedloop.trace_case c
      LEFT JOIN registry.account o ON o.id = c.opened_by
      LEFT JOIN registry.account d ON d.id = c.decided_by"""
#: SQL: whoever is confined to a district sees the cases of that district.
_OWN = "($1::text IS NULL OR c.district_code = $1)"


class CaseQuery(Struct, frozen=True, kw_only=True):
    district: str | None
    before: tuple[datetime, UUID] | None = None
    limit: int = 100


async def cases(conn: Connection, query: CaseQuery) -> list[Case]:
    """The newest first, from a cursor on."""
    at, last = query.before or (None, None)
    rows = await conn.fetch(
        f"""
        {_CASE} WHERE {_OWN} AND ($2::timestamptz IS NULL OR (c.opened_at, c.id) < ($2, $3::uuid))
         ORDER BY c.opened_at DESC, c.id DESC LIMIT $4
        """,
        query.district,
        at,
        last,
        query.limit,
    )
    return [convert(dict(row), Case) for row in rows]


async def own_case(conn: Connection, case_id: UUID, actor: Actor, *, held: bool = False) -> Case:
    """To a district another's case does not exist. `held`: until the transaction ends nobody else
    changes it. Raises NotFound `unknown_trace`.
    """
    lock = "FOR UPDATE OF c" if held else ""
    row = await conn.fetchrow(
        f"{_CASE} WHERE {_OWN} AND c.id = $2 {lock}", own_district(actor), case_id
    )
    if row is None:
        raise NotFound("unknown_trace")
    return convert(dict(row), Case)


async def subjects_of(conn: Connection, case_id: UUID) -> list[Subject]:
    """In their order. The masked name is that of the newest report, or of the newest visit."""
    rows = await conn.fetch(
        """
        SELECT s.number, s.kind, s.person_id, s.plate, s.place_id,
               CASE WHEN p.erased_at IS NOT NULL OR s.person_id IS NULL THEN ''
                    ELSE coalesce(
                       (SELECT m.masked_name FROM registry.movement_person m
                         WHERE m.person_id = s.person_id AND m.masked_name <> ''
                         ORDER BY m.movement_id DESC LIMIT 1),
                       (SELECT v.masked_name FROM closedloop.visit v
                         WHERE v.person_id = s.person_id ORDER BY v.visited_at DESC LIMIT 1),
                       '') END AS masked_name
          FROM closedloop.trace_subject s
          LEFT JOIN registry.person p ON p.id = s.person_id
         WHERE s.case_id = $1 ORDER BY s.number
        """,
        case_id,
    )
    return [convert(dict(row), Subject) for row in rows]


def wanted(case: Case, subject: Subject) -> Wanted:
    return Wanted(
        number=subject.number,
        since=case.since,
        until=case.until,
        person_id=subject.person_id,
        plate=subject.plate,
        place_id=subject.place_id,
    )


async def risky_places(
    conn: Connection, places: list[int], least: int, since: datetime
) -> dict[int, int]:
    """Place → at how many cases it was come upon, where there were as many as `least`."""
    rows = await conn.fetch(
        """
        SELECT place_id, count(*)::int AS cases FROM closedloop.trace_place
         WHERE place_id = ANY($1) AND last_at >= $3
         GROUP BY place_id HAVING count(*) >= $2
        """,
        places,
        least,
        since,
    )
    return {row["place_id"]: row["cases"] for row in rows}
