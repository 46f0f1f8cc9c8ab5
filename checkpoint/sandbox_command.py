"""Makes the sandbox: its database beside the city's, its folder, its demo city and its tokens."""

from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from checkpoint.sandbox import mark_space, sandbox_dsn, sandbox_settings
from kernel.db import connected
from kernel.keyring import unlock
from kernel.migrate import migrate
from kernel.postgres import CannotStartError
from kernel.privacy import Vault, load_master_key
from kernel.settings import Settings
from registry.demo import seed


async def prepare(settings: Settings, dsn: str, migrations: Path, now: datetime) -> Path:
    """Where its log-ins and tokens stand; what is there is kept. Raises CannotStartError."""
    own, beside = sandbox_settings(settings), sandbox_dsn(dsn)
    await _create(dsn, urlsplit(beside).path.removeprefix("/"))
    await migrate(beside, migrations)
    own.data_dir.mkdir(parents=True, exist_ok=True)
    vault = Vault(load_master_key(own))
    async with connected(beside) as conn, conn.transaction():
        await mark_space(conn)
        await unlock(conn, vault, now)
        await seed(conn, vault, now, own.data_dir)
    return own.data_dir / "logins.txt"


async def _create(dsn: str, name: str) -> None:
    async with connected(dsn) as conn:
        known = await conn.fetchval("SELECT true FROM pg_database WHERE datname = $1", name)
        if known:
            return
        quoted = name.replace('"', '""')
        try:
            await conn.execute(f'CREATE DATABASE "{quoted}"')
        except asyncpg.DuplicateDatabaseError:
            return  # another process was quicker
        except asyncpg.InsufficientPrivilegeError as error:
            message = (
                f"The database's user may not create {name}: make it, or CHECKPOINT_SANDBOX=0."
            )
            raise CannotStartError(message) from error
