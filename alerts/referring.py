"""The end of the ladder (L6): the truck is referred to the police, and firm and carrier are marked.

Whatever is found later still beats it. Which limits have come to this rung is read off the ladder
itself, so that a process that died in between leaves nothing behind that another would not do.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid5

from msgspec import Struct

from closedloop.commit import Proposal, append
from closedloop.model import UNDER_WAY, State
from closedloop.reporting import Office, body_hash
from closedloop.situation import Situation
from kernel.db import Connection
from kernel.errors import Conflict
from registry.ladder import Does, Rung
from registry.model import Event
from registry.world import World

MOST = 100
_NAMES = UUID("1e3f0c8a-5f0d-5b5b-9f0e-6f4a2a7c9d10")


class Exhausted(Struct, frozen=True, kw_only=True):
    """A limit whose ladder has been climbed to its end."""

    movement_id: int
    stop: int
    limb: str
    limit_no: int


async def refer_exhausted(
    conn: Connection, office: Office, ladder: Sequence[Rung], now: datetime
) -> int:
    """How many movements were referred. Each stands or falls with its marks."""
    referred = 0
    while found := await _exhausted(conn, ladder):
        done = [await _refer(conn, office, each, now) for each in found]
        referred += sum(done)
        if not any(done):
            break
    return referred


async def _exhausted(conn: Connection, ladder: Sequence[Rung]) -> list[Exhausted]:
    rungs = [
        (limb, rung.minutes) for rung in ladder if rung.does is Does.REFER for limb in rung.limbs
    ]
    rows = await conn.fetch(
        """
        SELECT d.movement_id, d.stop, d.limb, d.limit_no
          FROM closedloop.deadline d
          JOIN unnest($1::text[], $2::int[]) AS r (limb, minutes) ON r.limb = d.limb
         WHERE d.closed_at IS NULL AND d.climbed >= r.minutes
         ORDER BY d.movement_id LIMIT $3
        """,
        [limb for limb, _ in rungs],
        [minutes for _, minutes in rungs],
        MOST,
    )
    return [Exhausted(**dict(row)) for row in rows]


async def _refer(conn: Connection, office: Office, each: Exhausted, now: datetime) -> bool:
    async with conn.transaction():
        (outcome,) = await append(conn, office.cache, [_proposal(each)], now)
        if outcome.status != "recorded":
            return False
        await _mark(conn, each, now)
    return True


def _proposal(each: Exhausted) -> Proposal:
    event_id = uuid5(_NAMES, f"{each.movement_id} {each.stop} {each.limb} {each.limit_no}")

    def decide(situation: Situation, _: World, now: datetime) -> Event:
        if situation.loop.state not in UNDER_WAY | {State.EXIT_PENDING}:
            raise Conflict("not_under_way", state=situation.loop.state)
        return Event(
            movement_id=each.movement_id,
            event_id=event_id,
            kind="referred",
            occurred_at=now,
            received_at=now,
            body={"stop": each.stop, "limb": each.limb, "limit_no": each.limit_no},
        )

    return Proposal(
        event_id=event_id,
        movement_id=each.movement_id,
        body_hash=body_hash([each.movement_id, "referred"]),
        decide=decide,
        said={"kind": "referred"},
        actor="system",
    )


async def _mark(conn: Connection, each: Exhausted, now: datetime) -> None:
    """The firm that expected it, and the carrier, who is known by the plate."""
    await conn.execute(
        """
        INSERT INTO alerts.mark (movement_id, stop, limb, limit_no, about, place_id, plate, at)
        SELECT d.movement_id, d.stop, d.limb, d.limit_no, w.about,
               CASE w.about WHEN 'firm' THEN d.place_id END,
               CASE w.about WHEN 'carrier' THEN m.plate ELSE '' END, $5
          FROM closedloop.deadline d
          JOIN registry.movement m ON m.movement_id = d.movement_id
          CROSS JOIN (VALUES ('firm'), ('carrier')) AS w (about)
         WHERE (d.movement_id, d.stop, d.limb, d.limit_no) = ($1, $2, $3, $4)
           AND (w.about = 'carrier' OR (d.limb = 'arrival' AND d.place_id IS NOT NULL))
        ON CONFLICT DO NOTHING
        """,
        each.movement_id,
        each.stop,
        each.limb,
        each.limit_no,
        now,
    )
