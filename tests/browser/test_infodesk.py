"""The information desk in Chromium, as its people live it: a driver who was turned back though all was
in order and calls 12328, somebody who needs medicine on a phone, a firm that does not expect a truck.
Both languages, by day and night, axe silent.
"""

import re
from datetime import timedelta

import pytest
from playwright.async_api import FilePayload, Page, expect

from kernel.db import connected
from tests.alerts.desk import at
from tests.browser.conftest import DESK, PHONE, Site, local
from tests.browser.looking import look
from tests.checkpoint.moves import loop_of, verifying
from tests.conftest import NOON

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
WORDS = {"zh": "证件齐全，仍被劝返，没有说明原因", "en": "All was in order, and still turned back"}


async def kind(page: Page, name: str) -> None:
    for theme in ("night", "day"):
        await page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
        await look(page, f"infodesk-{name}-{theme}")


async def pressed(page: Page, act: str) -> None:
    await page.click(f"form[action$='/act'] button[value={act}]")
    await expect(page.locator("[role=status]").first).to_be_visible()


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_complaint_traced_to_lane_rule_and_officer_and_answered(
    site: Site, lang: str
) -> None:
    await turned_back(site, lang)
    site.clock.at = at(30)
    hotline = await site.log_in("hotline", lang=lang, viewport=DESK, bypass_csp=True)
    number, pin = await called(hotline, lang)
    await traced_and_pushed(hotline, lang)
    await unit_replies(site, lang)
    await hotline.reload()
    await pressed(hotline, "accept")
    await hotline.fill("[name=words]", "经核实处置不当，向您致歉")
    await pressed(hotline, "answer")

    caller = await site.page(lang=lang, viewport=PHONE, bypass_csp=True)
    await caller.goto("/complaints/own")
    await kind(caller, f"look-up-{lang}")
    await caller.fill("[name=number]", number)
    await caller.fill("[name=pin]", pin)
    await caller.click("main form button[type=submit]")
    await expect(caller.get_by_text("经核实处置不当，向您致歉")).to_be_visible()
    await caller.check("[name=rating][value='4']")
    await kind(caller, f"own-{lang}")
    await caller.click("form[action$='/rate'] button")
    await expect(caller.locator("[role=status]").first).to_be_visible()


async def turned_back(site: Site, lang: str) -> None:
    async with connected(site.dsn) as conn:
        movement_id = await verifying(conn, site.city)
    site.clock.at = at(10)
    gate = await site.log_in("desk", site.city.north, lang=lang, viewport=DESK)
    await gate.goto(f"/desk/{movement_id}")
    form = "form[action$='/turn-back']"
    await gate.locator(f"details:has({form}) summary").click()
    await gate.select_option(f"{form} select", "no_valid_test")
    await gate.click(f"{form} button")
    await gate.wait_for_url(f"**/desk/{movement_id}?done=turn_back")


async def called(hotline: Page, lang: str) -> tuple[str, str]:
    """Number and code, as they are read out."""
    await hotline.goto("/hotline/new?kind=complaint")
    await hotline.select_option("[name=category]", "turned_back")
    await hotline.fill("[name=words]", WORDS[lang])
    await hotline.fill("[name=plate]", "2345")
    await hotline.fill("[name=seen_at]", local(at(12)))
    await kind(hotline, f"call-{lang}")
    await hotline.click("main form button[type=submit]")
    made = hotline.locator("section[role=status]")
    await expect(made).to_contain_text("12328-20220501-")
    await kind(hotline, f"called-{lang}")
    number, pin = (await made.locator(".digits").all_inner_texts())[:2]
    return number, pin


async def traced_and_pushed(hotline: Page, lang: str) -> None:
    await hotline.goto("/infodesk")
    await kind(hotline, f"list-{lang}")
    await hotline.keyboard.press("j")
    await hotline.keyboard.press("c")
    await expect(hotline.locator("button[formaction$='/release']")).to_have_count(1)
    await hotline.keyboard.press("Enter")
    await hotline.wait_for_url(re.compile(r"/infodesk/[0-9a-f-]{36}$"))
    await hotline.click("form[action$='/find'] button")
    await expect(hotline.locator("form[action$='/link']")).to_have_count(2)
    await hotline.locator("form[action$='/link'] button").first.click()
    traced = hotline.locator("section[aria-labelledby=traced]")
    await expect(traced).to_contain_text("北卡口")
    await expect(traced).to_contain_text("test_missing")
    await expect(traced).to_contain_text("desk")
    await hotline.select_option("[name=unit]", "district:410221")
    await pressed(hotline, "push")
    await kind(hotline, f"item-{lang}")


