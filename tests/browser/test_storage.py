"""What stays in a browser, a driver's telephone, the lane's and the desk's computer: no document
number, telephone number or name, neither where scripts keep things nor in the files of the profile.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, expect

from kernel.db import connected
from tests.browser.conftest import PHONE, Site, local
from tests.browser.reporting import Driver, to_check
from tests.browser.storage import kept_by, on_disk, profile
from tests.canaries import Canary, Net, hatch
from tests.http import PASSWORD, add_account

pytestmark = pytest.mark.browser

#: Both with a number that a scanner types as digits only.
DRIVER, CALLER = [each for each in hatch(40) if each.number.isdigit()][:2]
NET = Net([DRIVER, CALLER])


@pytest.fixture
def today(site: Site) -> Site:
    """A telephone compares a copy's last hour with its own clock, which nobody sets."""
    site.clock.at = datetime.now(UTC)
    return site


def caught(told: dict[str, str]) -> dict[str, set[int]]:
    """Where it was found → whose."""
    found = {what: NET.find("profiles", text) for what, text in told.items()}
    return {what: hit for what, hit in found.items() if hit}


def of_the_site(folder: Path) -> dict[str, str]:
    """Without what a browser keeps of its own accord to open its tabs again (docs/data.md)."""
    told = on_disk(folder)
    return {name: text for name, text in told.items() if not name.startswith("Sessions/")}


def of_its_owner(folder: Path) -> dict[str, str]:
    """A driver's own telephone may offer its owner's name and telephone number again, to whoever
    allows it; a document number it never learns, not for its tabs either.
    """
    told = on_disk(folder)
    own = {name for name in told if name.startswith(("Sessions/", "Web Data"))}
    numbers = {name: DRIVER.number for name in own if DRIVER.number in told[name]}
    assert own
    return {name: text for name, text in told.items() if name not in own} | numbers


async def report(site: Site, page: Page, who: Canary) -> str:
    """All questions, and the pass kept for the road; returns its digits."""
    await to_check(site, page, Driver(phone=who.phone, name=who.name, number=who.number))
    await page.click("main form button.btn[type=submit]")
    await expect(page.locator("article.ticket")).to_be_visible()
    await page.wait_for_selector("[data-kept]")
    digits = await page.locator("article.ticket p.tight").inner_text()
    return "".join(each for each in digits if each.isdigit())


async def my_data(page: Page, who: Canary) -> None:
    """The way from the pass to what is stored, a correction that is refused, and one that is not."""
    await page.click("a[href='/d/me']")
    if page.url.endswith("/d/again?next=/d/me"):
        await page.fill("#f-last_four", who.number[-4:])
        await page.click("main form button.btn[type=submit]")
    await page.wait_for_url("**/d/me")
    await expect(page.locator("dl.sum >> nth=0")).to_contain_text(who.number)
    await page.fill("#f-phone", who.phone[:-1])
    await page.click("form[action='/d/me/correct'] button")
    await expect(page.locator("#error-summary")).to_be_visible()
    await page.fill("#f-phone", who.phone)
    await page.click("form[action='/d/me/correct'] button")
    await page.wait_for_url("**/d/me?done=corrected")
    await page.click("a[href='/d/me/withdraw']")
    await page.click("main a.back")
    await page.wait_for_url("**/d/me")


async def corrected(page: Page) -> None:
    """The report opened again, and left: what was typed stands in its fields."""
    await page.goto("/")
    await page.click("a.door >> nth=1")
    await page.click("a[href$='/edit']")
    await page.wait_for_url("**/check")
    await page.click("a[href$='/person']")
    await page.go_back()


async def logged_in(site: Site, context: BrowserContext, role: str) -> Page:
    async with connected(site.dsn) as conn:
        login = await add_account(conn, role, site.clock, site.city.north)
    page = await context.new_page()
    await page.goto("/login")
    await page.fill("#f-login", login)
    await page.fill("#f-password", PASSWORD)
    await page.click("main button[type=submit]")
    return page


async def at_the_lane(lane: Page, pass_number: str, who: Canary) -> None:
    """The pass, and then a card of which the scanner reads the number: not what was asked for."""
    for typed in (pass_number, who.number):
        await lane.goto("/gate")
        await lane.locator("input[name=input]").press_sequentially(typed, delay=2)
        await lane.keyboard.press("Enter")
        await lane.wait_for_selector("[data-card]")


