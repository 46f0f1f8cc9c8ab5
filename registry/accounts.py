"""Accounts of people, devices of places, and the tokens with which programs show who they are."""

import unicodedata
from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from litestar import Request

from kernel.attempts import check_not_locked, count_failure, forget_failures
from kernel.auth import Actor, actor_of, new_token, token_hash, verify_password
from kernel.db import Connection
from kernel.errors import Conflict, Malformed, NotFound, Unauthenticated
from kernel.privacy import Vault
from registry.model import Role
from registry.offices import check_roles

#: Where each role begins its work; the first that fits.
HOMES = (
    (Role.LANE, "/gate"),
    (Role.DESK, "/desk"),
    (Role.FIRM, "/firm"),
    (Role.DUTY, "/duty"),
    (Role.REGISTRAR, "/reg/applications"),
    (Role.HOTLINE, "/infodesk"),
    (Role.DISPATCHER, "/dispatch"),
    (Role.RECEIVER, "/receive"),
    (Role.POLICE, "/field"),
    (Role.GRID, "/field"),
    (Role.SOURCE, "/me"),
    (Role.INSPECTOR, "/places"),
    (Role.TRACER, "/trace"),
    (Role.ADMIN, "/admin/accounts"),
    (Role.SECURITY, "/security/accounts"),
    (Role.AUDITOR, "/audit"),
)


def home_of(actor: Actor) -> str:
    return next((url for role, url in HOMES if role in actor.roles), "/")


def known_actor(request: Request[Any, Any, Any]) -> Actor:
    """Whoever the guard let in. Raises Unauthenticated `log_in_first`."""
    actor = actor_of(request)
    if actor is None:
        raise Unauthenticated("log_in_first")
    return actor


def normal_login(login: str) -> str:
    # PostgreSQL has no text with a NUL, and such a log-in is nobody's.
    return unicodedata.normalize("NFKC", login).replace("\0", "").strip().casefold()


async def create_account(
    conn: Connection,
    *,
    login: str,
    password_hash: str,
    name: str,
    roles: Collection[str],
    place_id: int | None,
    district: str | None,
    now: datetime,
    demo: bool = False,
) -> UUID:
    """Raises Malformed `login_missing`, `unknown_role`; Conflict `login_taken`, `offices_apart`."""
    if not normal_login(login):
        raise Malformed("login_missing")
    check_roles(roles)
    account_id = await conn.fetchval(
        """
        INSERT INTO registry.account
               (id, login, password_hash, name, roles, place_id, district_code, created_at, demo)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT ON CONSTRAINT account_login_once DO NOTHING RETURNING id
        """,
        uuid4(),
        normal_login(login),
        password_hash,
        name,
        sorted(set(roles)),
        place_id,
        district,
        now,
        demo,
    )
    if account_id is None:
        raise Conflict("login_taken")
    return account_id


async def check_login(
    conn: Connection, vault: Vault, *, login: str, password: str, now: datetime
) -> Actor | None:
    """The account, or None for a wrong log-in, whichever of the two was wrong.

    A wrong guess is returned and not raised: what is raised undoes the transaction, and with it
    the count of guesses. Who calls this answers None with a returned response, never an error.
    Raises TooMany `too_many_attempts` while the log-in is closed; that one need not be counted.
    """
    subject = vault.blind(normal_login(login), field="login")
    await check_not_locked(conn, subject, now)
    row = await _account_by_login(conn, login)
    # An unknown log-in is compared with a hash that fits nothing, and takes as long.
    if not await verify_password(row["password_hash"] if row else None, password) or row is None:
        await count_failure(conn, subject, now)
        return None
    await forget_failures(conn, subject)
    return _actor(row)


async def _account_by_login(conn: Connection, login: str) -> dict[str, Any] | None:
    row = await conn.fetchrow(
        """
        SELECT id, name, roles, place_id, district_code, password_hash
          FROM registry.account WHERE login = $1 AND disabled_at IS NULL
        """,
        normal_login(login),
    )
    return None if row is None else dict(row)


async def account_named(conn: Connection, login: str) -> UUID:
    """Raises NotFound("unknown_account")."""
    row = await _account_by_login(conn, login)
    if row is None:
        raise NotFound("unknown_account")
    return row["id"]


async def login_of(conn: Connection, account_id: UUID) -> str:
    """Empty for whoever is no account, such as a device."""
    login = await conn.fetchval("SELECT login FROM registry.account WHERE id = $1", account_id)
    return login or ""


async def find_account(conn: Connection, account_id: UUID) -> Actor | None:
    """None for an account that is not there or is disabled."""
    row = await conn.fetchrow(
        """
        SELECT id, name, roles, place_id, district_code
          FROM registry.account WHERE id = $1 AND disabled_at IS NULL
        """,
        account_id,
    )
    return None if row is None else _actor(dict(row))


def _actor(row: dict[str, Any]) -> Actor:
    return Actor(
        id=row["id"],
        kind="account",
        name=row["name"],
        roles=frozenset(row["roles"]),
        place_id=row["place_id"],
        district=row["district_code"],
    )


async def create_device(
    conn: Connection, *, name: str, place_id: int, role: str, gate: str = "", now: datetime
) -> UUID:
    """`role` is lane, firm or camera; `gate` the lane that a camera looks at."""
    return await conn.fetchval(
        """
        INSERT INTO registry.device (id, name, place_id, role, gate, created_at)
        VALUES ($1, $2, $3, $4, $5, $6) RETURNING id
        """,
        uuid4(),
        name,
        place_id,
        role,
        gate,
        now,
    )


async def issue_token(
    conn: Connection,
    *,
    device_id: UUID | None = None,
    account_id: UUID | None = None,
    label: str,
    now: datetime,
) -> str:
    """The token itself, for one device or one account. It is shown once: only its hash is kept."""
    token = new_token()
    await store_token(conn, token, device_id=device_id, account_id=account_id, label=label, now=now)
    return token


async def store_token(
    conn: Connection,
    token: str,
    *,
    device_id: UUID | None = None,
    account_id: UUID | None = None,
    label: str,
    now: datetime,
) -> None:
    """Stores the hash; a token that is known already stays as it is."""
    await conn.execute(
        """
        INSERT INTO registry.token (token_hash, account_id, device_id, label, created_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (token_hash) DO NOTHING
        """,
        token_hash(token),
        account_id,
        device_id,
        label,
        now,
    )


async def revoke_token(conn: Connection, hashed: bytes, now: datetime) -> None:
    """Revoking twice changes nothing. Raises NotFound `unknown_token`."""
    found = await conn.fetchval(
        """
        UPDATE registry.token SET revoked_at = coalesce(revoked_at, $2)
         WHERE token_hash = $1 RETURNING true
        """,
        hashed,
        now,
    )
    if found is None:
        raise NotFound("unknown_token")


async def revoke_device(conn: Connection, device_id: UUID, now: datetime) -> None:
    """All its tokens stop with it. Raises NotFound `unknown_device`."""
    found = await conn.fetchval(
        """
        UPDATE registry.device SET revoked_at = coalesce(revoked_at, $2)
         WHERE id = $1 RETURNING true
        """,
        device_id,
        now,
    )
    if found is None:
        raise NotFound("unknown_device")
