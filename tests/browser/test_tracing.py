"""Tracing in Chromium, from a missing truck to the report on paper: the duty officer at night, the
tracer under the clock, a second officer who allows. Both languages, by day and night, axe silent.
"""

from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Page, expect

from kernel.db import connected
from tests.browser.conftest import DESK, PHONE, Site
from tests.browser.looking import look
from tests.checkpoint.moves import released, scanned
from tests.city import IDS
from tests.conftest import NOON

pytestmark = pytest.mark.browser
SMALL: Any = {"width": 320, "height": 640}
NARROW: Any = PHONE
WIDE: Any = DESK


async def kind(page: Page, name: str) -> None:
    for theme in ("night", "day"):
        await page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
        await look(page, f"trace-{name}-{theme}")


async def done(page: Page) -> None:
    await expect(page.locator("[role=status]").first).to_be_visible()


async def make_team(tracer: Page) -> None:
    await tracer.goto("/trace/teams")
    await tracer.fill("#f-name", "流调一队")
    for name in ("police_1", "health_1", "health_2", "health_3", "community_1"):
        await tracer.fill(f"#f-{name}", "县疾控中心")
    await tracer.click("form[action='/trace/teams'] button.btn:not(.line)")
    await done(tracer)


async def open_case(duty: Page, first: int, lang: str) -> str:
    # The missing truck's page leads to the form, filled in but for the officer's own look.
    await duty.goto(f"/duty/{first}")
    await duty.click(f"a[href='/trace/new?movement={first}']")
    await kind(duty, f"new-{lang}")
    await duty.fill("#f-reason", "")
    await duty.click("form[action='/trace/new'] button.btn")
    await expect(duty.locator("#error-summary")).to_be_visible()
    await duty.fill("#f-reason", "车辆超时未到")
    await duty.click("form[action='/trace/new'] button.btn")
    await done(duty)
    await kind(duty, f"case-duty-{lang}")
    return duty.url.partition("?")[0]


async def work(site: Site, tracer: Page, case: str, lang: str) -> None:
    await tracer.goto("/trace")
    await kind(tracer, f"list-{lang}")
    await tracer.click("ul.list a.call")
    await tracer.click("form:has([name=mark][value=assembled]) button")
    await done(tracer)
    await tracer.fill("#f-what", "到第一面粉厂核实")
    await tracer.select_option("#f-team_id", index=1)
    await tracer.click("form[action$='/assign'] button")
    await done(tracer)
    await tracer.click("form:has([name=kind][value=acknowledged]) button")
    await done(tracer)
    site.clock.at += timedelta(minutes=70)
    await tracer.goto(case)
    await tracer.click("form:has([name=mark][value=on_site]) button")
    await done(tracer)
    await kind(tracer, f"case-{lang}")
    await tracer.set_viewport_size(SMALL)
    await kind(tracer, f"case-small-{lang}")
    await tracer.set_viewport_size(NARROW)


async def look_at_people(tracer: Page, case: str, lang: str) -> None:
    await tracer.click("a[href$='/subjects/1']")
    await kind(tracer, f"trajectory-{lang}")
    await tracer.click("a[href$='/contacts']")
    await expect(tracer.get_by_text("赵*").first).to_be_visible()
    await kind(tracer, f"contacts-{lang}")
    await tracer.goto(f"{case}/subjects/1/contacts?degree=2")
    await kind(tracer, f"second-{lang}")


async def take_along(tracer: Page, duty: Page, case: str, lang: str) -> None:
    await tracer.goto(case)
    await tracer.click("form[action$='/ask-export'] button")
    await done(tracer)
    await expect(tracer.locator("a[href$='/report.pdf']")).to_have_count(0)
    await duty.goto(case)
    await duty.click("form[action$='/allow-export'] button")
    await done(duty)
    await tracer.goto(f"{case}/report")
    await kind(tracer, f"report-{lang}")
    await tracer.set_viewport_size(WIDE)
    await kind(tracer, f"report-desk-{lang}")
    await tracer.goto(case)
    await kind(tracer, f"case-desk-{lang}")
    answer = await tracer.request.get(f"{case}/report.pdf")
    assert answer.ok
    assert (await answer.body()).startswith(b"%PDF")
    async with tracer.expect_download() as taken:
        await tracer.click("a[href$='/report.csv']")
    assert (await taken.value).suggested_filename.endswith(".csv")


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_from_opening_a_case_to_the_report_on_paper(site: Site, lang: str) -> None:
    later = NOON + timedelta(minutes=6)
    async with connected(site.dsn) as conn:
        first = await released(conn, site.city)
        second = await released(
            conn, site.city, later, plate="豫B54321", id_number=IDS[1], name="赵大"
        )
        await scanned(conn, site.city, second, "arrival", NOON + timedelta(minutes=50))
    site.clock.at = NOON + timedelta(hours=6)
    duty = await site.log_in("duty", lang=lang, viewport=DESK, bypass_csp=True)
    tracer = await site.log_in("tracer", lang=lang, viewport=PHONE, bypass_csp=True)
    await tracer.wait_for_url("**/trace")

    await make_team(tracer)
    await kind(tracer, f"teams-{lang}")
    case = await open_case(duty, first, lang)
    await work(site, tracer, case, lang)
    await look_at_people(tracer, case, lang)
    await take_along(tracer, duty, case, lang)


async def test_many_days_wait_for_a_second_officer_on_screen(site: Site) -> None:
    one = await site.log_in("tracer", lang="zh", viewport=PHONE, bypass_csp=True)
    two = await site.log_in("tracer", lang="en", viewport=DESK, bypass_csp=True)
    await one.goto("/trace/new")
    await one.fill("#f-number", "流调2022-9")
    await one.fill("#f-reason", "溯源")
    await one.fill("#f-since", "2022-04-01T00:00")
    await one.fill("#f-plates", "豫B12345")
    await one.click("form[action='/trace/new'] button.btn")
    await done(one)
    await kind(one, "waiting")
    await expect(one.locator("form[action$='/approve']")).to_have_count(0)
    await two.goto(one.url.partition("?")[0])
    await kind(two, "waiting-second")
    await two.click("form[action$='/approve'] button")
    await done(two)
    await one.reload()
    await one.click("a[href$='/subjects/1']")
    await expect(one.locator("h1")).to_be_visible()
