"""The firm's page on a telephone that has started anew without a network: there, marked as old, for one
shift, and gone with the log-in.
"""

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import expect

import closedloop.firm_acts
import closedloop.staff_pages
from closedloop.queries import Arrived, arrived_at
from closedloop.rolling import rolling_code
from kernel.db import Connection, connected
from tests.browser.conftest import DESK, PHONE, Site
from tests.browser.gatekeepers import (
    ARRIVED,
    LOG_IN,
    NAME,
    OLDER,
    PLATE,
    TAPS,
    Gate,
    account,
    truck,
    until,
)
from tests.browser.storage import kept_by
from tests.browser.test_ended_log_ins import end_log_ins
from tests.browser.test_firm import kind

#: Each restarts a browser, some twice.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


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


@pytest.mark.parametrize("forgetful", [False, True])
async def test_an_ended_log_in_takes_the_list(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, forgetful: bool
) -> None:
    """The twin's worker does not see that the log-in has ended."""
    if forgetful:
        text = closedloop.firm_acts.WORKER.read_text("utf-8")
        other = tmp_path / "worker.js"
        other.write_text(text.replace("if (ended(fresh))", "if (false)"), "utf-8")
        assert other.read_text("utf-8") != text
        monkeypatch.setattr(closedloop.firm_acts, "WORKER", other)
    await truck(site)
    gate, login = Gate(site, tmp_path / "profile"), await account(site)
    async with gate.at(offline=False) as page:
        await gate.opened(page, login)
        await end_log_ins(site)
        await gate.list(page)
        await page.wait_for_url(LOG_IN)
        if forgetful:
            assert PLATE in await kept_by(page)
        else:
            await until(page, "caches.has('own').then((found) => !found)")
            await gate.nothing_opens(page.context)
