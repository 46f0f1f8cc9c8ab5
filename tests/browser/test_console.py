"""The gate console as an officer uses it."""

from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from kernel.db import connected
from tests.browser.conftest import Site, shoot
from tests.browser.consoles import TYPE, console, passes, scan, waiting
from tests.city import add_proof
from tests.conftest import NOON

pytestmark = pytest.mark.browser


async def drained(page: Page) -> None:
    for _ in range(100):
        if await waiting(page) == 0:
            break
        await page.wait_for_timeout(100)
    assert await waiting(page) == 0


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_scanner_that_an_input_method_disturbs_gives_the_card(
    site: Site, lang: str
) -> None:
    (number,) = await passes(site)
    page = await console(site, lang=lang)
    await shoot(page, f"console-ready-{lang}")
    assert await scan(page, number) == "green"
    await expect(page.locator("#said")).to_contain_text({"zh": "放行", "en": "PASS"}[lang])
    await expect(page.locator("#said")).to_contain_text("豫B00000")
    await shoot(page, f"console-green-{lang}")
    await drained(page)
    async with connected(site.dsn) as conn:
        body = await conn.fetchval("SELECT body FROM registry.event WHERE kind = 'entry'")
    assert (body["card"], body["card_shown"]) == ("green", "green")
    await expect(page.locator("[data-card=ready]")).to_be_visible()


async def test_the_same_pass_again_names_the_lane_and_the_time(site: Site) -> None:
    (number,) = await passes(site)
    page = await console(site)
    assert await scan(page, number) == "green"
    await page.wait_for_selector("[data-card=ready]")
    await page.wait_for_timeout(2_500)
    assert await scan(page, number) == "duplicate"
    await expect(page.locator(".why")).to_contain_text("1 道放行")
    await shoot(page, "console-duplicate-zh")
    await page.click("summary")
    await page.fill("#f-override", "卡口拥堵回车")
    await page.click("button.warn")
    await expect(page.locator("[data-card=green]")).to_be_visible()
    await drained(page)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("134512345678901234", "付款码"),
        ("410200000000000000000000", "数字不对"),
        ("https://xc.caict.ac.cn/code", "行程码"),
        ("https://example.org/jkm?x=1", "健康码"),
        ("https://example.org/", "网址"),
        ("你好", "不是通行"),
    ],
)
async def test_what_is_no_pass_is_called_by_its_name(site: Site, typed: str, sentence: str) -> None:
    page = await console(site)
    await page.fill("#f-input", typed)
    await page.press("#f-input", "Enter")
    await expect(page.locator("[data-card=wrong_code]")).to_be_visible()
    await expect(page.locator("main")).to_contain_text(sentence)


async def test_a_plate_is_typed_where_the_telephone_is_dead(site: Site) -> None:
    await passes(site)
    page = await console(site)
    await page.click("text=输入车牌")
    for sign in "豫B00000":
        await page.click(f".console-keys button:text-is('{sign}')")
    await shoot(page, "console-keypad-zh")
    await page.click("text=确定")
    await expect(page.locator("[data-card=green]")).to_be_visible()
    await drained(page)


async def test_an_officer_who_sees_another_plate_gets_another_card(site: Site) -> None:
    (number,) = await passes(site)
    page = await console(site)
    assert await scan(page, number) == "green"
    await page.click("text=车牌不符")
    for sign in "豫B99999":
        await page.click(f".console-keys button:text-is('{sign}')")
    await page.click("text=确定")
    await expect(page.locator("[data-card=yellow]")).to_be_visible()
    await expect(page.locator(".why")).to_contain_text("车牌与报备不符")
    await shoot(page, "console-yellow-zh")


async def test_what_the_list_does_not_know_goes_to_the_desk_and_the_server_may_know_better(
    site: Site,
) -> None:
    page = await console(site)
    (number,) = await passes(site)
    await page.evaluate("(digits) => document.querySelector('#f-input').value = digits", number)
    await page.press("#f-input", "Enter")
    await expect(page.locator("[data-card=yellow], [data-card=green]")).to_be_visible()
    await expect(page.locator("[data-card=green]")).to_be_visible()
    await expect(page.locator("main")).to_contain_text("更新")
    await shoot(page, "console-updated-zh")


