"""How light the driver's pages are, how fast on a poor line, and how much there is to tap.

A driver reports for the first time and then again, in Chromium at 360 px, on the service as it is
run. Bytes and requests are those of a phone that opens each page with an empty cache; the largest
paint is measured at 400 kbit/s, 400 ms and a processor four times slower, over the loopback (no
TLS, no name to look up). Every tap counts one, every key one; a Chinese word counts the letters of
its pinyin and the tap that takes it, a list that opens counts two. Nothing is filled in by the
phone. The last line is one JSON object.

Environment: BENCH_LOOKS (3) is how often each page is opened for its largest paint.
"""

import asyncio
import os
import re
import socket
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from bench.city import Stage, set_up
from bench.service import own_server, service
from checkpoint.simulation.pack import DECLARED
from kernel.db import connected
from registry.places import insert_code
from registry.posters import place_url
from tests.browser.conftest import CHROMIUM, PHONE, QUIET
from tests.city import IDS

LOOKS = int(os.environ.get("BENCH_LOOKS", "3"))
LINE = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
SLOWER = 4
A_PHONE: Any = {"viewport": PHONE, "has_touch": True, "is_mobile": True, "locale": "zh-CN"}
NUMBER = IDS[1]
CODE = re.compile(r"✉ \S+ .*?(\d{6})")
LARGEST = """() => new Promise(done => {
  let at = 0;
  new PerformanceObserver(list => { for (const e of list.getEntries()) at = e.startTime })
    .observe({type: "largest-contentful-paint", buffered: true});
  setTimeout(() => done(at), 300);
})"""


Arrived = Callable[[Page], Awaitable[None]]


class Finger:
    """Taps and types as a person does, and counts it."""

    def __init__(self, page: Page, arrived: Arrived) -> None:
        self.page, self.arrived = page, arrived
        #: The one that scans the poster.
        self.taps = 1

    async def tap(self, selector: str) -> None:
        self.taps += 1
        await self.page.click(selector)

    async def type(self, selector: str, text: str, *, pinyin: str = "") -> None:
        """Taps the field unless it has the focus, then one key after the other."""
        if not await self.page.locator(selector).evaluate("e => e === document.activeElement"):
            await self.tap(selector)
        self.taps += len(pinyin) + 1 if pinyin else len(text)
        await self.page.keyboard.insert_text(text)

    async def goes_on(self) -> None:
        before = self.page.url
        await self.tap("main form button.btn:not(.line)")
        await self.page.wait_for_url(lambda url: url != before)
        await self.page.wait_for_load_state()
        await self.arrived(self.page)


class Look(Struct, frozen=True, kw_only=True):
    title: str
    bytes: int
    requests: int
    lcp_ms: float

    def told(self) -> str:
        return f"{self.bytes:>6} B {self.requests:>2} requests {self.lcp_ms:>5.0f} ms  {self.title}"


class Cab(Struct, frozen=True, kw_only=True):
    """A driver's phone, the poster before it, and the messages that come to it."""

    context: BrowserContext
    poster: str
    code_sent: Callable[[], Awaitable[str]]
    north: int
    mill: int


async def first_report(cab: Cab, arrived: Arrived) -> int:
    """From the poster to the pass."""
    page = await cab.context.new_page()
    finger = Finger(page, arrived)
    await page.goto(cab.poster)
    await arrived(page)
    await finger.type("#f-phone", "13900001111")
    await finger.goes_on()
    await finger.type("#f-code", await cab.code_sent())
    await finger.goes_on()
    await finger.type("#f-name", "李小龙", pinyin="lixiaolong")
    await finger.type("#f-id_number", NUMBER)
    await finger.goes_on()
    await finger.type("#f-plate", "豫B67890")
    await finger.goes_on()
    await finger.type("#f-origin", "济南", pinyin="jinan")
    if not await page.is_checked(f"input[name=entry_place_id][value='{cab.north}']"):
        await finger.tap(f"input[name=entry_place_id][value='{cab.north}']")
    await finger.tap(f"input[name=stop_1][value='{cab.mill}']")
    await finger.goes_on()
    await finger.tap("#f-entry_at")
    await finger.tap("input[name=stay][value='24']")
    await finger.goes_on()
    await _well(finger)
    await finger.goes_on()
    await finger.goes_on()
    await page.wait_for_selector("article.ticket")
    return finger.taps


