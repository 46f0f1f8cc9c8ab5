"""The driver's ways in Chromium: first, again, prepared by a firm, corrected, by the desk; at
320 px with text at 200 %, without JavaScript; and every page of them looked at by axe.
"""

from datetime import timedelta

import pytest
from axe_playwright_python.async_playwright import Axe
from msgspec import Struct
from playwright.async_api import Page, expect

from kernel.db import connected
from registry.submission import LOCAL
from tests.browser.conftest import DESK, Site, local, shoot
from tests.browser.reporting import on, soon, way
from tests.browser.test_looks import NARROW, TWICE
from tests.city import IDS
from tests.conftest import NOON
from tests.phones import code_sent, letters

pytestmark = pytest.mark.browser

ENTRY = NOON.astimezone(LOCAL)
LANGUAGES = ("zh", "en")


class Eyes(Struct):
    """What is looked at on each page; axe needs JavaScript, a narrow plain page does not."""

    axe: bool
    lang: str
    seen: list[str] = []

    async def look(self, page: Page, name: str) -> None:
        if self.axe:
            found = await Axe().run(page)
            assert found.violations_count == 0, f"{name}: {found.generate_report()}"
        await shoot(page, f"driver-{name}-{self.lang}")
        style = await page.add_style_tag(content=TWICE) if self.axe else None
        if style is not None:
            wide = await page.evaluate("document.documentElement.scrollWidth")
            assert wide <= NARROW["width"], f"{name} is {wide} px wide"
            await style.evaluate("style => style.remove()")
        self.seen = [*self.seen, name]


async def driver(site: Site, lang: str, *, plain: bool) -> tuple[Page, Eyes]:
    options = {"java_script_enabled": False} if plain else {"bypass_csp": True}
    page = await site.page(lang=lang, viewport=NARROW, **options)
    return page, Eyes(axe=not plain, lang=lang)


