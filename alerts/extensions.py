"""A road is closed or a site is down: many limits are extended at once, with a reason and by two
officers (mission §8). What was approved is applied by whichever process comes first, truck by truck
under ids made of the extension's, so that a crash in between extends nobody twice.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid5

from msgspec import Struct, convert

from closedloop.commit import Proposal, append
from closedloop.model import UNDER_WAY
from closedloop.reporting import Office, body_hash
from closedloop.saying import one_line
from closedloop.situation import Situation
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, Forbidden, NotFound, Unprocessable
from kernel.privacy import without_numbers
from registry.model import Event
from registry.scope import covers, own_district
from registry.world import World

AT_ONCE = 100
MOST_MINUTES = 24 * 60
Side = Literal["to", "from"]


class Extension(Struct, frozen=True, kw_only=True):
    """`side`: trucks bound `to` the place, or let in `from` it. `approved` is None while it waits;
    `limits` is how many were extended, None until all were.
    """

    id: UUID
    place_id: int
    side: Side
    minutes: int
    reason: str
    proposed_by: UUID
    proposed_at: datetime
    proposer: str
    decider: str
    decided_at: datetime | None
    approved: bool | None
    limits: int | None


async def propose_extension(
    conn: Connection,
    world: World,
    *,
    extension_id: UUID,
    place_id: int,
    side: str,
    minutes: int,
    reason: str,
    actor: Actor,
    now: datetime,
) -> None:
    """Sent twice it is one. Raises NotFound `unknown_place`; Unprocessable `reason_needed`,
    `minutes_out_of_range`, `extension_side_unknown`; Conflict `event_id_taken`.
    """
    place = world.place(place_id)
    if not covers(own_district(actor), place.district_code):
        raise NotFound("unknown_place", place_id=place_id)
    if side not in {"to", "from"}:
        raise Unprocessable("extension_side_unknown")
    if not 1 <= minutes <= MOST_MINUTES:
        raise Unprocessable("minutes_out_of_range", most=MOST_MINUTES)
    said = without_numbers(one_line(reason))
    if not said:
        raise Unprocessable("reason_needed")
    row = await conn.fetchrow(
        """
        INSERT INTO alerts.extension AS e
               (id, place_id, side, minutes, reason, proposed_by, proposed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (id) DO UPDATE SET reason = e.reason
         WHERE (e.place_id, e.side, e.minutes, e.reason, e.proposed_by) = ($2, $3, $4, $5, $6)
        RETURNING id
        """,
        extension_id,
        place_id,
        side,
        minutes,
        said,
        actor.id,
        now,
    )
    if row is None:
        raise Conflict("event_id_taken", id=str(extension_id))


async def decide_extension(
    conn: Connection, world: World, extension_id: UUID, actor: Actor, now: datetime, *, yes: bool
) -> None:
    """By a second officer; deciding the same again changes nothing. Raises NotFound
    `unknown_extension`; Forbidden `second_person_needed`; Conflict `already_decided`.
    """
    found = await extension(conn, extension_id)
    place = None if found is None else world.places.get(found.place_id)
    if found is None or place is None or not covers(own_district(actor), place.district_code):
        raise NotFound("unknown_extension")
    if found.proposed_by == actor.id and yes:
        raise Forbidden("second_person_needed")
    if found.approved is not None:
        if found.approved is yes:
            return
        raise Conflict("already_decided")
    await conn.execute(
        """
        UPDATE alerts.extension SET decided_by = $2, decided_at = $3, approved = $4
         WHERE id = $1 AND approved IS NULL
        """,
        extension_id,
        actor.id,
        now,
        yes,
    )


async def extension(conn: Connection, extension_id: UUID) -> Extension | None:
    found = await _extensions(conn, "e.id = $1", extension_id)
    return found[0] if found else None


async def extensions_since(conn: Connection, since: datetime) -> list[Extension]:
    """Those that wait first, then the newest."""
    return await _extensions(conn, "e.proposed_at >= $1 OR e.approved IS NULL", since)


async def _extensions(conn: Connection, where: str, value: object) -> list[Extension]:
    rows = await conn.fetch(
        f"""
        SELECT e.id, e.place_id, e.side, e.minutes, e.reason, e.proposed_by, e.proposed_at,
               p.name AS proposer, coalesce(d.name, '') AS decider, e.decided_at, e.approved,
               CASE WHEN e.applied_at IS NOT NULL THEN e.limits END AS limits
          FROM alerts.extension e
          JOIN registry.account p ON p.id = e.proposed_by
          LEFT JOIN registry.account d ON d.id = e.decided_by
         WHERE {where}
         ORDER BY e.approved IS NULL DESC, e.proposed_at DESC, e.id LIMIT 100
        """,
        value,
    )
    return [convert(dict(row), Extension) for row in rows]


class Approved(Struct, frozen=True, kw_only=True):
    id: UUID
    place_id: int
    side: Side
    minutes: int
    reason: str
    decided_at: datetime


async def apply_extensions(conn: Connection, office: Office, now: datetime) -> int:
    """Extends what was approved and not applied yet; how many limits it were."""
    rows = await conn.fetch(
        """
        SELECT id, place_id, side, minutes, reason, decided_at FROM alerts.extension
         WHERE approved AND applied_at IS NULL ORDER BY decided_at
        """
    )
    return sum([await _apply(conn, office, convert(dict(row), Approved), now) for row in rows])


async def _apply(conn: Connection, office: Office, each: Approved, now: datetime) -> int:
    found, extended = await _concerned(conn, each), 0
    for start in range(0, len(found), AT_ONCE):
        some = found[start : start + AT_ONCE]
        outcomes = await append(
            conn, office.cache, [_proposal(number, each) for number in some], now
        )
        extended += sum(outcome.status in {"recorded", "repeated"} for outcome in outcomes)
    await conn.execute(
        """
        UPDATE alerts.extension SET applied_at = $2, limits = $3
         WHERE id = $1 AND applied_at IS NULL
        """,
        each.id,
        now,
        extended,
    )
    return extended


async def _concerned(conn: Connection, each: Approved) -> Sequence[int]:
    """On their way since before the decision: an extension does not reach trucks let in later."""
    side = "d.place_id = $1" if each.side == "to" else "l.entry_place_id = $1"
    rows = await conn.fetch(
        f"""
        SELECT d.movement_id FROM closedloop.deadline d
          JOIN closedloop.loop l ON l.movement_id = d.movement_id
         WHERE d.limb = 'arrival' AND {side} AND l.released_at <= $2
           AND (d.closed_at IS NULL OR EXISTS (
               SELECT 1 FROM registry.event v
                WHERE v.movement_id = d.movement_id AND v.kind = 'extended'
                  AND v.body ->> 'extension' = $3))
         GROUP BY d.movement_id ORDER BY d.movement_id
        """,
        each.place_id,
        each.decided_at,
        str(each.id),
    )
    return [row["movement_id"] for row in rows]


def _proposal(movement_id: int, each: Approved) -> Proposal:
    event_id = uuid5(each.id, str(movement_id))

    def decide(situation: Situation, _: World, now: datetime) -> Event:
        if situation.loop.state not in UNDER_WAY:
            raise Conflict("not_under_way", state=situation.loop.state)
        return Event(
            movement_id=movement_id,
            event_id=event_id,
            kind="extended",
            occurred_at=now,
            received_at=now,
            body={
                "minutes": each.minutes,
                "reason": each.reason,
                "extension": str(each.id),
            },
        )

    return Proposal(
        event_id=event_id,
        movement_id=movement_id,
        body_hash=body_hash([movement_id, str(each.id)]),
        decide=decide,
        said={"kind": "extended"},
        actor="system",
    )
