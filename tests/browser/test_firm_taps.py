"""Taps on "arrived" without a network: none lost, none doubled, none sent under another account."""

from pathlib import Path

import pytest
from playwright.async_api import Route, expect

from closedloop.model import State
from tests.browser.conftest import PHONE, Site
from tests.browser.gatekeepers import (
    ARRIVED,
    LOG_IN,
    PLATE,
    TAPS,
    Gate,
    account,
    confirmations,
    truck,
    until,
)
from tests.browser.storage import kept_by
from tests.browser.test_ended_log_ins import end_log_ins
from tests.browser.test_firm import kind, state
from tests.city import IDS
from tests.http import PASSWORD

#: Each restarts a browser, some twice.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.mark.parametrize("careless", [False, True])
async def test_a_tap_outlives_a_killed_browser_and_is_sent_once(
    site: Site, tmp_path: Path, *, careless: bool
) -> None:
    """The twin takes it out of the store before the server has it."""
    movement_id = await truck(site)
    gate, login = Gate(site, tmp_path, careless=careless), await account(site)
    async with gate.at(offline=False) as page:
        await gate.opened(page, login)
    async with gate.at(offline=True) as page:
        await gate.list(page)
        await page.click(ARRIVED)
        await expect(page.locator("[data-firm-queue]")).to_be_visible()
        if careless:
            await until(page, f"({TAPS})().then((number) => number === 0)")
        gate.kill()
    async with gate.at(offline=False) as page:
        await gate.list(page)
        if careless:
            await expect(page.locator(ARRIVED)).to_be_enabled()
            assert await page.evaluate(TAPS) == 0
        else:
            await expect(page.locator("h2#arrived")).to_be_visible()
            assert await page.evaluate(TAPS) == 0
    assert await confirmations(site, movement_id) == (0 if careless else 1)
    assert await state(site, movement_id) is (State.RELEASED if careless else State.DISCHARGED)


async def test_an_ended_log_in_leaves_the_taps_until_it_begins_again(
    site: Site, tmp_path: Path
) -> None:
    movement_id = await truck(site)
    gate, login = Gate(site, tmp_path), await account(site)
    async with gate.at(offline=False) as page:
        await gate.opened(page, login)
        await page.context.set_offline(True)
        await page.click(ARRIVED)
        await expect(page.locator("[data-firm-queue]")).to_be_visible()
        await end_log_ins(site)
        await page.context.set_offline(False)
        await page.wait_for_url(LOG_IN)
        assert await page.evaluate(TAPS) == 1
        assert await confirmations(site, movement_id) == 0
        await gate.opened(page, login)
        await expect(page.locator("h2#arrived")).to_be_visible()
        assert await page.evaluate(TAPS) == 0
    assert await confirmations(site, movement_id) == 1


async def test_another_account_neither_sees_nor_sends_what_was_kept(
    site: Site, tmp_path: Path
) -> None:
    """Of the same firm, so that the server would let it."""
    movement_id = await truck(site)
    gate, login, other = Gate(site, tmp_path), await account(site), await account(site)
    stranger = await account(site, site.city.depot)
    async with gate.at(offline=False) as page:
        await gate.opened(page, login)
        await page.context.set_offline(True)
        await page.click(ARRIVED)
        await expect(page.locator("[data-firm-queue]")).to_be_visible()
        await page.goto("about:blank")
        await page.context.set_offline(False)
        await gate.opened(page, stranger)
        assert PLATE not in await kept_by(page)
        await gate.opened(page, other)
        await expect(page.locator("[data-firm-others]")).to_be_visible()
        await expect(page.locator("[data-firm-queue]")).to_be_hidden()
        await expect(page.locator(ARRIVED)).to_be_enabled()
        await kind(page, "others")
        assert await page.evaluate(TAPS) == 1
        assert await confirmations(site, movement_id) == 0
        await gate.opened(page, login)
        await expect(page.locator("h2#arrived")).to_be_visible()
    assert await confirmations(site, movement_id) == 1


