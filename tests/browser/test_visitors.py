"""Visitors in Chromium: with a telephone and without, and the venue's screen, in both languages."""

import re

import pytest
from playwright.async_api import Page, expect

from kernel.db import connected
from tests.browser.conftest import DESK, PHONE, Site
from tests.browser.looking import look
from tests.browser.test_looks import NARROW, check
from tests.city import IDS, add_proof
from tests.closedloop.venues import ADDRESS, EAST, NAME, NUMBER, Venue, a_visit, add_venue
from tests.conftest import NOON

pytestmark = pytest.mark.browser

#: What is tapped, in each language.
WORDS = {
    "zh": {"agree": "同意并登记", "again": "登记", "done": "已登记", "stop": "暂不进入",
           "clear": "可进入", "report": "立即上报属地", "reported": "已上报属地",
           "by_hand": "没有手机：手工登记", "paper": "为其打印纸质码", "first": "填写"},
    "en": {"agree": "Agree and sign in", "again": "Sign in", "done": "Signed in",
           "stop": "NOT NOW", "clear": "ENTER", "report": "Report to the district",
           "reported": "Reported to the district", "by_hand": "No phone: write down by hand",
           "paper": "Print a paper code", "first": "Fill in"},
}  # fmt: skip


async def a_venue(site: Site) -> Venue:
    async with connected(site.dsn) as conn:
        return await add_venue(conn)


async def both(page: Page, name: str) -> None:
    for theme in ("night", "day"):
        await page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
        await look(page, f"visit-{name}-{theme}")


async def signs_in(visitor: Page, lang: str) -> str:
    """The first time, without a script; the digits that the telephone shows."""
    await visitor.goto(f"/t/{EAST}?lang={lang}")
    await visitor.fill("[name=name]", NAME)
    await visitor.fill("[name=id_number]", NUMBER)
    await visitor.fill("[name=address]", ADDRESS)
    for code, answer in (
        ("affected_area", "no"), ("suspected_contact", "no"), ("temperature_normal", "yes"),
    ):  # fmt: skip
        await visitor.check(f"[name=q_{code}][value={answer}]")
    await visitor.get_by_role("button", name=WORDS[lang]["agree"], exact=True).click()
    await expect(visitor.get_by_role("heading", name=WORDS[lang]["done"])).to_be_visible()
    return await visitor.locator(".rolling").inner_text()


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_visitor_with_a_telephone_and_the_venues_screen(site: Site, lang: str) -> None:
    venue, words = await a_venue(site), WORDS[lang]
    screen = await site.log_in("firm", venue.id, lang=lang, viewport=DESK, bypass_csp=True)
    await screen.goto("/venue")
    visitor = await site.page(lang=lang, viewport=PHONE, java_script_enabled=False)
    number = await signs_in(visitor, lang)
    # The open page hears of it by itself.
    await expect(screen.locator(".door-list li")).to_contain_text([number])
    await expect(screen.locator(".door-mark")).to_have_text([words["clear"]])
    async with connected(site.dsn) as conn:
        await add_proof(conn, site.city.office.vault, "health_code", "red", NOON, NUMBER)
    await visitor.goto(f"/t/{EAST}?lang={lang}")
    await visitor.fill("[name=last_four]", NUMBER[-4:])
    await visitor.get_by_role("button", name=words["again"], exact=True).click()
    second = await visitor.locator(".rolling").inner_text()
    assert second != number
    assert words["stop"] not in await visitor.content()
    await expect(screen.locator(".door-mark").first).to_have_text(words["stop"])
    await both(screen, f"screen-{lang}")
    await screen.get_by_role("button", name=words["report"]).click()
    told = {"zh": "已上报属地和指挥部", "en": "Protect yourself"}[lang]
    await expect(screen.get_by_role("status").first).to_contain_text(told)
    await expect(screen.locator(".door-list li").first).to_contain_text(words["reported"])
    plain = await site.page(lang=lang, viewport=PHONE, bypass_csp=True)
    await plain.goto(f"/t/{EAST}?lang={lang}")
    await both(plain, f"first-{lang}")


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_whoever_has_no_telephone_is_signed_in_on_an_old_phone(site: Site, lang: str) -> None:
    venue, words = await a_venue(site), WORDS[lang]
    screen = await site.log_in("firm", venue.id, lang=lang, viewport=PHONE, bypass_csp=True)
    await screen.goto("/venue")
    await expect(screen.locator("[name=read]")).to_be_focused()
    await screen.keyboard.type(IDS[2])  # a card reader types, and ends with Enter
    await screen.keyboard.press("Enter")
    await expect(screen.locator(".door-latest .door-mark")).to_have_text(words["clear"])
    await both(screen, f"read-{lang}")
    await screen.get_by_role("button", name=words["paper"]).click()
    await expect(screen.locator(".qr svg")).to_be_visible()
    assert IDS[2] not in await screen.content()
    await both(screen, f"paper-{lang}")
    await screen.goto("/venue")
    await screen.get_by_text(words["by_hand"]).click()
    await screen.fill("details [name=name]", "司马小宝")
    await screen.select_option("[name=relation]", "grandparent")
    await screen.fill("details [name=id_number]", IDS[2])
    for code, answer in (
        ("affected_area", "no"), ("suspected_contact", "no"), ("temperature_normal", "yes"),
    ):  # fmt: skip
        await screen.check(f"details [name=q_{code}][value={answer}]")
    await both(screen, f"by-hand-{lang}")
    await screen.locator("details button[type=submit]").click()
    await expect(screen.locator(".door-latest")).to_contain_text("司***")
    assert re.fullmatch(r"\d{4}", await screen.locator(".door-latest .door-number").inner_text())
    await screen.goto("/venue/sheet")
    await both(screen, f"sheet-{lang}")


async def test_the_application_of_an_ordinary_place(site: Site) -> None:
    for lang, size in (("zh", PHONE), ("en", DESK)):
        page = await site.page(lang=lang, viewport=size, bypass_csp=True)
        await page.goto("/apply?kind=venue")
        await both(page, f"apply-{lang}")
        await expect(page.locator("[name=category] option")).to_have_count(29)


async def test_nothing_overflows_on_a_narrow_screen_with_large_letters(site: Site) -> None:
    venue = await a_venue(site)
    visitor = await site.page(viewport=NARROW, bypass_csp=True)
    await check(visitor, f"/t/{EAST}", "visit")
    screen = await site.log_in("firm", venue.id, viewport=NARROW, bypass_csp=True)
    async with connected(site.dsn) as conn:
        await a_visit(conn, site.city, venue, NOON)
    for path in ("/venue", "/venue/sheet"):
        await check(screen, path, path[1:].replace("/", "-"))
