"""The second factor: codes of six digits that change each half minute (RFC 6238), and eight codes
on paper for whoever has lost their telephone.
"""

import base64
import secrets
from datetime import datetime
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from msgspec import Struct

from kernel.attempts import check_not_locked, count_failure, forget_failures
from kernel.db import Connection
from kernel.errors import Conflict
from kernel.privacy import Vault
from registry.posters import CODE_ALPHABET

ISSUER = "Checkpoint"
FIELD = "totp_secret"
SECRET_BYTES = 20
SECONDS = 30
#: A telephone's clock may be half a minute off, either way.
DRIFT = (0, -1, 1)
RECOVERY_CODES = 8
RECOVERY_LENGTH = 10


class Enrolment(Struct, frozen=True, kw_only=True):
    """What the person's telephone is to learn; `secret` is in base 32."""

    secret: str
    uri: str


def _totp(secret: bytes) -> TOTP:
    # SHA-1 is what every authenticator understands; as a keyed hash it is not broken.
    return TOTP(secret, 6, SHA1(), SECONDS)  # noqa: S303


def code_at(secret: bytes, step: int) -> str:
    return _totp(secret).generate(step * SECONDS).decode()


def step_of(secret: bytes, code: str, now: datetime) -> int | None:
    """The step to which a code belongs, among those that are near enough."""
    here = int(now.timestamp()) // SECONDS
    fits = (
        here + off
        for off in DRIFT
        if secrets.compare_digest(code_at(secret, here + off).encode(), code.encode())
    )
    return next(fits, None)


def _tidy(code: str) -> str:
    """As people type it: with spaces, hyphens, in small letters."""
    kept = "".join(c for c in code[:40].upper() if c.isascii() and c.isalnum())
    return kept.translate(str.maketrans("ILO", "110"))


async def has_factor(conn: Connection, account_id: UUID) -> bool:
    return await conn.fetchval(
        """
        SELECT EXISTS (SELECT 1 FROM registry.second_factor
                        WHERE account_id = $1 AND confirmed_at IS NOT NULL)
        """,
        account_id,
    )


async def enrolment(
    conn: Connection, vault: Vault, account_id: UUID, login_id: UUID | None
) -> Enrolment:
    """The secret that waits for its first code. It is made anew for each log-in, so that nobody
    who looked at it before shares it. Raises Conflict `factor_exists`.
    """
    fresh = vault.seal(secrets.token_bytes(SECRET_BYTES).hex(), field=FIELD)
    row = await conn.fetchrow(
        """
        INSERT INTO registry.second_factor AS f (account_id, secret_sealed, login_session_id)
        VALUES ($1, $2, $3)
        ON CONFLICT (account_id) DO UPDATE SET login_session_id = $3, secret_sealed =
            CASE WHEN f.login_session_id IS NOT DISTINCT FROM $3 THEN f.secret_sealed ELSE $2 END
         WHERE f.confirmed_at IS NULL
        RETURNING secret_sealed,
                  (SELECT login FROM registry.account WHERE id = f.account_id) AS login
        """,
        account_id,
        fresh,
        login_id,
    )
    if row is None:
        raise Conflict("factor_exists")
    secret = bytes.fromhex(vault.open(row["secret_sealed"], field=FIELD))
    uri = _totp(secret).get_provisioning_uri(row["login"], ISSUER)
    return Enrolment(secret=base64.b32encode(secret).decode(), uri=uri)


