"""A gatekeeper's telephone, whose browser may be killed, and what the firm's page keeps on it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Error, Page, async_playwright

from kernel.db import connected
from tests.browser.conftest import CHROMIUM, PHONE, QUIET, Site
from tests.browser.test_console_kills import Lane
from tests.checkpoint.moves import released
from tests.conftest import NOON
from tests.http import PASSWORD, add_account

PLATE = "豫B12345"
#: Nobody answers there, neither a page nor its worker.
NOWHERE = ("--proxy-server=http://127.0.0.1:9", "--proxy-bypass-list=<-loopback>")
LOG_IN = re.compile(r"/login\?next=")
NAME = "欧阳守门"
ARRIVED = "form[action='/firm/arrived'] button"
#: Both pages and all that the list is made of.
KEPT = """
async () => {
  const cache = await caches.open("own");
  const paths = (await cache.keys()).map(({ url }) => new URL(url).pathname);
  return ["/firm", "/firm/screen", "/static/firm.js", "/static/firm-screen.js"]
    .every((path) => paths.includes(path));
}
"""
#: As if it had been kept so many milliseconds earlier.
OLDER = """
async (ms) => {
  const cache = await caches.open("own");
  for (const path of ["/firm", "/firm/screen"]) {
    const copy = await cache.match(path, { ignoreVary: true });
    const headers = new Headers(copy.headers);
    headers.set("kept-at", Number(headers.get("kept-at")) - ms);
    await cache.put(path, new Response(await copy.blob(), { headers }));
  }
}
"""
TAPS = """
() => new Promise((resolve) => {
  const opening = indexedDB.open("firm");
  opening.onsuccess = () => {
    const asked = opening.result.transaction("taps").objectStore("taps").getAll();
    asked.onsuccess = () => { opening.result.close(); resolve(asked.result.length); };
  };
})
"""
#: Takes what waits out of the store before the server has answered: the fault that it must not have.
CARELESS = """
  const send = window.fetch;
  window.fetch = async (url, options) => {
    if (String(url).endsWith("/events")) {
      await new Promise((resolve) => {
        const opening = indexedDB.open("firm");
        opening.onsuccess = () => {
          const transaction = opening.result.transaction("taps", "readwrite");
          transaction.objectStore("taps").clear();
          transaction.oncomplete = () => { opening.result.close(); resolve(); };
        };
      });
    }
    return send(url, options);
  };
"""


async def until(page: Page, said: str) -> None:
    """A page that is just being left has no answer yet, and is asked again."""
    async with asyncio.timeout(20):
        while not await _answered(page, said):  # noqa: ASYNC110 - the page tells nobody
            await asyncio.sleep(0.1)


async def _answered(page: Page, said: str) -> bool:
    try:
        return bool(await page.evaluate(said))
    except Error as error:
        if "navigation" in str(error):
            return False
        raise


class Gate(Lane):
    """The gatekeeper's telephone: a profile on disk, whose browser may die at any moment."""

    @asynccontextmanager
    async def at(self, *, offline: bool) -> AsyncIterator[Page]:
        async with async_playwright() as driver:
            context = await driver.chromium.launch_persistent_context(
                str(self.folder),
                executable_path=CHROMIUM,
                args=[*QUIET, *(NOWHERE if offline else ())],
                viewport={"width": PHONE["width"], "height": PHONE["height"]},
                timezone_id="Asia/Shanghai",
                bypass_csp=True,
            )
            if self.careless:
                await context.add_init_script(CARELESS)
            page = await context.new_page()
            page.set_default_timeout(20_000)
            yield page
            if self.processes():
                await context.close()

    async def opened(self, page: Page, login: str, lang: str = "en") -> None:
        await page.goto(f"{self.site.url}/login?lang={lang}")
        await page.fill("#f-login", login)
        await page.fill("#f-password", PASSWORD)
        await page.click("main button[type=submit]")
        await page.wait_for_url("**/firm")
        await until(page, KEPT)

    async def list(self, page: Page) -> None:
        await page.goto(f"{self.site.url}/firm")

    async def nothing_opens(self, context: BrowserContext) -> None:
        """Not without a network."""
        page = await context.new_page()
        await context.set_offline(True)
        for path in ("/firm", "/firm/screen"):
            with pytest.raises(Exception, match="ERR_"):
                await page.goto(f"{self.site.url}{path}")


async def account(site: Site, place_id: int | None = None) -> str:
    async with connected(site.dsn) as conn:
        login = await add_account(conn, "firm", site.clock, place_id or site.city.mill)
        await conn.execute("UPDATE registry.account SET name = $2 WHERE login = $1", login, NAME)
    return login


async def truck(site: Site, plate: str = PLATE, **about: Any) -> int:
    async with connected(site.dsn) as conn:
        movement_id = await released(conn, site.city, plate=plate, **about)
    site.clock.at = NOON + timedelta(minutes=40)
    return movement_id


async def confirmations(site: Site, movement_id: int) -> int:
    async with connected(site.dsn) as conn:
        return await conn.fetchval(
            "SELECT count(*) FROM registry.event WHERE movement_id = $1 AND kind = 'confirm'",
            movement_id,
        )
