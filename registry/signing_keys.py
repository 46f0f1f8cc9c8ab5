"""The keys that sign offline passes: made, changed in good time, and withdrawn.

Numbers are never given twice, so a gate that kept an old list can mistake no key for another.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    derive_private_key,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import Struct

from kernel.db import Connection
from kernel.errors import Conflict, NotFound, Unavailable
from kernel.privacy import Vault
from registry.jose import encode
from registry.offline_pass import CURVE, PublicKeys

LAST_KID = 255
MOST_LIVE = 2
#: Gates have a new key before they see the first pass that it signed.
NOTICE = timedelta(hours=24)
#: Held by whoever changes the keys.
_LOCK = 0x6B6579


class SigningKey(Struct, frozen=True, kw_only=True):
    """`public_key`: an uncompressed point, 65 bytes; `private_sealed` opens with `private_of`."""

    kid: int
    public_key: bytes
    private_sealed: bytes
    created_at: datetime
    signs_from: datetime
    retired_at: datetime | None = None


class PublishedKey(Struct, frozen=True, kw_only=True):
    """What the public may know of a key: a JSON Web Key (RFC 7517), and when it begins to sign."""

    kid: int
    kty: str = "EC"
    crv: str = "P-256"
    alg: str = "ES256"
    use: str = "sig"
    x: str
    y: str
    signs_from: datetime


async def all_keys(conn: Connection) -> tuple[SigningKey, ...]:
    """The newest first, withdrawn ones as well."""
    rows = await conn.fetch(
        """
        SELECT kid, public_key, private_sealed, created_at, signs_from, retired_at
          FROM registry.signing_key ORDER BY kid DESC
        """
    )
    return tuple(SigningKey(**dict(row)) for row in rows)


def live(keys: Sequence[SigningKey]) -> tuple[SigningKey, ...]:
    return tuple(key for key in keys if key.retired_at is None)


def signer(keys: Sequence[SigningKey], now: datetime) -> SigningKey | None:
    """The newest key whose time has come."""
    ready = (key for key in live(keys) if key.signs_from <= now)
    return max(ready, key=lambda key: (key.signs_from, key.kid), default=None)


def public_keys(keys: Sequence[SigningKey]) -> PublicKeys:
    """Of those that are alive. One that is no point of the curve verifies nothing, and must not
    keep a worker from loading the rest of its world.
    """
    readable: dict[int, EllipticCurvePublicKey] = {}
    for key in live(keys):
        with suppress(ValueError):
            point = EllipticCurvePublicKey.from_encoded_point(CURVE, key.public_key)
            readable[key.kid] = point
    return readable


def published(key: SigningKey) -> PublishedKey:
    x, y = key.public_key[1:33], key.public_key[33:]
    return PublishedKey(kid=key.kid, x=encode(x), y=encode(y), signs_from=key.signs_from)


def private_of(key: SigningKey, vault: Vault) -> EllipticCurvePrivateKey:
    """Raises Unavailable `signing_key_mismatched` where the row's two parts do not belong together.

    The number is bound to what is sealed: copied to another key's row it does not open.
    """
    scalar = int(vault.open(key.private_sealed, field=_field(key.kid)), 16)
    private = derive_private_key(scalar, CURVE)
    if point_of(private) != key.public_key:
        raise Unavailable("signing_key_mismatched", kid=key.kid)
    return private


async def ensure_signer(
    conn: Connection, vault: Vault, keys: Sequence[SigningKey], now: datetime
) -> SigningKey:
    """The key that signs now; the first one is made when it is first needed, once."""
    if (found := signer(keys, now)) is not None:
        return found
    known = await _locked(conn)
    return signer(known, now) or await _make(conn, vault, known, signs_from=now, now=now)


async def rotate(conn: Connection, vault: Vault, notice: timedelta, now: datetime) -> SigningKey:
    """A new key that signs after `notice`. Raises Conflict `two_signing_keys`."""
    known = await _locked(conn)
    alive = live(known)
    if len(alive) >= MOST_LIVE:
        raise Conflict("two_signing_keys", oldest=min(key.kid for key in alive))
    return await _make(conn, vault, known, signs_from=now + notice, now=now)


async def retire(conn: Connection, kid: int, now: datetime) -> None:
    """From now on its passes are refused. If no other key signs yet, the next one does at once.

    Raises NotFound `signing_key_unknown`, Conflict `signing_key_retired`.
    """
    known = {key.kid: key for key in await _locked(conn)}
    if kid not in known:
        raise NotFound("signing_key_unknown", kid=kid)
    if known[kid].retired_at is not None:
        raise Conflict("signing_key_retired", kid=kid)
    await conn.execute("UPDATE registry.signing_key SET retired_at = $2 WHERE kid = $1", kid, now)
    left = live([key for key in known.values() if key.kid != kid])
    if left and signer(left, now) is None:
        await conn.execute(
            "UPDATE registry.signing_key SET signs_from = $2 WHERE kid = $1", left[0].kid, now
        )


async def _locked(conn: Connection) -> tuple[SigningKey, ...]:
    """As they stand once nobody else can change them, until this transaction ends."""
    await conn.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
    return await all_keys(conn)


async def _make(
    conn: Connection,
    vault: Vault,
    known: Sequence[SigningKey],
    *,
    signs_from: datetime,
    now: datetime,
) -> SigningKey:
    kid = max((key.kid for key in known), default=0) + 1
    if kid > LAST_KID:
        raise Conflict("signing_keys_used_up")
    private = generate_private_key(CURVE)
    scalar = f"{private.private_numbers().private_value:064x}"
    made = SigningKey(
        kid=kid,
        public_key=point_of(private),
        private_sealed=vault.seal(scalar, field=_field(kid)),
        created_at=now,
        signs_from=signs_from,
    )
    await conn.execute(
        """
        INSERT INTO registry.signing_key
               (kid, public_key, private_sealed, created_at, signs_from)
        VALUES ($1, $2, $3, $4, $5)
        """,
        made.kid,
        made.public_key,
        made.private_sealed,
        made.created_at,
        made.signs_from,
    )
    return made


def point_of(private: EllipticCurvePrivateKey) -> bytes:
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _field(kid: int) -> str:
    return f"signing_key:{kid}"
