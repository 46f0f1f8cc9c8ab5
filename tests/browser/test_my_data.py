"""A driver's own data, and an officer's reveal, in both languages by day and by night."""

from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from kernel.db import connected
from registry.drivers import COOKIE
from tests.browser.conftest import Site, shoot
from tests.browser.passes import reported
from tests.browser.test_looks import NARROW, check
from tests.city import IDS
from tests.phones import known_device

pytestmark = pytest.mark.browser


async def own_telephone(site: Site, *, plain: bool = False) -> tuple[Page, str]:
    """Of a driver who has shown that it is they, and the address of their pass."""
    address, now = await reported(site), site.clock.now()
    async with connected(site.dsn) as conn:
        person = await conn.fetchval("SELECT id FROM registry.person")
        await known_device(conn, "own", person, now, proved_for=timedelta(hours=1))
    page = await site.page(viewport=NARROW, java_script_enabled=not plain, bypass_csp=True)
    await page.context.add_cookies([{"name": COOKIE, "value": "own", "url": site.url}])
    return page, address


async def test_my_data_and_its_end_are_kind_to_everyone(site: Site) -> None:
    page, _ = await own_telephone(site)
    await check(page, "/d/me", "my-data")
    await check(page, "/d/me/withdraw", "withdraw")


async def test_a_driver_reaches_every_right_by_links_and_without_javascript(site: Site) -> None:
    page, address = await own_telephone(site, plain=True)
    for start in ("/", address):
        await page.goto(f"{start}?lang=zh")
        await shoot(page, "mine-from-" + ("home" if start == "/" else "pass"))
        await page.click("a[href='/d/me']")
        await expect(page.locator("dl.sum >> nth=0")).to_contain_text(IDS[0])
    async with page.expect_download() as taken:
        await page.click("form[action='/d/me/download'] button")
    assert (await taken.value).suggested_filename == "my-data.json"
    await page.fill("#f-name", "李大龙")
    await page.click("form[action='/d/me/correct'] button")
    await expect(page.locator("dl.sum >> nth=0")).to_contain_text("李大龙")
    await page.click("a[href='/d/me/withdraw']")
    await page.click("form[action='/d/me/withdraw'] button")
    await expect(page.locator("[role=status]")).to_be_visible()
    await page.goto("/d/me")
    await page.wait_for_url("**/d/again?next=/d/me")


async def test_a_reveal_is_kind_to_everyone(site: Site) -> None:
    await reported(site)
    async with connected(site.dsn) as conn:
        movement_id = await conn.fetchval("SELECT movement_id FROM registry.movement")
    duty = await site.log_in("duty", viewport=NARROW, bypass_csp=True)
    await check(duty, f"/loops/{movement_id}/people/0/reveal", "reveal")
    await duty.set_viewport_size({"width": 1440, "height": 900})
    await duty.select_option("#f-reason", "call")
    await duty.click("main form button")
    await expect(duty.locator("main")).to_contain_text(IDS[0])
    await shoot(duty, "revealed")
