"""Free and first, as the lane sees it: with and without a network, in both languages; and the
registrar who issues the pass and marks the lanes.
"""

import pytest
from playwright.async_api import expect

from kernel.db import connected
from tests.browser.conftest import DESK, PHONE, Site
from tests.browser.consoles import console, passes, scan
from tests.browser.looking import look
from tests.checkpoint.test_goes_first import give_pass

pytestmark = pytest.mark.browser
FIRST = {"zh": "免费优先", "en": "free and first"}
LANE = {"zh": "专用通道：2", "en": "kept free: 2"}


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("offline", [False, True])
async def test_the_console_says_first_and_which_lane(
    site: Site, lang: str, *, offline: bool
) -> None:
    async with connected(site.dsn) as conn, conn.transaction():
        await conn.execute("INSERT INTO registry.gate VALUES ($1, '2', true)", site.city.north)
        await give_pass(conn, site.city, plate="豫B00000")
    (number,) = await passes(site, goods="daily")
    page = await console(site, lang=lang, bypass_csp=True)
    await page.context.set_offline(offline)
    assert await scan(page, number) == "green"
    await expect(page.locator(".why")).to_contain_text(FIRST[lang])
    await expect(page.locator(".in strong")).to_contain_text(LANE[lang])
    await expect(page.locator("#said")).to_contain_text(FIRST[lang])
    await look(page, f"first-console-{lang}-{'offline' if offline else 'online'}")


async def test_a_registrar_marks_the_lanes_and_issues_a_pass(site: Site) -> None:
    page = await site.log_in("registrar", viewport=DESK, bypass_csp=True)
    await page.goto(f"/reg/places/{site.city.north}")
    await page.click(f"a[href='/reg/places/{site.city.north}/lanes']")
    await page.check("[name=dedicated_0]")
    await page.select_option("[name=serves_0]", "trucks")
    await look(page, "first-lanes")
    await page.click("form.stack button.btn")
    await page.goto("/reg/transport")
    await page.click("details summary")
    await page.fill("#f-plate", "豫B12345")
    await page.select_option("#f-goods", "daily")
    await page.select_option("#f-region", "410221")
    await page.fill("#f-days", "3")
    await look(page, "first-issue")
    await page.click("details form button.btn")
    await expect(page.get_by_text("410221 000001").first).to_be_visible()
    await look(page, "first-pass")
    # Its code on the paper leads an officer here.
    officer = await site.log_in("desk", site.city.north, viewport=PHONE, bypass_csp=True)
    await officer.goto("/transport/410221000001?theme=night")
    await look(officer, "first-officer-night")
    await page.click("details summary")
    await page.check("[value=lent]")
    await page.click("button.warn")
    await expect(page.get_by_text("借给了别的车")).to_be_visible()
    await page.goto("/reg/transport")
    await look(page, "first-list")
