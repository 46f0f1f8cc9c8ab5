"""The keys of offline passes on the command line."""

import argparse
from datetime import datetime, timedelta

from kernel.db import Connection, connected
from kernel.errors import Conflict
from kernel.privacy import Vault
from registry.signing_keys import NOTICE, SigningKey, all_keys, retire, rotate, signer

HOUR = timedelta(hours=1)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, dest="action", metavar="list|rotate|retire")
    actions.add_parser("list", help="every key, and which one signs")
    rotated = actions.add_parser("rotate", help="make the next key; the one before is still read")
    rotated.add_argument(
        "--in-hours",
        type=float,
        default=NOTICE / HOUR,
        help="when it begins to sign, so that gates have fetched it by then (%(default)g)",
    )
    retired = actions.add_parser("retire", help="refuse every pass that this key signed")
    retired.add_argument("kid", type=int, help="the number of the key")


async def change_keys(dsn: str, vault: Vault, arguments: argparse.Namespace, now: datetime) -> str:
    """One line for each key, as they stand afterwards. Raises as `rotate` and `retire` do,
    and Conflict `other_master_key`.
    """
    async with connected(dsn) as conn, conn.transaction():
        if arguments.action == "rotate":
            await _check_master_key(conn, vault)
            await rotate(conn, vault, max(arguments.in_hours, 0) * HOUR, now)
        if arguments.action == "retire":
            await retire(conn, arguments.kid, now)
        return await _listed(conn, now)


async def _check_master_key(conn: Connection, vault: Vault) -> None:
    """A key that was sealed with another master key would stop every pass of the service.

    Raises Conflict `other_master_key`.
    """
    known = await conn.fetchval("SELECT value FROM kernel.fact WHERE name = 'master_key'")
    if known is not None and known != vault.fingerprint():
        raise Conflict("other_master_key")


async def _listed(conn: Connection, now: datetime) -> str:
    keys = await all_keys(conn)
    if not keys:
        return "No key yet; the first pass that is shown makes one."
    signing = signer(keys, now)
    return "\n".join(_line(key, signing) for key in keys)


def _line(key: SigningKey, signing: SigningKey | None) -> str:
    if key.retired_at is not None:
        return f"{key.kid:>3}  retired {key.retired_at:%Y-%m-%d %H:%M}Z"
    if signing is not None and key.kid == signing.kid:
        return f"{key.kid:>3}  signs since {key.signs_from:%Y-%m-%d %H:%M}Z"
    word = "read only" if signing is not None and key.kid < signing.kid else "signs from"
    when = "" if word == "read only" else f" {key.signs_from:%Y-%m-%d %H:%M}Z"
    return f"{key.kid:>3}  {word}{when}"