async def _well(finger: Finger) -> None:
    for question in DECLARED:
        await finger.tap(f"input[name=q_{question}][value=no]")


async def returning_report(cab: Cab, arrived: Arrived) -> int:
    page = await cab.context.new_page()
    finger = Finger(page, arrived)
    await page.goto(cab.poster)
    await arrived(page)
    await finger.type("#f-last_four", NUMBER[-4:])
    await finger.goes_on()
    await _well(finger)
    await finger.goes_on()
    await page.wait_for_selector("article.ticket")
    return finger.taps


async def looked_at(browser: Browser, cookies: list[Any], url: str) -> Look:
    """One page on the poor line, nothing of it kept from before."""
    context = await browser.new_context(**A_PHONE)
    await context.add_cookies(cookies)
    page = await context.new_page()
    line = await context.new_cdp_session(page)
    sizes: list[float] = []
    line.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    await line.send("Network.enable")
    await line.send("Network.setCacheDisabled", {"cacheDisabled": True})
    await line.send("Network.emulateNetworkConditions", LINE)
    await line.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    await page.goto(url, wait_until="load")
    painted = await page.evaluate(LARGEST)
    title = await page.title()
    await context.close()
    return Look(title=title, bytes=round(sum(sizes)), requests=len(sizes), lcp_ms=painted)


async def measure(stage: Stage, port: int, log: Path) -> dict[str, Any]:
    cab_of, load = await _cab(stage, port, log), os.getloadavg()[0]
    pages: list[Look] = []
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        cab = cab_of(await browser.new_context(**A_PHONE))

        async def arrived(page: Page) -> None:
            """The page is opened once more, on the poor line, as this phone would open it."""
            cookies = await page.context.cookies()
            looks = [await looked_at(browser, cookies, page.url) for _ in range(LOOKS)]
            pages.append(replace(looks[0], lcp_ms=median(look.lcp_ms for look in looks)))
            print(pages[-1].told())

        first = await first_report(cab, arrived)
        returning = await returning_report(cab, arrived)
        await browser.close()
    return {
        "pages": len(pages),
        "bytes_max": max(page.bytes for page in pages),
        "requests_max": max(page.requests for page in pages),
        "lcp_ms_max": round(max(page.lcp_ms for page in pages)),
        "lcp_ms_median": round(median(page.lcp_ms for page in pages)),
        "taps_first": first,
        "taps_returning": returning,
        "looks": LOOKS,
        "load_before": round(load, 1),
    }


async def _cab(stage: Stage, port: int, log: Path) -> Callable[[BrowserContext], Cab]:
    async with connected(stage.dsn) as conn:
        code = await insert_code(conn, stage.place_id, "1", datetime.now(UTC))
        mill = await conn.fetchval("SELECT id FROM registry.place WHERE name = '第一面粉厂'")

    def made(context: BrowserContext) -> Cab:
        return Cab(
            context=context,
            poster=place_url(f"http://127.0.0.1:{port}", code),
            code_sent=lambda: _code_sent(log),
            north=stage.place_id,
            mill=mill,
        )

    return made


async def _code_sent(log: Path) -> str:
    """The six digits, from what the console channel writes in place of a telephone."""
    for _ in range(100):
        found = CODE.findall(await asyncio.to_thread(log.read_text, "utf-8"))
        if found:
            return found[-1]
        await asyncio.sleep(0.1)
    sys.exit("no code was sent")


def main() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with own_server() as (server, data_dir):
        stage = asyncio.run(set_up(server, 1, datetime.now(UTC)))
        with service(stage, data_dir, port, 1, CHECKPOINT_SMS="console"):
            figures = asyncio.run(measure(stage, port, data_dir / "service.log"))
    print(msgspec.json.encode(figures).decode())


if __name__ == "__main__":
    main()
