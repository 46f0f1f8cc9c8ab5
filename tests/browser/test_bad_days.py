"""Bad luck in a real Chromium: two tabs, back, a second tap, no network, a log-in that ended, a
report that lay too long. One report, one application, nothing typed is lost, both languages.
"""

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from kernel.db import connected
from registry.drafts import LIVES
from tests.browser.conftest import Site, shoot
from tests.browser.reporting import Driver, on, to_check
from tests.browser.test_looks import NARROW
from tests.conftest import NOON
from tests.registry.test_mending import MILL

pytestmark = pytest.mark.browser

LANGUAGES = ("zh", "en")
SEND = "main form button.btn[type=submit]"
FORM: dict[str, str] = {
    "category": MILL.category,
    "name": MILL.name,
    "address": MILL.address,
    "gates": "东门\n西门",
    "contact_name": MILL.contact_name,
    "contact_phone": "+86 138 1234 5678",
}

DRIVER = Driver(name="欧阳𠮷")


async def count(site: Site, table: str) -> int:
    async with connected(site.dsn) as conn:
        return await conn.fetchval(f"SELECT count(*) FROM {table}")


async def kind(page: Page, name: str) -> None:
    found = await Axe().run(page)
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= page.viewport_size["width"], f"{name} is {wide} px wide"  # type: ignore[index]
    await shoot(page, f"bad-day-{name}")


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_a_second_tap_and_back_after_sending_show_the_same_pass(
    site: Site, lang: str
) -> None:
    page = await site.page(lang=lang, viewport=NARROW)
    check = await to_check(site, page, DRIVER)
    await page.dblclick(SEND)
    await expect(page.locator("article.ticket")).to_be_visible()
    done = page.url
    assert await count(site, "registry.movement") == 1
    await page.go_back()
    if page.url != done:  # the browser shows what it remembers: the button is still there
        await page.click(SEND)
        await page.wait_for_url(done)
    await page.goto(check)
    assert page.url == done
    assert await count(site, "registry.movement") == 1
    assert await count(site, "registry.event") == 1


