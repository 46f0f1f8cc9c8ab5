"""A log-in that ends while a form is typed, in a real Chromium: what was typed is there again."""

from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from kernel.db import connected
from tests.browser.conftest import DESK, Site, local
from tests.browser.test_bad_days import LANGUAGES, SEND, count, fill, kind
from tests.browser.test_looks import NARROW
from tests.city import IDS
from tests.conftest import NOON
from tests.http import PASSWORD

pytestmark = pytest.mark.browser


async def end_log_ins(site: Site) -> None:
    async with connected(site.dsn) as conn:
        await conn.execute("UPDATE registry.login_session SET ended_at = started_at")


async def login_of(site: Site, role: str) -> str:
    async with connected(site.dsn) as conn:
        return await conn.fetchval(
            "SELECT login FROM registry.account WHERE $1 = ANY (roles) ORDER BY login LIMIT 1", role
        )


async def comes_back(site: Site, page: Page, role: str) -> None:
    await page.fill("#f-login", await login_of(site, role))
    await page.fill("#f-password", PASSWORD)
    await page.click("main button[type=submit]")


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_the_desks_report_is_there_again_after_the_log_in(site: Site, lang: str) -> None:
    desk = await site.log_in("desk", site.city.north, lang=lang, viewport=NARROW, bypass_csp=True)
    await desk.goto("/assist")
    typed = {
        "name": "阿卜杜拉·买买提",
        "id_number": IDS[0],
        "phone": "13812345678",
        "plate": "豫B12345",
        "origin": "山东省济南市",
        "expected_entry_at": local(NOON + timedelta(hours=1)),
        "expected_exit_at": local(NOON + timedelta(hours=20)),
    }
    await desk.check("input[name=channel][value=counter]")
    for name, value in typed.items():
        await desk.fill(f"#f-{name}", value)
    await desk.select_option("#f-entry_place_id", str(site.city.north))
    await desk.select_option("#f-stop_1", str(site.city.mill))
    for question in ("symptom", "risk_area"):
        await desk.check(f"input[name=q_{question}][value=no]")
    await end_log_ins(site)
    await desk.click(SEND)
    await desk.wait_for_url("**/login?*")
    await kind(desk, f"log-in-again-{lang}")
    await comes_back(site, desk, "desk")
    await desk.wait_for_url("**/assist")
    for name, value in typed.items():
        assert await desk.input_value(f"#f-{name}") == value
    assert await desk.input_value("#f-stop_1") == str(site.city.mill)
    assert await desk.is_checked("input[name=channel][value=counter]")
    await kind(desk, f"there-again-{lang}")
    assert await count(site, "registry.movement") == 0
    await desk.click(SEND)
    await expect(desk.locator("article.ticket .digits")).to_be_visible()
    assert await count(site, "registry.movement") == 1


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_the_registrars_review_is_sent_with_one_tap_after_the_log_in(
    site: Site, lang: str
) -> None:
    applicant = await site.page(lang=lang, viewport=NARROW)
    await fill(applicant)
    await applicant.click(SEND)
    await applicant.wait_for_url("**/applications/*")
    registrar = await site.log_in("registrar", lang=lang, viewport=DESK, bypass_csp=True)
    article = registrar.locator("article")
    await article.locator("summary").first.click()
    await article.locator("select").select_option("vague")
    await article.locator("textarea").fill("请写明门牌号")
    await end_log_ins(site)
    await article.locator("details button.warn").click()
    await registrar.wait_for_url("**/login?*")
    await comes_back(site, registrar, "registrar")
    await expect(registrar.locator("#unsent")).to_be_visible()
    await kind(registrar, f"unsent-{lang}")
    await registrar.set_viewport_size(NARROW)  # pyright: ignore[reportArgumentType]
    await kind(registrar, f"unsent-narrow-{lang}")
    await registrar.click("section[aria-labelledby=unsent] button")
    await expect(registrar.locator("#unsent")).to_have_count(0)
    await applicant.reload()
    await expect(applicant.locator("main")).to_contain_text("请写明门牌号")
