"""The console's camera: a film of a pass is read and gets its card; nothing comes from elsewhere."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import segno
from playwright.async_api import Page, async_playwright, expect

from tests.browser.conftest import CHROMIUM, QUIET, Site, shoot
from tests.browser.consoles import enrolled, passes

pytestmark = pytest.mark.browser

WIDTH, HEIGHT, SCALE = 640, 480, 12


def film(folder: Path, text: str) -> Path:
    """Two frames of YUV 4:2:0, as a camera would see the code on a bright telephone."""
    code = np.array([[0 if dark else 235 for dark in row] for row in segno.make(text).matrix])
    code = np.kron(code, np.ones((SCALE, SCALE)))
    picture = np.full((HEIGHT, WIDTH), 200, np.uint8)
    top, left = (HEIGHT - code.shape[0]) // 2, (WIDTH - code.shape[1]) // 2
    edge = 3 * SCALE
    picture[top - edge : top + code.shape[0] + edge, left - edge : left + code.shape[1] + edge] = (
        235
    )
    picture[top : top + code.shape[0], left : left + code.shape[1]] = code
    grey = bytes([128]) * (WIDTH * HEIGHT // 2)
    frame = b"FRAME\n" + picture.tobytes() + grey
    file = folder / "film.y4m"
    file.write_bytes(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420mpeg2\n".encode() + frame * 2)
    return file


@asynccontextmanager
async def at_the_lane(site: Site, seen: Path) -> AsyncIterator[Page]:
    """A console whose camera sees the film."""
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                *QUIET,
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={seen}",
            ],
        )
        context = await browser.new_context(
            viewport={"width": 360, "height": 740},
            timezone_id="Asia/Shanghai",
            permissions=["camera"],
        )
        yield await enrolled(site, context)
        await browser.close()


async def test_a_film_of_a_pass_is_read_and_carded(site: Site, tmp_path: Path) -> None:
    (number,) = await passes(site)
    asked: list[str] = []
    async with at_the_lane(site, film(tmp_path, number)) as page:
        page.on("request", lambda request: asked.append(request.url))
        await page.click("text=摄像头")
        await expect(page.locator("[data-card=green]")).to_be_visible(timeout=20_000)
        await expect(page.locator("main")).to_contain_text("豫B00000")
        await shoot(page, "console-camera-zh")
    assert any(url.endswith(".wasm") for url in asked)
    assert all(url.startswith((site.url, "blob:")) for url in asked)


async def test_the_film_without_a_code_gives_no_card(site: Site, tmp_path: Path) -> None:
    """So that the test above proves that the code was read."""
    seen = film(tmp_path, "x")
    seen.write_bytes(seen.read_bytes().replace(b"\x00", b"\xeb"))
    async with at_the_lane(site, seen) as page:
        await page.click("text=摄像头")
        await expect(page.locator("main")).to_contain_text("对准镜头")
        await page.wait_for_timeout(1_500)
        await expect(page.locator("[data-card]")).to_have_count(0)
