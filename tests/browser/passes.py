"""A reported truck, and what a camera reads off a screen."""

from typing import Any

import zxingcpp
from PIL import Image
from playwright.async_api import Page

from kernel.db import open_pool
from registry.reports import view_key
from tests.browser.conftest import Site
from tests.city import a_report


async def reported(site: Site, **about: Any) -> str:
    """The address of a pass's page."""
    pool = await open_pool(site.dsn, size=1)
    async with pool.acquire() as conn:
        made = await a_report(conn, site.city, site.clock.now(), **about)
    await pool.close()
    movement_id = made.movement.movement_id
    return f"/d/{movement_id}-{view_key(movement_id, site.city.office.vault)}"


async def codes_on(page: Page, name: str, tmp_path: Any) -> list[str]:
    """What a camera reads off the screen."""
    path = tmp_path / f"{name}.png"
    await page.screenshot(path=path)
    return [code.text for code in zxingcpp.read_barcodes(Image.open(path))]
