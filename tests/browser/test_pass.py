"""The pass on the driver's telephone: large, kept, and there without a network."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import BrowserContext, Page, expect

from kernel.db import open_pool
from tests.browser.conftest import DESK, PHONE, Site, shoot
from tests.browser.passes import codes_on, reported
from tests.browser.test_looks import NARROW, TWICE

pytestmark = pytest.mark.browser

FORGOTTEN = """
Promise.all([caches.has("passes"), navigator.serviceWorker.getRegistrations()])
  .then(([kept, workers]) => !kept && workers.length === 0)
"""


async def kept_paths(page: Page) -> list[str]:
    return await page.evaluate(
        "caches.open('passes').then((c) => c.keys())"
        ".then((all) => all.map((one) => new URL(one.url).pathname).sort())"
    )


async def test_without_javascript_the_codes_fill_the_screen_behind_ordinary_links(
    site: Site, tmp_path: Any
) -> None:
    address = await reported(site, trailer_plate="豫B1234挂")
    page = await site.page(viewport=PHONE, java_script_enabled=False)
    await page.goto(address)
    await page.click("article.ticket a.qr")
    await expect(page).to_have_url(f"{site.url}{address}/full")
    (short,) = await codes_on(page, "short", tmp_path)
    assert len(short) == 24
    await page.click("a.btn")
    await page.click("details.box summary")
    await page.click("details.box a.qr")
    (signed,) = await codes_on(page, "signed", tmp_path)
    assert len(signed) > 200


async def test_a_tap_fills_the_screen(site: Site, tmp_path: Any) -> None:
    page = await site.page(viewport=PHONE, color_scheme="dark")
    await page.goto(await reported(site))
    await page.click("article.ticket a.qr")
    await expect(page.locator("dialog")).to_contain_text("12345")
    (short,) = await codes_on(page, "tapped", tmp_path)
    assert len(short) == 24
    await shoot(page, "pass-tapped")
    await page.click("dialog button")
    await expect(page.locator("dialog")).to_have_count(0)


@pytest.fixture
def today(site: Site) -> Site:
    """A telephone compares a copy's last hour with its own clock, which nobody sets."""
    site.clock.at = datetime.now(UTC)
    return site


async def away(context: BrowserContext) -> None:
    await context.set_offline(True)


async def opened(site: Site, address: str) -> tuple[BrowserContext, Page]:
    context = await site.context(viewport=PHONE)
    page = await context.new_page()
    page.set_default_timeout(8_000)
    await page.goto(f"{address}?lang=en")
    await page.wait_for_selector("[data-kept]")
    return context, page


async def test_a_pass_that_was_opened_opens_again_without_a_network(
    today: Site, tmp_path: Any
) -> None:
    address = await reported(today)
    context, page = await opened(today, address)
    await away(context)
    await page.reload()
    await expect(page.locator(".word")).to_contain_text("Pass issued")
    await page.goto("about:blank")
    await page.goto(address)
    await expect(page.locator(".word")).to_contain_text("Pass issued")
    await page.click("article.ticket a.qr")
    (short,) = await codes_on(page, "away", tmp_path)
    assert len(short) == 24
    await shoot(page, "pass-away")


async def test_a_service_that_fails_does_not_take_the_pass_away(today: Site) -> None:
    address = await reported(today)
    _, page = await opened(today, address)
    pool = await open_pool(today.dsn, size=1)
    async with pool.acquire() as conn:
        await conn.execute("ALTER TABLE registry.movement RENAME TO lost")
    await pool.close()
    await page.reload()
    await expect(page.locator(".word")).to_contain_text("Pass issued")
    stranger = await today.page()
    answer = await stranger.goto(address)
    assert answer is not None
    assert answer.status >= 500


