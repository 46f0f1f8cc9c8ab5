"""Every page by day and by night, in both languages: axe finds nothing, nothing overflows at
320 px with text at 200 %, and a driver's page stays light.
"""

import gzip

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, Response

from tests.browser.conftest import Site, shoot

pytestmark = pytest.mark.browser

OPEN = ("/", "/d/new", "/places", "/apply", "/login", "/nowhere", "/status")
STAFF = (
    ("lane", "north", "/gate?gate=1"),
    ("desk", "north", "/desk"),
    ("desk", "north", "/paper"),
    ("desk", "north", "/assist"),
    ("firm", "mill", "/paper"),
    ("firm", "mill", "/firm"),
    ("duty", None, "/duty"),
    ("duty", None, "/loops"),
    ("duty", None, "/duty/lanes"),
    ("duty", None, "/duty/marks"),
    ("duty", None, "/duty/board"),
    ("registrar", None, "/reg/applications"),
    ("registrar", None, "/reg/evidence"),
    ("registrar", None, "/reg/bodies"),
    ("registrar", None, "/reg/transport"),
    ("registrar", None, "/reg/places/1/lanes"),
    ("registrar", None, "/reg/posters"),
    ("registrar", None, "/reg/import"),
    ("inspector", None, "/places"),
    ("duty", None, "/me"),
    ("duty", None, "/me/factor"),
    ("admin", None, "/admin/accounts"),
    ("admin", None, "/admin/devices"),
    ("security", None, "/security/accounts"),
    ("security", None, "/security/sessions"),
    ("security", None, "/security/retention"),
    ("auditor", None, "/security/retention"),
    ("auditor", None, "/audit"),
    ("admin", None, "/rules"),
    ("security", None, "/rules/1"),
)
NARROW = {"width": 320, "height": 640}
TWICE = "html { font-size: 200% !important }"
#: ux goal: a driver's page with its style sheet, as it crosses the network.
DRIVER_BYTES = 30 * 1024


async def check(page: Page, path: str, name: str) -> None:
    for lang in ("zh", "en"):
        for theme in ("day", "night"):
            await page.goto(f"{path}{'&' if '?' in path else '?'}lang={lang}&theme={theme}")
            found = await Axe().run(page)
            assert found.violations_count == 0, f"{path} {lang} {theme}: {found.generate_report()}"
        await shoot(page, f"look-{name}-{lang}")
    await page.add_style_tag(content=TWICE)
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= NARROW["width"], f"{path} is {wide} px wide"


@pytest.mark.parametrize("path", OPEN)
async def test_an_open_page_is_kind_to_everyone(site: Site, path: str) -> None:
    page = await (await site.context(viewport=NARROW, bypass_csp=True)).new_page()
    await check(page, path, path.strip("/").replace("/", "-") or "home")


@pytest.mark.parametrize(("role", "place", "path"), STAFF)
async def test_a_page_of_the_staff_is_kind_to_everyone(
    site: Site, role: str, place: str | None, path: str
) -> None:
    place_id = getattr(site.city, place) if place else None
    page = await site.log_in(role, place_id, viewport=NARROW, bypass_csp=True)
    await check(page, path, path.split("?", maxsplit=1)[0].strip("/").replace("/", "-"))


@pytest.mark.parametrize("path", ["/", "/d/new", "/places"])
async def test_a_drivers_page_is_light_and_asks_nobody_else(site: Site, path: str) -> None:
    page = await (await site.context(java_script_enabled=False)).new_page()
    sizes: dict[str, int] = {}

    async def weigh(response: Response) -> None:
        url = response.url
        sizes[url] = len(gzip.compress(await response.body()))

    page.on("response", weigh)
    await page.goto(path)
    await page.wait_for_load_state("networkidle")
    print(f"{path}: {sum(sizes.values())} bytes compressed in {len(sizes)} requests")
    assert all(url.startswith(site.url) for url in sizes)
    assert sum(sizes.values()) <= DRIVER_BYTES