async def confirm(
    conn: Connection,
    vault: Vault,
    account_id: UUID,
    login_id: UUID | None,
    code: str,
    now: datetime,
) -> list[str] | None:
    """The first code makes it valid: eight recovery codes, shown this once. None for a wrong code;
    answer that with a returned response, so that the guess stays counted.
    """
    row = await conn.fetchrow(
        """
        SELECT secret_sealed FROM registry.second_factor
         WHERE account_id = $1 AND confirmed_at IS NULL
           AND login_session_id IS NOT DISTINCT FROM $2 FOR UPDATE
        """,
        account_id,
        login_id,
    )
    if row is None:
        raise Conflict("factor_exists")
    subject = _subject(vault, account_id)
    await check_not_locked(conn, subject, now)
    step = step_of(_secret(vault, row["secret_sealed"]), _tidy(code), now)
    if step is None:
        await count_failure(conn, subject, now)
        return None
    await conn.execute(
        "UPDATE registry.second_factor SET confirmed_at = $2, last_step = $3 WHERE account_id = $1",
        account_id,
        now,
        step,
    )
    await forget_failures(conn, subject)
    return await _new_recovery_codes(conn, vault, account_id)


async def check_code(
    conn: Connection, vault: Vault, account_id: UUID, code: str, now: datetime
) -> bool:
    """A code of the telephone or one from the paper; each opens once. False for a wrong one:
    answer that with a returned response, so that the guess stays counted.
    Raises TooMany `too_many_attempts`.
    """
    subject = _subject(vault, account_id)
    await check_not_locked(conn, subject, now)
    tidy = _tidy(code)
    right = (
        await _take_recovery_code(conn, vault, account_id, tidy, now)
        if len(tidy) == RECOVERY_LENGTH
        else await _take_step(conn, vault, account_id, tidy, now)
    )
    if right:
        await forget_failures(conn, subject)
    else:
        await count_failure(conn, subject, now)
    return right


async def _take_step(
    conn: Connection, vault: Vault, account_id: UUID, code: str, now: datetime
) -> bool:
    sealed = await conn.fetchval(
        """
        SELECT secret_sealed FROM registry.second_factor
         WHERE account_id = $1 AND confirmed_at IS NOT NULL
        """,
        account_id,
    )
    step = None if sealed is None else step_of(_secret(vault, sealed), code, now)
    if step is None:
        return False
    taken = await conn.fetchval(
        """
        UPDATE registry.second_factor SET last_step = $2
         WHERE account_id = $1 AND last_step < $2 RETURNING true
        """,
        account_id,
        step,
    )
    return bool(taken)


async def _take_recovery_code(
    conn: Connection, vault: Vault, account_id: UUID, code: str, now: datetime
) -> bool:
    taken = await conn.fetchval(
        """
        UPDATE registry.recovery_code SET used_at = $3
         WHERE account_id = $1 AND code_hash = ANY($2) AND used_at IS NULL RETURNING true
        """,
        account_id,
        vault.blinds(f"{account_id}{code}", field="recovery_code"),
        now,
    )
    return bool(taken)


async def _new_recovery_codes(conn: Connection, vault: Vault, account_id: UUID) -> list[str]:
    codes = [
        "".join(secrets.choice(CODE_ALPHABET) for _ in range(RECOVERY_LENGTH))
        for _ in range(RECOVERY_CODES)
    ]
    await conn.execute("DELETE FROM registry.recovery_code WHERE account_id = $1", account_id)
    await conn.executemany(
        "INSERT INTO registry.recovery_code (account_id, code_hash) VALUES ($1, $2)",
        [(account_id, vault.blind(f"{account_id}{code}", field="recovery_code")) for code in codes],
    )
    return codes


async def codes_left(conn: Connection, account_id: UUID) -> int:
    return await conn.fetchval(
        "SELECT count(*) FROM registry.recovery_code WHERE account_id = $1 AND used_at IS NULL",
        account_id,
    )


async def drop_factor(conn: Connection, account_id: UUID) -> None:
    await conn.execute("DELETE FROM registry.recovery_code WHERE account_id = $1", account_id)
    await conn.execute("DELETE FROM registry.second_factor WHERE account_id = $1", account_id)


def _secret(vault: Vault, sealed: bytes) -> bytes:
    return bytes.fromhex(vault.open(sealed, field=FIELD))


def _subject(vault: Vault, account_id: UUID) -> bytes:
    return vault.blind(str(account_id), field="second_factor")
