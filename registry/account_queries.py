"""The questions that the three offices ask: accounts, wishes, devices, and who looked at whom."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct, convert

from kernel.db import Connection
from registry.passwords import LINK_LASTS


class AccountRow(Struct, frozen=True, kw_only=True):
    id: UUID
    login: str
    name: str
    roles: tuple[str, ...]
    place_id: int | None
    district_code: str | None
    place: str
    district: str
    disabled: bool
    demo: bool
    has_password: bool
    has_factor: bool
    #: A wish of which kind waits for the security officer; empty where none does.
    waiting: str
    link_open: bool


class ChangeRow(Struct, frozen=True, kw_only=True):
    """A wish beside what the account may do now."""

    id: UUID
    account_id: UUID
    kind: str
    login: str
    name: str
    roles_now: tuple[str, ...]
    roles: tuple[str, ...]
    place: str
    district: str
    prepared_by: str
    prepared_at: datetime


class DeviceRow(Struct, frozen=True, kw_only=True):
    """`tokens` counts those that still open a door."""

    id: UUID
    name: str
    role: str
    place: str
    tokens: int
    created_at: datetime
    enrolled_at: datetime | None


class TokenRow(Struct, frozen=True, kw_only=True):
    """A token of an account, named by the hash under which it is kept."""

    hash: str
    login: str
    label: str
    created_at: datetime


class Access(Struct, frozen=True, kw_only=True):
    id: UUID
    at: datetime
    actor_id: UUID
    actor: str
    action: str
    subject_kind: str
    subject: str
    reason: str


class AccessQuery(Struct, frozen=True, kw_only=True):
    """`actor` and `subject` are ids of ours; `before` is the cursor."""

    actor: UUID | None = None
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None
    district: str | None = None
    before: tuple[datetime, UUID] | None = None
    limit: int = 100


_ACCOUNT = """
    SELECT a.id, a.login, a.name, a.roles, a.place_id, a.district_code,
           coalesce(p.name, '') AS place, coalesce(d.name, '') AS district,
           a.disabled_at IS NOT NULL AS disabled, a.demo, a.password_hash <> '' AS has_password,
           f.confirmed_at IS NOT NULL AS has_factor,
           coalesce((SELECT c.kind FROM registry.account_change c
                      WHERE c.account_id = a.id AND c.decision IS NULL), '') AS waiting,
           EXISTS (SELECT 1 FROM registry.account_change c
                    WHERE c.account_id = a.id AND c.kind IN ('new', 'reset')
                      AND c.decision = 'released' AND c.link_drawn_at IS NULL
                      AND c.decided_at > $1) AND a.disabled_at IS NULL AS link_open
      FROM registry.account a
      LEFT JOIN registry.place p ON p.id = a.place_id
      LEFT JOIN registry.district d ON d.code = a.district_code
      LEFT JOIN registry.second_factor f ON f.account_id = a.id"""


async def accounts(
    conn: Connection, now: datetime, *, after: str = "", limit: int = 100
) -> list[AccountRow]:
    """In order of their log-ins, from a cursor on."""
    rows = await conn.fetch(
        f"{_ACCOUNT} WHERE a.login > $2 ORDER BY a.login LIMIT $3", now - LINK_LASTS, after, limit
    )
    return [convert(dict(row), AccountRow) for row in rows]


async def account_row(conn: Connection, account_id: UUID, now: datetime) -> AccountRow | None:
    row = await conn.fetchrow(f"{_ACCOUNT} WHERE a.id = $2", now - LINK_LASTS, account_id)
    return None if row is None else convert(dict(row), AccountRow)


async def changes_waiting(conn: Connection) -> list[ChangeRow]:
    rows = await conn.fetch(
        """
        SELECT c.id, c.account_id, c.kind, a.login, a.name, a.roles AS roles_now, c.roles,
               coalesce(p.name, '') AS place, coalesce(d.name, '') AS district,
               coalesce(b.name, '') AS prepared_by, c.prepared_at
          FROM registry.account_change c
          JOIN registry.account a ON a.id = c.account_id
          LEFT JOIN registry.account b ON b.id = c.prepared_by
          LEFT JOIN registry.place p ON p.id = c.place_id
          LEFT JOIN registry.district d ON d.code = c.district_code
         WHERE c.decision IS NULL ORDER BY c.prepared_at, c.id
        """
    )
    return [convert(dict(row), ChangeRow) for row in rows]


async def devices(
    conn: Connection, *, after: UUID | None = None, limit: int = 100
) -> list[DeviceRow]:
    """Those that have not been revoked, from a cursor on."""
    rows = await conn.fetch(
        """
        SELECT d.id, d.name, d.role, p.name AS place, d.created_at, d.enrolled_at,
               (SELECT count(*) FROM registry.token t
                 WHERE t.device_id = d.id AND t.revoked_at IS NULL) AS tokens
          FROM registry.device d JOIN registry.place p ON p.id = d.place_id
         WHERE d.revoked_at IS NULL AND ($1::uuid IS NULL OR d.id > $1)
         ORDER BY d.id LIMIT $2
        """,
        after,
        limit,
    )
    return [convert(dict(row), DeviceRow) for row in rows]


async def account_tokens(conn: Connection) -> list[TokenRow]:
    rows = await conn.fetch(
        """
        SELECT encode(t.token_hash, 'hex') AS hash, a.login, t.label, t.created_at
          FROM registry.token t JOIN registry.account a ON a.id = t.account_id
         WHERE t.revoked_at IS NULL AND t.key_id IS NULL ORDER BY t.created_at, t.token_hash
        """
    )
    return [convert(dict(row), TokenRow) for row in rows]


async def places_to_choose(conn: Connection) -> list[tuple[int, str]]:
    rows = await conn.fetch(
        """
        SELECT p.id, p.name || ' · ' || d.name AS label
          FROM registry.place p JOIN registry.district d ON d.code = p.district_code
         WHERE p.status = 'active' ORDER BY p.kind, p.district_code, p.name LIMIT 500
        """
    )
    return [(row["id"], row["label"]) for row in rows]


async def is_district(conn: Connection, code: str) -> bool:
    return await conn.fetchval(
        "SELECT EXISTS (SELECT 1 FROM registry.district WHERE code = $1)", code
    )


async def accesses(conn: Connection, query: AccessQuery) -> list[Access]:
    """The newest first. An auditor of one district sees what people of that district read."""
    before = query.before or (None, None)
    rows = await conn.fetch(
        """
        SELECT u.id, u.at, u.actor_id, u.actor_name AS actor, u.action, u.subject_kind,
               u.subject, u.reason
          FROM kernel.audit u
         WHERE ($1::uuid IS NULL OR u.actor_id = $1)
           AND ($2 = '' OR u.subject = $2)
           AND ($3::timestamptz IS NULL OR u.at >= $3)
           AND ($4::timestamptz IS NULL OR u.at < $4)
           AND ($5::text IS NULL OR EXISTS (
                   SELECT 1 FROM registry.account a
                     LEFT JOIN registry.place p ON p.id = a.place_id
                    WHERE a.id = u.actor_id
                      AND coalesce(p.district_code, a.district_code) = $5))
           AND ($6::timestamptz IS NULL OR (u.at, u.id) < ($6, $7::uuid))
         ORDER BY u.at DESC, u.id DESC LIMIT $8
        """,
        query.actor,
        query.subject,
        query.since,
        query.until,
        query.district,
        before[0],
        before[1],
        query.limit,
    )
    return [convert(dict(row), Access) for row in rows]
