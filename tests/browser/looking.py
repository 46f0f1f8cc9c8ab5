"""A page as it is looked at: axe finds nothing, nothing is wider than the screen, and a picture."""

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from tests.browser.conftest import shoot


async def look(page: Page, name: str) -> None:
    found = await Axe().run(page)
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= page.viewport_size["width"], f"{name} is {wide} px wide"  # type: ignore[index]
    await shoot(page, name)
