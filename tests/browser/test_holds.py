"""A hold in Chromium, as its people live it: the desk, the driver in the cab, two duty officers and
the receiving body. Both languages, by day and night, axe silent, nothing overflows.
"""

from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from closedloop.model import State
from kernel.db import connected
from kernel.privacy import Vault
from registry.reports import view_key
from tests.browser.conftest import DESK, PHONE, Site
from tests.browser.looking import look
from tests.checkpoint.moves import loop_of, verifying
from tests.city import add_body
from tests.conftest import NOON

pytestmark = pytest.mark.browser


async def kind(page: Page, name: str) -> None:
    address = page.url.partition("?")[0]
    for theme in ("night", "day"):
        await page.goto(f"{address}?theme={theme}")
        await look(page, f"hold-{name}-{theme}")


async def hold_at(desk: Page) -> None:
    await desk.goto("/desk")
    await desk.locator("details:has([name=source]) summary").click()
    await desk.fill("[name=source]", "令〔2022〕7号")
    await desk.select_option("form:has([name=source]) [name=reason]", index=1)
    await desk.click("form:has([name=source]) button")
    await expect(desk.locator("[role=status]")).to_be_visible()


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_hold_from_the_desk_to_the_receiving_body(
    site: Site, lang: str, vault: Vault
) -> None:
    async with connected(site.dsn) as conn:
        movement_id = await verifying(conn, site.city)
        body = await add_body(conn, NOON)
    duty, second, third = [
        await site.log_in("duty", lang=lang, viewport=view, bypass_csp=True)
        for view in (DESK, PHONE, PHONE)
    ]
    desk = await site.log_in("desk", site.city.north, lang=lang, viewport=PHONE)
    clinic = await site.log_in("receiver", body, lang=lang, viewport=PHONE, bypass_csp=True)
    driver = await site.page(lang=lang, viewport=PHONE, bypass_csp=True)

    site.clock.at = NOON + timedelta(minutes=3)
    await hold_at(desk)
    site.clock.at = NOON + timedelta(minutes=12)
    await duty.goto("/holds")
    await kind(duty, f"list-{lang}")
    await duty.locator("article[data-row] a.call").click()
    await kind(duty, f"case-{lang}")
    await duty.click("form[action$='/approve'] button")
    await expect(duty.locator("[role=status]")).to_be_visible()

    await driver.goto(f"/d/{movement_id}-{view_key(movement_id, vault)}")
    await kind(driver, f"pass-{lang}")
    await driver.locator("a[href$='/appeal']").click()
    await kind(driver, f"appeal-{lang}")
    await driver.check("[name=grounds][value=not_me]")
    await driver.fill("[name=note]", "我昨天不在那里")
    await driver.click("form.stack button.btn")
    await expect(driver.locator("#hold ~ p time")).to_have_count(2)
    await expect(driver.locator("a[href$='/appeal']")).to_have_count(0)

    # Whoever approved is not offered to answer; somebody else is, and reads what was written.
    await duty.reload()
    await expect(duty.locator("form[action$='/dismiss']")).to_have_count(0)
    await second.goto(duty.url)
    await expect(second.get_by_text("我昨天不在那里")).to_be_visible()
    await kind(second, f"appealed-{lang}")
    await second.locator("details:has(form[action$='/dismiss']) summary").click()
    await second.check("[value=record_confirmed]")
    await second.click("form[action$='/dismiss'] button")
    await expect(second.locator("[role=status]")).to_be_visible()
    await driver.reload()
    await expect(driver.locator("a[href$='/appeal']")).to_be_visible()

    await third.goto(second.url)
    await third.select_option("[name=receiver]", index=1)
    await third.click("form[action$='/transfer'] button")
    await expect(third.locator("[role=status]")).to_be_visible()
    await clinic.goto("/receive")
    await kind(clinic, f"receive-{lang}")
    await clinic.fill("[name=reference]", "B12")
    await clinic.click("article form button")
    await expect(clinic.locator("[role=status]")).to_be_visible()
    await third.goto("/holds")
    await expect(third.locator("article[data-row]")).to_have_count(0)
    async with connected(site.dsn) as conn:
        assert (await loop_of(conn, movement_id)).state is State.TRANSFERRED
