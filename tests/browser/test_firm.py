"""The gatekeeper of a firm in Chromium: fifty trucks of which three fail, a truck with three stops, a
diversion, a truck that nobody let in, a tap without network, and the digits on the gate's screen.
"""

from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from alerts.acting import reply
from alerts.replies import Reply
from closedloop.model import State
from closedloop.rolling import rolling_code
from kernel.db import connected
from kernel.ids import uuid7
from tests.alerts.enquiry import DUE, officer
from tests.browser.conftest import DESK, PHONE, Site
from tests.browser.looking import look
from tests.checkpoint.moves import about_hold, loop_of, released, scanned
from tests.city import IDS
from tests.conftest import NOON

pytestmark = pytest.mark.browser


async def kind(page: Page, name: str) -> None:
    for theme in ("night", "day"):
        await page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
        await look(page, f"firm-{name}-{theme}")


async def state(site: Site, movement_id: int) -> State:
    async with connected(site.dsn) as conn:
        return (await loop_of(conn, movement_id)).state


async def test_fifty_trucks_at_once_of_which_three_fail(site: Site) -> None:
    async with connected(site.dsn) as conn:
        trucks = [
            await released(conn, site.city, plate=f"豫B{n:05d}", tested=n == 0) for n in range(50)
        ]
    site.clock.at = NOON + timedelta(minutes=40)
    firm = await site.log_in("firm", site.city.mill, lang="en", viewport=DESK, bypass_csp=True)
    await firm.goto("/firm")
    for box in await firm.locator("[name=truck]").all():
        await box.check()
    # Meanwhile two are sent on to another firm, and one is held.
    async with connected(site.dsn) as conn:
        duty = await officer(conn, "duty")
        for number in trucks[:2]:
            said = Reply(id=uuid7(NOON), code=4, place_id=site.city.depot)
            await reply(conn, site.city.office, number, said, duty, site.clock.at)
        reason = {"source": "令7号", "reason": "suspected_case"}
        await about_hold(conn, site.city, trucks[2], "hold", duty, site.clock.at, **reason)
    await firm.get_by_text("The chosen trucks have arrived").click()
    await expect(firm.locator("#results")).to_have_text("47 confirmed, 3 not")
    await expect(firm.locator("section:has(#results) li")).to_have_count(3)
    await kind(firm, "fifty")
    async with connected(site.dsn) as conn:
        done = await conn.fetchval(
            "SELECT count(*) FROM closedloop.loop WHERE state = 'discharged'"
        )
    assert done == 47


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_truck_with_three_stops(site: Site, lang: str) -> None:
    """The second firm first: any order closes the loop, and each stop has a limit of its own."""
    city = site.city
    async with connected(site.dsn) as conn:
        third = await conn.fetchval(
            """
            INSERT INTO registry.place
                   (kind, category, name, district_code, screen_secret, created_at)
            VALUES ('destination', 'test', '南关粮库', '410221', $1, $2) RETURNING id
            """,
            b"t" * 20,
            NOON,
        )
        movement_id = await released(conn, city, stops=(city.mill, city.depot, third))
    firms = [
        await site.log_in("firm", place, lang=lang, viewport=PHONE, bypass_csp=True)
        for place in (city.depot, city.mill, third)
    ]
    for number, firm in enumerate(firms):
        site.clock.at = NOON + timedelta(minutes=70 * (number + 1))
        await firm.goto("/firm")
        await firm.locator("form[action='/firm/arrived'] button").click()
        await expect(firm.locator("[role=status]").first).to_be_visible()
        if number == 1:
            await kind(firm, f"stops-{lang}")
            await firm.locator("form[action='/firm/departed'] button").click()
            await expect(firm.locator("[role=status]").first).to_be_visible()
        async with connected(site.dsn) as conn:
            closed = [stop.closed for stop in (await loop_of(conn, movement_id)).stops]
        assert sum(closed) == number + 1
    assert await state(site, movement_id) is State.DISCHARGED


