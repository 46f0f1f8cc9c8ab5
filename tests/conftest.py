"""Fixtures: a real PostgreSQL for the session, one rolled-back transaction for each test."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx
import hypothesis
import pytest
from litestar import Litestar

from kernel.clock import SetClock
from kernel.db import SERVER_SETTINGS, Connection, prepare
from kernel.migrate import migrate
from kernel.postgres import ensure_running, stop
from kernel.privacy import Vault
from tests.city import City, build
from tests.http import MASTER_KEY, add_account, an_app, log_in, opened
from tests.support import MIGRATIONS, OneConnectionPool, database_name, drop_database, make_database

NOON = datetime(2022, 5, 1, 12, 0, tzinfo=UTC)

# How long an example takes is no property of the code (figures are printed by bench/).
hypothesis.settings.register_profile("checkpoint", deadline=None)
hypothesis.settings.load_profile("checkpoint")

# Tests lose nothing when the machine does, and wait less.
_HASTY = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "32MB"}


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Give the address of a server to make databases on: DATABASE_URL, or one of our own."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="checkpoint-tests-"))
    folder.chmod(0o711)  # as root, the server's own user must get through
    ours = ensure_running(folder, configuration=_HASTY)
    yield ours.dsn
    stop(ours)
    shutil.rmtree(ours.cluster)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def template(server: str) -> Iterator[str]:
    """Give a migrated database which nobody opens, so that others can be cloned from it."""
    made = asyncio.run(make_database(server, prefix="checkpoint_template"))
    asyncio.run(migrate(made, MIGRATIONS))
    yield made
    asyncio.run(drop_database(server, made))


@pytest.fixture(scope="session")
def dsn(server: str, template: str) -> Iterator[str]:
    made = asyncio.run(make_database(server, template=database_name(template)))
    yield made
    asyncio.run(drop_database(server, made))


@pytest.fixture
def cloned(server: str, template: str) -> Iterator[str]:
    """Give a migrated database of one's own, for tests in which several connections commit."""
    made = asyncio.run(make_database(server, template=database_name(template)))
    yield made
    asyncio.run(drop_database(server, made))


@pytest.fixture(scope="session")
async def session_connection(dsn: str) -> AsyncIterator[Connection]:
    # A test holds its transaction open for as long as it lasts: no idle limit.
    settings = SERVER_SETTINGS | {"idle_in_transaction_session_timeout": "0"}
    conn = await asyncpg.connect(dsn, server_settings=settings)
    await prepare(conn)
    yield conn
    await conn.close()


@pytest.fixture
async def conn(session_connection: Connection) -> AsyncIterator[Connection]:
    transaction = session_connection.transaction()
    await transaction.start()
    yield session_connection
    await transaction.rollback()


@pytest.fixture
def pool(conn: Connection) -> OneConnectionPool:
    return OneConnectionPool(conn)


@pytest.fixture
def vault() -> Vault:
    """A new one for each test: the application gives it the keys of the test's database."""
    return Vault(MASTER_KEY)


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON)


@pytest.fixture
async def city(conn: Connection, vault: Vault) -> City:
    return await build(conn, vault, NOON)


@pytest.fixture
async def app(
    conn: Connection, vault: Vault, clock: SetClock, tmp_path: Path
) -> AsyncIterator[Litestar]:
    made = an_app(conn, vault, clock, tmp_path)
    async with made.lifespan():
        yield made


@pytest.fixture
async def client(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """Nobody in particular."""
    async with opened(app) as made:
        yield made


@pytest.fixture
async def logged_in(
    app: Litestar, conn: Connection, clock: SetClock
) -> AsyncIterator[Callable[..., Awaitable[httpx.AsyncClient]]]:
    """Awaited with a role and perhaps a place, it gives a browser of such a person."""
    async with AsyncExitStack() as stack:

        async def make(role: str, place_id: int | None = None) -> httpx.AsyncClient:
            browser = await stack.enter_async_context(opened(app))
            answer = await log_in(browser, await add_account(conn, role, clock, place_id))
            assert answer.status_code == 303, answer.text
            return browser

        yield make
