"""The public directory: found by name, road or address; closed places are shown as closed."""

from datetime import datetime

import msgspec
from msgspec import Struct

from kernel.db import Connection
from registry.model import PlaceKind

#: A driver's page stays light; who looks for more says so in the search field.
MOST_LISTED = 40
LONGEST_SEARCH = 60


class Found(Struct, frozen=True, kw_only=True):
    id: int
    kind: PlaceKind
    name: str
    district: str
    road: str
    address: str
    status: str
    suspended_until: datetime | None


def pattern(said: str) -> str:
    """What was typed, anywhere in the text; its own signs of a pattern mean themselves."""
    text = " ".join(said.replace("\0", "").split())[:LONGEST_SEARCH]
    for sign in ("\\", "%", "_"):
        text = text.replace(sign, f"\\{sign}")
    return f"%{text}%"


async def search_places(
    conn: Connection, *, kind: str, said: str = "", district: str = ""
) -> tuple[list[Found], bool]:
    """Open ones first; whether there are more than are listed. Revoked places are gone."""
    rows = await conn.fetch(
        """
        SELECT p.id, p.kind, p.name, d.name AS district, p.road, p.address, p.status,
               p.suspended_until
          FROM registry.place p JOIN registry.district d ON d.code = p.district_code
         WHERE p.status <> 'revoked' AND p.category <> 'receiving_body' AND p.kind = $1
               AND ($2 = '' OR p.district_code = $2)
               AND (p.name ILIKE $3 OR p.road ILIKE $3 OR p.address ILIKE $3 OR d.name ILIKE $3)
         ORDER BY p.status, p.district_code, p.id LIMIT $4
        """,
        kind,
        district,
        pattern(said),
        MOST_LISTED + 1,
    )
    listed = [msgspec.convert(dict(row), Found) for row in rows[:MOST_LISTED]]
    return listed, len(rows) > MOST_LISTED
