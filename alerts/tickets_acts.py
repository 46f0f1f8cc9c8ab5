"""What is done about a work item: one row of its history for each act, and one winner of a race.

The item's row is locked, so of two officers who answer at once one comes second: what the first has
done is compared with the version that the second has seen, and the second is told, with every word
that they typed still in their hands.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from alerts.tickets_changes import Change, Doing, Situation, change_of
from alerts.tickets_model import (
    BY_CALLER,
    BY_DESK,
    BY_UNIT,
    DESK,
    FINISHED,
    State,
    Ticket,
    TicketAct,
    due,
    is_late,
)
from alerts.tickets_queries import COLUMNS
from alerts.tickets_units import (
    Scope,
    districts,
    is_own,
    scope_of,
    seen_by,
    told_to,
)
from alerts.tickets_words import PHONE, Said, keep_words, plain
from closedloop.reporting import Office, actor_name, body_hash
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, Forbidden, NotFound
from kernel.outbox import post, post_to_phone
from registry.desk_rules import DeskRules

EVERYTHING = Scope(desk=True, district=None, unit="", place_id=None)


class Done(Struct, frozen=True, kw_only=True):
    """The item as it now stands; `repeated` where the same act was sent before."""

    ticket: Ticket
    repeated: bool = False


async def do(
    conn: Connection,
    office: Office,
    ticket_id: UUID,
    said: Doing,
    actor: Actor | None,
    now: datetime,
) -> Done:
    """`actor` is None for the caller, who has shown the number and its digits.

    Raises NotFound `unknown_ticket`; Conflict `event_id_taken`, `ticket_changed`,
    `ticket_moved_on`, `ticket_reopened_before`, `ticket_claimed_by_other`, `reopen_too_late`;
    Forbidden `not_your_role`; Unprocessable `ticket_reason_needed`, `words_needed`,
    `unit_unknown`, `call_result_unknown`, `answer_unknown`, `rating_unknown`.
    """
    scope = EVERYTHING if actor is None else scope_of(actor)
    ticket, digest = await _locked(conn, ticket_id, scope), body_hash([ticket_id, said])
    if await _repeated(conn, ticket_id, said.id, digest):
        return Done(ticket=ticket, repeated=True)
    await _may(conn, ticket, said, actor, now)
    world = await office.cache.now(conn)
    rules = world.rules_at(now)
    known = (
        tuple(await districts(conn, actor)) if said.act in {TicketAct.PUSH, TicketAct.CALL} else ()
    )
    at = Situation(world=world, rules=rules, districts=known, actor=actor, now=now)
    change = change_of(ticket, said, at)
    made = await _apply(conn, ticket, change, rules.information, now)
    await _write(conn, office, ticket, made, said, change, digest, actor, now)
    await _tell(conn, office, made, said, change, now)
    await conn.execute("SELECT pg_notify('infodesk', '')")
    return Done(ticket=made)


async def _locked(conn: Connection, ticket_id: UUID, scope: Scope) -> Ticket:
    row = await conn.fetchrow(
        f"SELECT {COLUMNS} FROM alerts.ticket t WHERE t.id = $1 AND {seen_by(2)} FOR UPDATE",
        ticket_id,
        *scope.arguments(),
    )
    if row is None:
        raise NotFound("unknown_ticket")
    return msgspec.convert(dict(row), Ticket)


async def _repeated(conn: Connection, ticket_id: UUID, event_id: UUID, digest: bytes) -> bool:
    row = await conn.fetchrow(
        "SELECT ticket_id, body_hash FROM alerts.ticket_event WHERE event_id = $1", event_id
    )
    if row is not None and (row["ticket_id"], row["body_hash"]) != (ticket_id, digest):
        raise Conflict("event_id_taken", id=str(event_id))
    return row is not None


async def _may(
    conn: Connection, ticket: Ticket, said: Doing, actor: Actor | None, now: datetime
) -> None:
    if actor is None:
        allowed = BY_CALLER
    else:
        desk = BY_DESK if actor.roles & DESK else frozenset[TicketAct]()
        allowed = desk | (BY_UNIT if is_own(ticket, actor) else frozenset[TicketAct]())
    if said.act not in allowed:
        raise Forbidden("not_your_role")
    if said.version is not None and said.version != ticket.version:
        raise Conflict(
            "ticket_changed", state=ticket.state, name=await _last_actor(conn, ticket.id)
        )
    held = ticket.claimed_until is not None and ticket.claimed_until > now
    if actor is not None and held and ticket.claimed_by != actor.id and actor.roles & DESK:
        name = await conn.fetchval(
            "SELECT name FROM registry.account WHERE id = $1", ticket.claimed_by
        )
        raise Conflict("ticket_claimed_by_other", name=name or "", until=ticket.claimed_until)


async def _last_actor(conn: Connection, ticket_id: UUID) -> str:
    return (
        await conn.fetchval(
            """
            SELECT a.name FROM alerts.ticket_event e
              JOIN registry.account a ON 'account:' || a.id = e.actor
             WHERE e.ticket_id = $1 ORDER BY e.sequence DESC LIMIT 1
            """,
            ticket_id,
        )
        or "–"
    )


async def _apply(
    conn: Connection, ticket: Ticket, change: Change, desk: DeskRules, now: datetime
) -> Ticket:
    """A step that begins has its own clock; whoever had claimed the item has done their part."""
    moved = change.state is not ticket.state or change.unit is not None
    clocks = desk.clocks(ticket.kind)
    minutes = desk.unit_minutes(ticket.kind, ticket.category, ticket.priority)
    columns: dict[str, Any] = {"version": ticket.version + 1, **change.columns}
    if moved:
        ends = now if change.state in FINISHED else None
        columns |= {
            "state": change.state,
            "since": now,
            "due_at": due(change.state, clocks, minutes, now),
            "finished_at": ends,
        }
    if moved or change.body.get("result"):
        columns |= {"claimed_by": None, "claimed_until": None}
    if change.unit is not None:
        columns |= {
            "unit_kind": change.unit.kind,
            "unit_district": change.unit.district,
            "unit_place_id": change.unit.place_id,
        }
    row = await conn.fetchrow(
        f"""
        UPDATE alerts.ticket AS t SET {", ".join(f"{c} = ${n}" for n, c in enumerate(columns, 2))}
         WHERE t.id = $1 RETURNING {COLUMNS}
        """,
        ticket.id,
        *columns.values(),
    )
    return msgspec.convert(dict(row or {}), Ticket)


async def _write(
    conn: Connection,
    office: Office,
    before: Ticket,
    made: Ticket,
    said: Doing,
    change: Change,
    digest: bytes,
    actor: Actor | None,
    now: datetime,
) -> None:
    await conn.execute(
        """
        INSERT INTO alerts.ticket_event
               (ticket_id, sequence, event_id, body_hash, act, state, due_at, late, actor, body, at)
        SELECT $1, max(sequence) + 1, $2, $3, $4, $5, $6, $7, $8, $9, $10
          FROM alerts.ticket_event WHERE ticket_id = $1
        """,
        made.id,
        said.id,
        digest,
        said.act,
        made.state,
        made.due_at,
        is_late(before.due_at, now),
        "caller" if actor is None else actor_name(actor),
        change.body,
        now,
    )
    words = Said(words=plain(said.words), answers=dict(said.answers))
    await keep_words(conn, office.vault, made.id, said.id, words)


async def _tell(
    conn: Connection, office: Office, made: Ticket, said: Doing, change: Change, now: datetime
) -> None:
    """The unit that is asked; the caller, when there is an answer and a telephone for it."""
    facts: dict[str, object] = {"ticket": str(made.id), "number": made.number}
    if change.unit is not None and change.unit.kind:
        due_at = None if made.due_at is None else made.due_at.isoformat()
        facts |= {"due_at": due_at, "place_id": change.unit.place_id}
        facts |= {"district": change.unit.district}
        await post(
            conn,
            kind="ticket_pushed",
            key=f"ticket:{made.id}:{said.id}",
            recipient=told_to(change.unit),
            facts=facts,
            now=now,
        )
    if made.state is State.ANSWERED and said.act is TicketAct.ANSWER:
        await _tell_caller(conn, office, made, said, now)


async def _tell_caller(
    conn: Connection, office: Office, made: Ticket, said: Doing, now: datetime
) -> None:
    """The number and where to read the answer; not a word of it, on whosever telephone it is."""
    sealed = await conn.fetchval("SELECT phone_sealed FROM alerts.ticket WHERE id = $1", made.id)
    phone = office.vault.read(sealed, field=PHONE)
    if phone:
        await post_to_phone(
            conn,
            office.vault,
            to=phone,
            kind="ticket_answered",
            facts={"number": made.number},
            key=f"ticket:{made.id}:{said.id}:caller",
            lang=made.lang,
            now=now,
        )
