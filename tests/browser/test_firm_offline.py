"""The firm's page on a telephone that has started anew without a network: there, marked as old, of use,
and of the account that opened it alone.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, expect

import closedloop.firm_acts
import closedloop.staff_pages
from closedloop.model import State
from closedloop.queries import Arrived, arrived_at
from closedloop.rolling import rolling_code
from kernel.db import Connection, connected
from tests.browser.conftest import DESK, PHONE, Site
from tests.browser.storage import kept_by
from tests.browser.test_console_kills import Lane
from tests.browser.test_ended_log_ins import end_log_ins
from tests.browser.test_firm import kind, state
from tests.checkpoint.moves import released
from tests.conftest import NOON
from tests.http import PASSWORD, add_account

#: Each restarts a browser, some twice.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

PLATE = "豫B12345"
LOG_IN = re.compile(r"/login\?next=")
NAME = "欧阳守门"
ARRIVED = "form[action='/firm/arrived'] button"
#: Both pages and all that the list is made of.
KEPT = """
async () => {
  const cache = await caches.open("own");
  const paths = (await cache.keys()).map(({ url }) => new URL(url).pathname);
  return ["/firm", "/firm/screen", "/static/firm.js", "/static/firm-screen.js"]
    .every((path) => paths.includes(path));
}
"""
#: As if it had been kept so many milliseconds earlier.
OLDER = """
async (ms) => {
  const cache = await caches.open("own");
  for (const path of ["/firm", "/firm/screen"]) {
    const copy = await cache.match(path, { ignoreVary: true });
    const headers = new Headers(copy.headers);
    headers.set("kept-at", Number(headers.get("kept-at")) - ms);
    await cache.put(path, new Response(await copy.blob(), { headers }));
  }
}
"""
TAPS = """
() => new Promise((resolve) => {
  const opening = indexedDB.open("firm");
  opening.onsuccess = () => {
    const asked = opening.result.transaction("taps").objectStore("taps").getAll();
    asked.onsuccess = () => { opening.result.close(); resolve(asked.result.length); };
  };
})
"""
#: Takes what waits out of the store before the server has answered: the fault that it must not have.
CARELESS = """
  const send = window.fetch;
  window.fetch = async (url, options) => {
    if (String(url).endsWith("/events")) {
      await new Promise((resolve) => {
        const opening = indexedDB.open("firm");
        opening.onsuccess = () => {
          const transaction = opening.result.transaction("taps", "readwrite");
          transaction.objectStore("taps").clear();
          transaction.oncomplete = () => { opening.result.close(); resolve(); };
        };
      });
    }
    return send(url, options);
  };
"""


async def until(page: Page, said: str) -> None:
    async with asyncio.timeout(20):
        while not await page.evaluate(said):  # noqa: ASYNC110 - the page tells nobody
            await asyncio.sleep(0.1)


class Gate(Lane):
    """The gatekeeper's telephone: a profile on disk, whose browser may die at any moment."""

    @asynccontextmanager
    async def at(self, *, offline: bool) -> AsyncIterator[Page]:
        async with self.browser(offline=offline) as context:
            if self.careless:
                await context.add_init_script(CARELESS)
            page = await context.new_page()
            page.set_default_timeout(20_000)
            yield page

    async def opened(self, page: Page, login: str, lang: str = "en") -> None:
        await page.goto(f"{self.site.url}/login?lang={lang}")
        await page.fill("#f-login", login)
        await page.fill("#f-password", PASSWORD)
        await page.click("main button[type=submit]")
        await page.wait_for_url("**/firm")
        await until(page, KEPT)

    async def list(self, page: Page) -> None:
        await page.goto(f"{self.site.url}/firm")

    async def nothing_opens(self, context: BrowserContext) -> None:
        """Not without a network."""
        page = await context.new_page()
        await context.set_offline(True)
        for path in ("/firm", "/firm/screen"):
            with pytest.raises(Exception, match="ERR_"):
                await page.goto(f"{self.site.url}{path}")


async def account(site: Site, place_id: int | None = None) -> str:
    async with connected(site.dsn) as conn:
        login = await add_account(conn, "firm", site.clock, place_id or site.city.mill)
        await conn.execute("UPDATE registry.account SET name = $2 WHERE login = $1", login, NAME)
    return login


async def truck(site: Site, plate: str = PLATE) -> int:
    async with connected(site.dsn) as conn:
        movement_id = await released(conn, site.city, plate=plate)
    site.clock.at = NOON + timedelta(minutes=40)
    return movement_id


async def confirmations(site: Site, movement_id: int) -> int:
    async with connected(site.dsn) as conn:
        return await conn.fetchval(
            "SELECT count(*) FROM registry.event WHERE movement_id = $1 AND kind = 'confirm'",
            movement_id,
        )


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_the_list_and_the_screen_open_after_a_restart_without_a_network(
    site: Site, tmp_path: Path, lang: str
) -> None:
    await truck(site)
    site.clock.at = datetime.now(UTC)
    gate, login = Gate(site, tmp_path), await account(site)
    async with gate.at(offline=False) as page:
        await gate.opened(page, login, lang)
        await expect(page.locator("a[href='/me']")).to_have_text(NAME)
        kept = await kept_by(page)
        assert PLATE in kept
        assert NAME not in kept
        assert "data-codes" in kept
        assert "data-secret" not in kept
        await page.evaluate(OLDER, 70 * 60_000)
    async with gate.at(offline=True) as page:
        await gate.list(page)
        await expect(page.get_by_role("table")).to_contain_text(PLATE)
        note = page.locator("[data-firm-kept]")
        await expect(note).to_contain_text("1 h 10 min old" if lang == "en" else "1 小时 10 分钟前")
        await expect(page.locator("[data-fresh]")).to_have_count(0)
        await page.click(ARRIVED)
        await expect(page.locator("[data-firm-queue]")).to_be_visible()
        assert await page.evaluate(TAPS) == 1
        for size in (PHONE, DESK):
            await page.set_viewport_size(size)  # pyright: ignore[reportArgumentType]
            await kind(page, f"kept-{lang}-{size['width']}")
        await page.click("a[href='/firm/screen']")
        await expect(note).to_be_visible()
        # The clock of the test's server goes on with this device's, kept 70 minutes before.
        at = site.clock.at + timedelta(minutes=70)
        codes = {rolling_code(b"s" * 20, at + timedelta(minutes=n))[0] for n in range(3)}
        shown = page.locator("[data-code]")
        either = "|".join(f"{code[:3]} {code[3:]}" for code in codes)
        await expect(shown).to_have_text(re.compile(either))
        await kind(page, f"kept-screen-{lang}")


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