async def test_nothing_is_kept_but_the_pass_that_was_opened(today: Site) -> None:
    mine, other = await reported(today), await reported(today, tested=False, plate="豫B54321")
    context, page = await opened(today, mine)
    await page.goto(f"{mine}/edit")
    await page.goto(f"{mine}/cancel")
    await page.goto("/d/new")
    paths = await kept_paths(page)
    assert [path for path in paths if path.startswith("/d/")] == [mine]
    assert all(path.startswith("/static/") for path in paths if path != mine)
    await away(context)
    for address in (other, f"{mine}/edit", "/d/new"):
        with pytest.raises(Exception, match="ERR_"):
            await page.goto(address)


@pytest.mark.parametrize("end", ["cancelled", "voided"])
async def test_a_telephone_forgets_a_pass_that_is_no_more(today: Site, end: str) -> None:
    address = await reported(today)
    context, page = await opened(today, address)
    assert address in await kept_paths(page)
    if end == "cancelled":
        await page.click("a[href$='/cancel']")
        await page.click("form button.warn")
        await expect(page).to_have_url(f"{today.url}{address}")
    else:
        await void(today, address)
        await page.reload()
    async with asyncio.timeout(8):
        while not await page.evaluate(FORGOTTEN):  # noqa: ASYNC110 - the page tells nobody
            await asyncio.sleep(0.05)
    await shoot(page, f"pass-{end}")
    await away(context)
    with pytest.raises(Exception, match="ERR_"):
        await page.goto(address)


async def test_a_copy_is_shown_until_the_window_is_over_and_no_longer(today: Site) -> None:
    address = await reported(today)
    context, page = await opened(today, address)
    past = (today.clock.now() - timedelta(hours=1)).isoformat()
    await page.evaluate(
        """async ([address, past]) => {
          const cache = await caches.open("passes");
          const copy = await cache.match(address);
          const headers = new Headers(copy.headers);
          if (!(Date.parse(headers.get("kept-until")) > Date.parse(past))) throw Error("no end");
          headers.set("kept-until", past);
          await cache.put(address, new Response(await copy.blob(), { headers }));
        }""",
        [address, past],
    )
    await away(context)
    with pytest.raises(Exception, match="ERR_"):
        await page.goto(address)


async def void(site: Site, address: str) -> None:
    site.clock.at += timedelta(minutes=1)  # what happens in the same millisecond has no order
    duty = await site.log_in("duty")
    answer = await duty.evaluate(
        """(id) => {
          const token = document.querySelector("[name=_csrf_token]").value;
          return fetch(`/api/v1/movements/${id}/events`, {
            method: "POST",
            headers: { "content-type": "application/json", "x-csrftoken": token },
            body: JSON.stringify({
              id: "01901234-5678-7000-8000-000000000001", kind: "void", reason: "evidence_lapsed",
            }),
          }).then((answer) => answer.status);
        }""",
        address[3:16],
    )
    assert answer == 200


@pytest.mark.parametrize("ending", ["", "/full", "/full?code=offline", "/cancel", "-voided"])
async def test_the_pass_is_kind_to_everyone(site: Site, ending: str) -> None:
    address = await reported(site, trailer_plate="豫B1234挂")
    name = f"pass{ending}".replace("/", "-").replace("?code=", "-")
    if ending == "-voided":
        await void(site, address)
        ending = ""
    page = await (await site.context(viewport=NARROW, bypass_csp=True)).new_page()
    for lang in ("zh", "en"):
        for theme in ("day", "night"):
            mark = "&" if "?" in ending else "?"
            await page.goto(f"{address}{ending}{mark}lang={lang}&theme={theme}")
            if await page.locator("details.box summary").count():
                await page.click("details.box summary")
            found = await Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
            await shoot(page, f"look-{name}-{lang}-{theme}")
    await page.set_viewport_size({"width": DESK["width"], "height": DESK["height"]})
    await shoot(page, f"look-{name}-desk")
    await page.set_viewport_size({"width": NARROW["width"], "height": NARROW["height"]})
    await page.add_style_tag(content=TWICE)
    assert await page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
