"""Three days without a network, and a browser that is killed: nothing lost, nothing doubled.

CHECKPOINT_DECISIONS and CHECKPOINT_KILLS make it longer.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from random import Random

import psutil
import pytest
from playwright.async_api import BrowserContext, Page, async_playwright

from kernel.db import connected
from tests.browser.conftest import CHROMIUM, PHONE, QUIET, Site
from tests.browser.consoles import TYPE, enrolled, passes, waiting
from tests.conftest import NOON

DECISIONS = int(os.environ.get("CHECKPOINT_DECISIONS", "120"))
KILLS = int(os.environ.get("CHECKPOINT_KILLS", "4"))
#: A long shift takes its time, each kill a new browser.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(120 + DECISIONS // 10 + 5 * KILLS)]
DAYS = timedelta(hours=72)
#: Deletes what waits before the server has it: the fault that the outbox must not have.
CARELESS = """
  const send = window.fetch;
  window.fetch = async (url, options) => {
    if (String(url).endsWith("/scans")) {
      await new Promise((resolve) => {
        const request = indexedDB.open("console");
        request.onsuccess = () => {
          const transaction = request.result.transaction("outbox", "readwrite");
          transaction.objectStore("outbox").clear();
          transaction.oncomplete = () => { request.result.close(); resolve(); };
        };
      });
    }
    return send(url, options);
  };
"""


class Lane:
    """One console with a profile on disk, whose browser may die at any moment."""

    def __init__(self, site: Site, folder: Path, *, careless: bool = False) -> None:
        self.site, self.folder, self.careless = site, folder, careless

    @asynccontextmanager
    async def browser(self, *, offline: bool) -> AsyncIterator[BrowserContext]:
        async with async_playwright() as driver:
            context = await driver.chromium.launch_persistent_context(
                str(self.folder),
                executable_path=CHROMIUM,
                args=list(QUIET),
                viewport={"width": PHONE["width"], "height": PHONE["height"]},
                timezone_id="Asia/Shanghai",
            )
            if self.careless:
                await context.add_init_script(CARELESS)
            await context.set_offline(offline)
            yield context
            if self.processes():
                await context.close()

    def processes(self) -> list[psutil.Process]:
        return [
            process
            for process in psutil.process_iter(["cmdline"])
            if f"--user-data-dir={self.folder}" in (process.info["cmdline"] or ())
        ]

    def kill(self) -> None:
        for process in self.processes():
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(self.processes(), timeout=5)


async def opened(site: Site, context: BrowserContext) -> Page:
    page = await context.new_page()
    page.set_default_timeout(20_000)
    await page.clock.set_system_time(site.clock.now())
    await page.goto(f"{site.url}/gate/app")
    await page.wait_for_selector("[data-card=ready]")
    return page


async def decide(page: Page, number: str, at: timedelta) -> bool:
    """Whether its card was seen."""
    await page.clock.set_system_time(NOON + at)
    await page.evaluate(TYPE, number)
    plate = page.locator("#main [data-card]:not([data-card=ready])")
    await plate.wait_for()
    await page.evaluate("document.querySelector('#main').replaceChildren()")
    return True


async def a_shift(lane: Lane, numbers: list[str], kills: int) -> set[str]:
    """The passes whose card was seen, offline, while the browser dies now and then."""
    dice, seen = Random(), set[str]()
    parts = [*sorted(dice.sample(range(1, len(numbers)), kills)), len(numbers)]
    done = 0
    for number, end in enumerate(parts):
        async with lane.browser(offline=True) as context:
            page = await opened(lane.site, context)
            for index in range(done, end):
                at = DAYS * index / len(numbers)
                if await decide(page, numbers[index], at):
                    seen.add(numbers[index])
            done = end
            if number < kills:
                await dying(page, lane, numbers[end], DAYS * end / len(numbers), dice)
                done += 1
    return seen


async def dying(page: Page, lane: Lane, number: str, at: timedelta, dice: Random) -> None:
    """Killed while a scan is on its way to the disk: it may be there or not."""
    await page.clock.set_system_time(NOON + at)
    scan = asyncio.create_task(page.evaluate(TYPE, number))
    await asyncio.sleep(dice.uniform(0, 0.05))
    await asyncio.to_thread(lane.kill)
    await asyncio.gather(scan, return_exceptions=True)


async def enrol(lane: Lane) -> None:
    async with lane.browser(offline=False) as context:
        page = await enrolled(lane.site, context)
        await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        await page.wait_for_function(
            "caches.keys().then((all) => all.some((name) => name.startsWith('console-')))"
        )


async def drain(lane: Lane) -> float:
    lane.site.clock.at = NOON + DAYS + timedelta(minutes=1)
    async with lane.browser(offline=False) as context:
        page = await opened(lane.site, context)
        began = time.monotonic()
        while await waiting(page):
            assert time.monotonic() - began < 120, "it does not drain"
            await page.wait_for_timeout(200)
        return time.monotonic() - began


async def kept(site: Site) -> list[int]:
    """Each entry scan's movement, as often as the server has it."""
    async with connected(site.dsn) as conn:
        rows = await conn.fetch("SELECT movement_id FROM registry.event WHERE kind = 'entry'")
    return [row["movement_id"] for row in rows]


async def test_three_days_without_a_network_and_a_browser_that_dies(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lane = Lane(site, tmp_path / "profile")
    numbers = await passes(site, DECISIONS)
    await enrol(lane)
    seen = await a_shift(lane, numbers, KILLS)
    took = await drain(lane)
    stored = await kept(site)
    lost = {int(number[:13]) for number in seen} - set(stored)
    doubled = len(stored) - len(set(stored))
    with capsys.disabled():
        told = f"lost {len(lost)}, doubled {doubled}, drained in {took:.1f} s"
        print(f"\n{len(seen)} decisions seen, {KILLS} kills: {told}")
    assert (lost, doubled) == (set(), 0)
    assert len(seen) == DECISIONS - KILLS


async def test_an_outbox_that_forgets_before_it_is_answered_is_found(
    site: Site, tmp_path: Path
) -> None:
    lane = Lane(site, tmp_path / "profile", careless=True)
    numbers = await passes(site, 6)
    await enrol(lane)
    seen = await a_shift(lane, numbers, 1)
    await drain(lane)
    lost = {int(number[:13]) for number in seen} - set(await kept(site))
    assert lost