@pytest.mark.parametrize("blind", [False, True])
async def test_a_page_left_open_does_not_send_under_who_has_logged_in_since(
    site: Site, monkeypatch: pytest.MonkeyPatch, *, blind: bool
) -> None:
    """The twin is a service that does not look for whom it was kept."""
    if blind:
        monkeypatch.setattr("kernel.auth._check_meant", lambda *_: None)
    movement_id = await truck(site)
    logins = await account(site), await account(site)
    context = await site.context(viewport=PHONE)
    first, second = await context.new_page(), await context.new_page()
    for page, login in ((first, logins[0]), (second, logins[1])):
        await page.goto("/login?lang=en")
        await page.fill("#f-login", login)
        await page.fill("#f-password", PASSWORD)
        await page.click("main button[type=submit]")
        await page.wait_for_url("**/firm")
    await first.click(ARRIVED)
    if blind:
        await first.wait_for_url("**/firm?done=arrived")
        assert await confirmations(site, movement_id) == 1
        return
    await expect(first.locator("[data-firm-others]")).to_be_visible()
    assert await first.evaluate(TAPS) == 1
    assert await confirmations(site, movement_id) == 0


async def test_two_tabs_keep_a_tap_each_and_send_both_once(site: Site) -> None:
    """Also where the token of the pages has run out meanwhile: a fresh one is fetched."""
    numbers = [await truck(site), await truck(site, plate="豫B54321", id_number=IDS[1])]
    login = await account(site)
    context = await site.context(viewport=PHONE)
    tabs = await context.new_page(), await context.new_page()
    await Gate(site, Path()).opened(tabs[0], login)
    await tabs[1].goto("/firm")
    await context.set_offline(True)
    for tab, number in zip(tabs, numbers, strict=True):
        await tab.click(f"form:has([name=movement_id][value='{number}']) button")
        await expect(tab.locator("[data-firm-queue]")).to_be_visible()
    assert await tabs[0].evaluate(TAPS) == 2
    await context.clear_cookies(name="csrftoken")
    answers: list[int] = []
    context.on(
        "response", lambda each: answers.append(each.status) if "/events" in each.url else None
    )
    await context.set_offline(False)
    for tab in tabs:
        await tab.evaluate("dispatchEvent(new Event('online'))")
    await until(tabs[0], f"({TAPS})().then((number) => number === 0)")
    assert 403 in answers
    assert [await confirmations(site, number) for number in numbers] == [1, 1]


@pytest.mark.parametrize("missing", ["serviceWorker", "indexedDB", "room"])
async def test_a_browser_that_keeps_nothing_works_as_before(site: Site, missing: str) -> None:
    movement_id = await truck(site)
    without = {
        "serviceWorker": "delete Navigator.prototype.serviceWorker",
        "indexedDB": "Object.defineProperty(window, 'indexedDB', { value: undefined })",
        "room": """
            const full = () => { throw new DOMException("full", "QuotaExceededError"); };
            IDBObjectStore.prototype.put = full;
            Storage.prototype.setItem = full;
            Cache.prototype.put = full;
        """,
    }[missing]
    firm = await site.log_in("firm", site.city.mill, lang="en", viewport=PHONE)
    faults: list[str] = []
    firm.on("pageerror", lambda fault: faults.append(str(fault)))
    await firm.context.add_init_script(without)
    await firm.goto("/firm")
    await firm.context.set_offline(True)
    await firm.click(ARRIVED)
    await expect(firm.locator("[data-firm-queue]")).to_be_visible()
    told = "safe" if missing == "serviceWorker" else "unsafe"
    await expect(firm.locator(f"[data-{told}]")).to_be_visible()
    await firm.context.set_offline(False)
    await expect(firm.locator("[data-firm-queue]")).to_be_hidden()
    await expect(firm.locator("h2#arrived")).to_be_visible()
    assert await confirmations(site, movement_id) == 1
    assert faults == []


async def test_a_tap_whose_answer_was_lost_is_one_arrival_and_no_refusal(site: Site) -> None:
    movement_id = await truck(site)
    firm = await site.log_in("firm", site.city.mill, lang="en", viewport=PHONE)
    await firm.goto("/firm")

    async def lost(route: Route) -> None:
        await route.fetch(max_redirects=0)
        await route.abort()

    await firm.route("**/firm/arrived", lost)
    await firm.click(ARRIVED)
    await expect(firm.locator("h2#arrived")).to_be_visible()
    await expect(firm.locator("[data-firm-refused]")).to_be_hidden()
    assert await confirmations(site, movement_id) == 1
    assert await firm.evaluate(TAPS) == 0
