"""Who has a work item in hand: a claim that ends by itself, and the next call for a free seat."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from alerts.tickets_model import DESK, Ticket
from alerts.tickets_queries import COLUMNS, ORDER
from alerts.tickets_units import scope_of, seen_by
from closedloop.reporting import Office
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, NotFound


async def claim(
    conn: Connection, office: Office, ticket_id: UUID, actor: Actor, now: datetime
) -> datetime:
    """Until when; claiming again makes it last again. Raises NotFound `unknown_ticket`; Conflict
    `ticket_moved_on`, `ticket_claimed_by_other`.
    """
    desk = (await office.cache.now(conn)).rules_at(now).information
    until = now + timedelta(minutes=desk.claim_minutes)
    row = await conn.fetchrow(
        f"""
        UPDATE alerts.ticket AS t SET claimed_by = $2, claimed_until = $3
         WHERE t.id = $1 AND t.finished_at IS NULL AND {seen_by(5)}
           AND (t.claimed_by IS NULL OR t.claimed_by = $2 OR t.claimed_until <= $4)
        RETURNING t.id
        """,
        ticket_id,
        actor.id,
        until,
        now,
        *scope_of(actor).arguments(),
    )
    if row is None:
        raise await _not_claimed(conn, ticket_id, actor)
    await _knock(conn)
    return until


async def _not_claimed(conn: Connection, ticket_id: UUID, actor: Actor) -> Conflict | NotFound:
    row = await conn.fetchrow(
        f"""
        SELECT t.state, t.finished_at IS NOT NULL AS over, t.claimed_until, a.name
          FROM alerts.ticket t LEFT JOIN registry.account a ON a.id = t.claimed_by
         WHERE t.id = $1 AND {seen_by(2)}
        """,
        ticket_id,
        *scope_of(actor).arguments(),
    )
    if row is None:
        return NotFound("unknown_ticket")
    if row["over"]:
        return Conflict("ticket_moved_on", state=row["state"])
    return Conflict("ticket_claimed_by_other", name=row["name"] or "", until=row["claimed_until"])


async def give_back(conn: Connection, ticket_id: UUID, actor: Actor) -> None:
    """Whoever has not claimed it gives nothing back."""
    await conn.execute(
        """
        UPDATE alerts.ticket SET claimed_by = NULL, claimed_until = NULL
         WHERE id = $1 AND claimed_by = $2
        """,
        ticket_id,
        actor.id,
    )
    await _knock(conn)


async def hand_over(
    conn: Connection, office: Office, ticket_id: UUID, actor: Actor, to: UUID, now: datetime
) -> None:
    """One's own claim goes to a colleague of the desk, who has it for its full time. Raises
    NotFound `unknown_colleague`; Conflict `ticket_not_yours`.
    """
    known = await conn.fetchval(
        """
        SELECT EXISTS (SELECT 1 FROM registry.account
                        WHERE id = $1 AND disabled_at IS NULL AND roles && $2::text[])
        """,
        to,
        sorted(DESK),
    )
    if not known or to == actor.id:
        raise NotFound("unknown_colleague")
    desk = (await office.cache.now(conn)).rules_at(now).information
    done = await conn.fetchval(
        """
        UPDATE alerts.ticket SET claimed_by = $3, claimed_until = $4
         WHERE id = $1 AND claimed_by = $2 AND claimed_until > $5 RETURNING id
        """,
        ticket_id,
        actor.id,
        to,
        now + timedelta(minutes=desk.claim_minutes),
        now,
    )
    if done is None:
        raise Conflict("ticket_not_yours")
    await _knock(conn)


async def colleagues(conn: Connection, actor: Actor) -> list[tuple[UUID, str]]:
    rows = await conn.fetch(
        """
        SELECT id, name FROM registry.account
         WHERE disabled_at IS NULL AND roles && $1::text[] AND id <> $2 ORDER BY name, id LIMIT 200
        """,
        sorted(DESK),
        actor.id,
    )
    return [(row["id"], row["name"]) for row in rows]


async def next_call(conn: Connection, office: Office, actor: Actor, now: datetime) -> Ticket | None:
    """The person whom this seat calls next: the one it has in hand, else the next in the order of
    the list that nobody has. Ten seats that ask at once get ten people. None where nobody is left.
    """
    desk = (await office.cache.now(conn)).rules_at(now).information
    row = await conn.fetchrow(
        f"""
        UPDATE alerts.ticket AS t SET claimed_by = $3, claimed_until = $4
         WHERE t.id = (
            SELECT t.id FROM alerts.ticket t
             WHERE t.kind = 'screening' AND t.state = 'received'
               AND (t.not_before IS NULL OR t.not_before <= $1)
               AND (t.claimed_by IS NULL OR t.claimed_by = $3 OR t.claimed_until <= $1)
               AND {seen_by(5)}
             ORDER BY (t.claimed_by = $3 AND t.claimed_until > $1) IS TRUE DESC, {ORDER}
             LIMIT 1 FOR UPDATE OF t SKIP LOCKED)
        RETURNING {COLUMNS}
        """,
        now,
        desk.ageing_minutes,
        actor.id,
        now + timedelta(minutes=desk.claim_minutes),
        *scope_of(actor).arguments(),
    )
    await _knock(conn)
    return None if row is None else msgspec.convert(dict(row), Ticket)


async def _knock(conn: Connection) -> None:
    await conn.execute("SELECT pg_notify('infodesk', '')")
