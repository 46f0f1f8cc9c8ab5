"""The data keys of a database: made, wrapped, read, wrapped anew, destroyed.

Wrapped key: nonce (12 bytes), AES-256-GCM ciphertext with its tag; its id and its purpose are bound
to it, so that one row's bytes do not open in another.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct, convert

from kernel.db import Connection
from kernel.errors import Conflict, NotFound
from kernel.privacy import KEY_BYTES, Ring, Vault

#: A new key seals only when every worker has looked for keys several times since it was made.
KNOWN_AFTER = timedelta(minutes=5)
REFRESH_SECONDS = 60
FINGERPRINT = "master_key"
_LOCK = 0x6B657972  # "keyr"
_NONCE_BYTES = 12

Purpose = Literal["seal", "index"]


class WrongKeyError(RuntimeError):
    """The master key is not the one that sealed this database."""


class DamagedKeyError(RuntimeError):
    """A wrapped data key was altered."""


class DataKey(Struct, frozen=True, kw_only=True):
    """One row; `wrapped` is None once the key is destroyed."""

    id: int
    purpose: Purpose
    wrapped: bytes | None
    created_at: datetime
    seals_from: datetime
    retired_at: datetime | None
    destroyed_at: datetime | None

    def __repr__(self) -> str:
        return f"DataKey({self.id}, {self.purpose})"


async def unlock(conn: Connection, vault: Vault, now: datetime) -> None:
    """Give the vault this database's ring, which is made on the first start.

    Of several workers that start at once one makes it and the others find it. Raises
    WrongKeyError, DamagedKeyError.
    """
    async with conn.transaction():
        await _one_at_a_time(conn)
        await check_fingerprint(conn, vault)
        keys = await read_keys(conn)
        if not keys:
            await _add(conn, vault, 1, "index", vault.root(), now, now)
            await _add(conn, vault, 2, "seal", secrets.token_bytes(KEY_BYTES), now, now)
            keys = await read_keys(conn)
    vault.adopt(unwrap(vault, keys, now))


async def refresh(conn: Connection, vault: Vault, now: datetime) -> None:
    """Look for keys that were made or destroyed since. A vault that holds the old master key keeps
    what it has: its worker must be started again, with the new one.
    """
    vault.adopt(unwrap(vault, await read_keys(conn), now))


async def check_fingerprint(conn: Connection, vault: Vault) -> None:
    """A key file that was lost and made anew would leave every sealed field unreadable, so the
    service does not start with it.
    """
    await conn.execute(
        "INSERT INTO kernel.fact (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        FINGERPRINT,
        vault.fingerprint(),
    )
    known = await conn.fetchval("SELECT value FROM kernel.fact WHERE name = $1", FINGERPRINT)
    if known != vault.fingerprint():
        message = "This master key did not seal this database. Restore the key from its backup."
        raise WrongKeyError(message)


async def read_keys(conn: Connection) -> list[DataKey]:
    rows = await conn.fetch(
        """
        SELECT id, purpose, wrapped, created_at, seals_from, retired_at, destroyed_at
          FROM kernel.data_key ORDER BY id
        """
    )
    return convert([dict(row) for row in rows], list[DataKey])


def unwrap(vault: Vault, keys: Sequence[DataKey], now: datetime) -> Ring:
    """Pure. Raises DamagedKeyError."""
    opened = {key.id: _unwrap(vault, key) for key in keys if key.wrapped is not None}
    root = next(opened[key.id] for key in keys if key.purpose == "index")
    return Ring(
        root=root,
        keys={key.id: opened[key.id] for key in keys if key.purpose == "seal" and key.wrapped},
        sealing=sealing(keys, now),
        destroyed=frozenset(key.id for key in keys if key.destroyed_at is not None),
    )


def sealing(keys: Sequence[DataKey], now: datetime) -> int | None:
    """The newest that seals already."""
    fit = [
        key.id
        for key in keys
        if key.purpose == "seal" and key.retired_at is None and key.seals_from <= now
    ]
    return max(fit, default=None)


async def new_key(conn: Connection, vault: Vault, now: datetime) -> DataKey:
    """A key that begins to seal when every worker knows it."""
    await _one_at_a_time(conn)
    number = max((key.id for key in await read_keys(conn)), default=0) + 1
    key = secrets.token_bytes(KEY_BYTES)
    await _add(conn, vault, number, "seal", key, now, now + KNOWN_AFTER)
    return next(key for key in await read_keys(conn) if key.id == number)


async def rewrap(conn: Connection, old: Vault, new: Vault) -> int:
    """Wrap every data key under another master key, all or none; what they sealed stays as it is.

    Returns how many. Raises WrongKeyError if `old` is not the key of this database.
    """
    await _one_at_a_time(conn)
    await check_fingerprint(conn, old)
    keys = [key for key in await read_keys(conn) if key.wrapped is not None]
    for key in keys:
        wrapped = _wrap(new, key.id, key.purpose, _unwrap(old, key))
        await conn.execute(
            "UPDATE kernel.data_key SET wrapped = $2, master = $3 WHERE id = $1",
            key.id,
            wrapped,
            new.fingerprint(),
        )
    await conn.execute(
        "UPDATE kernel.fact SET value = $2 WHERE name = $1", FINGERPRINT, new.fingerprint()
    )
    return len(keys)


async def destroy(conn: Connection, key_id: int, now: datetime) -> None:
    """Whatever this key sealed can be read by nobody from now on (workers forget it with their next
    look). Raises NotFound `unknown_data_key`, Conflict `data_key_in_use`.
    """
    await _one_at_a_time(conn)
    keys = await read_keys(conn)
    key = next((each for each in keys if each.id == key_id), None)
    if key is None:
        raise NotFound("unknown_data_key", id=key_id)
    if key.purpose == "index" or sealing(keys, now) == key_id:
        raise Conflict("data_key_in_use", id=key_id)
    await conn.execute(
        """
        UPDATE kernel.data_key
           SET wrapped = NULL, destroyed_at = coalesce(destroyed_at, $2),
               retired_at = coalesce(retired_at, $2)
         WHERE id = $1
        """,
        key_id,
        now,
    )


async def _one_at_a_time(conn: Connection) -> None:
    await conn.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)


async def _add(
    conn: Connection,
    vault: Vault,
    number: int,
    purpose: Purpose,
    key: bytes,
    now: datetime,
    seals_from: datetime,
) -> None:
    await conn.execute(
        """
        INSERT INTO kernel.data_key (id, purpose, wrapped, master, created_at, seals_from)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        number,
        purpose,
        _wrap(vault, number, purpose, key),
        vault.fingerprint(),
        now,
        seals_from,
    )


def _wrap(vault: Vault, number: int, purpose: Purpose, key: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(vault.wrapping_key()).encrypt(nonce, key, _bound(number, purpose))


def _unwrap(vault: Vault, key: DataKey) -> bytes:
    wrapped = key.wrapped or b""
    nonce, body = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
    try:
        return AESGCM(vault.wrapping_key()).decrypt(nonce, body, _bound(key.id, key.purpose))
    except (InvalidTag, ValueError) as error:
        message = f"Data key {key.id} was altered. Restore kernel.data_key from a backup."
        raise DamagedKeyError(message) from error


def _bound(number: int, purpose: Purpose) -> bytes:
    return b"\0".join((b"data_key", str(number).encode(), purpose.encode()))
