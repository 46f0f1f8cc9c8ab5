"""The end of a shift at a lane: counts, and what was not sent yet is signed for (mission §8)."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct, convert

from kernel.db import Connection
from kernel.errors import Unprocessable
from registry.scope import within

LONGEST = 40
CARDS = ("green", "yellow", "white", "red", "duplicate", "wrong_code")


class Handover(Struct, frozen=True, kw_only=True):
    """`gave` and `took` are staff numbers; `at` is the console's time, put right."""

    id: UUID
    gate: str
    gave: str
    took: str
    counts: dict[str, int]
    unsynced: int
    signed_for: str = ""
    at: datetime


async def keep(
    conn: Connection, said: Handover, device_id: UUID, place_id: int, now: datetime
) -> None:
    """The same id is the same hand-over. Raises Unprocessable `unsynced_not_signed`,
    `handover_unnamed`.
    """
    parts = (said.gave, said.took, said.signed_for)
    gave, took, signed = (part.strip()[:LONGEST] for part in parts)
    if not gave or not took:
        raise Unprocessable("handover_unnamed")
    if said.unsynced and not signed:
        raise Unprocessable("unsynced_not_signed", n=said.unsynced)
    await conn.execute(
        """
        INSERT INTO registry.handover
               (id, device_id, place_id, gate, gave, took, counts, unsynced, signed_for, at,
                received_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING
        """,
        said.id,
        device_id,
        place_id,
        said.gate[:LONGEST],
        gave,
        took,
        {card: max(0, said.counts.get(card, 0)) for card in CARDS},
        max(0, said.unsynced),
        signed,
        min(said.at, now),
        now,
    )


class Kept(Struct, frozen=True, kw_only=True):
    place_id: int
    place: str
    gate: str
    gave: str
    took: str
    counts: dict[str, int]
    unsynced: int
    signed_for: str
    at: datetime


async def handovers_since(
    conn: Connection, since: datetime, *, district: str | None = None
) -> list[Kept]:
    """The last first. Of one district, or of all."""
    rows = await conn.fetch(
        f"""
        SELECT h.place_id, p.name AS place, h.gate, h.gave, h.took, h.counts, h.unsynced,
               h.signed_for, h.at
          FROM registry.handover h JOIN registry.place p ON p.id = h.place_id
         WHERE h.received_at >= $1 AND {within("p.district_code", 2)}
         ORDER BY h.at DESC, h.id LIMIT 200
        """,
        since,
        district,
    )
    return [convert(dict(row), Kept) for row in rows]