async def test_a_truck_that_is_sent_on_to_another_firm(site: Site) -> None:
    async with connected(site.dsn) as conn:
        movement_id = await released(conn, site.city)
    site.clock.at = DUE + timedelta(minutes=20)
    mill = await site.log_in("firm", site.city.mill, lang="zh", viewport=PHONE, bypass_csp=True)
    await mill.goto("/firm")
    await mill.locator("a[href^='/firm/trucks/4']").click()
    await mill.check("[name=code][value='4']")
    await mill.select_option("[name=place]", str(site.city.depot))
    await kind(mill, "divert")
    await mill.click("form.stack button.btn")
    await expect(mill.locator("[role=status]").first).to_be_visible()
    await expect(mill.locator("form[action='/firm/arrived']")).to_have_count(0)
    depot = await site.log_in("firm", site.city.depot, lang="zh", viewport=PHONE)
    await depot.goto("/firm")
    site.clock.at = DUE + timedelta(minutes=80)
    await depot.locator("form[action='/firm/arrived'] button").click()
    await expect(depot.locator("[role=status]").first).to_be_visible()
    assert await state(site, movement_id) is State.DISCHARGED


async def test_a_truck_that_arrives_without_entry(site: Site) -> None:
    firm = await site.log_in("firm", site.city.mill, lang="en", viewport=PHONE, bypass_csp=True)
    await firm.goto("/firm")
    await firm.locator("details summary").click()
    await firm.fill("[name=plate]", "豫B77777")
    await firm.select_option("[name=reason]", "not_reported")
    await firm.click("form[action='/firm/discrepancy'] button")
    await expect(firm.locator("[role=status]").first).to_be_visible()
    duty = await site.log_in("duty", lang="en", viewport=DESK)
    await duty.goto("/loops?state=discrepancy")
    await expect(duty.locator("a[href^='/loops/4']")).to_have_count(1)


async def test_a_tap_without_network_is_kept_and_sent_when_it_is_back(site: Site) -> None:
    async with connected(site.dsn) as conn:
        movement_id = await released(conn, site.city)
    site.clock.at = NOON + timedelta(minutes=40)
    firm = await site.log_in("firm", site.city.mill, lang="en", viewport=PHONE, bypass_csp=True)
    await firm.goto("/firm")
    await firm.context.set_offline(True)
    await firm.locator("form[action='/firm/arrived'] button").click()
    await expect(firm.locator("[data-firm-queue]")).to_be_visible()
    await kind(firm, "offline")
    assert await state(site, movement_id) is State.RELEASED
    await firm.context.set_offline(False)
    await expect(firm.locator("[data-firm-queue]")).to_be_hidden()
    assert await state(site, movement_id) is State.DISCHARGED


async def test_a_tap_that_is_refused_afterwards_is_told(site: Site) -> None:
    """Tapped without a network, and held by the police meanwhile."""
    async with connected(site.dsn) as conn:
        movement_id = await released(conn, site.city)
    site.clock.at = NOON + timedelta(minutes=40)
    firm = await site.log_in("firm", site.city.mill, lang="zh", viewport=PHONE)
    await firm.goto("/firm")
    await firm.context.set_offline(True)
    await firm.locator("form[action='/firm/arrived'] button").click()
    await expect(firm.locator("[data-firm-queue]")).to_be_visible()
    async with connected(site.dsn) as conn:
        duty = await officer(conn, "duty")
        reason = {"source": "令7号", "reason": "suspected_case"}
        await about_hold(conn, site.city, movement_id, "hold", duty, site.clock.at, **reason)
    await firm.context.set_offline(False)
    await expect(firm.locator("[data-firm-refused]")).to_be_visible()
    assert await state(site, movement_id) is State.HELD


async def test_the_digits_turn_on_the_screen_without_a_network(site: Site) -> None:
    firm = await site.log_in("firm", site.city.mill, lang="zh", viewport=DESK, bypass_csp=True)
    await firm.clock.install()
    await firm.goto("/firm/screen")
    await kind(firm, "screen")
    await firm.context.set_offline(True)
    for minutes in (0, 1, 2):
        code, _ = rolling_code(b"s" * 20, site.clock.at + timedelta(minutes=minutes, seconds=1))
        await expect(firm.locator("[data-code]")).to_have_text(f"{code[:3]} {code[3:]}")
        await firm.clock.fast_forward(60_000)


async def test_a_late_arrival_is_told_in_the_list(site: Site) -> None:
    async with connected(site.dsn) as conn:
        movement_id = await released(conn, site.city, id_number=IDS[1])
        await scanned(conn, site.city, movement_id, "arrival", DUE + timedelta(minutes=5))
    site.clock.at = DUE + timedelta(minutes=10)
    firm = await site.log_in("firm", site.city.mill, lang="en", viewport=PHONE)
    await firm.goto("/firm")
    await expect(firm.get_by_text("late", exact=True)).to_be_visible()