async def at_the_desk(site: Site, desk: Page, shown: Canary, caller: Canary) -> None:
    """One person shown in full, and one reported for who has no telephone."""
    await desk.goto("/desk")
    await desk.click("article summary >> nth=0")
    await desk.select_option("article select[name=reason] >> nth=0", "identity")
    await desk.click("form[action$='/reveal'] button")
    await expect(desk.locator("main")).to_contain_text(shown.number)
    await desk.goto("/assist")
    await desk.check("input[name=channel][value=counter]")
    await desk.fill("#f-name", caller.name)
    await desk.fill("#f-id_number", caller.number)
    await desk.fill("#f-phone", caller.phone)
    await desk.click("main form button.btn[type=submit]")
    await expect(desk.locator("#error-summary")).to_be_visible()
    await desk.fill("#f-plate", "豫B54321")
    await desk.fill("#f-origin", "山东省济南市")
    await desk.select_option("#f-entry_place_id", str(site.city.north))
    await desk.select_option("#f-stop_1", str(site.city.mill))
    await desk.fill("#f-expected_entry_at", local(site.clock.now() + timedelta(hours=1)))
    await desk.fill("#f-expected_exit_at", local(site.clock.now() + timedelta(hours=20)))
    for question in ("symptom", "risk_area"):
        await desk.check(f"input[name=q_{question}][value=no]")
    await desk.click("main form button.btn[type=submit]")
    await expect(desk.locator("article.ticket .digits")).to_be_visible()


async def tables(dsn: str) -> dict[str, str]:
    """Every row of every table, as text."""
    async with connected(dsn) as conn:
        names = await conn.fetch(
            """
            SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
             WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
            """
        )
        told = {
            row["name"]: await conn.fetch(f"SELECT to_jsonb(t)::text AS row FROM {row['name']} t")
            for row in names
        }
    assert told["registry.person"]
    return {name: "\n".join(each["row"] for each in rows) for name, rows in told.items()}


@pytest.mark.timeout(120)
async def test_no_browser_and_no_table_holds_a_number_or_a_name_plainly(
    today: Site, tmp_path: Path
) -> None:
    site, folders = today, [tmp_path / name for name in ("driver", "lane", "desk")]
    kept: list[str] = []
    async with profile(site, folders[0], viewport=PHONE) as context:
        page = await context.new_page()
        number = await report(site, page, DRIVER)
        await my_data(page, DRIVER)
        await corrected(page)
        kept.append(await kept_by(page))
    async with profile(site, folders[1]) as context:
        lane = await logged_in(site, context, "lane")
        await at_the_lane(lane, number, DRIVER)
        kept.append(await kept_by(lane))
    async with profile(site, folders[2]) as context:
        desk = await logged_in(site, context, "desk")
        await at_the_desk(site, desk, DRIVER, CALLER)
        kept.append(await kept_by(desk))
    found = {
        f"{folder.name}: {name}": hit
        for folder, files, text in zip(
            folders, (of_its_owner, of_the_site, of_the_site), kept, strict=True
        )
        for name, hit in caught({"site storage": text} | files(folder)).items()
    }
    found |= caught({f"database: {name}": rows for name, rows in (await tables(site.dsn)).items()})
    print(NET.told())
    assert "article" in kept[0]  # the pass is there, for the road
    assert found == {}


PLANTED = {
    "localStorage": "said => localStorage.setItem('seen', said)",
    "sessionStorage": "said => sessionStorage.setItem('seen', said)",
    "a cookie": "said => { document.cookie = 'seen=' + encodeURIComponent(said) }",
    "a cache": "async said => (await caches.open('x')).put('/d/x', new Response(said))",
    "a database": """said => new Promise((done) => {
        const opened = indexedDB.open('x');
        opened.onupgradeneeded = () => opened.result.createObjectStore('x');
        opened.onsuccess = () => {
            const put = opened.result.transaction('x', 'readwrite');
            put.objectStore('x').put({ said }, 1);
            put.oncomplete = () => (opened.result.close(), done());
        };
    })""",
    "the history": "said => history.pushState(null, '', '/?who=' + encodeURIComponent(said))",
}


@pytest.mark.parametrize("where", PLANTED)
async def test_what_is_planted_is_found(today: Site, where: str) -> None:
    page = await today.page()
    assert NET.find(where, await kept_by(page)) == set()
    for n, text in enumerate((DRIVER.number, CALLER.name)):
        await page.evaluate(PLANTED[where], text)
        assert n in NET.find(where, await kept_by(page))


async def test_what_is_planted_on_disk_is_found(today: Site, tmp_path: Path) -> None:
    """An address that was visited, and a page that a cache may keep."""
    async with profile(today, tmp_path) as context:
        page = await context.new_page()
        await page.goto(f"/?who={DRIVER.number}")
        await page.goto("/")
    assert caught(on_disk(tmp_path))["places visited"] == {0}
    async with profile(today, tmp_path / "two") as context:
        page = await context.new_page()
        await page.goto("/")
        await page.evaluate(PLANTED["a cache"], CALLER.name)
    assert set().union(*caught(on_disk(tmp_path / "two")).values()) == {1}
