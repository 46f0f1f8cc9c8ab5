"""A rule set from its proposal to the lane in Chromium: the administrator changes a card, the
security officer tries it over what has happened, puts it in force from an hour, and the lane obeys.
"""

from datetime import timedelta

import pytest
from playwright.async_api import expect

from closedloop.shadow_runs import run_asked
from kernel.db import connected
from tests.browser.conftest import DESK, PHONE, Site, local
from tests.browser.looking import look
from tests.checkpoint.moves import verifying
from tests.city import IDS
from tests.conftest import NOON

pytestmark = pytest.mark.browser


async def at_lane(site: Site, plate: str) -> str:
    lane = await site.log_in("lane", site.city.north, viewport=PHONE)
    await lane.goto("/gate?gate=1")
    await lane.fill("[data-scan-input]", plate)
    await lane.keyboard.press("Enter")
    card = lane.locator("[data-card]")
    await expect(card).to_be_visible()
    return await card.get_attribute("data-card") or ""


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_stricter_card_from_the_proposal_to_the_lane(site: Site, lang: str) -> None:
    async with connected(site.dsn) as conn:
        await verifying(conn, site.city)
        await verifying(conn, site.city, plate="豫B54321", id_number=IDS[1])
        ruling = (await site.city.office.cache.now(conn)).rules_at(NOON).version
    site.clock.at = NOON + timedelta(minutes=30)
    admin = await site.log_in("admin", lang=lang, viewport=DESK, bypass_csp=True)
    officer = await site.log_in("security", lang=lang, viewport=DESK, bypass_csp=True)

    await admin.goto(f"/rules/{ruling}")
    await admin.select_option("[name=card_test_missing]", "white")
    await admin.click("form:has([name=card_test_missing]) button.btn")
    await admin.wait_for_url(lambda url: f"/rules/{ruling}" not in url)
    page = admin.url.partition("?")[0]
    # Whoever proposed it releases nothing; and untried it is released by nobody.
    await expect(admin.locator("form[action$='/release']")).to_have_count(0)
    await officer.goto(page)
    await expect(officer.locator("form[action$='/release']")).to_have_count(0)

    await officer.click("form[action$='/shadow'] button")
    await expect(officer.locator("[role=status]").first).to_be_visible()
    async with connected(site.dsn) as conn:
        assert await run_asked(conn, site.clock.at) == 1
    await officer.goto(page)
    await expect(officer.locator("#shadow ~ table tbody strong")).to_be_visible()
    await officer.click("#shadow ~ details summary")
    await expect(officer.locator("#shadow ~ details li")).to_have_count(2)
    await look(officer, f"rules-tried-{lang}")
    hour = NOON + timedelta(hours=2)
    await officer.fill("#f-from", local(hour))
    await officer.click("form[action$='/release'] button")
    await expect(officer.locator("[role=status]").first).to_be_visible()

    site.clock.at = hour - timedelta(minutes=1)
    assert await at_lane(site, "豫B12345") == "yellow"
    site.clock.at = hour + timedelta(minutes=1)
    assert await at_lane(site, "豫B54321") == "white"
