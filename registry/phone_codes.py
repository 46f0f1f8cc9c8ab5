"""Codes sent to a phone: whoever types one holds it (reliability T6).

A code has six digits, lives ten minutes and dies with the fifth wrong guess. A number gets at
most three in six hours, known here or not, so that nobody's phone is made to ring all night.
"""

import hmac
import secrets
from datetime import datetime, timedelta

from kernel.db import Connection
from kernel.errors import TooMany
from kernel.outbox import post_to_phone
from kernel.privacy import Vault

LIVES = timedelta(minutes=10)
MOST_FAILURES = 5
MOST_SENT = 3
SENT_WITHIN = timedelta(hours=6)
#: A second tap on the button does not send a second code.
PATIENCE = timedelta(seconds=60)


async def send_code(
    conn: Connection, vault: Vault, phone: str, *, lang: str, now: datetime
) -> None:
    """`phone` in E.164. Raises TooMany("phone_codes_used_up")."""
    blind = vault.blind(phone, field="phone")
    code = f"{secrets.randbelow(10**6):06d}"
    sent = await conn.fetchval(
        """
        INSERT INTO registry.phone_code AS p (phone_blind, code_hash, expires_at, sent_since)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (phone_blind) DO UPDATE
           SET code_hash = $2, expires_at = $3, failures = 0,
               sent = CASE WHEN p.sent_since < $5 THEN 1 ELSE p.sent + 1 END,
               sent_since = CASE WHEN p.sent_since < $5 THEN $4 ELSE p.sent_since END
         WHERE (p.sent < $6 OR p.sent_since < $5) AND p.expires_at <= $7
        RETURNING sent
        """,
        blind,
        _hash(vault, phone, code),
        now + LIVES,
        now,
        now - SENT_WITHIN,
        MOST_SENT,
        now + LIVES - PATIENCE,
    )
    if sent is None:
        await _check_may_wait(conn, blind, now)
        return
    await post_to_phone(
        conn,
        vault,
        to=phone,
        kind="phone_code",
        facts={"code": code},
        key=f"phone_code:{secrets.token_hex(16)}",
        lang=lang,
        now=now,
    )


async def _check_may_wait(conn: Connection, blind: bytes, now: datetime) -> None:
    """Nothing was sent: because a code is on its way, or because there were too many."""
    lately = await conn.fetchval(
        "SELECT expires_at > $2 FROM registry.phone_code WHERE phone_blind = $1",
        blind,
        now + LIVES - PATIENCE,
    )
    if not lately:
        raise TooMany("phone_codes_used_up")


async def code_fits(conn: Connection, vault: Vault, phone: str, code: str, now: datetime) -> bool:
    """A code that fits is used up; one that does not is counted. The caller must commit."""
    blind = vault.blind(phone, field="phone")
    row = await conn.fetchrow(
        """
        SELECT code_hash FROM registry.phone_code
         WHERE phone_blind = $1 AND expires_at > $2 AND failures < $3 FOR UPDATE
        """,
        blind,
        now,
        MOST_FAILURES,
    )
    if row is None:
        return False
    said = "".join(code.split())
    if hmac.compare_digest(row["code_hash"], _hash(vault, phone, said)):
        await conn.execute(
            "UPDATE registry.phone_code SET expires_at = $2 WHERE phone_blind = $1", blind, now
        )
        return True
    await conn.execute(
        "UPDATE registry.phone_code SET failures = failures + 1 WHERE phone_blind = $1", blind
    )
    return False


def _hash(vault: Vault, phone: str, code: str) -> bytes:
    return vault.mac("phone_code", f"{phone} {code}".encode())
