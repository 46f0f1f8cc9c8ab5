"""Accounts by two: an administrator prepares, a security officer releases (decision 0016)."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from kernel.audit import record_access
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, Forbidden, Malformed, NotFound
from registry.account_wishes import Wish, check_wish
from registry.accounts import normal_login
from registry.factor import drop_factor
from registry.model import Role
from registry.offices import APART
from registry.passwords import LINK_LASTS, issue_link
from registry.sessions import end_all

LONGEST_LOGIN, LONGEST_NAME = 60, 60
UNKNOWN = {
    "account_change_place_id_fkey": "unknown_place_chosen",
    "account_change_district_code_fkey": "district_unknown",
}


async def prepare_account(
    conn: Connection, *, login: str, name: str, wish: Wish, actor: Actor, now: datetime
) -> UUID:
    """An account without power and without password, and the wish that is to give it some.

    Raises Malformed `login_missing`, `name_missing`, and what `check_wish` raises; Conflict
    `login_taken`.
    """
    await check_wish(conn, wish)
    login, name = normal_login(login), name.replace("\0", "").strip()
    if not login or len(login) > LONGEST_LOGIN:
        raise Malformed("login_missing")
    if not name or len(name) > LONGEST_NAME:
        raise Malformed("name_missing")
    # A page tells a refusal and commits: of a wish that fails, no account is to stay behind.
    async with conn.transaction():
        account_id = await _new(conn, login, name, now)
        await _wish(conn, account_id, "new", wish, actor, now)
    return account_id


async def _new(conn: Connection, login: str, name: str, now: datetime) -> UUID:
    account_id = await conn.fetchval(
        """
        INSERT INTO registry.account (id, login, password_hash, name, roles, created_at)
        VALUES ($1, $2, '', $3, '{}', $4)
        ON CONFLICT ON CONSTRAINT account_login_once DO NOTHING RETURNING id
        """,
        uuid4(),
        login,
        name,
        now,
    )
    if account_id is None:
        raise Conflict("login_taken")
    return account_id


async def prepare_change(
    conn: Connection, account_id: UUID, wish: Wish, actor: Actor, now: datetime
) -> None:
    """Other roles, another place, or power again for an account that was disabled."""
    await check_wish(conn, wish)
    await _known(conn, account_id)
    await _wish(conn, account_id, "change", wish, actor, now)


async def prepare_reset(conn: Connection, account_id: UUID, actor: Actor, now: datetime) -> None:
    """A new password, by a link. Raises Conflict `account_without_power`."""
    row = await _known(conn, account_id)
    if not row["roles"] or row["disabled_at"] is not None:
        raise Conflict("account_without_power")
    wish = Wish(
        roles=frozenset(row["roles"]), place_id=row["place_id"], district=row["district_code"]
    )
    await _wish(conn, account_id, "reset", wish, actor, now)


async def _known(conn: Connection, account_id: UUID) -> dict[str, Any]:
    row = await conn.fetchrow(
        """
        SELECT id, roles, place_id, district_code, disabled_at
          FROM registry.account WHERE id = $1 FOR UPDATE
        """,
        account_id,
    )
    if row is None:
        raise NotFound("unknown_account")
    return dict(row)


async def _wish(
    conn: Connection, account_id: UUID, kind: str, wish: Wish, actor: Actor, now: datetime
) -> None:
    """Raises Conflict `change_waits`, `offices_apart`; Malformed for a place or district that is
    not there.
    """
    try:
        async with conn.transaction():
            made = await conn.fetchval(
                """
                INSERT INTO registry.account_change
                       (id, account_id, kind, roles, place_id, district_code,
                        prepared_by, prepared_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
                ON CONFLICT (account_id) WHERE decision IS NULL DO NOTHING RETURNING true
                """,
                uuid4(),
                account_id,
                kind,
                sorted(wish.roles),
                wish.place_id,
                wish.district,
                actor.id,
                now,
            )
    except (asyncpg.CheckViolationError, asyncpg.ForeignKeyViolationError) as error:
        raise _named(error) from error
    if made is None:
        raise Conflict("change_waits")
    await _told(conn, actor, f"prepare_{kind}", account_id, now)


def _named(error: asyncpg.IntegrityConstraintViolationError) -> Exception:
    """The database's refusal under the name that people are told."""
    name = error.constraint_name or ""
    if name in APART:
        return Conflict("offices_apart")
    return Malformed(UNKNOWN[name]) if name in UNKNOWN else error


async def release(
    conn: Connection, change_id: UUID, *, drops_factor: bool, actor: Actor, now: datetime
) -> None:
    """What was wished becomes so, and every log-in of before ends.

    `drops_factor` counts for a reset only. Raises NotFound `unknown_change`; Forbidden
    `prepared_by_you`.
    """
    change = await _decided(conn, change_id, "released", actor, now)
    account_id: UUID = change["account_id"]
    if change["kind"] == "reset":
        await conn.execute(
            "UPDATE registry.account SET password_hash = '' WHERE id = $1", account_id
        )
        if drops_factor:
            await drop_factor(conn, account_id)
    else:
        await conn.execute(
            """
            UPDATE registry.account
               SET roles = $2, place_id = $3, district_code = $4, disabled_at = NULL WHERE id = $1
            """,
            account_id,
            change["roles"],
            change["place_id"],
            change["district_code"],
        )
    await end_all(conn, account_id, by=actor.id, now=now)
    await _told(conn, actor, f"release_{change['kind']}", account_id, now)


async def refuse(conn: Connection, change_id: UUID, actor: Actor, now: datetime) -> None:
    change = await _decided(conn, change_id, "refused", actor, now)
    await _told(conn, actor, f"refuse_{change['kind']}", change["account_id"], now)


async def _decided(
    conn: Connection, change_id: UUID, decision: str, actor: Actor, now: datetime
) -> dict[str, Any]:
    row = await conn.fetchrow(
        """
        SELECT account_id, kind, roles, place_id, district_code, prepared_by
          FROM registry.account_change WHERE id = $1 AND decision IS NULL FOR UPDATE
        """,
        change_id,
    )
    if row is None:
        raise NotFound("unknown_change")
    if row["prepared_by"] == actor.id:
        raise Forbidden("prepared_by_you")
    await conn.execute(
        """
        UPDATE registry.account_change
           SET decision = $2, decided_by = $3, decided_at = $4 WHERE id = $1
        """,
        change_id,
        decision,
        actor.id,
        now,
    )
    return dict(row)


async def draw_link(conn: Connection, account_id: UUID, actor: Actor, now: datetime) -> str:
    """Once for each account that was granted and for each reset. Raises Conflict `no_link_open`."""
    change_id = await conn.fetchval(
        """
        UPDATE registry.account_change SET link_drawn_at = $2
         WHERE id = (SELECT id FROM registry.account_change
                      WHERE account_id = $1 AND kind IN ('new', 'reset') AND decision = 'released'
                        AND link_drawn_at IS NULL AND decided_at > $3
                      ORDER BY decided_at DESC LIMIT 1)
        RETURNING id
        """,
        account_id,
        now,
        now - LINK_LASTS,
    )
    if change_id is None:
        raise Conflict("no_link_open")
    await _told(conn, actor, "draw_link", account_id, now)
    return await issue_link(conn, account_id, by=actor.id, now=now)


async def disable(conn: Connection, account_id: UUID, actor: Actor, now: datetime) -> None:
    """Taking power away needs no second person: at once, with all log-ins, links and tokens.

    Raises NotFound `unknown_account`; Conflict `not_yourself`, `last_of_office`.
    """
    row = await _known(conn, account_id)
    if account_id == actor.id:
        raise Conflict("not_yourself")
    for office in (Role.ADMIN, Role.SECURITY):
        if office in row["roles"] and not await _others(conn, office, account_id):
            raise Conflict("last_of_office")
    await conn.execute(
        "UPDATE registry.account SET disabled_at = coalesce(disabled_at, $2) WHERE id = $1",
        account_id,
        now,
    )
    await conn.execute("DELETE FROM registry.account_link WHERE account_id = $1", account_id)
    await end_all(conn, account_id, by=actor.id, now=now)
    await _told(conn, actor, "disable_account", account_id, now)


async def _others(conn: Connection, office: str, account_id: UUID) -> int:
    return await conn.fetchval(
        """
        SELECT count(*) FROM registry.account
         WHERE $1 = ANY(roles) AND id <> $2 AND disabled_at IS NULL
        """,
        office,
        account_id,
    )


async def reset_factor(conn: Connection, account_id: UUID, actor: Actor, now: datetime) -> None:
    """For whoever has lost telephone and paper: the next log-in enrols anew."""
    await _known(conn, account_id)
    if account_id == actor.id:
        raise Conflict("not_yourself")
    await drop_factor(conn, account_id)
    await end_all(conn, account_id, by=actor.id, now=now)
    await _told(conn, actor, "reset_factor", account_id, now)


async def _told(
    conn: Connection, actor: Actor, action: str, account_id: UUID, now: datetime
) -> None:
    await record_access(
        conn,
        actor,
        action=action,
        subject_kind="account",
        subject=str(account_id),
        reason="administration",
        now=now,
    )
