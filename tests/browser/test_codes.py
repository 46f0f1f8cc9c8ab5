"""Applications and codes in a real Chromium: sent back, mended and approved without a script at
320 px with text at 200 %, and every state of these pages under axe.
"""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from kernel.auth import Actor
from kernel.db import open_pool
from registry.applications import apply
from registry.codes import CodeAct, Turn, act_on_codes
from registry.particulars import Application
from registry.places import codes_of
from registry.reviews import review
from tests.browser.conftest import DESK, PHONE, Site, shoot
from tests.browser.test_looks import NARROW, TWICE
from tests.conftest import NOON
from tests.registry.test_bulk import CHINESE, GLASS, MILL, a_csv

pytestmark = pytest.mark.browser

WIDE: Any = DESK
ACTOR = Actor(id=UUID(int=7), kind="account", name="李审核", roles=frozenset({"registrar"}))
SAID = Application(
    kind="destination",
    category="面粉厂",
    name="祥云面粉厂",
    district="410221",
    address="杞县金城大道18号",
    gates=("东门", "西门"),
    contact_name="王小明",
    contact_phone="13812345678",
)


async def kind(page: Page, name: str) -> None:
    """By day and by night axe finds nothing, and at twice the size nothing runs over."""
    for theme in ("day", "night"):
        await page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        found = await Axe().run(page)
        assert found.violations_count == 0, f"{name} {theme}: {found.generate_report()}"
        await shoot(page, f"codes-{name}-{theme}")
    await page.add_style_tag(content=TWICE)
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= page.viewport_size["width"], f"{name} is {wide} px wide"  # type: ignore[index]


async def with_conn(site: Site, work: Any) -> Any:
    pool = await open_pool(site.dsn, size=1)
    async with pool.acquire() as conn, conn.transaction():
        done = await work(conn)
    await pool.close()
    return done


async def a_place(site: Site, kind_of: str = "checkpoint") -> tuple[int, dict[str, str]]:
    async def make(conn: Any) -> tuple[int, dict[str, str]]:
        vault = site.city.office.vault
        said = msgspec.structs.replace(SAID, kind=kind_of)
        made = await apply(conn, vault, said, NOON)
        done = await review(conn, made, "approve", None, ACTOR, NOON)
        assert done.place_id
        codes = await codes_of(conn, done.place_id, NOON)
        return done.place_id, {code.gate: code.code for code in codes}

    return await with_conn(site, make)


async def fill(page: Page, **changes: str) -> None:
    values = {
        "category": SAID.category,
        "name": SAID.name,
        "address": SAID.address,
        "gates": "东门\n西门",
        "contact_name": SAID.contact_name,
        "contact_phone": "+86 138 1234 5678",
    } | changes
    await page.check("input[name=kind][value=destination]")
    await page.select_option("#f-district", SAID.district)
    for name, value in values.items():
        await page.fill(f"#f-{name}", value)


