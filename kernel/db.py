"""One pool, one transaction per request, and what may be tried again."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

import asyncpg
import msgspec
from litestar.datastructures import State

from kernel.errors import Unavailable

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = asyncpg.Connection | PoolConnectionProxy
    Pool: TypeAlias = asyncpg.Pool
else:
    # asyncpg makes isinstance() hold for pooled connections too, so one plain class serves
    # wherever an annotation is read while the program runs.
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

logger = logging.getLogger(__name__)

OLDEST_SERVER = 16
CONNECT_SECONDS = 3
COMMAND_SECONDS = 5
ACQUIRE_SECONDS = 1
IDLE_SECONDS = 60
LOOK_AGAIN_SECONDS = 0.5

# The server must give up by itself as well: a client's time-out alone leaves the locks held.
SERVER_SETTINGS = {
    "application_name": "checkpoint",
    "timezone": "UTC",
    "statement_timeout": "5s",
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "10s",
    # Questions here are small and many: helpers that are forked for one take the cores from the
    # others, and starting them takes longer than the answer.
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    # A prepared plan may be older than the rows: what read a whole table while it was small would
    # go on reading it, until statistics are made anew, while rows come by thousands.
    "enable_seqscan": "off",
}

# Away: the server or the way to it is gone. InterfaceError is a closed connection or pool.
_AWAY = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
)
_LOST_A_RACE = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)


class ServerTooOldError(RuntimeError):
    """The database server is older than the SQL of this program."""


def clean_dsn(url: str) -> str:
    """Accept the spellings other tools use for the same address. Raises ValueError."""
    scheme, _, rest = url.partition("://")
    if scheme.partition("+")[0] not in {"postgres", "postgresql"} or not rest:
        # The address carries a password: it stays out of the message.
        message = "DATABASE_URL must look like postgresql://user:password@host:5432/name."
        raise ValueError(message)
    return f"postgresql://{rest}"


def with_database(dsn: str, name: str) -> str:
    """Point the same address at another database of that server."""
    return urlsplit(clean_dsn(dsn))._replace(path=f"/{name}").geturl()


def _to_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


async def prepare(conn: Connection) -> None:
    """Set a fresh connection up. Raises ServerTooOldError."""
    version = conn.get_server_version()
    if version.major < OLDEST_SERVER:
        message = f"PostgreSQL {OLDEST_SERVER} or newer is needed; this server is {version.major}."
        raise ServerTooOldError(message)
    await conn.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=_to_json,
        decoder=msgspec.json.decode,
        format="text",
    )


@asynccontextmanager
async def connected(dsn: str) -> AsyncGenerator[Connection]:
    """One connection, for a command that has the database to itself."""
    conn = await asyncpg.connect(clean_dsn(dsn))
    try:
        await prepare(conn)
        yield conn
    finally:
        await conn.close()


async def open_pool(dsn: str, *, size: int) -> Pool:
    """Waits for a server that is away: a process that gave up would take the service with it."""
    while True:
        try:
            return await _make_pool(dsn, size)
        except Exception as error:
            if not retryable(error):
                raise
            logger.warning("the database is away; it is looked for again")
            await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def _make_pool(dsn: str, size: int) -> Pool:
    return await asyncpg.create_pool(
        clean_dsn(dsn),
        min_size=min(2, size),
        max_size=size,
        timeout=CONNECT_SECONDS,
        command_timeout=COMMAND_SECONDS,
        max_inactive_connection_lifetime=IDLE_SECONDS,
        server_settings=SERVER_SETTINGS,
        init=prepare,
        reset=_as_it_is,
    )


async def _as_it_is(_: Connection) -> None:
    """No statement of this program leaves anything behind in its session, and asyncpg itself
    rolls back what is open: its own reset would cost a round trip each time.
    """


async def _acquire(pool: Pool) -> Connection:
    try:
        return await pool.acquire(timeout=ACQUIRE_SECONDS)
    except _AWAY as error:
        raise Unavailable("database_unavailable") from error


async def provide_tx(state: State) -> AsyncGenerator[Connection, None]:
    """Give one request its connection and transaction: committed if it returns, else undone.

    Acquire and begin stand in one generator: two chained ones would be closed concurrently.
    """
    pool: Pool = state.pool
    conn = await _acquire(pool)
    try:
        transaction = conn.transaction()
        await transaction.start()
        try:
            yield conn
        except BaseException:
            # What goes wrong must stay what is told: on a connection that is gone the undoing
            # fails as well, and there is nothing left to undo.
            with suppress(*_AWAY):
                await transaction.rollback()
            raise
        await transaction.commit()
    finally:
        await _release(pool, conn)


async def _release(pool: Pool, conn: Any) -> None:  # noqa: ANN401 -- release() wants the proxy only
    await pool.release(conn)


def retryable(exc: BaseException) -> bool:
    """Tell whether an idempotent unit of work may be done again after this."""
    if isinstance(exc, asyncpg.exceptions.InterfaceError) and isinstance(exc, ValueError):
        return False  # the client's own DataError: a bad argument stays bad
    return isinstance(exc, _AWAY + _LOST_A_RACE)
