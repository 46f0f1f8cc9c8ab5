"""Scan to painted card at a console with very many passes and a slow processor, and its start
from the cache without a network.

Environment: BENCH_TRUCKS (20,000), BENCH_SCANS (200), BENCH_SLOW (4 times slower).
"""

import asyncio
import os
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import msgspec
from playwright.async_api import BrowserContext, Page, async_playwright

from bench.bench_scans import show
from bench.city import Stage, pass_numbers, set_up
from bench.service import own_server, service
from kernel.db import connected
from registry.accounts import create_device
from registry.consoles import make_code
from tests.browser.conftest import CHROMIUM, PHONE, QUIET

TRUCKS = int(os.environ.get("BENCH_TRUCKS", "20000"))
SCANS = int(os.environ.get("BENCH_SCANS", "200"))
SLOW = float(os.environ.get("BENCH_SLOW", "4"))
STARTS = 7
#: From the last key of the scanner to the frame in which the card is painted, in ms.
SCAN = """(digits) => new Promise((resolve) => {
  const key = (code) => document.dispatchEvent(
    new KeyboardEvent("keydown", { code, key: "Process", bubbles: true, cancelable: true }));
  document.querySelector("#main").replaceChildren();
  const watch = new MutationObserver(() => {
    if (!document.querySelector("#main [data-card]")) return;
    watch.disconnect();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - began)));
  });
  watch.observe(document.querySelector("#main"), { childList: true });
  for (const digit of digits) key(`Digit${digit}`);
  const began = performance.now();
  key("Enter");
})"""


async def console(stage: Stage, url: str, context: BrowserContext) -> Page:
    now = datetime.now(UTC)
    async with connected(stage.dsn) as conn, conn.transaction():
        device = await create_device(
            conn, name="lane", place_id=stage.place_id, role="lane", now=now
        )
        code = await make_code(conn, device, uuid4(), now)
    page = await context.new_page()
    page.set_default_timeout(60_000)
    await page.goto(f"{url}/gate/app?lang=en")
    await page.fill("#f-code", code)
    await page.click("button[type=submit]")
    await page.click(".pair button.gate >> nth=0")
    await page.wait_for_selector("[data-card=ready]")
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    return page


async def slowed(page: Page) -> None:
    session = await page.context.new_cdp_session(page)
    await session.send("Emulation.setCPUThrottlingRate", {"rate": SLOW})


async def starts(page: Page) -> list[float]:
    """From the address to the screen that waits for a truck, in ms."""
    await page.reload()
    await page.wait_for_selector("[data-card=ready]")
    await page.context.set_offline(True)
    taken: list[float] = []
    for _ in range(STARTS):
        began = time.perf_counter()
        await page.reload(wait_until="commit")
        await page.wait_for_selector("[data-card=ready]")
        taken.append((time.perf_counter() - began) * 1000)
    return taken


async def measure(stage: Stage, data_dir: Path, folder: Path) -> dict[str, Any]:
    load = round(os.getloadavg()[0], 1)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    numbers = (await pass_numbers(stage))[:SCANS]
    with service(stage, data_dir, port, 1):
        async with async_playwright() as driver:
            context = await driver.chromium.launch_persistent_context(
                str(folder),
                executable_path=CHROMIUM,
                args=list(QUIET),
                viewport={"width": PHONE["width"], "height": PHONE["height"]},
            )
            page = await console(stage, f"http://127.0.0.1:{port}", context)
            await slowed(page)
            cold = await starts(page)
            taken = [await page.evaluate(SCAN, number) for number in numbers]
            await context.close()
    taken.sort()
    show(f"scan to painted card at {SLOW:g}x, p50 ms", [median(taken)])
    show(f"scan to painted card at {SLOW:g}x, p95 ms", [taken[int(len(taken) * 0.95)]])
    show(f"start from the cache at {SLOW:g}x, ms", cold)
    return {
        "passes": TRUCKS,
        "scans": len(taken),
        "p50_ms": round(median(taken), 1),
        "p95_ms": round(taken[int(len(taken) * 0.95)], 1),
        "cold_start_ms": round(median(cold)),
        "load_before": load,
    }


def main() -> None:
    with own_server() as (server, data_dir):
        now = datetime.now(UTC) - timedelta(minutes=5)
        stage = asyncio.run(set_up(server, TRUCKS // 2, now))
        figures = asyncio.run(measure(stage, data_dir, data_dir / "profile"))
    print(msgspec.json.encode(figures).decode())


if __name__ == "__main__":
    main()