async def fits(page: Page) -> None:
    """Without a script the page cannot be measured, but the browser can be asked."""
    box = await page.locator("main").bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= NARROW["width"]


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_an_application_is_sent_back_mended_and_approved_without_a_script(
    site: Site, lang: str
) -> None:
    page = await site.page(lang=lang, viewport=NARROW, java_script_enabled=False)
    await page.goto("/apply")
    await fill(page)
    await page.click("main button[type=submit]")
    await expect(page.locator("h1")).to_be_visible()
    status = page.url
    assert "/applications/" in status

    registrar = await site.log_in(
        "registrar", lang=lang, viewport=NARROW, java_script_enabled=False
    )
    article = registrar.locator("article")
    await article.locator("summary").first.click()
    await article.locator("select").select_option("vague")
    await article.locator("textarea").fill("请写明门牌号")
    await article.locator("details button.warn").click()

    await page.goto(status)
    await expect(page.locator("main")).to_contain_text("请写明门牌号")
    await page.click("main a.btn")
    await fits(page)
    await shoot(page, f"mend-noscript-{lang}")
    assert await page.input_value("#f-name") == SAID.name
    assert await page.input_value("#f-contact_phone") == ""
    await expect(page.locator("main")).to_contain_text("请写明门牌号")
    await expect(page.locator("main")).to_contain_text("王**")
    await page.fill("#f-address", "杞县金城大道18号院东侧")
    await page.click("main button[type=submit]")
    assert page.url == status

    await registrar.goto("/reg/applications")
    await expect(article).to_contain_text("请写明门牌号")
    await article.locator("form button").first.click()
    assert "/reg/places/" in registrar.url
    await page.goto(status)
    await expect(page.locator(".note.ok")).to_be_visible()


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_look_alikes_are_asked_about_and_every_state_is_kind(site: Site, lang: str) -> None:
    await a_place(site, "destination")
    page = await site.page(lang=lang, viewport=NARROW, bypass_csp=True)
    await page.goto("/apply")
    await fill(page, name="祥云面粉有限公司")
    await page.click("main button[type=submit]")
    await expect(page.locator("main")).to_contain_text(SAID.name)
    await kind(page, f"lookalikes-{lang}")
    await page.click("button[value=change]")
    assert await page.input_value("#f-gates") == "东门\n西门"
    assert await page.input_value("#f-contact_name") == SAID.contact_name
    await page.click("main button[type=submit]")
    await page.click("button[value=new]")
    status = page.url
    await kind(page, f"application-{lang}")

    registrar = await site.log_in("registrar", lang=lang, viewport=NARROW, bypass_csp=True)
    await expect(registrar.locator("article")).to_contain_text(SAID.name)
    await kind(registrar, f"review-{lang}")
    await registrar.keyboard.press("r")
    await expect(registrar.locator("article select")).to_be_focused()
    await registrar.locator("article select").select_option("incorrect")
    await registrar.locator("article details button.warn").click()
    await expect(registrar.locator(".empty")).to_be_visible()
    await page.goto(f"{status}/mend")
    await kind(page, f"mend-{lang}")
    await page.fill("#f-name", "仓库")
    await page.click("main button[type=submit]")
    await expect(page.locator("#error-summary")).to_be_visible()
    await kind(page, f"mend-errors-{lang}")


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_place_and_its_acts_are_kind(site: Site, lang: str) -> None:
    place_id, codes = await a_place(site)
    page = await site.log_in("registrar", lang=lang, viewport=NARROW, bypass_csp=True)
    for what, gate in (
        ("rotate_code", "东门"),
        ("revoke_code", "东门"),
        ("suspend", ""),
        ("revoke", ""),
    ):
        await page.goto(f"/reg/places/{place_id}/act?what={what}&gate={gate}")
        await kind(page, f"act-{what}-{lang}")
    await page.goto(f"/t/{codes['东门']}")
    await kind(page, f"test-scan-{lang}")
    await page.click("main button[type=submit]")
    await expect(page.locator("#error-summary")).to_be_visible()
    await page.check("input[value=works]")
    await page.click("main button[type=submit]")
    await expect(page.locator("#tests")).to_be_visible()
    await kind(page, f"place-{lang}")
    await page.set_viewport_size(WIDE)
    await shoot(page, f"codes-place-wide-{lang}")


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_poster_that_has_ended_is_kind(site: Site, lang: str) -> None:
    place_id, codes = await a_place(site)
    page = await site.page(lang=lang, viewport=NARROW, bypass_csp=True)

    async def act(turn: Turn, gate: str = "") -> None:
        said = CodeAct(act=turn, gate=gate, reason="检查")
        await with_conn(site, lambda conn: act_on_codes(conn, place_id, said, ACTOR, NOON))

    for turn, gate, code in (
        (Turn.ROTATE, "东门", codes["东门"]),
        (Turn.SUSPEND, "", codes["西门"]),
        (Turn.REVOKE, "", codes["西门"]),
    ):
        await act(turn, gate)
        await page.goto(f"/t/{code}")
        await expect(page.locator("main")).to_contain_text(SAID.name)
        await kind(page, f"ended-{turn.value}-{lang}")
        await page.goto("/places")
        await kind(page, f"places-{turn.value}-{lang}")


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_list_with_its_results_is_kind(site: Site, lang: str) -> None:
    await a_place(site, "destination")
    page = await site.log_in("registrar", lang=lang, viewport=PHONE, bypass_csp=True)
    await page.goto("/reg/import")
    await kind(page, f"import-{lang}")
    await page.goto("/reg/import")
    like = [MILL[0], "祥云面粉有限公司", *MILL[2:]]
    data = a_csv(CHINESE, MILL, GLASS, like, [MILL[0], "仓库", *MILL[2:]]).encode("gb18030")
    file: Any = {"name": "名单.csv", "mimeType": "text/csv", "buffer": data}
    await page.set_input_files("#f-file", file)
    await page.click("main button[type=submit]")
    await expect(page.locator("tbody tr")).to_have_count(4)
    await kind(page, f"import-result-{lang}")
    await page.set_viewport_size(WIDE)
    await shoot(page, f"codes-import-wide-{lang}")


async def test_an_inspector_finds_the_place_and_its_page(site: Site) -> None:
    place_id, _ = await a_place(site)
    page = await site.log_in("inspector", viewport=PHONE)
    await page.fill("#f-q", "金城")
    await page.click("main form button")
    await page.click(f"main a[href='/reg/places/{place_id}']")
    await expect(page.locator("main")).to_contain_text("东门")
    await expect(page.locator("main")).not_to_contain_text("王")
