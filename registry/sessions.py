"""Log-ins that can be seen and ended: one row each, named by the browser's session."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from msgspec import Struct, convert

from kernel.auth import Actor, SignedIn
from kernel.db import Connection
from kernel.errors import NotFound
from kernel.settings import Settings
from registry.offices import WITHOUT_FACTOR, needs_factor

#: When somebody was last seen is kept no finer than this.
COARSE = timedelta(minutes=5)
_FAMILIES = (
    ("MicroMessenger", "WeChat"),
    ("Edg", "Edge"),
    ("HuaweiBrowser", "Huawei"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)


class Limits(Struct, frozen=True, kw_only=True):
    """How long a log-in lasts; `idle` is for roles that see personal data."""

    idle: timedelta
    longest: timedelta


def limits_of(settings: Settings) -> Limits:
    return Limits(
        idle=timedelta(minutes=settings.idle_minutes),
        longest=timedelta(hours=settings.session_hours),
    )


class Session(Struct, frozen=True, kw_only=True):
    id: UUID
    account_id: UUID
    login: str
    name: str
    started_at: datetime
    seen_at: datetime
    browser: str


def browser_family(user_agent: str) -> str:
    """The family alone: a full user agent nearly names its owner."""
    return next((family for mark, family in _FAMILIES if mark in user_agent), "")


async def begin(
    conn: Connection, account_id: UUID, *, user_agent: str, factor: bool, now: datetime
) -> UUID:
    return await conn.fetchval(
        """
        INSERT INTO registry.login_session
               (id, account_id, started_at, seen_at, browser, factor_at)
        VALUES ($1, $2, $3, $3, $4, CASE WHEN $5 THEN $3::timestamptz END) RETURNING id
        """,
        uuid4(),
        account_id,
        now,
        browser_family(user_agent),
        factor,
    )


async def signed_in(
    conn: Connection, said: SignedIn, limits: Limits, now: datetime
) -> Actor | None:
    """None for an account that is not there or disabled, and for a log-in that has ended."""
    row = await conn.fetchrow(
        """
        SELECT a.id, a.name, a.roles, a.place_id, a.district_code, a.demo, s.id AS login_id,
               s.started_at, s.seen_at, s.factor_at, f.confirmed_at IS NOT NULL AS has_factor
          FROM registry.login_session s
          JOIN registry.account a ON a.id = s.account_id AND a.disabled_at IS NULL
          LEFT JOIN registry.second_factor f ON f.account_id = a.id
         WHERE s.id = $1 AND s.account_id = $2 AND s.ended_at IS NULL
        """,
        said.login_id,
        said.account_id,
    )
    if row is None or _is_over(dict(row), limits, now):
        return None
    if now - row["seen_at"] >= COARSE:
        await _seen(conn, row["login_id"], now)
    return _actor(dict(row))


def _is_over(row: dict[str, Any], limits: Limits, now: datetime) -> bool:
    personal = not set(row["roles"]) <= WITHOUT_FACTOR
    idle = personal and now - row["seen_at"] >= limits.idle
    return idle or now - row["started_at"] >= limits.longest


def _actor(row: dict[str, Any]) -> Actor:
    owes = owed(row["roles"], demo=row["demo"], has_factor=row["has_factor"])
    return Actor(
        id=row["id"],
        kind="account",
        name=row["name"],
        roles=frozenset(row["roles"]),
        place_id=row["place_id"],
        district=row["district_code"],
        owes="" if row["factor_at"] else owes,
        login_id=row["login_id"],
        demo=row["demo"],
    )


def owed(roles: list[str], *, demo: bool, has_factor: bool) -> Any:  # noqa: ANN401 - a literal
    """What stands between the password and the work. Who has a second factor always shows it."""
    if has_factor:
        return "code"
    return "enrolment" if needs_factor(roles, demo=demo) else ""


async def _seen(conn: Connection, login_id: UUID, now: datetime) -> None:
    await conn.execute(
        "UPDATE registry.login_session SET seen_at = greatest(seen_at, $2) WHERE id = $1",
        login_id,
        now,
    )


async def factor_shown(conn: Connection, login_id: UUID | None, now: datetime) -> None:
    await conn.execute(
        "UPDATE registry.login_session SET factor_at = $2 WHERE id = $1", login_id, now
    )


async def factor_owed_again(conn: Connection, login_id: UUID | None) -> None:
    await conn.execute("UPDATE registry.login_session SET factor_at = NULL WHERE id = $1", login_id)


async def end(
    conn: Connection, session_id: UUID, *, by: UUID, now: datetime, of: UUID | None = None
) -> UUID:
    """Ends one log-in, of one account only where `of` is given; ending twice changes nothing.

    Returns whose it was. Raises NotFound `unknown_session`.
    """
    account_id = await conn.fetchval(
        """
        UPDATE registry.login_session
           SET ended_at = coalesce(ended_at, $2), ended_by = coalesce(ended_by, $3)
         WHERE id = $1 AND ($4::uuid IS NULL OR account_id = $4) RETURNING account_id
        """,
        session_id,
        now,
        by,
        of,
    )
    if account_id is None:
        raise NotFound("unknown_session")
    return account_id


async def end_all(conn: Connection, account_id: UUID, *, by: UUID, now: datetime) -> None:
    await conn.execute(
        """
        UPDATE registry.login_session SET ended_at = $2, ended_by = $3
         WHERE account_id = $1 AND ended_at IS NULL
        """,
        account_id,
        now,
        by,
    )


async def open_sessions(
    conn: Connection, limits: Limits, now: datetime, account_id: UUID | None = None
) -> list[Session]:
    """Of one account or of all, the one seen last first."""
    rows = await conn.fetch(
        """
        SELECT s.id, s.account_id, a.login, a.name, s.started_at, s.seen_at, s.browser
          FROM registry.login_session s JOIN registry.account a ON a.id = s.account_id
         WHERE s.ended_at IS NULL AND ($1::uuid IS NULL OR s.account_id = $1)
           AND s.started_at > $2
           AND (s.seen_at > $3 OR a.roles <@ $4::text[])
         ORDER BY s.seen_at DESC, s.id
        """,
        account_id,
        now - limits.longest,
        now - limits.idle,
        sorted(WITHOUT_FACTOR),
    )
    return [convert(dict(row), Session) for row in rows]
