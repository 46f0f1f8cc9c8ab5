import asyncio

import asyncpg
import pytest
from litestar.datastructures import State

from kernel.db import Connection, clean_dsn, open_pool, provide_tx, retryable, with_database
from kernel.errors import Unavailable


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (OSError(), True),
        (TimeoutError(), True),
        (asyncpg.PostgresConnectionError(), True),
        (asyncpg.ConnectionDoesNotExistError(), True),
        (asyncpg.InterfaceError("closed"), True),
        (asyncpg.InternalClientError("lost"), True),
        (asyncpg.SerializationError(), True),
        (asyncpg.DeadlockDetectedError(), True),
        (asyncpg.AdminShutdownError(), True),
        (asyncpg.CannotConnectNowError(), True),
        (asyncpg.UniqueViolationError(), False),
        (asyncpg.QueryCanceledError(), False),
        (asyncpg.exceptions._base.DataError("a bad argument"), False),  # pyright: ignore[reportAttributeAccessIssue]
        (ValueError(), False),
        (Unavailable("database_unavailable"), False),
    ],
)
def test_only_what_may_succeed_is_tried_again(error: Exception, again: bool):
    assert retryable(error) is again


@pytest.mark.parametrize(
    "url", ["postgres://u:p@h/d?sslmode=require", "postgresql+asyncpg://u:p@h/d?sslmode=require"]
)
def test_other_spellings_of_an_address_are_understood(url: str):
    assert clean_dsn(url) == "postgresql://u:p@h/d?sslmode=require"
    assert with_database(url, "x") == "postgresql://u:p@h/x?sslmode=require"


@pytest.mark.parametrize("url", ["", "mysql://u:secret@h/d", "u:secret@h", "postgresql://"])
def test_an_address_of_something_else_is_refused_without_being_shown(url: str):
    with pytest.raises(ValueError, match="DATABASE_URL") as caught:
        clean_dsn(url)
    assert "secret" not in str(caught.value)


async def use(pool: object, sql: str, error: Exception | None = None) -> None:
    """Do what the framework does with the dependency."""
    generator = provide_tx(State({"pool": pool}))
    conn: Connection = await anext(generator)
    await conn.execute(sql)
    if error:
        await generator.athrow(error)
    with pytest.raises(StopAsyncIteration):
        await anext(generator)


async def test_a_transaction_is_kept_or_undone_as_a_whole(cloned: str):
    pool = await open_pool(cloned, size=1)
    await use(pool, "CREATE TABLE kept (n int)")
    with pytest.raises(RuntimeError):
        await use(pool, "CREATE TABLE undone (n int)", RuntimeError())
    kept = await pool.fetchval("SELECT to_regclass('kept') IS NOT NULL")
    undone = await pool.fetchval("SELECT to_regclass('undone') IS NULL")
    await pool.close()
    assert (kept, undone) == (True, True)


async def test_a_full_pool_is_told_within_its_second(cloned: str):
    pool = await open_pool(cloned, size=1)
    async with pool.acquire(), asyncio.timeout(3):
        with pytest.raises(Unavailable, match="database_unavailable"):
            await use(pool, "SELECT 1")
    await pool.close()


async def test_pooled_connections_have_their_limits_and_read_json(cloned: str):
    pool = await open_pool(cloned, size=1)
    row = await pool.fetchrow(
        """
        SELECT current_setting('statement_timeout') AS statement,
            current_setting('lock_timeout') AS lock,
            current_setting('idle_in_transaction_session_timeout') AS idle,
            current_setting('timezone') AS zone,
            $1::jsonb AS facts
        """,
        {"名": [1, None]},
    )
    await pool.close()
    assert row is not None
    assert tuple(row) == ("5s", "2s", "10s", "UTC", {"名": [1, None]})


async def test_a_connection_of_the_test_serves_as_pool_too(conn: Connection, pool: object):
    await use(pool, "CREATE TABLE within (n int)")
    assert await conn.fetchval("SELECT to_regclass('within') IS NOT NULL")
