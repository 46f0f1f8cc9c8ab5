"""Trucks that do not arrive, in Chromium, as their people live it: the driver in the cab, the firm, the
duty officer at 3 a.m. and a second one, the police. Both languages, by day and night, axe silent.
"""

from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from alerts.climbing import climb
from closedloop.model import State
from kernel.db import connected
from kernel.privacy import Vault
from registry.reports import view_key
from tests.alerts.enquiry import DUE, climb_up
from tests.browser.conftest import DESK, PHONE, Site
from tests.browser.looking import look
from tests.checkpoint.moves import loop_of, released, scanned
from tests.city import IDS

pytestmark = pytest.mark.browser


async def kind(page: Page, name: str) -> None:
    for theme in ("night", "day"):
        await page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
        await look(page, f"enquiry-{name}-{theme}")


async def later(site: Site, minutes: float) -> None:
    """The clock stands so long after the limit, and the schedulers have run until then."""
    async with connected(site.dsn) as conn:
        await climb_up(conn, site.city, minutes)
    site.clock.at = DUE + timedelta(minutes=minutes, seconds=1)


async def state(site: Site, movement_id: int) -> State:
    async with connected(site.dsn) as conn:
        return (await loop_of(conn, movement_id)).state


async def call(duty: Page) -> None:
    """The driver is called and asks for half an hour."""
    form = "form[action$='/call']"
    await duty.check("[name=whom][value=driver]")
    await duty.check("[name=code][value='5']")
    await duty.check("[name=answer_on_the_road][value=yes]")
    await duty.fill(f"{form} [name=minutes]", "30")
    await duty.fill(f"{form} [name=note]", "堵在连霍高速")
    await duty.click(f"{form} button")
    await expect(duty.locator("[role=status]").first).to_be_visible()
    await expect(duty.get_by_text("堵在连霍高速")).to_be_visible()


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_truck_that_arrives_after_it_was_called(
    site: Site, lang: str, vault: Vault
) -> None:
    """Three trucks are missing; one driver breaks down and says so, one is called and delayed, and
    arrives after L3 began.
    """
    async with connected(site.dsn) as conn:
        first = await released(conn, site.city)
        second = await released(conn, site.city, plate="豫B54321", id_number=IDS[1])
        await released(
            conn, site.city, plate="豫AD12345", id_number=IDS[2], stops=(site.city.depot,)
        )
    duty = await site.log_in("duty", lang=lang, viewport=DESK, bypass_csp=True)
    phone = await site.log_in("duty", lang=lang, viewport=PHONE, bypass_csp=True)
    firm = await site.log_in("firm", site.city.mill, lang=lang, viewport=PHONE, bypass_csp=True)
    driver = await site.page(lang=lang, viewport=PHONE, bypass_csp=True)

    await later(site, 20)
    await driver.goto(f"/d/{second}-{view_key(second, vault)}")
    await kind(driver, f"pass-{lang}")
    await driver.locator("a[href$='/reply']").click()
    await kind(driver, f"reply-{lang}")
    await driver.check("[name=code][value='6']")
    await driver.click("form.stack button.btn")
    await driver.wait_for_url("**/d/*")
    assert await state(site, second) is State.INCIDENT

    await later(site, 50)
    await duty.goto("/duty")
    await kind(duty, f"list-{lang}")
    await phone.goto("/duty")
    await kind(phone, f"list-phone-{lang}")
    await duty.keyboard.press("j")
    await duty.keyboard.press("c")
    await expect(duty.locator("button[formaction$='/release']")).to_have_count(1)
    await duty.keyboard.press("Enter")
    await duty.wait_for_url("**/duty/4*")
    await duty.goto(f"/duty/{first}")
    await kind(duty, f"case-{lang}")
    await phone.goto(f"/duty/{first}")
    await kind(phone, f"case-phone-{lang}")
    await call(duty)
    await firm.goto(f"/firm/trucks/{first}")
    await kind(firm, f"firm-reply-{lang}")
    await firm.goto("/firm")
    await kind(firm, f"firm-{lang}")
    await later(site, 60)
    await firm.goto("/firm")
    await firm.locator(f"form:has([name=movement_id][value='{first}']) button").click()
    await expect(firm.locator("[role=status]").first).to_be_visible()
    assert await state(site, first) is State.DISCHARGED
    await duty.goto(f"/duty/{first}")
    await expect(duty.locator("form[action$='/call']")).to_have_count(0)


