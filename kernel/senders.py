"""Messages that leave the house for a phone: claimed, sent, marked; tried again for a day.

A claim is a lease and not a lock: whoever claims dies, another goes on when the lease is over.
A crash between sending and marking sends again under the same message id, by which a gateway can
tell; nothing is ever lost for want of a mark.
"""

import asyncio
import hashlib
import hmac
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import structlog
from msgspec import Struct

from kernel.db import Connection, Pool
from kernel.i18n import t, use_locale
from kernel.privacy import Vault, mask_phone

MOST_AT_ONCE = 10
SEND_SECONDS = 5
#: Longer than the slowest batch takes, marks included: a claim that is worked on never runs out.
LEASE = timedelta(seconds=90)
FIRST_PAUSE = timedelta(seconds=20)
LONGEST_PAUSE = timedelta(hours=1)
GIVES_UP_AFTER = timedelta(hours=24)

log = structlog.get_logger()


class Letter(Struct, frozen=True, kw_only=True):
    """`id` stays the same however often it is sent."""

    id: UUID
    kind: str
    to: str
    text: str


class Waiting(Struct, frozen=True, kw_only=True):
    id: UUID
    kind: str
    recipient: str
    facts: dict[str, Any]
    sealed: bytes | None
    created_at: datetime
    attempts: int


class UnwordedError(Exception):
    """No catalogue has a sentence for messages of this kind."""


class Addressed(Struct, frozen=True, kw_only=True):
    """Whom a message is for, and in which words; the facts fill the sentence `sms.<kind>`."""

    to: str
    facts: dict[str, Any] = {}
    lang: str = "zh"


Send = Callable[[Letter], Awaitable[None]]
#: The address behind a recipient that is not sealed; None where nobody can be reached.
FindAddress = Callable[[Connection, Waiting], Awaitable[Addressed | None]]


async def send_due(pool: Pool, vault: Vault, find: FindAddress, send: Send, now: datetime) -> int:
    """How many were sent. One that cannot be written or sent holds no other back."""
    async with pool.acquire(timeout=2) as conn:
        claimed = await _claim(conn, now)
        written = [await _written(conn, vault, find, each) for each in claimed]
    sent = 0
    for waiting, letter in zip(claimed, written, strict=True):
        done = isinstance(letter, Letter) and await _sent(send, letter)
        sent += done
        async with pool.acquire(timeout=2) as conn:
            if done:
                await _mark(conn, waiting, now)
            else:
                await _later(conn, waiting, now, for_ever=letter is None)
    return sent


async def _claim(conn: Connection, now: datetime) -> list[Waiting]:
    rows = await conn.fetch(
        """
        UPDATE kernel.outbox SET next_at = $2, attempts = attempts + 1
         WHERE id IN (SELECT id FROM kernel.outbox
                       WHERE by_phone AND sent_at IS NULL AND gave_up_at IS NULL AND next_at <= $1
                       ORDER BY next_at LIMIT $3 FOR UPDATE SKIP LOCKED)
        RETURNING id, kind, recipient, facts, sealed, created_at, attempts
        """,
        now,
        now + LEASE,
        MOST_AT_ONCE,
    )
    return [msgspec.convert(dict(row), Waiting) for row in rows]


async def _written(
    conn: Connection, vault: Vault, find: FindAddress, waiting: Waiting
) -> Letter | Exception | None:
    """None where nobody can be reached; what went wrong where it may yet go right."""
    try:
        return await _letter(conn, vault, find, waiting)
    except Exception as error:  # noqa: BLE001 - whatever it was, the others are written
        log.warning("message_not_written", kind=waiting.kind, error=type(error).__name__)
        return error


async def _letter(
    conn: Connection, vault: Vault, find: FindAddress, waiting: Waiting
) -> Letter | None:
    if waiting.sealed is not None:
        opened = vault.open(waiting.sealed, field="letter")
        addressed = msgspec.json.decode(opened, type=Addressed)
    else:
        addressed = await find(conn, waiting)
    if addressed is None:
        return None
    key = f"sms.{waiting.kind}"
    with use_locale(addressed.lang):
        text = t(key, **addressed.facts)
    if text == key:
        raise UnwordedError(key)
    return Letter(id=waiting.id, kind=waiting.kind, to=addressed.to, text=text)


async def _sent(send: Send, letter: Letter) -> bool:
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await send(letter)
    except Exception as error:  # noqa: BLE001 - whatever it was, it is tried again
        log.warning("message_not_sent", kind=letter.kind, error=type(error).__name__)
        return False
    return True


async def _mark(conn: Connection, waiting: Waiting, now: datetime) -> None:
    """What was sealed has done its work and goes."""
    await conn.execute(
        "UPDATE kernel.outbox SET sent_at = $2, sealed = NULL WHERE id = $1", waiting.id, now
    )


def pause_after(attempts: int) -> timedelta:
    """Twice as long each time, up to an hour."""
    return min(FIRST_PAUSE * 2 ** min(attempts - 1, 12), LONGEST_PAUSE)


async def _later(conn: Connection, waiting: Waiting, now: datetime, *, for_ever: bool) -> None:
    """Tried again with growing pauses, until it is a day old or nobody can be reached."""
    pause = pause_after(waiting.attempts)
    over = for_ever or now - waiting.created_at > GIVES_UP_AFTER
    await conn.execute(
        """
        UPDATE kernel.outbox
           SET next_at = $2, gave_up_at = $3::timestamptz,
               sealed = CASE WHEN $3 IS NULL THEN sealed END
         WHERE id = $1
        """,
        waiting.id,
        now + pause,
        now if over else None,
    )


async def given_up_since(conn: Connection, since: datetime) -> int:
    """Messages that were tried for a day in vain; not those for which there was no telephone."""
    return await conn.fetchval(
        """
        SELECT count(*) FROM kernel.outbox
         WHERE by_phone AND gave_up_at > $1 AND gave_up_at - created_at > $2
        """,
        since,
        GIVES_UP_AFTER,
    )


# ── channels ──


async def to_console(letter: Letter) -> None:
    """For a demonstration: what a phone would show stands at the terminal, its number masked."""
    print(f"  ✉ {mask_phone(letter.to)}  {letter.text}", file=sys.stderr, flush=True)  # noqa: T201


def to_gateway(url: str, secret: str) -> Send:
    """POSTs JSON `{id, kind, to, text}`, signed in `X-Checkpoint-Signature` (HMAC-SHA256 of the
    body, hex). Anything but 2xx is tried again.
    """

    async def send(letter: Letter) -> None:
        body = msgspec.json.encode(letter)
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-checkpoint-signature": signature}
        async with httpx.AsyncClient(timeout=SEND_SECONDS, follow_redirects=False) as client:
            (await client.post(url, content=body, headers=headers)).raise_for_status()

    return send


def channel(sms: str, secret: str) -> Send | None:
    """`console`, the address of a gateway, or nothing: then no message can be sent."""
    if sms == "console":
        return to_console
    return to_gateway(sms, secret) if sms else None