async def test_taps_that_reach_the_server_at_the_same_time_make_one_report(site: Site) -> None:
    """Over connections of their own, as from a phone that tries again by itself."""
    page = await site.page(viewport=NARROW)
    check = await to_check(site, page, DRIVER)
    token = await page.locator("main form [name=_csrf_token]").input_value()
    answers = await asyncio.gather(
        *(page.request.post(check, form={"_csrf_token": token}, max_redirects=0) for _ in range(6))
    )
    assert {answer.status for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert await count(site, "registry.movement") == 1
    assert await count(site, "registry.event") == 1


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_two_tabs_on_one_report_lose_nothing_of_either(site: Site, lang: str) -> None:
    first = await site.page(lang=lang, viewport=NARROW)
    check = await to_check(site, first, DRIVER)
    second = await first.context.new_page()
    await second.goto(check.replace("/check", "/plate"))
    await first.goto(check.replace("/check", "/person"))
    await second.fill("#f-plate", "豫B54321")
    await on(second, "check")
    await first.fill("#f-name", "李大龙")
    await on(first, "check")
    await expect(first.locator("main")).to_contain_text("豫B54321")
    await first.click(SEND)
    await expect(first.locator("article.ticket")).to_contain_text("54321")
    await second.click(SEND)
    await expect(second.locator("article.ticket")).to_contain_text("54321")
    assert second.url == first.url
    assert await count(site, "registry.movement") == 1


async def cut_off(page: Page, *, answered: bool) -> None:
    """The next form is lost on its way, or its answer is on the way back."""

    async def lose(route: Any) -> None:
        if answered:
            await route.fetch(max_redirects=0)
        await route.abort("internetdisconnected")

    async def posts(route: Any) -> None:
        await (lose(route) if route.request.method == "POST" else route.continue_())

    await page.route("**/*", posts)


@pytest.mark.parametrize("answered", [True, False])
async def test_a_connection_that_is_lost_while_sending_makes_one_report(
    site: Site, *, answered: bool
) -> None:
    page = await site.page(viewport=NARROW)
    check = await to_check(site, page, DRIVER)
    await cut_off(page, answered=answered)
    await page.click(SEND)
    await page.wait_for_url("chrome-error://**")
    assert await count(site, "registry.movement") == int(answered)
    await page.unroute_all()
    await page.goto(check)
    if not answered:
        await expect(page.locator("main")).to_contain_text("豫B12345")
        await expect(page.locator("main")).to_contain_text("欧阳𠮷")
        await page.click(SEND)
    await expect(page.locator("article.ticket")).to_be_visible()
    assert await count(site, "registry.movement") == 1


async def test_without_a_network_all_answers_but_the_last_are_there_when_it_is_back(
    site: Site,
) -> None:
    page = await site.page(viewport=NARROW)
    check = await to_check(site, page, DRIVER)
    await page.goto(check.replace("/check", "/plate"))
    await page.fill("#f-plate", "豫B54321")
    await page.context.set_offline(True)
    await page.click(SEND)
    await page.wait_for_url("chrome-error://**")
    await page.context.set_offline(False)
    await page.go_back()
    if await page.locator("#f-plate").count() == 0:
        await page.goto(check.replace("/check", "/plate"))
    await page.fill("#f-plate", "豫B54321")
    await on(page, "check")
    await expect(page.locator("main")).to_contain_text("欧阳𠮷")
    await page.click(SEND)
    await expect(page.locator("article.ticket")).to_contain_text("54321")
    assert await count(site, "registry.movement") == 1


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_a_report_that_lay_too_long_leads_to_a_new_one(site: Site, lang: str) -> None:
    page = await site.page(lang=lang, viewport=NARROW, bypass_csp=True)
    await to_check(site, page, DRIVER)
    site.clock.at = NOON + LIVES + timedelta(minutes=1)
    await page.click(SEND)
    await expect(page.locator("[role=alert]")).to_be_visible()
    await kind(page, f"lay-too-long-{lang}")
    await page.click("main a.btn >> nth=0")
    await page.wait_for_url("**/d/new")
    await expect(page.locator("#f-phone")).to_be_visible()


# ── applications ──


async def fill(page: Page) -> None:
    await page.goto("/apply")
    await page.check("input[name=kind][value=destination]")
    await page.select_option("#f-district", MILL.district)
    for name, value in FORM.items():
        await page.fill(f"#f-{name}", value)


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_an_application_tapped_twice_and_sent_again_from_behind_is_one(
    site: Site, lang: str
) -> None:
    page = await site.page(lang=lang, viewport=NARROW)
    await fill(page)
    await page.dblclick(SEND)
    # The second tap ends the first one's navigation; only where the page comes to rest counts.
    await expect(page).to_have_url(re.compile(r"/applications/[0-9a-f-]{36}$"))
    await page.wait_for_load_state()
    done = page.url
    await page.go_back()
    if await page.input_value("#f-name") == "":  # a browser that remembers nothing
        await fill(page)
    for name, value in FORM.items():
        assert await page.input_value(f"#f-{name}") == value
    await page.click(SEND)
    await page.wait_for_url("**/applications/*")
    assert page.url == done
    assert await count(site, "registry.application") == 1


async def test_applications_that_arrive_at_the_same_time_are_one(site: Site) -> None:
    page = await site.page(viewport=NARROW)
    await fill(page)
    form = await page.evaluate(
        f"Object.fromEntries(new FormData(document.querySelector('{SEND}').form))"
    )
    answers = await asyncio.gather(
        *(page.request.post("/apply", form=form, max_redirects=0) for _ in range(6))
    )
    assert {answer.status for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert await count(site, "registry.application") == 1


@pytest.mark.parametrize("answered", [True, False])
async def test_an_application_whose_connection_is_lost_is_sent_again_and_is_one(
    site: Site, *, answered: bool
) -> None:
    page = await site.page(viewport=NARROW)
    await fill(page)
    await cut_off(page, answered=answered)
    await page.click(SEND)
    await page.wait_for_url("chrome-error://**")
    await page.unroute_all()
    await page.reload()  # what the browser offers; it sends the same form
    await page.wait_for_url("**/applications/*")
    assert await count(site, "registry.application") == 1