async def first_report(site: Site, page: Page, eyes: Eyes, *, ill: bool = False) -> str:
    """From the door to the pass; returns the address of the pass."""
    await page.goto("/")
    await page.click("a.door.first")
    await eyes.look(page, "phone")
    await page.fill("#f-phone", "13812345678")
    await on(page, "code")
    await eyes.look(page, "code")
    async with connected(site.dsn) as conn:
        await page.fill("#f-code", await code_sent(conn, site.city.office.vault))
    await on(page, "person")
    await eyes.look(page, "person")
    await page.fill("#f-name", "李小龙")
    await page.fill("#f-id_number", IDS[0])
    await on(page, "plate")
    await eyes.look(page, "plate")
    await page.fill("#f-plate", "豫B12345")
    await on(page, "way")
    await eyes.look(page, "way")
    await way(site, page)
    await on(page, "times")
    await eyes.look(page, "times")
    if ill:
        await page.click("button[name=exact]")
        await eyes.look(page, "exact")
        await page.select_option("#f-entry_day", str(ENTRY.date()))
        await page.select_option("#f-entry_hour", str(ENTRY.hour + 1))
    else:
        await soon(site, page)
    await page.check("input[name=stay][value='24']")
    await on(page, "declare")
    await eyes.look(page, "declare")
    await page.check(f"input[name=q_symptom][value={'yes' if ill else 'no'}]")
    await page.check("input[name=q_risk_area][value=no]")
    if ill:
        await on(page, "care")
        await eyes.look(page, "care")
        await page.click("main a.btn >> nth=0")
        await page.wait_for_url("**/check")
    else:
        await on(page, "check")
    await eyes.look(page, "check")
    await page.click("main form button.btn[type=submit]")
    await expect(page.locator("article.ticket")).to_be_visible()
    return page.url


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("lang", LANGUAGES)
async def test_a_first_report_and_then_one_with_four_characters(
    site: Site, lang: str, plain: bool
) -> None:
    page, eyes = await driver(site, lang, plain=plain)
    await first_report(site, page, eyes, ill=lang == "en")
    site.clock.at = NOON + timedelta(days=2)
    await page.goto("/d/new")
    await page.wait_for_url("**/d/again")
    await eyes.look(page, "again")
    await page.fill("#f-last_four", "0000")
    await page.click("main form button.btn[type=submit]")
    await expect(page.locator("#error-summary")).to_be_visible()
    await eyes.look(page, "again-wrong")
    await page.fill("#f-last_four", IDS[0][-4:])
    await on(page, "again")
    await eyes.look(page, "same")
    for question in ("symptom", "risk_area"):
        await page.check(f"input[name=q_{question}][value=no]")
    await page.click("main form button.btn[type=submit]")
    await expect(page.locator("article.ticket")).to_be_visible()
    async with connected(site.dsn) as conn:
        assert await conn.fetchval("SELECT count(*) FROM registry.movement") == 2


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_a_report_is_corrected_up_to_the_barrier(site: Site, lang: str) -> None:
    page, eyes = await driver(site, lang, plain=True)
    await first_report(site, page, eyes)
    await page.click("a[href$='/edit']")
    await page.wait_for_url("**/check")
    await eyes.look(page, "correct")
    assert IDS[0] not in await page.content()
    await page.click("a[href$='/plate']")
    await page.fill("#f-plate", "豫B54321")
    await on(page, "check")
    await page.go_back()
    assert await page.input_value("#f-plate") == "豫B54321"
    await on(page, "check")
    await page.click("main form button.btn[type=submit]")
    await expect(page.locator("article.ticket")).to_contain_text("54321")


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_a_firm_prepares_and_the_driver_answers_two_questions(site: Site, lang: str) -> None:
    firm = await site.log_in("firm", site.city.mill, lang=lang, viewport=DESK, bypass_csp=True)
    await firm.goto("/dispatch")
    eyes = Eyes(axe=True, lang=lang)
    await firm.fill("#f-name", "李小龙")
    await firm.fill("#f-id_number", IDS[0])
    await firm.fill("#f-phone", "13812345678")
    await firm.fill("#f-plate", "豫B12345")
    await firm.fill("#f-origin", "山东省济南市")
    await firm.select_option("#f-entry_place_id", str(site.city.north))
    await firm.fill("#f-expected_entry_at", local(NOON + timedelta(hours=1)))
    await firm.fill("#f-expected_exit_at", local(NOON + timedelta(hours=20)))
    await firm.click("main form button.btn[type=submit]")
    await expect(firm.locator("section.note.ok")).to_be_visible()
    await shoot(firm, f"dispatch-{lang}")
    found = await Axe().run(firm)
    assert found.violations_count == 0, found.generate_report()
    async with connected(site.dsn) as conn:
        (letter,) = await letters(conn, site.city.office.vault)
    page, eyes = await driver(site, lang, plain=False)
    await page.goto("/d/l/" + letter.facts["url"].rpartition("/")[2])
    await eyes.look(page, "link")
    await page.click("main form button.btn[type=submit]")
    await eyes.look(page, "prepared")
    assert IDS[0] not in await page.content()
    for question in ("symptom", "risk_area"):
        await page.check(f"input[name=q_{question}][value=no]")
    await page.click("main form button.btn[type=submit]")
    await expect(page.locator("article.ticket")).to_be_visible()


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_the_desk_reports_for_a_driver_without_a_phone(site: Site, lang: str) -> None:
    desk = await site.log_in("desk", site.city.north, lang=lang, viewport=NARROW, bypass_csp=True)
    await desk.goto("/assist")
    eyes = Eyes(axe=True, lang=lang)
    await desk.click("main form button.btn[type=submit]")
    await expect(desk.locator("#error-summary")).to_be_visible()
    await eyes.look(desk, "assist-errors")
    await desk.check("input[name=channel][value=counter]")
    await desk.fill("#f-name", "李小龙")
    await desk.fill("#f-id_number", IDS[0])
    await desk.fill("#f-phone", "13812345678")
    await desk.fill("#f-plate", "豫B12345")
    await desk.fill("#f-origin", "山东省济南市")
    await desk.select_option("#f-entry_place_id", str(site.city.north))
    await desk.select_option("#f-stop_1", str(site.city.mill))
    await desk.fill("#f-expected_entry_at", local(NOON + timedelta(hours=1)))
    await desk.fill("#f-expected_exit_at", local(NOON + timedelta(hours=20)))
    for question in ("symptom", "risk_area"):
        await desk.check(f"input[name=q_{question}][value=no]")
    await desk.click("main form button.btn[type=submit]")
    await expect(desk.locator("article.ticket .digits")).to_be_visible()
    await eyes.look(desk, "assisted")
