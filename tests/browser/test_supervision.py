"""Supervision in Chromium, as its people live it: the list, a street sweep, a yellow notice until it
comes down, and a black plaque with its look back. Both languages, by day and night, axe silent,
nothing overflows.
"""

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import FilePayload, Page, Route, expect

from kernel.db import connected
from registry.coverage_imports import Listed
from tests.alerts.supervised import HEAD, districts, take
from tests.browser.conftest import DESK, PHONE, Site
from tests.browser.looking import look
from tests.conftest import NOON

pytestmark = pytest.mark.browser
DAY = timedelta(days=1)
LINES = (
    "第一面粉厂,,杞县,城关镇,粮食局,金城大道18号",
    "烩面馆,,杞县,城关镇,商务局,北大街1号",
    "书店,,杞县,葛岗镇,文旅局,南大街2号",
)
LISTED = Listed(source="市场主体台账", office="市场监督管理局", as_of=NOON.date())
LOOKS: dict[str, Any] = {"bypass_csp": True}


def a_photo(colour: str) -> FilePayload:
    out = BytesIO()
    Image.new("RGB", (640, 480), colour).save(out, "JPEG")
    return FilePayload(name="photo.jpg", mimeType="image/jpeg", buffer=out.getvalue())


async def kind(page: Page, name: str) -> None:
    address = page.url.partition("?")[0]
    for theme in ("night", "day"):
        await page.goto(f"{address}?theme={theme}")
        await look(page, f"supervision-{name}-{theme}")


async def step(page: Page, code: str, **fields: str) -> None:
    """Open a step of the case and take it."""
    box = page.locator(f"details[data-step={code}]")
    await box.locator("summary").click()
    for name, text in fields.items():
        if name == "passed":
            await box.locator(f"[name=passed][value={text}]").check()
        else:
            await box.locator(f"[name={name}]").fill(text)
    await box.locator("form button").click()
    await expect(page.locator("main > [role=status]")).to_be_visible()


async def a_ledger(site: Site, name: str = "烩面馆") -> int:
    """The list, imported; the number of one row."""
    async with connected(site.dsn) as conn:
        await districts(conn)
        await take(conn, *LINES, now=NOON, said=LISTED)
        return await conn.fetchval("SELECT id FROM registry.due_place WHERE name = $1", name)


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_list_is_tried_and_imported_and_its_figures_are_shown(
    site: Site, lang: str
) -> None:
    registrar = await site.log_in("registrar", lang=lang, viewport=DESK, **LOOKS)
    await registrar.goto("/supervision/import")
    await look(registrar, f"supervision-import-{lang}")
    await registrar.fill("[name=source]", "市场主体台账")
    await registrar.fill("[name=office]", "市场监督管理局")
    file = FilePayload(
        name="list.csv",
        mimeType="text/csv",
        buffer="\n".join([HEAD, *LINES, "无名,,没有的区,,,"]).encode("gbk"),
    )
    for tried in (True, False):
        await registrar.set_input_files("[name=file]", file)
        await registrar.locator("[name=dry_run]").set_checked(tried)
        await registrar.click("form[action='/supervision/import'] button")
        await expect(registrar.locator("#result")).to_be_visible()
    await look(registrar, f"supervision-imported-{lang}")
    await registrar.goto("/supervision")
    await kind(registrar, f"figures-{lang}")
    await registrar.locator("dl.cover a").first.click()
    await expect(registrar.locator("tbody tr")).to_have_count(3)


