"""Messages on their way through the channels: handed out, claimed, sent, marked; tried again with
growing pauses for a day, and then put where somebody sees them.

A claim is a lease, as in `senders`: a crash between sending and marking sends again under the same
message id, and the second sending says so. Nothing is lost for want of a mark.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct, convert

from kernel.channels import ADDRESS, CHAT, SECRET, read_robot
from kernel.db import Connection, Pool
from kernel.errors import Refused
from kernel.outbox import give_positions
from kernel.outgoing import Allowed, post_pinned, target_of
from kernel.privacy import Vault
from kernel.robots import TOO_OFTEN, NotTakenError, Trouble, fitting
from kernel.robots import tell as tell_robot
from kernel.senders import GIVES_UP_AFTER, LEASE, SEND_SECONDS, pause_after

FANNED = "fanned"
MOST_FANNED = 2_000
#: Lines of one message to a robot or mailbox: a bad night is one message and not twenty.
MOST_LINES = 20
HOUR = timedelta(hours=1)

log = structlog.get_logger()


class Due(Struct, frozen=True, kw_only=True):
    """`attempts` counts this one; above 1 it may have arrived before."""

    message_id: UUID
    key: str
    kind: str
    recipient: str
    facts: dict[str, Any]
    created_at: datetime
    attempts: int


class Way(Struct, frozen=True, kw_only=True):
    """A channel with what it needs to send; `room` is how often it may still send this hour."""

    id: UUID
    kind: str
    lang: str
    address: str
    secret: str
    room: int


#: One message in the words of a language.
Tell = Callable[[Connection, Due, str], Awaitable[str]]


async def hand_out(conn: Connection, now: datetime) -> int:
    """New messages of the feed get a delivery for each channel that serves their recipient; how
    many were looked at. Messages from before a channel was made are not sent through it.
    """
    async with conn.transaction():
        await give_positions(conn)
        row = await conn.fetchrow(
            """
            WITH known AS (
                SELECT value::bigint AS position FROM kernel.fact WHERE name = $3 FOR UPDATE
            ), fresh AS (
                SELECT o.id, o.position, o.recipient, o.created_at
                  FROM kernel.outbox o, known
                 WHERE o.position > known.position ORDER BY o.position LIMIT $2
            ), handed AS (
                INSERT INTO kernel.delivery (message_id, channel_id, next_at)
                SELECT f.id, c.id, $1 FROM fresh f
                  JOIN kernel.channel c
                    ON f.recipient = ANY(c.audience) AND c.disabled_at IS NULL
                   AND f.created_at >= c.created_at
                ON CONFLICT DO NOTHING
            ), noted AS (
                UPDATE kernel.fact SET value = (SELECT max(position) FROM fresh)::text
                 WHERE name = $3 AND EXISTS (SELECT FROM fresh)
            )
            SELECT count(*) AS looked FROM fresh
            """,
            now,
            MOST_FANNED,
            FANNED,
        )
    return 0 if row is None else row["looked"]


async def deliver(pool: Pool, vault: Vault, tell: Tell, allow: Allowed, now: datetime) -> int:
    """How many messages went out. One channel that fails holds no other back."""
    async with pool.acquire(timeout=2) as conn:
        while await hand_out(conn, now) == MOST_FANNED:
            pass
        ways = await _ways(conn, vault, now)
    done = await asyncio.gather(*(_through(pool, way, tell, allow, now) for way in ways))
    return sum(done)


async def _ways(conn: Connection, vault: Vault, now: datetime) -> list[Way]:
    """Channels with something due and with room left in this hour."""
    rows = await conn.fetch(
        """
        SELECT c.id, c.kind, c.lang, c.address_sealed, c.secret_sealed,
               c.per_hour - (SELECT count(DISTINCT d.sent_at) FROM kernel.delivery d
                              WHERE d.channel_id = c.id AND d.sent_at > $2) AS room
          FROM kernel.channel c
         WHERE c.disabled_at IS NULL AND EXISTS (
               SELECT FROM kernel.delivery d WHERE d.channel_id = c.id AND d.sent_at IS NULL
                  AND d.gave_up_at IS NULL AND d.next_at <= $1)
           AND NOT EXISTS (
               -- Whoever says "too often" is left alone, by new messages too.
               SELECT FROM kernel.delivery d WHERE d.channel_id = c.id AND d.sent_at IS NULL
                  AND d.gave_up_at IS NULL AND d.next_at > $1 AND d.error LIKE $3)
        """,
        now,
        now - HOUR,
        f"{TOO_OFTEN}%",
    )
    return [
        Way(
            id=row["id"],
            kind=row["kind"],
            lang=row["lang"],
            address=vault.open(row["address_sealed"], field=ADDRESS),
            secret=vault.open(row["secret_sealed"], field=SECRET) if row["secret_sealed"] else "",
            room=row["room"],
        )
        for row in rows
        if row["room"] > 0
    ]


async def _through(pool: Pool, way: Way, tell: Tell, allow: Allowed, now: datetime) -> int:
    async with pool.acquire(timeout=2) as conn:
        due = await _claim(conn, way, now)
        lines = [await tell(conn, each, way.lang) for each in due] if way.kind == CHAT else []
    if not due:
        return 0
    if way.kind == CHAT:
        return await _through_robot(pool, way, due, lines, now)
    sent = 0
    for number, each in enumerate(due):
        trouble = await _tried(_to_webhook(way, each, allow))
        # One after the other, so that what is marked together was sent in this order.
        await _settle(pool, way, [each], trouble, now + timedelta(microseconds=number))
        sent += trouble is None
    return sent


async def _through_robot(
    pool: Pool, way: Way, due: Sequence[Due], lines: Sequence[str], now: datetime
) -> int:
    """As many as one message holds; the others are given back as if they had not been taken."""
    try:
        robot = read_robot(way.address)
    except Refused as refused:
        await _settle(pool, way, due, Trouble(code=refused.code), now)
        return 0
    said = [_signed(each, line) for each, line in zip(due, lines, strict=True)]
    fits = fitting(robot, said)
    if fits < len(due):
        await _give_back(pool, way, due[fits:], now)
    title = lines[0] if way.address.startswith("mailto") else ""
    trouble = await _tried(tell_robot(robot, said[:fits], title))
    await _settle(pool, way, due[:fits], trouble, now)
    return fits if trouble is None else 0


def _signed(due: Due, line: str) -> str:
    """Each line ends with the first characters of its message's id, and a second sending is named:
    whoever reads it sees that it is the same.
    """
    return f"{line} [{str(due.message_id)[:8]}{'↻' if due.attempts > 1 else ''}]"


async def _give_back(pool: Pool, way: Way, due: Sequence[Due], now: datetime) -> None:
    async with pool.acquire(timeout=2) as conn:
        await conn.execute(
            """
            UPDATE kernel.delivery SET next_at = $3, attempts = attempts - 1
             WHERE channel_id = $1 AND message_id = ANY($2) AND sent_at IS NULL
            """,
            way.id,
            [each.message_id for each in due],
            now,
        )


async def _claim(conn: Connection, way: Way, now: datetime) -> list[Due]:
    most = MOST_LINES if way.kind == CHAT else min(way.room, MOST_LINES)
    rows = await conn.fetch(
        """
        WITH claimed AS (
            UPDATE kernel.delivery SET next_at = $3, attempts = attempts + 1
             WHERE (message_id, channel_id) IN (
                   SELECT message_id, channel_id FROM kernel.delivery
                    WHERE channel_id = $1 AND sent_at IS NULL AND gave_up_at IS NULL
                      AND next_at <= $2
                    ORDER BY next_at LIMIT $4 FOR UPDATE SKIP LOCKED)
            RETURNING message_id, attempts
        )
        SELECT c.message_id, o.key, o.kind, o.recipient, o.facts, o.created_at, c.attempts
          FROM claimed c JOIN kernel.outbox o ON o.id = c.message_id ORDER BY o.position
        """,
        way.id,
        now,
        now + LEASE,
        most,
    )
    return [convert(dict(row), Due) for row in rows]


async def _tried(sending: Awaitable[None]) -> Trouble | None:
    """None where it went out."""
    try:
        async with asyncio.timeout(SEND_SECONDS + 1):
            await sending
    except Refused as refused:
        return Trouble(code=refused.code)
    except NotTakenError as error:
        return Trouble(code=str(error), for_good=error.for_good)
    except Exception as error:  # noqa: BLE001 - whatever it was, it is tried again
        return Trouble(code=type(error).__name__)
    return None


async def _settle(
    pool: Pool, way: Way, due: Sequence[Due], trouble: Trouble | None, now: datetime
) -> None:
    async with pool.acquire(timeout=2) as conn:
        if trouble is None:
            await conn.execute(
                """
                UPDATE kernel.delivery SET sent_at = $3, error = ''
                 WHERE channel_id = $1 AND message_id = ANY($2)
                """,
                way.id,
                [each.message_id for each in due],
                now,
            )
            return
        log.warning("delivery_failed", channel=str(way.id), error=trouble.code)
        for each in due:
            await _later(conn, way, each, trouble, now)


async def _later(conn: Connection, way: Way, each: Due, trouble: Trouble, now: datetime) -> None:
    over = trouble.for_good or now - each.created_at > GIVES_UP_AFTER
    await conn.execute(
        """
        UPDATE kernel.delivery SET next_at = $3, error = $4, gave_up_at = $5
         WHERE channel_id = $1 AND message_id = $2
        """,
        way.id,
        each.message_id,
        now + pause_after(each.attempts),
        trouble.code,
        now if over else None,
    )


async def _to_webhook(way: Way, due: Due, allow: Allowed) -> None:
    """POSTs JSON, signed in `X-Checkpoint-Signature` (HMAC-SHA256 of the body, hex). Anything but
    2xx is tried again.
    """
    body = msgspec.json.encode(
        {
            "id": due.message_id,
            "key": due.key,
            "kind": due.kind,
            "recipient": due.recipient,
            "facts": due.facts,
            "created_at": due.created_at,
            "attempt": due.attempts,
        }
    )
    signature = hmac.new(way.secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "content-type": "application/json",
        "x-checkpoint-id": str(due.message_id),
        "x-checkpoint-attempt": str(due.attempts),
        "x-checkpoint-signature": signature,
    }
    status = await post_pinned(await target_of(way.address, allow), body, headers)
    if not 200 <= status < 300:
        raise NotTakenError(f"status_{status}")
