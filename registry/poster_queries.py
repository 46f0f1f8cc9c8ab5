"""Which posters there are to print. Reading them never changes a code."""

from typing import Any

from msgspec import Struct

from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Forbidden, NotFound, Unprocessable
from registry.model import PlaceKind, Role
from registry.places import find_place
from registry.posters import place_url
from registry.sheets import CHINA, Poster

#: Posters in one PDF, unless more are asked for.
USUAL_CHUNK, MOST_CHUNK = 30, 500
_PRINTERS = frozenset({Role.REGISTRAR})


class Wanted(Struct, frozen=True, kw_only=True):
    """`area` is the beginning of the district codes that are meant; empty for all, as is `kind`."""

    area: str = ""
    kind: PlaceKind | None = None


def area_of(district: str | None) -> str:
    """GB/T 2260: a code that ends in 00 is a whole city, in 0000 a province."""
    area = district or ""
    while len(area) % 2 == 0 and area.endswith("00"):
        area = area[:-2]
    return area


async def wanted(conn: Connection, actor: Actor, district: str, kind: str) -> Wanted:
    """What this person may print of what was asked for; empty texts ask for all.

    Raises Unprocessable `district_unknown`, `place_kind_unknown`; Forbidden `not_your_district`.
    """
    if kind and kind not in {each.value for each in PlaceKind}:
        raise Unprocessable("place_kind_unknown")
    if district:
        check_prints_in(actor, district)
        if not await _is_district(conn, district):
            raise Unprocessable("district_unknown")
    area = area_of(district or actor.district)
    return Wanted(area=area, kind=PlaceKind(kind) if kind else None)


def check_prints_in(actor: Actor, district: str) -> None:
    """Raises Forbidden `not_your_district`."""
    if not area_of(district).startswith(area_of(actor.district)):
        raise Forbidden("not_your_district")


async def _is_district(conn: Connection, code: str) -> bool:
    known = "SELECT EXISTS (SELECT FROM registry.district WHERE code = $1)"
    return await conn.fetchval(known, code)


async def districts_of(conn: Connection, actor: Actor) -> list[tuple[str, str]]:
    """Code and name of the districts in which this person may print."""
    rows = await conn.fetch(
        """
        SELECT code, name FROM registry.district
         WHERE code NOT LIKE '%00' AND starts_with(code, $1) ORDER BY code
        """,
        area_of(actor.district),
    )
    return [(row["code"], row["name"]) for row in rows]


async def count_posters(conn: Connection, wanted: Wanted) -> int:
    return await conn.fetchval(
        """
        SELECT count(*)
          FROM registry.place p JOIN registry.code c ON c.place_id = p.id
         WHERE p.status = 'active' AND c.status = 'active' AND starts_with(p.district_code, $1)
           AND ($2::text IS NULL OR p.kind = $2)
        """,
        wanted.area,
        wanted.kind,
    )


async def posters(
    conn: Connection, wanted: Wanted, *, page: int, per: int, public_url: str
) -> list[Poster]:
    """One chunk, pages counted from 1; places stand in the order of their numbers."""
    rows = await conn.fetch(
        """
        SELECT p.kind, p.name, c.gate, c.code, c.issued_at
          FROM registry.place p JOIN registry.code c ON c.place_id = p.id
         WHERE p.status = 'active' AND c.status = 'active' AND starts_with(p.district_code, $1)
           AND ($2::text IS NULL OR p.kind = $2)
         ORDER BY p.district_code, p.id, c.gate LIMIT $3 OFFSET $4
        """,
        wanted.area,
        wanted.kind,
        per,
        (page - 1) * per,
    )
    return [_poster(dict(row), public_url) for row in rows]


async def poster_of(
    conn: Connection, actor: Actor, place_id: int, gate: str | None, *, public_url: str
) -> Poster:
    """The poster of one gate, the first one if none is named.

    Raises NotFound `unknown_place`, `unknown_gate`; Forbidden `not_your_place` for the staff of
    another place, `not_your_district` for a registrar of another district.
    """
    _check_sees(actor, place_id)
    place = await find_place(conn, place_id)
    if actor.place_id != place_id:
        check_prints_in(actor, place.district_code)
    row = await conn.fetchrow(
        """
        SELECT p.kind, p.name, c.gate, c.code, c.issued_at
          FROM registry.place p JOIN registry.code c ON c.place_id = p.id
         WHERE p.id = $1 AND c.status = 'active' AND ($2::text IS NULL OR c.gate = $2)
         ORDER BY c.gate LIMIT 1
        """,
        place_id,
        gate,
    )
    if row is None:
        raise NotFound("unknown_gate", place_id=place_id)
    return _poster(dict(row), public_url)


def _check_sees(actor: Actor, place_id: int) -> None:
    if not actor.roles & _PRINTERS and actor.place_id != place_id:
        raise Forbidden("not_your_place")


def _poster(row: dict[str, Any], public_url: str) -> Poster:
    return Poster(
        kind=row["kind"],
        url=place_url(public_url, row["code"]),
        code=row["code"],
        place=row["name"],
        gate=row["gate"],
        issued_on=row["issued_at"].astimezone(CHINA).date(),
    )
