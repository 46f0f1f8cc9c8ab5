"""What the fixtures are made of."""

import asyncio
from collections.abc import Generator
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg

from kernel.db import Connection, with_database

REPOSITORY = Path(__file__).parent.parent
MIGRATIONS = REPOSITORY / "migrations"


class _Acquiring:
    """What a pool's acquire() gives: to be awaited, or entered."""

    def __init__(self, pool: "OneConnectionPool") -> None:
        self._pool = pool

    async def _take(self) -> Connection:
        await asyncio.wait_for(self._pool.busy.acquire(), 5)
        return self._pool.conn

    def __await__(self) -> Generator[Any, None, Connection]:
        return self._take().__await__()

    async def __aenter__(self) -> Connection:
        return await self._take()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._pool.release(self._pool.conn)


class OneConnectionPool:
    """Stands where the pool stands, but always hands out the test's own connection.

    The transaction of a request becomes a savepoint within the test's, and both are undone.
    """

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.busy = asyncio.Lock()

    def acquire(self, *, timeout: float | None = None) -> _Acquiring:  # noqa: ARG002
        return _Acquiring(self)

    async def release(self, connection: object, *, timeout: float | None = None) -> None:  # noqa: ASYNC109, ARG002
        if connection is not self.conn:
            message = "that connection is not of this pool"
            raise ValueError(message)
        self.busy.release()

    async def close(self) -> None:
        """Leave the connection open: it is the test's."""

    async def execute(self, query: str, *args: object) -> str:
        async with self.acquire() as conn:
            return await conn.execute(query, *args)

    async def fetch(self, query: str, *args: object) -> list[Any]:
        async with self.acquire() as conn:
            return await conn.fetch(query, *args)

    async def fetchrow(self, query: str, *args: object) -> Any:
        async with self.acquire() as conn:
            return await conn.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: object) -> Any:
        async with self.acquire() as conn:
            return await conn.fetchval(query, *args)


async def run_on(dsn: str, *statements: str) -> None:
    conn = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await conn.execute(statement)
    finally:
        await conn.close()


async def make_database(
    dsn: str, *, template: str = "template1", prefix: str = "checkpoint"
) -> str:
    """Create a database with a name of its own on that server; returns its address."""
    name = f"{prefix}_{uuid4().hex[:12]}"
    await run_on(dsn, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return with_database(dsn, name)


def database_name(dsn: str) -> str:
    return urlsplit(dsn).path.removeprefix("/")


async def drop_database(dsn: str, target: str) -> None:
    await run_on(dsn, f'DROP DATABASE IF EXISTS "{database_name(target)}" WITH (FORCE)')
