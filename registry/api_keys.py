"""Keys with which another program acts as an account: prepared by one office, released by another,
within scopes and a quota, until an hour. Tokens come one after the other, with an overlap.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct, convert

from kernel.audit import record_access
from kernel.auth import Actor, Key, new_token, token_hash
from kernel.db import Connection
from kernel.errors import Conflict, Forbidden, Malformed, NotFound, TooMany
from registry.offices import OFFICES
from registry.scopes import SCOPES

#: The token before goes on opening for so long after its successor was drawn.
OVERLAP = timedelta(hours=24)
LONGEST_LABEL = 60
MOST_DAYS = 400
MOST_PER_MINUTE, MOST_PER_DAY = 6_000, 5_000_000
_SECONDS = {"minute": 60, "day": 86_400}


class NewKey(Struct, frozen=True, kw_only=True):
    """`id` is the sender's: a form sent twice prepares one key."""

    id: UUID
    login: str
    label: str
    scopes: frozenset[str]
    per_minute: int
    per_day: int
    days: int


class KeyRow(Struct, frozen=True, kw_only=True):
    """`tokens` counts those that still open a door; `used_today` is of the day that is now."""

    id: UUID
    login: str
    label: str
    scopes: tuple[str, ...]
    per_minute: int
    per_day: int
    expires_at: datetime
    prepared_by: str
    prepared_at: datetime
    decision: str | None
    tokens: int
    used_at: datetime | None
    used_today: int


async def prepare_key(conn: Connection, said: NewKey, actor: Actor, now: datetime) -> None:
    """A key without power, until another office releases it. Raises Malformed `key_label_missing`,
    `key_scopes_missing`, `key_limit_out_of_range`; NotFound `unknown_account`; Conflict
    `key_for_office`.
    """
    label = said.label.replace("\0", "").strip()
    _check(said, label)
    account = await conn.fetchrow(
        "SELECT id, roles FROM registry.account WHERE login = $1 AND disabled_at IS NULL",
        said.login.replace("\0", "").strip().casefold(),
    )
    if account is None:
        raise NotFound("unknown_account")
    if OFFICES & set(account["roles"]):
        raise Conflict("key_for_office")
    await conn.execute(
        """
        INSERT INTO registry.api_key (id, account_id, label, scopes, per_minute, per_day,
                                      expires_at, prepared_by, prepared_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING
        """,
        said.id,
        account["id"],
        label,
        sorted(said.scopes),
        said.per_minute,
        said.per_day,
        now + timedelta(days=said.days),
        actor.id,
        now,
    )
    await _told(conn, actor, "prepare_key", said.id, now)


def _check(said: NewKey, label: str) -> None:
    if not label or len(label) > LONGEST_LABEL:
        raise Malformed("key_label_missing")
    if not said.scopes or not said.scopes <= set(SCOPES):
        raise Malformed("key_scopes_missing")
    if not (
        1 <= said.per_minute <= MOST_PER_MINUTE
        and 1 <= said.per_day <= MOST_PER_DAY
        and 1 <= said.days <= MOST_DAYS
    ):
        raise Malformed("key_limit_out_of_range")


async def decide_key(
    conn: Connection, key_id: UUID, decision: str, actor: Actor, now: datetime
) -> None:
    """`decision` is released or refused. Raises NotFound `unknown_key`; Forbidden
    `prepared_by_you`.
    """
    preparer = await conn.fetchval(
        "SELECT prepared_by FROM registry.api_key WHERE id = $1 AND decision IS NULL FOR UPDATE",
        key_id,
    )
    if preparer is None:
        raise NotFound("unknown_key")
    if preparer == actor.id:
        raise Forbidden("prepared_by_you")
    await conn.execute(
        """
        UPDATE registry.api_key SET decision = $2, decided_by = $3, decided_at = $4 WHERE id = $1
        """,
        key_id,
        decision,
        actor.id,
        now,
    )
    await _told(conn, actor, f"{decision}_key", key_id, now)


