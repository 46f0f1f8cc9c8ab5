"""A driver's first report in the browser, page by page, to the last look before it is sent."""

from datetime import timedelta

from msgspec import Struct
from playwright.async_api import Page

from kernel.db import connected
from registry.submission import LOCAL
from tests.browser.conftest import Site
from tests.city import IDS
from tests.closedloop.walk import PHONE, local_time
from tests.phones import code_sent


class Driver(Struct, frozen=True, kw_only=True):
    phone: str = PHONE
    name: str = "李小龙"
    number: str = IDS[0]
    plate: str = "豫B12345"
    questions: tuple[str, ...] = ("symptom", "risk_area")


async def on(page: Page, name: str) -> None:
    """The next question."""
    await page.click("main form button.btn:not(.line) >> nth=0")
    await page.wait_for_url(f"**/{name}")


async def way(site: Site, page: Page) -> None:
    await page.fill("#f-origin", "山东省济南市")
    await page.check(f"input[name=entry_place_id][value='{site.city.north}']")
    await page.check(f"input[name=stop_1][value='{site.city.mill}']")


async def soon(site: Site, page: Page) -> None:
    """In the next full hour, for a day."""
    entry = site.clock.now().astimezone(LOCAL).replace(minute=0) + timedelta(hours=1)
    await page.check(f"input[name=entry_at][value='{local_time(entry)}']")
    await page.check("input[name=stay][value='24']")


async def to_check(site: Site, page: Page, who: Driver) -> str:
    """Returns the address of the page on which all is checked."""
    await page.goto("/d/new?first=yes")
    await page.fill("#f-phone", who.phone)
    await on(page, "code")
    async with connected(site.dsn) as conn:
        await page.fill("#f-code", await code_sent(conn, site.city.office.vault))
    await on(page, "person")
    await page.fill("#f-name", who.name)
    await page.fill("#f-id_number", who.number)
    await on(page, "plate")
    await page.fill("#f-plate", who.plate)
    await on(page, "way")
    await way(site, page)
    await on(page, "times")
    await soon(site, page)
    await on(page, "declare")
    for question in who.questions:
        await page.check(f"input[name=q_{question}][value=no]")
    await on(page, "check")
    return page.url