async def test_a_red_card_stays_until_it_was_seen(site: Site) -> None:
    numbers = await passes(site, 2)
    async with connected(site.dsn) as conn, conn.transaction():
        vault = site.city.office.vault
        await add_proof(conn, vault, "health_code", "red", NOON - timedelta(hours=1))
        await conn.execute(
            """
            UPDATE registry.movement_person SET evidence = evidence || '{"health_code": {"value":
                   "red", "taken_at": "2022-05-01T08:00:00Z", "source": "province"}}'
             WHERE ordinal = 0 AND subject = (SELECT subject FROM registry.evidence
                                               WHERE value = 'red')
            """
        )
    page = await console(site)
    assert await scan(page, numbers[0]) == "red"
    await shoot(page, "console-red-zh")
    await page.evaluate(TYPE, numbers[1])  # the next truck does not take it away
    await expect(page.locator("[data-card=red]")).to_be_visible()
    await page.click("text=已看到，下一辆")
    await page.wait_for_selector("[data-card=ready]")
    assert await scan(page, numbers[1]) == "green"


async def test_a_list_that_is_a_day_old_lets_nobody_pass(site: Site) -> None:
    (number,) = await passes(site, expected_exit_at=NOON + timedelta(days=3))
    page = await console(site)
    await page.context.set_offline(True)
    await page.clock.set_system_time(NOON + timedelta(hours=24, minutes=30))
    assert await scan(page, number) == "yellow"
    await expect(page.locator(".why")).to_contain_text("没有更新")
    await shoot(page, "console-stale-zh")
    assert await waiting(page) == 1


async def test_practice_touches_nothing_real(site: Site) -> None:
    (number,) = await passes(site)
    page = await console(site)
    await page.click("text=更多")
    await shoot(page, "console-menu-zh")
    await page.click("text=练习模式")
    await expect(page.locator("#pill")).to_contain_text("练习中")
    await page.wait_for_selector("[data-card=ready]")
    assert await scan(page, number) == "green"
    await shoot(page, "console-practice-zh")
    await page.wait_for_selector("[data-card=ready]")
    assert await waiting(page) == 0
    async with connected(site.dsn) as conn:
        assert await conn.fetchval("SELECT count(*) FROM registry.event WHERE kind = 'entry'") == 0
    await page.click("text=更多")
    await page.click("text=结束练习")
    await page.wait_for_selector("[data-card=ready]")
    await page.wait_for_timeout(3_000)  # the same squeeze of the trigger is over
    assert await scan(page, number) == "green"
    await drained(page)


async def test_a_shift_is_handed_over_with_its_counts(site: Site) -> None:
    (number,) = await passes(site)
    page = await console(site)
    await scan(page, number)
    await drained(page)
    await page.wait_for_selector("[data-card=ready]")
    await page.click("text=更多")
    await page.click("text=交接班")
    await page.fill("#f-gave", "041")
    await page.fill("#f-took", "077")
    await shoot(page, "console-handover-zh")
    await page.click("button.gate")
    await page.wait_for_selector("text=自检")
    await shoot(page, "console-selftest-zh")
    async with connected(site.dsn) as conn:
        row = await conn.fetchrow("SELECT gave, took, counts FROM registry.handover")
    assert row is not None
    assert (row["gave"], row["took"], row["counts"]["green"]) == ("041", "077", 1)


async def test_a_queue_is_told_and_ended_from_the_console(site: Site) -> None:
    page = await console(site)
    await page.click("text=更多")
    await page.click("text=关闭和排队")
    await page.fill("#f-minutes", "40")
    await page.click("text=公布排队时间")
    await expect(page.locator("main li")).to_contain_text("排队约 40 分钟")
    await shoot(page, "console-notice-zh")
    await page.click("main li button")
    await expect(page.locator("main li")).to_have_count(0)


async def test_a_disk_that_takes_nothing_is_told_and_the_truck_goes_to_the_desk(
    site: Site,
) -> None:
    (number,) = await passes(site)
    page = await console(site)
    await page.evaluate(
        """() => {
          IDBObjectStore.prototype.put = () => { throw new DOMException("", "QuotaExceededError"); };
        }"""
    )
    assert await scan(page, number) == "yellow"
    await expect(page.locator(".why")).to_contain_text("没有记录")
    assert await waiting(page) == 0


async def test_a_console_that_cannot_start_says_so(site: Site) -> None:
    page = await site.page()
    await page.route("**/gate/words*", lambda route: route.fulfill(status=503, body="{}"))
    await page.goto("/gate/app")
    await expect(page.locator("[role=alert]")).to_contain_text("控制台没有打开")


async def test_a_refusal_is_said_in_the_consoles_words(site: Site) -> None:
    page = await site.page()
    await page.goto("/gate/app?lang=en")
    await page.fill("#f-code", "000000000000")
    await page.click("button[type=submit]")
    await expect(page.locator("[role=alert]")).to_contain_text("This code is wrong or over")
