"""What stands on the screen is read back from its pixels, and the registrar finds the printer."""

from collections.abc import AsyncIterator, Callable
from io import BytesIO

import pypdfium2
import pytest
from axe_playwright_python.async_playwright import Axe
from msgspec import structs
from PIL import Image
from playwright.async_api import Browser, Page, expect

from kernel.db import open_pool
from registry.drawing import Drawing, to_svg
from registry.pass_sheet import pass_drawing
from registry.poster_sheet import poster_drawing
from registry.posters import new_code
from registry.sheets import PosterSize
from tests.browser.conftest import DESK, Site, shoot
from tests.conftest import NOON
from tests.registry.test_printing import (
    KINDS,
    NUMBER,
    OFFLINE,
    PASS_SIZES,
    POSTER_SIZES,
    SABOTAGES,
    SHEET,
    poster,
    read,
)

pytestmark = pytest.mark.browser


@pytest.fixture
async def paper(chromium: Browser) -> AsyncIterator[Page]:
    made = await chromium.new_page(device_scale_factor=1.5)
    yield made
    await made.close()


async def seen(paper: Page, drawing: Drawing) -> set[str]:
    await paper.set_content(to_svg(drawing))
    return read(Image.open(BytesIO(await paper.locator("svg").first.screenshot())))


@pytest.mark.parametrize("size", list(POSTER_SIZES))
@pytest.mark.parametrize("kind", KINDS)
async def test_a_poster_on_the_screen_is_read_back(
    paper: Page, kind: str, size: PosterSize
) -> None:
    hung = poster(kind)
    assert await seen(paper, poster_drawing(hung, size)) == {hung.url}
    await shoot(paper, f"poster-{kind}-{size}")


@pytest.mark.parametrize("size", PASS_SIZES)
async def test_a_pass_on_the_screen_is_read_back(paper: Page, size: str) -> None:
    drawing = pass_drawing(SHEET, size)  # type: ignore[arg-type]
    assert await seen(paper, drawing) == {NUMBER, OFFLINE}
    await shoot(paper, f"pass-{size}")
    plain = structs.replace(SHEET, offline="", trailer_plate="")
    assert await seen(paper, pass_drawing(plain, size)) == {NUMBER}  # type: ignore[arg-type]


@pytest.mark.parametrize("spoil", SABOTAGES)
async def test_a_spoilt_sheet_on_the_screen_is_not_read(
    paper: Page, spoil: Callable[[Drawing], Drawing]
) -> None:
    assert await seen(paper, spoil(poster_drawing(poster()))) == set()
    for size in PASS_SIZES:
        assert await seen(paper, spoil(pass_drawing(SHEET, size))) == set()


async def hang(site: Site) -> dict[str, str]:
    """A code for the gate of every place of the city."""
    pool = await open_pool(site.dsn, size=1)
    codes = {name: new_code() for name in ("north", "south", "mill", "depot")}
    async with pool.acquire() as conn:
        for name, code in codes.items():
            await conn.execute(
                """
                INSERT INTO registry.code (code, place_id, gate, issued_at)
                VALUES ($1, $2, '1', $3)
                """,
                code,
                getattr(site.city, name),
                NOON,
            )
    await pool.close()
    return codes


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_registrar_prints_a_poster_and_the_pile(site: Site, paper: Page, lang: str) -> None:
    codes = await hang(site)
    page = await site.log_in("registrar", lang=lang, viewport=DESK, bypass_csp=True)
    await page.click("nav.roles a[href='/reg/posters']")
    await expect(page.locator("h2#files")).to_contain_text("4")
    await page.select_option("#f-kind", "destination")
    await page.select_option("#f-size", "a3")
    await page.click("main form button[type=submit]")
    await expect(page.locator("h2#files")).to_contain_text("2")
    assert (await Axe().run(page)).violations_count == 0
    await shoot(page, f"reg-posters-{lang}")
    link = await page.locator("section a[href^='/reg/posters.pdf']").get_attribute("href")
    file = await (await page.request.get(f"{site.url}{link}")).body()
    printed = [each.render(scale=1).to_pil() for each in pypdfium2.PdfDocument(file)]
    found = {read(sheet).pop().rsplit("/", 1)[-1] for sheet in printed}
    assert found == {codes["mill"], codes["depot"]}

    await page.goto(f"/reg/places/{site.city.mill}")
    await shoot(page, f"reg-place-{lang}")
    assert (await Axe().run(page)).violations_count == 0
    link = await page.locator("a[href*='poster.svg']").get_attribute("href")
    await paper.set_content(await (await page.request.get(f"{site.url}{link}")).text())
    picture = Image.open(BytesIO(await paper.screenshot(full_page=True)))
    assert [url.rsplit("/", 1)[-1] for url in read(picture)] == [codes["mill"]]
