"""Street sweeps (seed 001): a round over some days, its teams, and the next place of each."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, convert

from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import NotFound, Unprocessable
from registry.scope import covers, own_district, within

LONGEST_NAME = 60
MOST_TEAMS = 99
MOST_STOPS = 20_000
NEXT_SHOWN = 10


class NewRound(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`id` is the sender's. Places of a district, of one street office or trade where they are
    named; `only_missing` leaves out those that have their code.
    """

    id: UUID
    name: str
    district: str
    teams: Annotated[int, Meta(ge=1, le=MOST_TEAMS)] = 9
    street: str = ""
    trade: str = ""
    only_missing: bool = False


class Round(Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    district_code: str
    district: str
    teams: int
    stops: int
    visited: int
    problems: int
    made_at: datetime
    ended_at: datetime | None


class Team(Struct, frozen=True, kw_only=True):
    team: int
    stops: int
    visited: int
    next: str


class Stop(Struct, frozen=True, kw_only=True):
    due_id: int
    position: int
    name: str
    street: str
    trade: str
    address: str
    place_id: int | None
    gates: tuple[str, ...]


async def make_round(conn: Connection, said: NewRound, actor: Actor, now: datetime) -> UUID:
    """Places in the order of their streets and addresses, each team's a stretch of its own.

    Raises Unprocessable `round_unnamed`, `not_your_district`, `round_empty`, `round_too_large`.
    """
    name = " ".join(said.name.replace("\0", "").split())
    if not name or len(name) > LONGEST_NAME:
        raise Unprocessable("round_unnamed", most=LONGEST_NAME)
    if not covers(own_district(actor), said.district):
        raise Unprocessable("not_your_district")
    fresh = await conn.fetchval(
        """
        INSERT INTO alerts.street_round (id, name, district_code, teams, made_by, made_at)
        SELECT $1, $2, t.code, $4, $5, $6 FROM registry.district t WHERE t.code = $3
        ON CONFLICT DO NOTHING RETURNING true
        """,
        said.id,
        name,
        said.district,
        said.teams,
        actor.id,
        now,
    )
    if not fresh:
        await find_round(conn, said.id, own_district(actor))
        return said.id
    stops = await _deal_out(conn, said)
    if not stops:
        raise Unprocessable("round_empty")
    if stops > MOST_STOPS:
        raise Unprocessable("round_too_large", most=MOST_STOPS)
    return said.id


async def _deal_out(conn: Connection, said: NewRound) -> int:
    status = await conn.execute(
        f"""
        INSERT INTO alerts.street_stop (round_id, due_id, team, position)
        SELECT $1, o.id, o.team, row_number() OVER (PARTITION BY o.team ORDER BY o.position)
          FROM (SELECT d.id, ntile($2) OVER w AS team, row_number() OVER w AS position
                  FROM registry.due_place d
                 WHERE d.struck_at IS NULL AND {within("d.district_code", 3)}
                   AND ($4 = '' OR d.street = $4) AND ($5 = '' OR d.trade = $5)
                   AND (NOT $6 OR d.place_id IS NULL)
                WINDOW w AS (ORDER BY d.district_code, d.street, d.address, d.id)
                 LIMIT $7) o
        """,
        said.id,
        said.teams,
        said.district,
        said.street,
        said.trade,
        said.only_missing,
        MOST_STOPS + 1,
    )
    return int(status.rpartition(" ")[2])


_ROUND = """
    SELECT r.id, r.name, r.district_code, t.name AS district, r.teams, r.made_at, r.ended_at,
           (SELECT count(*) FROM alerts.street_stop s WHERE s.round_id = r.id) AS stops,
           (SELECT count(*) FROM alerts.street_stop s
             WHERE s.round_id = r.id AND s.visited_at IS NOT NULL) AS visited,
           (SELECT coalesce(sum(cardinality(v.findings)), 0)::int FROM alerts.street_visit v
             WHERE v.round_id = r.id) AS problems
      FROM alerts.street_round r JOIN registry.district t ON t.code = r.district_code
"""


async def rounds(conn: Connection, district: str | None, limit: int = 30) -> list[Round]:
    """The newest first."""
    rows = await conn.fetch(
        f"{_ROUND} WHERE {within('r.district_code', 1)} ORDER BY r.made_at DESC, r.id LIMIT $2",
        district,
        limit,
    )
    return [convert(dict(row), Round) for row in rows]


async def find_round(conn: Connection, round_id: UUID, district: str | None) -> Round:
    """Raises NotFound `unknown_round`."""
    row = await conn.fetchrow(
        f"{_ROUND} WHERE r.id = $1 AND {within('r.district_code', 2)}", round_id, district
    )
    if row is None:
        raise NotFound("unknown_round")
    return convert(dict(row), Round)


async def teams_of(conn: Connection, round_id: UUID) -> list[Team]:
    rows = await conn.fetch(
        """
        SELECT s.team, count(*) AS stops, count(s.visited_at) AS visited,
               coalesce((array_agg(d.name ORDER BY s.position)
                         FILTER (WHERE s.visited_at IS NULL))[1], '') AS next
          FROM alerts.street_stop s JOIN registry.due_place d ON d.id = s.due_id
         WHERE s.round_id = $1 GROUP BY s.team ORDER BY s.team
        """,
        round_id,
    )
    return [convert(dict(row), Team) for row in rows]


async def next_stops(
    conn: Connection, round_id: UUID, team: int, limit: int = NEXT_SHOWN
) -> list[Stop]:
    """Where the team has not been, in the order of its way."""
    rows = await conn.fetch(
        """
        SELECT s.due_id, s.position, d.name, d.street, d.trade, d.address, d.place_id,
               (SELECT coalesce(array_agg(g.gate ORDER BY g.gate), '{}')
                  FROM registry.gate g WHERE g.place_id = d.place_id) AS gates
          FROM alerts.street_stop s JOIN registry.due_place d ON d.id = s.due_id
         WHERE s.round_id = $1 AND s.team = $2 AND s.visited_at IS NULL
         ORDER BY s.position LIMIT $3
        """,
        round_id,
        team,
        limit,
    )
    return [convert(dict(row), Stop) for row in rows]


async def end_round(conn: Connection, round_id: UUID, actor: Actor, now: datetime) -> None:
    """Ended twice it is ended once. Raises NotFound `unknown_round`."""
    await find_round(conn, round_id, own_district(actor))
    await conn.execute(
        "UPDATE alerts.street_round SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL",
        round_id,
        now,
    )
