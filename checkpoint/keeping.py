"""What the command line says of keys and of retention."""

from datetime import datetime

from checkpoint.retention import ERASERS
from kernel.clock import SystemClock
from kernel.db import Connection, connected
from kernel.errors import Unprocessable
from kernel.keyring import DataKey, new_key, read_keys, rewrap, unlock
from kernel.privacy import Vault, load_master_key, old_master_key
from kernel.retention import count_due, erase_due
from kernel.settings import Settings


async def vault_command(action: str, settings: Settings, dsn: str) -> list[str]:
    """Lines to print. Raises Unprocessable("unknown_kind"), WrongKeyError, DamagedKeyError."""
    now, vault = SystemClock().now(), Vault(load_master_key(settings))
    async with connected(dsn) as conn, conn.transaction():
        if action == "rewrap":
            count = await rewrap(conn, Vault(old_master_key(settings)), vault)
            return [
                f"{count} data keys are wrapped under the master key {vault.fingerprint()}.",
                "Start every worker again with it. Destroy the old one when its backups are gone.",
            ]
        await unlock(conn, vault, now)
        if action == "list":
            return [_line(key, now) for key in await read_keys(conn)]
        if action == "new-key":
            made = await new_key(conn, vault, now)
            return [f"Data key {made.id} seals from {made.seals_from:%Y-%m-%d %H:%M:%S} UTC on."]
    raise Unprocessable("unknown_kind", kind=action, known=["list", "new-key", "rewrap"])


def _line(key: DataKey, now: datetime) -> str:
    if key.destroyed_at is not None:
        state = f"destroyed {key.destroyed_at:%Y-%m-%d}"
    elif key.seals_from > now:
        state = f"seals from {key.seals_from:%H:%M:%S} UTC"
    else:
        state = "in use"
    return f"{key.id:>4}  {key.purpose:<5}  made {key.created_at:%Y-%m-%d}  {state}"


async def retention_command(dsn: str, *, dry_run: bool) -> list[str]:
    """One line a class: how many are due, or how many were erased."""
    now = SystemClock().now()
    async with connected(dsn) as conn:
        return await _told(conn, now, dry_run=dry_run)


async def _told(conn: Connection, now: datetime, *, dry_run: bool) -> list[str]:
    done = await (count_due if dry_run else erase_due)(conn, ERASERS, now)
    what = "due" if dry_run else "erased"
    return [f"{name:<14} {count:>8} {what}" for name, count in done.items()]
