"""The whole application over HTTP, inside the test's own transaction."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import httpx
from litestar import Litestar
from msgspec.structs import replace

from checkpoint.app import FLOORS, create_app
from closedloop.reporting import Office
from kernel.auth import hash_password
from kernel.clock import SetClock
from kernel.db import Connection, Pool
from kernel.i18n import load_catalogues
from kernel.lately import Lately
from kernel.privacy import Vault
from kernel.settings import Settings
from registry.accounts import create_account
from registry.world import WorldCache
from tests.support import REPOSITORY, OneConnectionPool

#: The same for each test, so that one application can serve all.
MASTER_KEY = bytes(range(32))
PASSWORD = "correct horse battery staple"
_HASHES: dict[str, str] = {}


class Standing:
    """The clock of whichever test has the application now."""

    def __init__(self, clock: SetClock) -> None:
        self.clock = clock

    def now(self) -> datetime:
        return self.clock.now()


def an_app(
    conn: Connection,
    vault: Vault,
    clock: SetClock,
    folder: Path,
    settings: Settings | None = None,
) -> Litestar:
    """One application for all tests with the same settings, which takes longer to build than most
    tests; what it works with is this test's own.
    """
    # Tests move the clock by hours between two clicks.
    said = settings or Settings(data_dir=folder, sms="console", idle_minutes=24 * 60)
    app, standing = _built(replace(said, data_dir=Path()))
    load_catalogues([REPOSITORY / floor / "locale" for floor in FLOORS])
    standing.clock = clock
    app.state.clock, app.state.vault, app.state.settings = clock, vault, said
    app.state.lately = Lately(0)  # tests move their clock, not the machine's
    app.state.office = Office(cache=WorldCache(), vault=vault, city=said.city)
    app.state.pool = cast("Pool", OneConnectionPool(conn))
    return app


@cache
def _built(settings: Settings) -> tuple[Litestar, Standing]:
    standing = Standing(SetClock(datetime(2022, 5, 1, tzinfo=UTC)))
    app = create_app(
        settings,
        dsn="postgresql://nowhere",
        clock=standing,
        vault=Vault(MASTER_KEY),
        ticking=False,
    )
    return app, standing


@asynccontextmanager
async def opened(app: Litestar, **headers: str) -> AsyncGenerator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=cast("Any", app))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://test", headers=headers
    ) as client:
        yield client


async def add_account(
    conn: Connection,
    role: str,
    clock: SetClock,
    place_id: int | None = None,
    *,
    district: str | None = None,
    demo: bool = True,
) -> str:
    """Returns the login; the password is PASSWORD, hashed once for all tests. Nothing but the
    password is asked of it, unless `demo` is false.
    """
    if PASSWORD not in _HASHES:
        _HASHES[PASSWORD] = await hash_password(PASSWORD)
    login = f"{role}-{uuid4().hex[:8]}"
    await create_account(
        conn,
        login=login,
        password_hash=_HASHES[PASSWORD],
        name=role,
        roles=[role],
        place_id=place_id,
        district=district,
        now=clock.now(),
        demo=demo,
    )
    return login


async def log_in(client: httpx.AsyncClient, login: str) -> httpx.Response:
    shown = await client.get("/login")
    return await submit(client, shown, "/login", {"login": login, "password": PASSWORD})


async def submit(
    client: httpx.AsyncClient, shown: httpx.Response, url: str, fields: dict[str, Any]
) -> httpx.Response:
    """Send a form as a browser would: with the hidden token of the page it stands on."""
    found = re.search(r'name="_csrf_token" value="([^"]+)"', shown.text)
    token = found.group(1) if found else ""
    return await client.post(url, data={"_csrf_token": token} | fields)