async def unit_replies(site: Site, lang: str) -> None:
    grid = await site.log_in("grid", lang=lang, viewport=PHONE, bypass_csp=True)
    await grid.goto("/infodesk")
    await kind(grid, f"unit-{lang}")
    await grid.locator("[data-open]").first.click()
    await grid.fill("[name=words]", "已核实：应到核验台补验，不应劝返")
    await kind(grid, f"unit-item-{lang}")
    await pressed(grid, "reply")


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_help_is_asked_for_on_a_phone(site: Site, lang: str) -> None:
    asking = await site.page(lang=lang, viewport=PHONE, bypass_csp=True)
    await asking.goto("/help")
    await kind(asking, f"help-{lang}")
    await asking.click("main form button[type=submit]")
    await expect(asking.locator("#error-summary")).to_be_visible()
    await asking.check("[name=category][value=medicine]")
    await asking.check("[name=yes_frail][value=yes]")
    await asking.fill("[name=phone]", "13800138000")
    await asking.fill("[name=words]", "胰岛素只够今晚")
    await asking.click("main form button[type=submit]")
    await expect(asking.locator("section[role=status]")).to_contain_text("12328-20220501-")
    await kind(asking, f"helped-{lang}")
    await asking.goto("/complaints")
    await kind(asking, f"complain-{lang}")
    duty = await site.log_in("hotline", lang=lang, viewport=PHONE, bypass_csp=True)
    site.clock.at = at(11)
    await duty.goto("/infodesk?kind=help")
    await expect(duty.locator("[data-row]")).to_have_count(1)
    await kind(duty, f"late-{lang}")
    await duty.goto("/hotline/calls")
    await duty.locator("details.box summary").click()
    await duty.fill("[name=name]", "返豫人员")
    await duty.select_option("[name=category]", "arrival")
    await duty.select_option("[name=district]", "410221")
    rows = "姓名,电话\n李大勇,13800138002\n无号码,\n".encode()
    list_file = FilePayload(name="list.csv", mimeType="text/csv", buffer=rows)
    await duty.set_input_files("[name=file]", list_file)
    await kind(duty, f"list-{lang}-phone")
    await duty.click("form[enctype] button")
    await expect(duty.locator("section[role=status]")).to_be_visible()
    await duty.click("form[action$='/next'] button")
    await expect(duty.locator("a[href^='tel:+86']")).to_be_visible()
    await kind(duty, f"sheet-{lang}")
    await duty.check("[name=answer_test][value=negative]")
    await duty.check("[name=result][value=settled]")
    await duty.click("main form button[type=submit]")
    await expect(duty.locator("[role=status]").first).to_be_visible()


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_firm_does_not_expect_a_truck_before_it_comes(site: Site, lang: str) -> None:
    async with connected(site.dsn) as conn:
        movement_id = await verifying(conn, site.city)
    firm = await site.log_in("firm", site.city.mill, lang=lang, viewport=PHONE, bypass_csp=True)
    await firm.goto("/expected")
    await kind(firm, f"expected-{lang}")
    await firm.click("button[name=answer][value=no]")
    await expect(firm.locator("[role=status]").first).to_be_visible()
    await kind(firm, f"not-expected-{lang}")
    gate = await site.log_in("desk", site.city.north, lang=lang, viewport=DESK, bypass_csp=True)
    await gate.goto(f"/desk/{movement_id}")
    await expect(gate.locator("section[aria-labelledby=not-expected]")).to_be_visible()
    await kind(gate, f"advice-{lang}")
    duty = await site.log_in("duty", lang=lang, viewport=DESK, bypass_csp=True)
    await duty.goto("/duty")
    await expect(duty.locator("section[aria-labelledby=not-expected]")).to_be_visible()
    async with connected(site.dsn) as conn:
        assert (await loop_of(conn, movement_id)).state == "verifying"
    assert site.clock.at == NOON + timedelta(0)
