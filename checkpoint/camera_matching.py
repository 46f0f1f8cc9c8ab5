"""Which truck a plate that was read may belong to."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from msgspec import Struct, convert

from kernel.db import Connection
from kernel.errors import Unprocessable
from registry.camera_reads import Read
from registry.model import Place, PlaceKind
from registry.plates import near, parse

#: Below it a camera has guessed: nothing is matched, and people look.
LEAST_CONFIDENCE = 0.7
MOST_CANDIDATES = 3
#: A journey that is over is known to the gate through which the truck leaves.
LEAVING_HOURS = 24
_NOT_YET_IN = "('draft', 'issued', 'presented', 'verifying', 'turned_back', 'voided')"


class Candidate(Struct, frozen=True, kw_only=True):
    """A truck that is expected here, with the plate that was reported."""

    movement_id: int
    plate: str


async def reported(
    conn: Connection, plates: Collection[str], place: Place, now: datetime
) -> dict[str, int]:
    """Plate → the movement that it was reported for: one of this place first, then the nearest in
    time. Drafts count, and journeys that are just over.
    """
    rows = await conn.fetch(
        """
        SELECT DISTINCT ON (k.plate) k.plate, k.movement_id
          FROM registry.plate_lookup k
          JOIN registry.movement m ON m.movement_id = k.movement_id
          JOIN closedloop.loop l ON l.movement_id = k.movement_id
         WHERE k.plate = ANY($1)
           AND l.state NOT IN ('cancelled', 'transferred')
           AND (l.state <> 'discharged'
                OR greatest(l.updated_at, m.expected_exit_at)
                   > $3::timestamptz - $4 * interval '1 hour')
           AND (m.window_to IS NULL OR m.window_to > $3 OR l.released_at IS NOT NULL)
         ORDER BY k.plate, (l.state = 'discharged'),
                  (m.entry_place_id IS NOT DISTINCT FROM $2
                   OR l.next_place_id IS NOT DISTINCT FROM $2) DESC,
                  abs(extract(epoch FROM coalesce(m.expected_entry_at, m.reported_at) - $3)),
                  k.movement_id
        """,
        sorted(plates),
        place.id,
        now,
        LEAVING_HOURS,
    )
    return {row["plate"]: row["movement_id"] for row in rows}


async def candidates(
    conn: Connection, plates: Collection[str], place: Place, now: datetime
) -> dict[str, list[Candidate]]:
    """Plate → trucks expected here whose plate is one character off; a few of each."""
    asked = [(plate, other) for plate in plates for other in sorted(near(plate))]
    if not asked:
        return {}
    rows = await conn.fetch(
        f"""
        SELECT n.said, k.movement_id, k.plate
          FROM unnest($1::text[], $2::text[]) AS n (said, plate)
          JOIN registry.plate_lookup k ON k.plate = n.plate
          JOIN registry.movement m ON m.movement_id = k.movement_id
          JOIN closedloop.loop l ON l.movement_id = k.movement_id
         WHERE CASE WHEN $3 THEN l.state IN {_NOT_YET_IN}
                        AND (m.entry_place_id IS NULL OR m.entry_place_id = $4)
                        AND (m.window_from IS NULL OR m.window_from <= $5)
                        AND (m.window_to IS NULL OR m.window_to > $5)
                    ELSE l.state IN ('released', 'incident', 'referred')
                        AND l.next_place_id = $4 END
         ORDER BY n.said, m.expected_entry_at, k.movement_id
        """,
        [said for said, _ in asked],
        [other for _, other in asked],
        place.kind is PlaceKind.CHECKPOINT,
        place.id,
        now,
    )
    found: dict[str, list[Candidate]] = defaultdict(list)
    for row in rows:
        if len(found[row["said"]]) < MOST_CANDIDATES:
            found[row["said"]].append(
                convert({"movement_id": row["movement_id"], "plate": row["plate"]}, Candidate)
            )
    return dict(found)


def outcome_of(
    plate: str,
    confidence: float,
    known: Mapping[str, int],
    close: Mapping[str, Sequence[Candidate]],
) -> Read:
    """What a reading comes to that is no double. Never a card: whoever passes, people say. Pure."""
    if confidence < LEAST_CONFIDENCE:
        return "doubtful"
    if plate in known:
        return "matched"
    if close.get(plate):
        return "candidate"
    return "unregistered" if _is_plate(plate) else "doubtful"


def _is_plate(text: str) -> bool:
    try:
        parse(text)
    except Unprocessable:
        return False
    return True
