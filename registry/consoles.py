"""Consoles: enrolled by a code that is used once, known by a key that cannot leave the device.

A session lasts a shift; its token is kept as a hash and ends by its own hour, whatever runs.
"""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from msgspec import Struct

from kernel.auth import new_token, token_hash
from kernel.db import Connection
from kernel.errors import Forbidden, Malformed, NotFound, Unauthenticated
from kernel.privacy import Vault
from registry.jose import decode, encode, fits
from registry.offline_pass import CURVE

CODE_DIGITS = 12
CODE_LIVES = timedelta(minutes=30)
NONCE_LIVES = timedelta(minutes=2)
SESSION_LIVES = timedelta(hours=12)
#: Signed by the console in front of the nonce.
CONTEXT = "checkpoint-gate-session:"
_STAMP = 8


class PublicKey(Struct, frozen=True, kw_only=True):
    """A JSON Web Key (RFC 7517); a console sends more members, which mean nothing here."""

    x: str
    y: str


class Enrolled(Struct, frozen=True, kw_only=True):
    device_id: UUID
    name: str
    place_id: int


async def make_code(conn: Connection, device_id: UUID, actor_id: UUID, now: datetime) -> str:
    """Shown once. Codes before it, of the same device, end. Raises NotFound `unknown_device`."""
    known = await conn.fetchval(
        "SELECT true FROM registry.device WHERE id = $1 AND role = 'lane' AND revoked_at IS NULL",
        device_id,
    )
    if not known:
        raise NotFound("unknown_device")
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    await conn.execute(
        """
        UPDATE registry.enrolment_code SET expires_at = $2
         WHERE device_id = $1 AND expires_at > $2
        """,
        device_id,
        now,
    )
    await conn.execute(
        """
        INSERT INTO registry.enrolment_code
               (code_hash, device_id, expires_at, created_by, created_at)
        VALUES ($1, $2, $3, $4, $5)
        """,
        _code_hash(code),
        device_id,
        now + CODE_LIVES,
        actor_id,
        now,
    )
    return code


async def enrol(conn: Connection, code: str, key: PublicKey, now: datetime) -> Enrolled:
    """The same code with the same key again is the same enrolment. What was signed with an older
    key ends. Raises Malformed `key_malformed`, Forbidden `enrolment_code_wrong`.
    """
    point = _point(key)
    row = await conn.fetchrow(
        """
        SELECT c.device_id, c.used_at, d.public_key, d.name, d.place_id
          FROM registry.enrolment_code c JOIN registry.device d ON d.id = c.device_id
         WHERE c.code_hash = $1 AND c.expires_at > $2 AND d.revoked_at IS NULL FOR UPDATE OF c
        """,
        _code_hash("".join(code.split())),
        now,
    )
    if row is None or (row["used_at"] is not None and row["public_key"] != point):
        raise Forbidden("enrolment_code_wrong")
    if row["used_at"] is None:
        await _put_key(conn, row["device_id"], point, now)
    return Enrolled(device_id=row["device_id"], name=row["name"], place_id=row["place_id"])


async def _put_key(conn: Connection, device_id: UUID, point: bytes, now: datetime) -> None:
    await conn.execute(
        "UPDATE registry.device SET public_key = $2, enrolled_at = $3 WHERE id = $1",
        device_id,
        point,
        now,
    )
    await conn.execute(
        "UPDATE registry.enrolment_code SET used_at = $2 WHERE device_id = $1 AND used_at IS NULL",
        device_id,
        now,
    )
    await _end_sessions(conn, device_id, now)


async def _end_sessions(conn: Connection, device_id: UUID, now: datetime) -> None:
    await conn.execute(
        """
        UPDATE registry.token SET revoked_at = $2
         WHERE device_id = $1 AND expires_at IS NOT NULL AND revoked_at IS NULL
        """,
        device_id,
        now,
    )


def challenge(vault: Vault, device_id: UUID, now: datetime) -> str:
    """A nonce for this device that is good for two minutes; nothing is kept of it."""
    stamp = int(now.timestamp()).to_bytes(_STAMP)
    return encode(stamp + vault.mac("console nonce", stamp + device_id.bytes))


async def open_session(
    conn: Connection, vault: Vault, device_id: UUID, nonce: str, signature: str, now: datetime
) -> tuple[str, datetime]:
    """The token, and until when it opens. Raises Unauthenticated `device_revoked` where the device
    is withdrawn or was never enrolled, `nonce_old`, `signature_wrong`.
    """
    point = await conn.fetchval(
        "SELECT public_key FROM registry.device WHERE id = $1 AND revoked_at IS NULL FOR UPDATE",
        device_id,
    )
    if point is None:
        raise Unauthenticated("device_revoked")
    _check_nonce(vault, device_id, nonce, now)
    _check_signature(point, CONTEXT + nonce, signature)
    await _end_sessions(conn, device_id, now)
    token, until = new_token(), now + SESSION_LIVES
    await conn.execute(
        """
        INSERT INTO registry.token (token_hash, device_id, label, created_at, expires_at)
        VALUES ($1, $2, 'session', $3, $4)
        """,
        token_hash(token),
        device_id,
        now,
        until,
    )
    return token, until


def _check_nonce(vault: Vault, device_id: UUID, nonce: str, now: datetime) -> None:
    raw = decode(nonce)
    stamp, tag = raw[:_STAMP], raw[_STAMP:]
    made = vault.macs("console nonce", stamp + device_id.bytes)
    if not any(hmac.compare_digest(tag, each) for each in made):
        raise Unauthenticated("nonce_old")
    said_at = datetime.fromtimestamp(int.from_bytes(stamp), UTC)
    if not timedelta(0) <= now - said_at <= NONCE_LIVES:
        raise Unauthenticated("nonce_old")


def _check_signature(point: bytes, text: str, signature: str) -> None:
    key = EllipticCurvePublicKey.from_encoded_point(CURVE, point)
    if not fits(key, signature, text.encode()):
        raise Unauthenticated("signature_wrong")


def _point(key: PublicKey) -> bytes:
    x, y = decode(key.x), decode(key.y)
    point = b"\x04" + x + y
    try:
        EllipticCurvePublicKey.from_encoded_point(CURVE, point)
    except ValueError as error:
        raise Malformed("key_malformed") from error
    return point


def _code_hash(code: str) -> bytes:
    return hashlib.sha256(b"enrolment" + code.encode()).digest()
