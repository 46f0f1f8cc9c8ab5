"""Forward-only SQL files, applied once each, in order, however many processes start together."""

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import asyncpg
from msgspec import Struct

from kernel.db import clean_dsn, prepare

if TYPE_CHECKING:
    from kernel.db import Connection

Target: TypeAlias = "str | Connection"

_LOCK = 0x6D69_6772_6174  # "migrat"
_POLL_SECONDS = 0.05
_PATIENCE_SECONDS = 120


class MigrationRefusedError(RuntimeError):
    """The files and the database disagree, or another process holds the lock too long."""


class Migration(Struct, frozen=True):
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read_folder(folder: Path) -> list[Migration]:
    if not folder.is_dir():
        message = f"There is no migrations folder at {folder}."
        raise MigrationRefusedError(message)
    return [Migration(file.name, file.read_text("utf-8")) for file in sorted(folder.glob("*.sql"))]


def pending(files: list[Migration], applied: Mapping[str, str]) -> list[Migration]:
    """Choose what is still to be applied. Raises MigrationRefusedError on any drift."""
    known = {file.name: file.checksum for file in files}
    for name, checksum in applied.items():
        if known.get(name) != checksum:
            what = "has been edited since" if name in known else "is missing from the folder"
            message = f"{name} is applied to this database but {what}; restore it."
            raise MigrationRefusedError(message)
    todo = [file for file in files if file.name not in applied]
    if todo and applied and todo[0].name < max(applied):
        message = f"{todo[0].name} sorts before {max(applied)}, which is applied; rename it."
        raise MigrationRefusedError(message)
    return todo


async def _lock(conn: "Connection") -> None:
    # Polled: a session that blocks on the lock holds a snapshot, and CREATE INDEX CONCURRENTLY
    # in the session that has the lock then waits for it: a deadlock.
    for _ in range(int(_PATIENCE_SECONDS / _POLL_SECONDS)):
        if await conn.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
            return
        await asyncio.sleep(_POLL_SECONDS)
    message = "Another process has been migrating this database for two minutes; look at it first."
    raise MigrationRefusedError(message)


async def _applied(conn: "Connection") -> dict[str, str]:
    if await conn.fetchval("SELECT to_regclass('kernel.migration') IS NULL"):
        return {}
    rows = await conn.fetch("SELECT name, checksum FROM kernel.migration ORDER BY name")
    return {row["name"]: row["checksum"] for row in rows}


async def _apply(conn: "Connection", migration: Migration) -> None:
    async with conn.transaction():
        await conn.execute("SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = 0")
        await conn.execute(migration.sql)
        # After the file, because the first one makes the schema that this table stands in.
        await conn.execute("""
            CREATE SCHEMA IF NOT EXISTS kernel;
            CREATE TABLE IF NOT EXISTS kernel.migration (
                name text PRIMARY KEY,
                checksum text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now()
            )
        """)
        await conn.execute(
            "INSERT INTO kernel.migration (name, checksum) VALUES ($1, $2)",
            migration.name,
            migration.checksum,
        )


async def _migrate(conn: "Connection", folder: Path) -> list[str]:
    await _lock(conn)
    try:
        todo = pending(read_folder(folder), await _applied(conn))
        for migration in todo:
            await _apply(conn, migration)
    finally:
        await conn.execute("SELECT pg_advisory_unlock($1)", _LOCK)
    return [migration.name for migration in todo]


async def migrate(target: Target, folder: Path) -> list[str]:
    """Apply what is new and return its names. Raises MigrationRefusedError."""
    if not isinstance(target, str):
        return await _migrate(target, folder)
    conn = await asyncpg.connect(clean_dsn(target), timeout=10)
    try:
        await prepare(conn)
        return await _migrate(conn, folder)
    finally:
        await conn.close()
