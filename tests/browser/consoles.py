"""A console in Chromium: enrolled, at its lane, scanned at as a scanner types."""

from random import Random
from typing import Any
from uuid import uuid4

from playwright.async_api import BrowserContext, Page, expect

from checkpoint.simulation.people import People
from kernel.db import connected
from registry.accounts import create_device
from registry.consoles import make_code
from registry.passes import pass_number
from tests.browser.conftest import PHONE, Site
from tests.checkpoint.moves import reported
from tests.city import IDS

#: As fast as a scanner types.
TYPE = """(digits) => {
  for (const digit of digits) {
    document.dispatchEvent(new KeyboardEvent("keydown", { code: `Digit${digit}`, key: "Process", bubbles: true, cancelable: true }));
  }
  document.dispatchEvent(new KeyboardEvent("keydown", { code: "Enter", key: "Enter", bubbles: true, cancelable: true }));
}"""


async def code_for(site: Site, name: str = "一号道") -> str:
    async with connected(site.dsn) as conn, conn.transaction():
        now = site.clock.now()
        device = await create_device(
            conn, name=name, place_id=site.city.north, role="lane", now=now
        )
        return await make_code(conn, device, uuid4(), now)


async def passes(site: Site, number: int = 1, **about: Any) -> list[str]:
    """Trucks that have reported, with all their proofs; the numbers of their passes."""
    people = People(Random(7))
    async with connected(site.dsn) as conn, conn.transaction():
        made = [
            await reported(
                conn,
                site.city,
                plate=f"豫B{n:05}",
                id_number=IDS[n] if n < len(IDS) else people.make().id_number,
                **about,
            )
            for n in range(number)
        ]
    return [pass_number(each, site.city.office.vault) for each in made]


async def enrolled(site: Site, context: BrowserContext, *, lang: str = "zh") -> Page:
    """At the lane, with its bundle; the browser's clock is that of the city."""
    page = await context.new_page()
    page.set_default_timeout(20_000)
    await page.clock.set_system_time(site.clock.now())
    await page.goto(f"{site.url}/gate/app?lang={lang}")
    await page.fill("#f-code", await code_for(site))
    await page.click("button[type=submit]")
    await page.click(".pair button.gate >> nth=0")
    await page.wait_for_selector("[data-card=ready]")
    return page


async def console(site: Site, *, lang: str = "zh", **options: Any) -> Page:
    context = await site.context(**({"viewport": PHONE} | options))
    return await enrolled(site, context, lang=lang)


async def scan(page: Page, number: str) -> str:
    """Returns the card."""
    await page.evaluate(TYPE, number)
    card = page.locator("[data-card]:not([data-card=ready])")
    await expect(card).to_be_visible()
    return await card.get_attribute("data-card") or ""


async def waiting(page: Page) -> int:
    return await page.evaluate(
        """() => new Promise((resolve, reject) => {
          const request = indexedDB.open("console");
          request.onerror = reject;
          request.onsuccess = () => {
            const count = request.result.transaction("outbox").objectStore("outbox").count();
            count.onsuccess = () => { request.result.close(); resolve(count.result); };
          };
        })"""
    )
