"""Another emergency in Chromium: the pack comes into force while the city is running."""

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from kernel.db import connected
from registry.imports import import_evidence
from registry.rules import SCENARIOS, RuleSet, read_scenario
from registry.scenario import install
from tests.browser.conftest import DESK, PHONE, Site, shoot
from tests.browser.reporting import Driver, to_check
from tests.browser.test_day import scan
from tests.conftest import NOON

pytestmark = pytest.mark.browser

LIVESTOCK = SCENARIOS / "livestock-channel.json"
FLOOD = Path(__file__).parent.parent / "scenarios" / "flood-relief.json"
PLATE = "豫B12345"


async def bring(site: Site, rules: RuleSet, kind: str, head: str, row: str) -> None:
    async with connected(site.dsn) as conn, conn.transaction():
        report = await import_evidence(
            conn,
            site.city.office.vault,
            rules,
            kind,
            f"{head}\n{row}".encode(),
            "text/csv",
            source="county",
            as_of=site.clock.now(),
            dry_run=False,
            actor=None,
            now=site.clock.now(),
        )
    assert report.refused == 0, report.rows


async def put_in_force(site: Site, pack: Path) -> RuleSet:
    async with connected(site.dsn) as conn, conn.transaction():
        await install(conn, pack, site.clock.now(), site.clock.now())
    return read_scenario(pack)


async def papers(site: Site, rules: RuleSet) -> None:
    signed = (NOON - timedelta(hours=2)).isoformat()
    head = "plate,value,taken_at,reference"
    await bring(site, rules, "quarantine_certificate", head, f"{PLATE},valid,{signed},ZJ-1")
    await bring(site, rules, "vehicle_record", head, f"{PLATE},on_record,{signed},")
    await bring(site, rules, "disinfection", head, f"{PLATE},done,{signed},")
    zone = f"某县,protection,{signed},某县"
    await bring(site, rules, "infected_zone", "name,level,since,words", zone)
    carrier = f"410221197912126548,warned,{signed}"
    await bring(site, rules, "carrier_list", "id_number,value,taken_at", carrier)


async def report(site: Site, page: Page, rules: RuleSet) -> str:
    asked = tuple(question.code for question in rules.questions)
    await to_check(site, page, Driver(plate=PLATE, questions=asked))
    await page.click("main button[type=submit]")
    await expect(page.locator("article.ticket")).to_be_visible()
    digits = await page.locator("article.ticket p.tight").inner_text()
    return "".join(character for character in digits if character.isdigit())


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_truck_with_animals_from_report_to_discharge(site: Site, lang: str) -> None:
    await site.page(lang=lang, viewport=PHONE)
    rules = await put_in_force(site, LIVESTOCK)
    await papers(site, rules)
    driver = await site.page(lang=lang, viewport=PHONE)
    number = await report(site, driver, rules)
    await shoot(driver, f"livestock-pass-{lang}")

    site.clock.at = NOON + timedelta(minutes=50)
    lane = await site.log_in("lane", site.city.north, lang=lang, viewport=PHONE)
    await lane.goto("/gate?gate=1")
    await scan(lane, number)
    await expect(lane.locator("main")).to_contain_text({"zh": "放行", "en": "PASS"}[lang])
    await shoot(lane, f"livestock-green-{lang}")

    site.clock.at += timedelta(minutes=40)
    firm = await site.log_in("firm", site.city.mill, lang=lang, viewport=DESK)
    await firm.click("td.act button")
    await expect(firm.locator("[role=status]")).to_be_visible()
    await driver.reload()
    await expect(driver.locator(".word")).to_contain_text({"zh": "闭环", "en": "closed"}[lang])


async def test_an_invented_pack_speaks_for_itself(site: Site) -> None:
    rules = await put_in_force(site, FLOOD)
    driver = await site.page(viewport=PHONE)
    number = await report(site, driver, rules)
    site.clock.at = NOON + timedelta(minutes=50)
    lane = await site.log_in("lane", site.city.north, viewport=PHONE)
    await lane.goto("/gate?gate=1")
    await scan(lane, number)
    await expect(lane.locator("main")).to_contain_text("没有调度令")
    await shoot(lane, "flood-yellow-zh")
    await driver.reload()
    await expect(driver.locator("main")).not_to_contain_text("核酸")
