"""Who looks after an alert now. A claim ends by itself after a quarter of an hour, is given on to a
colleague, and wins over nothing: an arrival ends the alert whoever has claimed it.
"""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from alerts.model import CLAIM_MINUTES, SNOOZES
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, NotFound, Unprocessable
from registry.model import Role

#: SQL: movement $1 still has a limit that has been flagged.
OPEN = """EXISTS (SELECT 1 FROM closedloop.deadline d
                   WHERE d.movement_id = $1 AND d.closed_at IS NULL AND d.flag_at <= $3)"""


class Claim(Struct, frozen=True, kw_only=True):
    movement_id: int
    account_id: UUID
    until: datetime


async def claim(conn: Connection, movement_id: int, actor: Actor, now: datetime) -> Claim:
    """Claiming again makes it last again. Raises Conflict `alert_ended`, `claimed_by_other`."""
    until = now + timedelta(minutes=CLAIM_MINUTES)
    row = await conn.fetchrow(
        f"""
        INSERT INTO alerts.claim AS c (movement_id, account_id, claimed_at, until)
        SELECT $1, $2, $3, $4 WHERE {OPEN}
        ON CONFLICT (movement_id) DO UPDATE
           SET account_id = excluded.account_id, until = excluded.until,
               claimed_at = CASE WHEN c.account_id = excluded.account_id AND c.until > $3
                                 THEN c.claimed_at ELSE excluded.claimed_at END
         WHERE c.account_id = excluded.account_id OR c.until <= $3
        RETURNING movement_id, account_id, until
        """,
        movement_id,
        actor.id,
        now,
        until,
    )
    if row is None:
        raise await _not_claimed(conn, movement_id, now)
    await knock(conn)
    return Claim(**dict(row))


async def _not_claimed(conn: Connection, movement_id: int, now: datetime) -> Conflict:
    other = await conn.fetchrow(
        """
        SELECT a.name, c.until FROM alerts.claim c JOIN registry.account a ON a.id = c.account_id
         WHERE c.movement_id = $1 AND c.until > $2
        """,
        movement_id,
        now,
    )
    if other is None:
        return Conflict("alert_ended")
    return Conflict("claimed_by_other", name=other["name"], until=other["until"])


async def give_back(conn: Connection, movement_id: int, actor: Actor, now: datetime) -> None:
    """Whoever has not claimed it gives nothing back."""
    await conn.execute(
        "UPDATE alerts.claim SET until = $3 WHERE movement_id = $1 AND account_id = $2 "
        "AND until > $3 AND claimed_at < $3",
        movement_id,
        actor.id,
        now,
    )
    await knock(conn)


async def hand_over(
    conn: Connection, actor: Actor, to: UUID, now: datetime, movement_id: int | None = None
) -> int:
    """One claim, or all that the officer has, go to a colleague of the duty desk, who has them for
    a full quarter of an hour. Sent twice it is one. Raises NotFound `unknown_colleague`; Conflict
    `claim_is_not_yours`.
    """
    known = await conn.fetchval(
        """
        SELECT EXISTS (SELECT 1 FROM registry.account
                        WHERE id = $1 AND disabled_at IS NULL AND $2 = ANY(roles))
        """,
        to,
        str(Role.DUTY),
    )
    if not known or to == actor.id:
        raise NotFound("unknown_colleague")
    rows = await conn.fetch(
        """
        UPDATE alerts.claim SET account_id = $2, claimed_at = $3, until = $4
         WHERE account_id = $1 AND until > $3 AND ($5::bigint IS NULL OR movement_id = $5)
        RETURNING movement_id
        """,
        actor.id,
        to,
        now,
        now + timedelta(minutes=CLAIM_MINUTES),
        movement_id,
    )
    if movement_id is not None and not rows and not await _has(conn, movement_id, to, now):
        raise Conflict("claim_is_not_yours")
    await knock(conn)
    return len(rows)


async def _has(conn: Connection, movement_id: int, account_id: UUID, now: datetime) -> bool:
    return await conn.fetchval(
        """
        SELECT EXISTS (SELECT 1 FROM alerts.claim
                        WHERE movement_id = $1 AND account_id = $2 AND until > $3)
        """,
        movement_id,
        account_id,
        now,
    )


async def snooze(
    conn: Connection, movement_id: int, minutes: int, actor: Actor, now: datetime
) -> datetime:
    """Asked for again in some minutes; the next rung of the ladder brings it back before. Raises
    Unprocessable `snooze_out_of_range`; Conflict `alert_ended`.
    """
    if minutes not in SNOOZES:
        raise Unprocessable("snooze_out_of_range", known=list(SNOOZES))
    until = now + timedelta(minutes=minutes)
    status = await conn.execute(
        f"""
        INSERT INTO alerts.snooze (movement_id, account_id, snoozed_at, until)
        SELECT $1, $2, $3, $4 WHERE {OPEN}
        ON CONFLICT (movement_id) DO UPDATE
           SET account_id = excluded.account_id, snoozed_at = excluded.snoozed_at,
               until = excluded.until
        """,
        movement_id,
        actor.id,
        now,
        until,
    )
    if status.endswith(" 0"):
        raise Conflict("alert_ended")
    await knock(conn)
    return until


async def knock(conn: Connection) -> None:
    """Tells the open duty pages to look again."""
    await conn.execute("SELECT pg_notify('duty', '')")


async def colleagues(conn: Connection, actor: Actor) -> list[tuple[UUID, str]]:
    """Officers of the duty desk besides this one, by name."""
    rows = await conn.fetch(
        """
        SELECT id, name FROM registry.account
         WHERE disabled_at IS NULL AND $1 = ANY(roles) AND id <> $2 ORDER BY name, id LIMIT 200
        """,
        str(Role.DUTY),
        actor.id,
    )
    return [(row["id"], row["name"]) for row in rows]
