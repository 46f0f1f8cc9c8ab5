"""A truck's day in Chromium, from the report in the cab to the discharge; and the one that
vanishes.
"""

from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from alerts.overdue import sweep_all
from kernel.db import open_pool
from tests.browser.conftest import DESK, PHONE, Site, shoot
from tests.browser.reporting import Driver, on, to_check
from tests.city import add_proof
from tests.conftest import NOON

pytestmark = pytest.mark.browser


async def report(site: Site, page: Page, plate: str = "豫B12345", lang: str = "zh") -> str:
    """Answer one page after the other as a driver does; returns the digits of the pass."""
    await to_check(site, page, Driver(plate=plate))
    await shoot(page, f"report-check-{lang}")
    await page.click("main button[type=submit]")
    await expect(page.locator("article.ticket")).to_be_visible()
    await shoot(page, f"pass-{lang}")
    digits = await page.locator("article.ticket p.tight").inner_text()
    return "".join(character for character in digits if character.isdigit())


async def scan(lane: Page, number: str) -> None:
    """As a scanner types: fast, and Enter at the end."""
    await lane.locator("input[name=input]").press_sequentially(number, delay=2)
    await lane.keyboard.press("Enter")
    await lane.wait_for_selector("[data-card]")


async def proved(site: Site) -> None:
    pool = await open_pool(site.dsn, size=1)
    async with pool.acquire() as conn:
        await add_proof(conn, site.city.office.vault, "test", "negative", NOON)
    await pool.close()


async def swept(site: Site) -> int:
    pool = await open_pool(site.dsn, size=1)
    async with pool.acquire() as conn:
        flagged = await sweep_all(conn, site.clock.now())
    await pool.close()
    return flagged


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_trucks_day_from_report_to_discharge(site: Site, lang: str) -> None:
    await proved(site)
    driver = await site.page(lang=lang, viewport=PHONE)
    number = await report(site, driver, lang=lang)
    assert len(number) == 24

    site.clock.at = NOON + timedelta(minutes=50)
    lane = await site.log_in("lane", site.city.north, lang=lang, viewport=PHONE)
    await lane.goto("/gate?gate=1")
    await shoot(lane, f"gate-ready-{lang}")
    await scan(lane, number)
    await expect(lane.locator("main")).to_contain_text({"zh": "放行", "en": "PASS"}[lang])
    await expect(lane.locator("main")).to_contain_text("豫B")
    await shoot(lane, f"gate-green-{lang}")

    await driver.reload()
    await expect(driver.locator(".word")).to_contain_text({"zh": "放行", "en": "eleased"}[lang])

    site.clock.at += timedelta(minutes=40)
    firm = await site.log_in("firm", site.city.mill, lang=lang, viewport=PHONE)
    await expect(firm).to_have_url(f"{site.url}/firm")
    await shoot(firm, f"firm-{lang}")
    await firm.click("td.act button")
    await expect(firm.locator("[role=status]")).to_be_visible()
    await shoot(firm, f"firm-done-{lang}")

    await driver.reload()
    await expect(driver.locator(".word")).to_contain_text({"zh": "闭环", "en": "closed"}[lang])
    await shoot(driver, f"pass-done-{lang}")


async def test_a_yellow_card_is_settled_at_the_desk(site: Site) -> None:
    driver = await site.page(viewport=PHONE)
    number = await report(site, driver)
    site.clock.at = NOON + timedelta(minutes=50)
    lane = await site.log_in("lane", site.city.north, viewport=PHONE)
    await lane.goto("/gate?gate=1")
    await scan(lane, number)
    await expect(lane.locator("main")).to_contain_text("核验")
    await expect(lane.locator("main")).to_contain_text("没有核酸检测阴性证明")
    await shoot(lane, "gate-yellow-zh")
    desk = await site.log_in("desk", site.city.north, viewport=DESK)
    await expect(desk).to_have_url(f"{site.url}/desk")
    await shoot(desk, "desk-zh")
    await desk.click("form[action$='/release'] button")
    await expect(desk.locator("[role=status]").first).to_be_visible()
    await driver.reload()
    await expect(driver.locator(".word")).to_contain_text("放行")


async def test_the_one_that_vanishes_is_shown_without_a_reload(site: Site) -> None:
    await proved(site)
    driver = await site.page(viewport=PHONE)
    number = await report(site, driver)
    site.clock.at = NOON + timedelta(minutes=50)
    lane = await site.log_in("lane", site.city.north, viewport=PHONE)
    await lane.goto("/gate?gate=1")
    await scan(lane, number)

    duty = await site.log_in("duty", viewport=DESK)
    await expect(duty).to_have_url(f"{site.url}/duty")
    await expect(duty.locator("main")).not_to_contain_text("12345")
    await shoot(duty, "duty-empty-zh")
    site.clock.at += timedelta(minutes=76)
    assert await swept(site) == 1
    await expect(duty.locator("main")).to_contain_text("12345", timeout=15_000)
    await shoot(duty, "duty-zh")
    assert await swept(site) == 0

    firm = await site.log_in("firm", site.city.mill, viewport=PHONE)
    await firm.click("td.act button")
    await expect(duty.locator("main")).not_to_contain_text("12345", timeout=15_000)


async def test_what_is_no_pass_says_what_it_is(site: Site) -> None:
    lane = await site.log_in("lane", site.city.north, viewport=PHONE, lang="en")
    await lane.goto("/gate?gate=1")
    await lane.fill("input[name=input]", "134512345678901234")
    await lane.press("input[name=input]", "Enter")
    await expect(lane.locator("main")).to_contain_text("payment code")
    await shoot(lane, "gate-wrong-en")


async def test_nothing_typed_is_lost_in_a_refused_report(site: Site) -> None:
    driver = await site.page(viewport=PHONE, java_script_enabled=False)
    await driver.goto("/d/new")
    await driver.fill("#f-phone", "13812345678")
    await on(driver, "code")
    await driver.click("summary")
    await driver.click("button[name=skip]")
    await driver.wait_for_url("**/person")
    await driver.fill("#f-name", "李小龙")
    await driver.fill("#f-id_number", "410221199001011230")
    await driver.click("main button[type=submit]")
    assert await driver.input_value("#f-name") == "李小龙"
    assert (await driver.title()).startswith("错误")
    await shoot(driver, "report-errors-zh")