async def test_a_log_out_removes_what_was_kept(site: Site, tmp_path: Path) -> None:
    await truck(site)
    gate, login = Gate(site, tmp_path), await account(site)
    async with gate.at(offline=False) as page:
        await gate.opened(page, login)
        await page.goto(f"{site.url}/me")
        await page.click("form[action='/logout'] button")
        await page.wait_for_url(f"{site.url}/")
        assert PLATE not in await kept_by(page)
        await gate.nothing_opens(page.context)


async def test_a_copy_is_shown_for_one_shift_and_no_longer(site: Site, tmp_path: Path) -> None:
    await truck(site)
    gate, login = Gate(site, tmp_path), await account(site)
    async with gate.at(offline=False) as page:
        await gate.opened(page, login)
        await page.evaluate(OLDER, 13 * 3600_000)
        await page.context.set_offline(True)
        with pytest.raises(Exception, match="ERR_"):
            await gate.list(page)
        # The screen's page goes with the list's, though nobody asked for it.
        await page.context.set_offline(False)
        await page.goto(f"{site.url}/login")
        kept = await kept_by(page)
        assert PLATE not in kept
        assert "data-codes" not in kept


@pytest.mark.parametrize("forgetful", [False, True])
async def test_an_ended_log_in_takes_the_list_and_leaves_the_taps(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, forgetful: bool
) -> None:
    """The twin's worker does not see that the log-in has ended."""
    if forgetful:
        text = closedloop.firm_acts.WORKER.read_text("utf-8")
        other = tmp_path / "worker.js"
        other.write_text(text.replace("if (ended(fresh))", "if (false)"), "utf-8")
        assert other.read_text("utf-8") != text
        monkeypatch.setattr(closedloop.firm_acts, "WORKER", other)
    movement_id = await truck(site)
    gate, login = Gate(site, tmp_path / "profile"), await account(site)
    async with gate.at(offline=False) as page:
        await gate.opened(page, login)
        await page.context.set_offline(True)
        await page.click(ARRIVED)
        await expect(page.locator("[data-firm-queue]")).to_be_visible()
        await end_log_ins(site)
        await page.context.set_offline(False)
        await page.wait_for_url(LOG_IN)
        await gate.list(page)
        await page.wait_for_url(LOG_IN)
        if forgetful:
            assert PLATE in await kept_by(page)
            return
        await until(page, "caches.has('own').then((found) => !found)")
        assert await page.evaluate(TAPS) == 1
        assert await confirmations(site, movement_id) == 0
        await gate.opened(page, login)
        await expect(page.locator("h2#arrived")).to_be_visible()
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
    numbers = [await truck(site), await truck(site, "豫B54321")]
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
    await context.set_offline(False)
    for tab in tabs:
        await tab.evaluate("dispatchEvent(new Event('online'))")
    await until(tabs[0], f"({TAPS})().then((number) => number === 0)")
    assert [await confirmations(site, number) for number in numbers] == [1, 1]


async def test_a_network_that_answers_slowly_shows_the_kept_list_with_its_age(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await truck(site)
    login, answers = await account(site), asyncio.Event()
    answers.set()

    async def slowly(conn: Connection, place_id: int, since: datetime) -> Sequence[Arrived]:
        await answers.wait()
        return await arrived_at(conn, place_id, since)

    monkeypatch.setattr(closedloop.staff_pages, "arrived_at", slowly)
    context = await site.context(viewport=PHONE)
    page = await context.new_page()
    await Gate(site, Path()).opened(page, login)
    answers.clear()
    await page.goto("/firm")
    await expect(page.locator("[data-firm-kept]")).to_contain_text("min old")
    await expect(page.get_by_role("table")).to_contain_text(PLATE)
    answers.set()
    await page.evaluate("dispatchEvent(new Event('online'))")
    await expect(page.locator("[data-firm-kept]")).to_be_hidden()


async def test_a_service_that_fails_shows_the_kept_list_with_its_age(
    site: Site, tmp_path: Path
) -> None:
    await truck(site)
    gate, login = Gate(site, tmp_path), await account(site)
    async with gate.at(offline=False) as page:
        await gate.opened(page, login)
        async with connected(site.dsn) as conn:
            await conn.execute("ALTER TABLE closedloop.loop RENAME TO lost")
        await page.reload()
        await expect(page.locator("[data-firm-kept]")).to_contain_text("min old")
        await expect(page.get_by_role("table")).to_contain_text(PLATE)
        async with connected(site.dsn) as conn:
            await conn.execute("ALTER TABLE closedloop.lost RENAME TO loop")
        await page.evaluate("dispatchEvent(new Event('online'))")
        await expect(page.locator("[data-firm-kept]")).to_be_hidden()


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
