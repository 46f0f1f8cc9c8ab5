"""`checkpoint account`: the first administrator and security officer of a fresh server.

Whoever may run this owns the database anyway, so nobody else has to release it; it is recorded.
"""

import argparse
from uuid import UUID, uuid5

from kernel.audit import record_access
from kernel.auth import Actor
from kernel.clock import SystemClock
from kernel.db import Connection, connected
from kernel.errors import Malformed
from kernel.settings import Settings
from registry.account_changes import disable
from registry.account_queries import is_district
from registry.account_wishes import Wish, check_wish
from registry.accounts import account_named, create_account
from registry.factor import drop_factor
from registry.offices import OFFERED
from registry.passwords import issue_link
from registry.places import find_place
from registry.sessions import end_all

CONSOLE = Actor(id=uuid5(UUID(int=0), "console"), kind="system", name="console", roles=frozenset())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(required=True, metavar="ACT", dest="act")
    add = acts.add_parser("add", help="a new account; prints the link for its password, once")
    add.add_argument("login")
    add.add_argument("--name", required=True, help="the person's name, as colleagues see it")
    add.add_argument(
        "--role", action="append", required=True, choices=[role.value for role in OFFERED]
    )
    add.add_argument("--place", type=int, help="number of the place at which they stand")
    add.add_argument("--district", help="six digits; left out: the whole city")
    off = acts.add_parser("disable", help="takes all power away, at once")
    off.add_argument("login")
    link = acts.add_parser("link", help="a new link for the password; ends all log-ins")
    link.add_argument("login")
    link.add_argument("--drop-factor", action="store_true", help="the second step is set up anew")


async def run_account(arguments: argparse.Namespace, settings: Settings, dsn: str) -> str:
    """What is to be printed."""
    acts = {"add": _add, "disable": _disable, "link": _link}
    async with connected(dsn) as conn, conn.transaction():
        return await acts[arguments.act](conn, arguments, settings)


async def _add(conn: Connection, arguments: argparse.Namespace, settings: Settings) -> str:
    wish = Wish(
        roles=frozenset(arguments.role), place_id=arguments.place, district=arguments.district
    )
    await check_wish(conn, wish)
    if wish.place_id is not None:
        await find_place(conn, wish.place_id)
    if wish.district is not None and not await is_district(conn, wish.district):
        raise Malformed("district_unknown")
    account_id = await create_account(
        conn,
        login=arguments.login,
        password_hash="",
        name=arguments.name,
        roles=wish.roles,
        place_id=wish.place_id,
        district=wish.district,
        now=SystemClock().now(),
    )
    return await _drawn(conn, account_id, settings, "add_account")


async def _link(conn: Connection, arguments: argparse.Namespace, settings: Settings) -> str:
    account_id = await account_named(conn, arguments.login)
    await end_all(conn, account_id, by=CONSOLE.id, now=SystemClock().now())
    if arguments.drop_factor:
        await drop_factor(conn, account_id)
    return await _drawn(conn, account_id, settings, "draw_link")


async def _drawn(conn: Connection, account_id: UUID, settings: Settings, action: str) -> str:
    now = SystemClock().now()
    token = await issue_link(conn, account_id, by=None, now=now)
    await record_access(
        conn,
        CONSOLE,
        action=action,
        subject_kind="account",
        subject=str(account_id),
        reason="command",
        now=now,
    )
    return (
        f"{settings.public_url}/invite/{token}\n"
        "Works once, within 72 hours. Hand it to the person; it is not shown again."
    )


async def _disable(conn: Connection, arguments: argparse.Namespace, _: Settings) -> str:
    account_id = await account_named(conn, arguments.login)
    await disable(conn, account_id, CONSOLE, SystemClock().now())
    return f"{arguments.login} is disabled."