async def next_token(conn: Connection, key_id: UUID, actor: Actor, now: datetime) -> str:
    """The key's first token, or the next: it is shown once, and those before it go on for a day.
    Raises NotFound `unknown_key`; Conflict `key_not_released`.
    """
    row = await conn.fetchrow(
        """
        SELECT account_id, label, decision, expires_at FROM registry.api_key
         WHERE id = $1 AND revoked_at IS NULL FOR UPDATE
        """,
        key_id,
    )
    if row is None:
        raise NotFound("unknown_key")
    if row["decision"] != "released" or row["expires_at"] <= now:
        raise Conflict("key_not_released")
    await conn.execute(
        """
        UPDATE registry.token SET expires_at = least(expires_at, $2)
         WHERE key_id = $1 AND revoked_at IS NULL
        """,
        key_id,
        now + OVERLAP,
    )
    token = new_token()
    await conn.execute(
        """
        INSERT INTO registry.token (token_hash, account_id, label, created_at, expires_at, key_id)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        token_hash(token),
        row["account_id"],
        row["label"],
        now,
        row["expires_at"],
        key_id,
    )
    await _told(conn, actor, "draw_key", key_id, now)
    return token


async def revoke_key(conn: Connection, key_id: UUID, actor: Actor, now: datetime) -> None:
    """All its tokens stop. Taking power away needs no second person. Raises NotFound."""
    found = await conn.fetchval(
        """
        UPDATE registry.api_key SET revoked_at = coalesce(revoked_at, $2)
         WHERE id = $1 RETURNING true
        """,
        key_id,
        now,
    )
    if found is None:
        raise NotFound("unknown_key")
    await _told(conn, actor, "revoke_key", key_id, now)


async def keys(conn: Connection, now: datetime, *, waiting: bool = False) -> list[KeyRow]:
    """Those that are not over; with `waiting`, those that nobody has decided on."""
    rows = await conn.fetch(
        """
        SELECT k.id, a.login, k.label, k.scopes, k.per_minute, k.per_day, k.expires_at,
               coalesce(b.login, '') AS prepared_by, k.prepared_at, k.decision,
               (SELECT count(*) FROM registry.token t
                 WHERE t.key_id = k.id AND t.revoked_at IS NULL AND t.expires_at > $1) AS tokens,
               u.used_at,
               CASE WHEN u.starts_at = date_trunc('day', $1::timestamptz, 'UTC')
                    THEN u.used ELSE 0 END AS used_today
          FROM registry.api_key k
          JOIN registry.account a ON a.id = k.account_id
          LEFT JOIN registry.account b ON b.id = k.prepared_by
          LEFT JOIN registry.key_use u ON u.key_id = k.id AND u.span = 'day'
         WHERE k.revoked_at IS NULL AND k.expires_at > $1
           AND k.decision IS DISTINCT FROM 'refused' AND (NOT $2 OR k.decision IS NULL)
         ORDER BY k.decision NULLS FIRST, a.login, k.label, k.id
        """,
        now,
        waiting,
    )
    return [convert(dict(row), KeyRow) for row in rows]


async def count_use(conn: Connection, key: Key, now: datetime) -> None:
    """One use, in the minute and the day that are now (UTC). A process whose clock is a little
    behind counts in the window that has begun. Raises TooMany("quota_used", span=…, quota=…,
    retry_after=…).
    """
    rows = await conn.fetch(
        """
        INSERT INTO registry.key_use AS u (key_id, span, starts_at, used, used_at)
        SELECT $1, n.span, date_trunc(n.span, $2::timestamptz, 'UTC'), 1, $2
          FROM unnest(ARRAY['day', 'minute']) AS n (span)
        ON CONFLICT (key_id, span) DO UPDATE
           SET used = CASE WHEN excluded.starts_at > u.starts_at THEN 1 ELSE u.used + 1 END,
               starts_at = greatest(u.starts_at, excluded.starts_at),
               used_at = greatest(u.used_at, excluded.used_at)
        RETURNING u.span, u.used, u.starts_at
        """,
        key.id,
        now,
    )
    for row in rows:
        quota = key.per_day if row["span"] == "day" else key.per_minute
        if row["used"] > quota:
            ends = row["starts_at"] + timedelta(seconds=_SECONDS[row["span"]])
            wait = max(1, int((ends - now).total_seconds()) + 1)
            raise TooMany("quota_used", span=row["span"], quota=quota, retry_after=wait)


def scopes_of(ticked: Collection[Any]) -> frozenset[str]:
    return frozenset(each for each in ticked if isinstance(each, str))


async def _told(conn: Connection, actor: Actor, action: str, key_id: UUID, now: datetime) -> None:
    await record_access(
        conn,
        actor,
        action=action,
        subject_kind="key",
        subject=str(key_id),
        reason="administration",
        now=now,
    )
