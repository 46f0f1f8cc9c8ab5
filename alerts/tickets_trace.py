"""From a complaint to what happened: which lane, which rule of which version, who decided."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from alerts.tickets_acts import Done, do
from alerts.tickets_changes import Doing
from alerts.tickets_model import Ticket, TicketAct
from closedloop.reporting import Office
from kernel.audit import record_access
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import NotFound, Unprocessable
from kernel.i18n import current_locale
from registry.plates import normalise
from registry.scope import own_district, touches_district
from registry.world import World

SHORTEST = 4
#: So far from the hour that a caller remembers.
AROUND = timedelta(hours=12)
MOST = 20


class Decision(Struct, frozen=True, kw_only=True):
    """A card at a lane or a decision at its desk. `rules` are codes with the sentence of the rule
    set that ruled; `who` is the officer's name, or the device's.
    """

    movement_id: int
    event_id: UUID
    plate: str
    at: datetime
    place_id: int | None
    place: str
    district: str
    gate: str
    what: str
    reason: str
    rules: tuple[tuple[str, str], ...]
    version: int | None
    who: str
    by_device: bool


#: SQL: events `v` at which somebody was let in, sent aside, held or turned back.
_DECIDED = """(v.kind = 'entry' AND v.body ? 'card'
               OR v.kind = 'desk' AND v.body ->> 'outcome' IN ('release', 'turn_back', 'hold'))"""
_FACTS = """
    SELECT v.movement_id, v.event_id, m.plate, v.occurred_at AS at, v.place_id, l.entry_place_id,
           coalesce(nullif(v.gate, ''), l.view ->> 'entry_gate', '') AS gate, v.kind, v.body,
           v.actor,
           coalesce(a.name, d.name, '') AS who, d.id IS NOT NULL AS by_device
      FROM registry.event v
      JOIN registry.movement m ON m.movement_id = v.movement_id
      JOIN closedloop.loop l ON l.movement_id = v.movement_id
      LEFT JOIN registry.account a ON v.actor = 'account:' || a.id
      LEFT JOIN registry.device d ON v.actor = 'device:' || d.id"""


async def candidates(
    conn: Connection,
    world: World,
    ticket: Ticket,
    actor: Actor,
    now: datetime,
    *,
    plate: str,
    at: datetime | None,
) -> list[Decision]:
    """Decisions about a plate that ends so, around that hour, turn-backs first. Looking leaves an
    audit row. Raises Unprocessable `plate_too_short`.
    """
    said = normalise(plate)
    if len(said) < SHORTEST:
        raise Unprocessable("plate_too_short", least=SHORTEST)
    await _audited(conn, actor, "find_plate", str(ticket.id), now)
    middle = at or ticket.seen_at or ticket.received_at
    rows = await conn.fetch(
        f"""
        {_FACTS}
         WHERE v.movement_id = ANY(ARRAY(
                   SELECT k.movement_id FROM registry.plate_lookup k
                    WHERE right(k.plate, length($1)) = $1))
           AND v.occurred_at BETWEEN $2 AND $3 AND {_DECIDED} AND {touches_district("$4")}
         ORDER BY (v.body ->> 'outcome' = 'turn_back' OR v.body ->> 'card' = 'white') IS TRUE DESC,
                  v.occurred_at DESC LIMIT $5
        """,
        said,
        middle - AROUND,
        middle + AROUND,
        own_district(actor),
        MOST,
    )
    return [_decision(dict(row), world) for row in rows]


async def trace(
    conn: Connection, world: World, ticket: Ticket, actor: Actor, now: datetime
) -> list[Decision]:
    """What an officer has found that the complaint is about: the decision itself, or all those of
    the journey. Reading it leaves an audit row.
    """
    if ticket.about_movement is None:
        return []
    await _audited(conn, actor, "trace_complaint", str(ticket.id), now)
    rows = await conn.fetch(
        f"""
        {_FACTS}
         WHERE v.movement_id = $1 AND {_DECIDED} AND ($2::uuid IS NULL OR v.event_id = $2)
           AND {touches_district("$3")}
         ORDER BY v.occurred_at DESC LIMIT $4
        """,
        ticket.about_movement,
        ticket.about_event,
        own_district(actor),
        MOST,
    )
    return [_decision(dict(row), world) for row in rows]


async def link(
    conn: Connection,
    office: Office,
    ticket: Ticket,
    actor: Actor,
    now: datetime,
    *,
    act_id: UUID,
    movement_id: int,
    event_id: UUID,
    version: int | None,
) -> Done:
    """The item is about this decision. Where nobody said which district it is in, now it is known.
    Raises NotFound `unknown_movement` and what `do` raises.
    """
    row = await conn.fetchrow(
        f"""
        SELECT p.district_code FROM registry.event v
          JOIN registry.movement m ON m.movement_id = v.movement_id
          JOIN closedloop.loop l ON l.movement_id = v.movement_id
          LEFT JOIN registry.place p ON p.id = coalesce(v.place_id, l.entry_place_id)
         WHERE v.movement_id = $1 AND v.event_id = $2 AND {touches_district("$3")}
        """,
        movement_id,
        event_id,
        own_district(actor),
    )
    if row is None:
        raise NotFound("unknown_movement", movement_id=movement_id)
    said = Doing(
        id=act_id, act=TicketAct.LINK, version=version, movement_id=movement_id, event_id=event_id
    )
    done = await do(conn, office, ticket.id, said, actor, now)
    await conn.execute(
        """
        UPDATE alerts.ticket SET district_code = coalesce($2, '')
         WHERE id = $1 AND district_code = ''
        """,
        ticket.id,
        row["district_code"],
    )
    return done


def _decision(row: dict[str, Any], world: World) -> Decision:
    body: dict[str, Any] = row["body"]
    version = body.get("rules_version")
    rules = world.rules_of(int(version or 0), row["at"])
    known = {code: getattr(said[0], current_locale()) for code, said in rules.sentences().items()}
    failed = [str(each.get("code", "")) for each in body.get("reasons") or ()]
    place_id = row["place_id"] or row["entry_place_id"]
    place = world.places.get(place_id or 0)
    reason = str(body.get("reason") or "")
    return Decision(
        movement_id=row["movement_id"],
        event_id=row["event_id"],
        plate=row["plate"],
        at=row["at"],
        place_id=place_id,
        place="" if place is None else place.name,
        district="" if place is None else place.district_code,
        gate=row["gate"],
        what=str(body.get("outcome") or body.get("card") or ""),
        reason=known.get(reason, reason),
        rules=tuple((code, known.get(code, code)) for code in failed if code),
        version=version,
        who=row["who"],
        by_device=row["by_device"],
    )


async def _audited(
    conn: Connection, actor: Actor, action: str, subject: str, now: datetime
) -> None:
    await record_access(
        conn,
        actor,
        action=action,
        subject_kind="ticket",
        subject=subject,
        reason="page",
        now=now,
    )
