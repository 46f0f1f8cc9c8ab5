"""What the three offices deal with: an account, a device, an application, an invitation."""

from datetime import datetime
from uuid import UUID, uuid4

from kernel.auth import Actor, token_hash
from kernel.db import Connection
from registry.account_changes import prepare_account
from registry.account_wishes import Wish
from registry.accounts import issue_token
from registry.api_keys import NewKey, prepare_key
from registry.applications import apply
from registry.particulars import Application
from registry.passwords import issue_link
from tests.city import City, add_device


async def of_offices(conn: Connection, city: City, now: datetime) -> dict[str, str]:
    """An application, an account that waits for its release, a device, an invitation."""
    vault = city.office.vault
    said = Application(
        kind="destination",
        category="厂区",
        name="祥云面粉厂",
        district="410221",
        address="杞县经开区一号",
        gates=("东门",),
        contact_name="李小龙",
        contact_phone="13812345678",
    )
    somebody = Actor(id=uuid4(), kind="account", name="admin", roles=frozenset({"admin"}))
    wish = Wish(roles=frozenset({"duty"}))
    account_id = await prepare_account(
        conn, login="somebody", name="某人", wish=wish, actor=somebody, now=now
    )
    change_id = await conn.fetchval(
        "SELECT id FROM registry.account_change WHERE account_id = $1", account_id
    )
    device_id = await add_device(conn, "lane", city.north, now)
    key_id = await a_key(conn, now)
    token = await issue_token(conn, device_id=device_id, label="x", now=now)
    invited = await an_account(conn, "invited", now)
    return {
        "application_id": str(await apply(conn, vault, said, now)),
        "account_id": str(account_id),
        "change_id": str(change_id),
        "device_id": str(device_id),
        "key_id": str(key_id),
        "token_hash": token_hash(token).hex(),
        "token": await issue_link(conn, invited, by=None, now=now),
    }


async def a_key(conn: Connection, now: datetime) -> UUID:
    """One that waits for its release."""
    somebody = Actor(id=uuid4(), kind="account", name="admin", roles=frozenset({"admin"}))
    account_id = await an_account(conn, "program", now)
    login = await conn.fetchval("SELECT login FROM registry.account WHERE id = $1", account_id)
    said = NewKey(
        id=uuid4(), login=login, label="x", scopes=frozenset({"loops:read"}), per_minute=60,
        per_day=1_000, days=30,
    )  # fmt: skip
    await prepare_key(conn, said, somebody, now)
    return said.id


async def an_account(
    conn: Connection, login: str, now: datetime, roles: tuple[str, ...] = ("duty",)
) -> UUID:
    return await conn.fetchval(
        """
        INSERT INTO registry.account (id, login, password_hash, name, roles, created_at, demo)
        VALUES ($1, $2, '', $2, $3, $4, true) RETURNING id
        """,
        uuid4(),
        f"{login}-{uuid4().hex}",
        list(roles),
        now,
    )