async def test_a_truck_that_is_never_found_to_the_end_of_the_ladder(site: Site) -> None:
    async with connected(site.dsn) as conn:
        movement_id = await released(conn, site.city)
    await later(site, 125)
    police = await site.log_in("police", lang="zh", viewport=PHONE, bypass_csp=True)
    await police.goto("/field")
    await kind(police, "field")
    await later(site, 1445)
    assert await state(site, movement_id) is State.REFERRED
    duty = await site.log_in("duty", lang="en", viewport=DESK, bypass_csp=True)
    second = await site.log_in("duty", lang="zh", viewport=DESK, bypass_csp=True)
    await duty.goto("/duty")
    await kind(duty, "referred")
    await duty.locator(f"a[href='/duty/{movement_id}']").click()
    await kind(duty, "referred-case")
    await duty.locator("details:has(form[action$='/close']) summary").click()
    await duty.check("[name=reason][value=settled]")
    await duty.fill("#close-proof", "交警 2022-7")
    await duty.click("form[action$='/close'] button")
    await expect(duty.locator("[role=status]").first).to_be_visible()
    await second.goto(f"/duty/{movement_id}")
    await kind(second, "closing")
    await second.locator("form:has([value=approve]) button").click()
    await expect(second.locator("[role=status]").first).to_be_visible()
    assert await state(site, movement_id) is State.CLOSED_BY_OFFICER
    # Found at last: the fact beats the file.
    async with connected(site.dsn) as conn:
        await scanned(conn, site.city, movement_id, "arrival", DUE + timedelta(hours=30))
    assert await state(site, movement_id) is State.DISCHARGED


async def test_a_claim_is_seen_on_other_screens_within_two_seconds(site: Site) -> None:
    async with connected(site.dsn) as conn:
        await released(conn, site.city)
    one = await site.log_in("duty", lang="en", viewport=DESK)
    two = await site.log_in("duty", lang="en", viewport=DESK)
    await later(site, 5)
    for page in (one, two):
        await page.goto("/duty")
    async with connected(site.dsn) as conn:
        await climb(conn, site.city.office, site.clock.at)
    await one.mouse.move(0, 0)
    await two.mouse.move(0, 0)
    await one.locator("button[formaction$='/claim']").click()
    await expect(two.locator("button[formaction$='/claim']")).to_have_count(0, timeout=2000)


async def test_more_time_for_many_trucks_by_two_officers(site: Site) -> None:
    async with connected(site.dsn) as conn:
        movement_id = await released(conn, site.city)
    one = await site.log_in("duty", lang="zh", viewport=PHONE, bypass_csp=True)
    two = await site.log_in("duty", lang="en", viewport=PHONE, bypass_csp=True)
    await later(site, -20)
    await one.goto("/duty/extend")
    await one.select_option("[name=place]", value=str(site.city.mill))
    await one.check("[name=side][value=to]")
    await one.fill("[name=minutes]", "90")
    await one.fill("[name=reason]", "大雾封路")
    await one.click("form[action='/duty/extend'] button")
    await expect(one.locator("[role=status]").first).to_be_visible()
    await kind(one, "extend")
    await two.goto("/duty/extend")
    await kind(two, "extend-second")
    await two.click("form[action$='/approve'] button")
    await expect(two.locator("[role=status]").first).to_be_visible()
    await later(site, -19)
    async with connected(site.dsn) as conn:
        assert (await loop_of(conn, movement_id)).due_at == DUE + timedelta(minutes=90)


async def test_a_breakdown_gets_a_new_limit_and_arrives(site: Site, vault: Vault) -> None:
    async with connected(site.dsn) as conn:
        movement_id = await released(conn, site.city)
    driver = await site.page(lang="zh", viewport=PHONE, bypass_csp=True)
    duty = await site.log_in("duty", lang="zh", viewport=DESK, bypass_csp=True)
    await later(site, -10)
    await driver.goto(f"/d/{movement_id}-{view_key(movement_id, vault)}/reply")
    await driver.check("[name=code][value='6']")
    await driver.fill("[name=note]", "水箱坏了，在服务区等拖车")
    await driver.click("form.stack button.btn")
    await driver.wait_for_url("**/d/*")
    await kind(driver, "broken-down")
    assert await state(site, movement_id) is State.INCIDENT
    await later(site, 20)
    await duty.goto(f"/duty/{movement_id}")
    await expect(duty.get_by_text("水箱坏了，在服务区等拖车")).to_be_visible()
    await duty.locator("details:has(form[action$='/resume']) summary").click()
    await duty.fill("#resume-minutes", "90")
    await duty.fill("#resume-reason", "拖车已到")
    await duty.click("form[action$='/resume'] button")
    await expect(duty.locator("[role=status]").first).to_be_visible()
    assert await state(site, movement_id) is State.RELEASED
    site.clock.at = DUE + timedelta(minutes=100)
    firm = await site.log_in("firm", site.city.mill, lang="zh", viewport=PHONE)
    await firm.goto("/firm")
    await firm.locator("form[action='/firm/arrived'] button").click()
    await expect(firm.locator("[role=status]").first).to_be_visible()
    async with connected(site.dsn) as conn:
        loop = await loop_of(conn, movement_id)
    assert (loop.state, loop.stops[0].late) == (State.DISCHARGED, False)
