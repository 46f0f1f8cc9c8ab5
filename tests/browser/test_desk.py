"""The desk in Chromium: a truck that never reported, from the lane to its release, and one that is
turned back with its slip and comes again. Both languages, axe silent, nothing overflows.
"""

from datetime import timedelta

import pytest
from playwright.async_api import expect

from closedloop.model import State
from kernel.db import connected
from kernel.privacy import Vault
from tests.browser.conftest import DESK, PHONE, Site, local
from tests.browser.looking import look
from tests.checkpoint.moves import loop_of, verifying
from tests.city import IDS, add_proof
from tests.conftest import NOON

pytestmark = pytest.mark.browser
VIEWS = {"zh": PHONE, "en": DESK}


async def at_lane(site: Site, plate: str) -> None:
    lane = await site.log_in("lane", site.city.north, viewport=PHONE)
    await lane.goto("/gate?gate=1")
    await lane.fill("[data-scan-input]", plate)
    await lane.keyboard.press("Enter")
    await expect(lane.locator("[data-card=yellow]")).to_be_visible()


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_truck_that_never_reported_is_registered_with_a_card_reader(
    site: Site, lang: str, vault: Vault
) -> None:
    async with connected(site.dsn) as conn:
        await add_proof(conn, vault, "test", "negative", NOON - timedelta(hours=5))
    await at_lane(site, "豫B12345")
    desk = await site.log_in(
        "desk", site.city.north, lang=lang, viewport=VIEWS[lang], bypass_csp=True
    )
    site.clock.at = NOON + timedelta(minutes=6)
    await desk.goto("/desk")
    await expect(desk.locator("article .note.err")).to_be_visible()
    await look(desk, f"desk-queue-{lang}")
    await desk.click("a[href*='/assist?movement=']")
    await desk.check("[name=channel][value=counter]")
    await desk.fill("#f-name", "李小龙")
    # As a reader of identity cards types: fast, and Enter at the end.
    await desk.focus("#f-id_number")
    await desk.keyboard.type(IDS[0])
    await desk.keyboard.press("Enter")
    await expect(desk.locator("#f-phone")).to_be_focused()
    await expect(desk.locator("#f-plate")).to_have_value("豫B12345")
    await desk.keyboard.type("13812345678")
    await desk.select_option("#f-goods", "daily")
    await desk.fill("#f-origin", "山东省济南市")
    await desk.select_option("#f-stop_1", str(site.city.mill))
    await desk.fill("#f-expected_entry_at", local(NOON))
    await desk.fill("#f-expected_exit_at", local(NOON + timedelta(hours=20)))
    for question in ("symptom", "risk_area"):
        await desk.check(f"[name=q_{question}][value=no]")
    await look(desk, f"desk-register-{lang}")
    await desk.click("form[data-reader] button[type=submit]")
    await expect(desk.locator("article.ticket")).to_be_visible()
    site.clock.at = NOON + timedelta(minutes=8)
    await desk.click("a[href^='/desk/']")
    await look(desk, f"desk-case-{lang}")
    await desk.fill("[name=proof]", "身份证")
    await desk.click("form[action$='/release'] button")
    await expect(desk.locator("[role=status]")).to_be_visible()
    await expect(desk.locator("article[data-row]")).to_have_count(0)


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_truck_is_turned_back_with_a_slip_and_comes_again(site: Site, lang: str) -> None:
    async with connected(site.dsn) as conn:
        movement_id = await verifying(conn, site.city)
    desk = await site.log_in(
        "desk", site.city.north, lang=lang, viewport=VIEWS[lang], bypass_csp=True
    )
    site.clock.at = NOON + timedelta(minutes=2)
    await desk.goto(f"/desk/{movement_id}")
    await desk.click("form[action$='/here'] button")
    await expect(desk.locator("[role=status]")).to_be_visible()
    site.clock.at = NOON + timedelta(minutes=4)
    await desk.goto(f"/desk/{movement_id}?theme=night")
    await desk.locator("details:has(form[action$='/turn-back']) summary").click()
    await desk.select_option("form[action$='/turn-back'] select", "no_valid_test")
    await look(desk, f"desk-turn-back-{lang}")
    await desk.click("form[action$='/turn-back'] button")
    slip = desk.locator("a[href$='/slip.pdf']")
    await expect(slip).to_be_visible()
    await look(desk, f"desk-turned-back-{lang}")
    paper = await desk.request.get(f"/desk/{movement_id}/slip.pdf")
    assert (await paper.body()).startswith(b"%PDF")
    site.clock.at = NOON + timedelta(minutes=90)
    await at_lane(site, "豫B12345")
    await desk.goto("/desk")
    await expect(desk.locator("article[data-row]")).to_contain_text("2")
    async with connected(site.dsn) as conn:
        loop = await loop_of(conn, movement_id)
    assert (loop.state, loop.attempt) == (State.VERIFYING, 2)
