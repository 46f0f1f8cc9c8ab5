"""A real Chromium on the real application, with a clock that the test moves."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest
import uvicorn
from msgspec import Struct
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from checkpoint.app import create_app
from kernel.clock import SetClock
from kernel.db import open_pool
from kernel.privacy import Vault
from kernel.settings import Settings
from registry.submission import LOCAL
from tests.city import City, build
from tests.conftest import NOON
from tests.http import PASSWORD, add_account

CHROMIUM = next(
    (
        found
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (found := shutil.which(name))
    ),
    None,
)
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1440, "height": 900}
#: Two browsers, two databases and their tests share the machine.
expect.set_options(timeout=15_000)
#: Where pictures go when they are asked for.
SHOTS = os.environ.get("CHECKPOINT_SHOTS")


class Site(Struct, frozen=True, kw_only=True):
    url: str
    city: City
    clock: SetClock
    dsn: str
    browser: Any
    stack: Any

    async def context(self, **options: Any) -> BrowserContext:
        made = await self.browser.new_context(
            base_url=self.url, timezone_id="Asia/Shanghai", **options
        )
        self.stack.push_async_callback(made.close)
        return made

    async def page(self, *, lang: str = "zh", **options: Any) -> Page:
        made = await (await self.context(**options)).new_page()
        made.set_default_timeout(20_000)
        await made.goto(f"/?lang={lang}")
        return made

    async def log_in(self, role: str, place_id: int | None = None, **options: Any) -> Page:
        pool = await open_pool(self.dsn, size=1)
        async with pool.acquire() as conn:
            login = await add_account(conn, role, self.clock, place_id)
        await pool.close()
        made = await self.page(**options)
        await made.goto("/login")
        await made.fill("#f-login", login)
        await made.fill("#f-password", PASSWORD)
        await made.click("main button[type=submit]")
        return made


async def shoot(page: Page, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.fail("Chromium is not installed: run `make test`, or install it.")
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        await browser.close()


@pytest.fixture
async def site(cloned: str, vault: Vault, chromium: Browser, tmp_path: Path) -> AsyncIterator[Site]:
    clock = SetClock(NOON)
    pool = await open_pool(cloned, size=2)
    async with pool.acquire() as conn:
        city = await build(conn, vault, NOON)
    await pool.close()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = create_app(
        Settings(data_dir=tmp_path, port=port, sms="console", idle_minutes=24 * 60),
        dsn=cloned,
        clock=clock,
        vault=vault,
        ticking=False,
    )
    config = uvicorn.Config(
        cast("Any", app), port=port, log_config=None, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[method-assign]
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - the server tells nobody when it is ready
        await asyncio.sleep(0.02)
    async with AsyncExitStack() as stack:
        yield Site(
            url=f"http://127.0.0.1:{port}",
            city=city,
            clock=clock,
            dsn=cloned,
            browser=chromium,
            stack=stack,
        )
    server.should_exit = True
    await serving


def local(at: datetime) -> str:
    """As a datetime field takes it; the browser stands in Shanghai."""
    return at.astimezone(tz=LOCAL).strftime("%Y-%m-%dT%H:%M")