async def nobody_has_said_no(inspector: Page) -> None:
    """The network is back, and the service asks who it is: what is kept stays kept, until it goes."""

    async def ask(route: Route) -> None:
        await route.fulfill(status=403)

    await inspector.route("**/visits", ask)
    async with inspector.expect_response("**/visits"):
        await inspector.context.set_offline(False)
    await expect(inspector.locator("[data-street-queue]")).to_be_visible()
    await expect(inspector.locator("[data-street-refused]")).to_be_hidden()
    await inspector.unroute("**/visits", ask)
    await inspector.evaluate("dispatchEvent(new Event('online'))")


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_team_goes_from_place_to_place_and_loses_the_network(site: Site, lang: str) -> None:
    await a_ledger(site)
    inspector = await site.log_in("inspector", lang=lang, viewport=PHONE, **LOOKS)
    await inspector.goto("/supervision/rounds")
    await inspector.fill("[name=name]", "城关扫街")
    await inspector.select_option("[name=district]", index=1)
    await inspector.fill("[name=teams]", "1")
    await look(inspector, f"supervision-rounds-{lang}")
    await inspector.click("form[action='/supervision/rounds'] button")
    await inspector.locator("a[href$='/teams/1']").click()
    await kind(inspector, f"team-{lang}")
    first = inspector.locator("[data-row]").first
    await first.locator("[value=not_visible]").check()
    await first.locator("[name=photo]").set_input_files(a_photo("grey"))
    await first.locator("form > button").click()
    await expect(inspector.locator("main > [role=status]").first).to_be_visible()
    await inspector.context.set_offline(True)
    await inspector.locator("[data-row]").first.locator("[value=inaccurate]").check()
    await (
        inspector.locator("[data-row]")
        .first.locator("[name=photo]")
        .set_input_files(a_photo("teal"))
    )
    await inspector.locator("[data-row]").first.locator("form > button").click()
    await expect(inspector.locator("[data-street-queue]")).to_be_visible()
    await nobody_has_said_no(inspector)
    await expect(inspector.locator("[data-street-queue]")).to_be_hidden()
    await expect(inspector.locator("[data-row]")).to_have_count(1)
    async with connected(site.dsn) as conn:
        assert await conn.fetchval("SELECT count(*) FROM alerts.street_visit") == 2
        assert await conn.fetchval("SELECT count(*) FROM alerts.problem") == 2
        assert await conn.fetchval("SELECT count(*) FROM kernel.attachment") == 2
        kept = (
            "SELECT count(*) FROM alerts.street_visit v JOIN kernel.attachment t ON t.id = v.photo"
        )
        assert await conn.fetchval(kept) == 2
    waiting = "async () => (await (await caches.open('street-photos')).keys()).length"
    assert await inspector.evaluate(waiting) == 0
    await inspector.goto("/supervision/problems")
    await inspector.locator("td a.call").first.click()
    await inspector.locator("[data-act=mend] [name=evidence]").fill("已重新张贴")
    await inspector.locator("[data-act=mend] [name=photo]").set_input_files(a_photo("olive"))
    await inspector.locator("[data-act=mend] form button").click()
    await expect(inspector.locator("a[href^='/photos/']")).to_be_visible()
    await look(inspector, f"supervision-problem-{lang}")
    await inspector.locator("dl.sum a.call").first.click()
    await expect(inspector.locator("a[href^='/photos/']")).to_have_count(2)
    await look(inspector, f"supervision-place-photos-{lang}")


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_yellow_notice_from_the_warning_to_its_coming_down(site: Site, lang: str) -> None:
    due = await a_ledger(site)
    inspector = await site.log_in("inspector", lang=lang, viewport=PHONE, **LOOKS)
    await inspector.goto(f"/supervision/places/{due}")
    await kind(inspector, f"place-{lang}")
    ladder = inspector.locator("details:has(input[name=ladder][value=mend])")
    await ladder.locator("summary").click()
    await ladder.locator("[name=reason]").fill("未张贴")
    await ladder.locator("form button").click()
    await expect(inspector.locator("main > [role=status]")).to_be_visible()
    case = inspector.url.partition("?")[0]
    site.clock.at = NOON + 4 * DAY
    inspector = await site.log_in("inspector", lang=lang, viewport=PHONE, **LOOKS)
    await inspector.goto(case)
    await step(inspector, "notice", reason="逾期未改", evidence="照片 3")
    await step(inspector, "interview", evidence="约谈记录")
    await step(inspector, "test", passed="yes", evidence="90 分")
    await step(inspector, "mended", evidence="照片 4")
    await expect(inspector.locator("details[data-step=removed]")).to_have_count(0)
    await kind(inspector, f"notice-{lang}")
    other = await site.log_in("inspector", lang=lang, viewport=DESK, **LOOKS)
    await other.goto(case)
    await expect(other.locator(".mk-mend_notice")).to_be_visible()
    await step(other, "removed", evidence="复查照片")
    await expect(other.locator(".mk-mend_notice")).to_have_count(0)


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_black_plaque_with_its_daily_check_and_its_look_back(site: Site, lang: str) -> None:
    due = await a_ledger(site)
    inspector = await site.log_in("inspector", lang=lang, viewport=PHONE, **LOOKS)
    await inspector.goto(f"/supervision/places/{due}")
    ladder = inspector.locator("details:has(input[name=ladder][value=plaque])")
    await ladder.locator("summary").click()
    await ladder.locator("[name=ground]").select_option("relapsed")
    await ladder.locator("[name=reason]").fill("整改不彻底")
    await ladder.locator("form button").click()
    await expect(inspector.locator(".mk-black_plaque")).to_be_visible()
    case = inspector.url.partition("?")[0]

    # Nobody came the next day: the list says so.
    site.clock.at = NOON + 2 * DAY
    inspector = await site.log_in("inspector", lang=lang, viewport=PHONE, **LOOKS)
    await inspector.goto("/supervision/cases")
    await expect(inspector.locator("#missed")).to_be_visible()
    await look(inspector, f"supervision-missed-{lang}")
    await inspector.goto(case)
    await step(inspector, "check", evidence="已查")
    await step(inspector, "mended", evidence="照片")
    other = await site.log_in("inspector", lang=lang, viewport=DESK, **LOOKS)
    await other.goto(case)
    await step(other, "removed", evidence="复查")
    await expect(other.locator("details[data-step=look_back]")).to_have_count(0)

    site.clock.at = NOON + 10 * DAY
    duty = await site.log_in("duty", lang=lang, viewport=DESK, **LOOKS)
    await duty.goto("/supervision/cases")
    await expect(duty.locator("#missed")).to_be_visible()
    await duty.goto("/supervision/report")
    await kind(duty, f"report-{lang}")
    inspector = await site.log_in("inspector", lang=lang, viewport=PHONE, **LOOKS)
    await inspector.goto(case)
    await step(inspector, "look_back", passed="no", evidence="又不扫码")
    await expect(inspector.locator(".mk-black_plaque")).to_be_visible()
