"""A truck that nobody reported drives past a camera: it appears before the lane and on the duty desk by
itself, and becomes a movement by the officer's word. And the pages of keys and of the API.
"""

from datetime import timedelta

import httpx
import pytest
from playwright.async_api import expect

from kernel.db import connected
from tests.browser.conftest import DESK, PHONE, Site
from tests.browser.looking import look
from tests.checkpoint.camera_ground import a_camera, a_read, anpr, send
from tests.checkpoint.moves import reported
from tests.city import IDS
from tests.conftest import NOON

pytestmark = pytest.mark.browser
VIEWS = {"zh": PHONE, "en": DESK}
THEMES = {"zh": "day", "en": "night"}


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_an_unregistered_truck_appears_by_itself(site: Site, lang: str) -> None:
    async with connected(site.dsn) as conn:
        await reported(conn, site.city)
        await reported(conn, site.city, plate="豫B54321", id_number=IDS[1])
        token = await a_camera(conn, site.city.north)
    view = VIEWS[lang]
    lane = await site.log_in("lane", site.city.north, lang=lang, viewport=view, bypass_csp=True)
    duty = await site.log_in("duty", lang=lang, viewport=view, bypass_csp=True)
    await lane.goto(f"/gate?gate=1&theme={THEMES[lang]}")
    await duty.goto(f"/duty?theme={THEMES[lang]}")
    await expect(lane.locator("#reads")).to_be_visible()
    async with httpx.AsyncClient(base_url=site.url) as camera:
        pushed = await camera.post(
            f"/api/v1/cameras/{token}/hikvision", content=anpr(plate="豫C77777")
        )
        assert pushed.json()["results"][0]["outcome"] == "unregistered"
        await send(camera, token, a_read("2"), a_read("3", "豫B5432I"))
    await expect(lane.locator("[data-live] li")).to_have_count(3)
    await expect(lane.locator("[data-live]")).to_contain_text("77777")
    row = duty.locator("[data-row^='stranger-']")
    await expect(row).to_have_count(1)
    await look(lane, f"camera-lane-{lang}")
    await look(duty, f"camera-duty-{lang}")
    await row.locator("button").first.click()
    await expect(duty.locator("[role=status]")).to_be_visible()
    await expect(duty.locator("[data-row^='stranger-']")).to_have_count(0)
    async with connected(site.dsn) as conn:
        assert await conn.fetchval("SELECT count(*) FROM registry.movement") == 3


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_key_is_prepared_released_and_drawn(site: Site, lang: str) -> None:
    view = VIEWS[lang]
    async with connected(site.dsn) as conn:
        await conn.execute(
            """
            INSERT INTO registry.account (id, login, password_hash, name, roles, place_id,
                                          created_at)
            VALUES (gen_random_uuid(), 'mill', '', '面粉厂', '{firm}', $1, $2)
            """,
            site.city.mill,
            NOON - timedelta(days=1),
        )
    admin = await site.log_in("admin", lang=lang, viewport=view, bypass_csp=True)
    officer = await site.log_in("security", lang=lang, viewport=view, bypass_csp=True)
    await admin.goto(f"/admin/keys?theme={THEMES[lang]}")
    await admin.locator("main details summary").first.click()
    await admin.fill("#f-login", "mill")
    await admin.fill("#f-label", "地磅系统")
    await admin.check("[name=scope][value='loops:read']")
    await admin.check("[name=scope][value='events:write']")
    await look(admin, f"keys-new-{lang}")
    await admin.click("form[action='/admin/keys'] button")
    await expect(admin.locator("article")).to_have_count(1)
    await officer.goto(f"/security/keys?theme={THEMES[lang]}")
    await look(officer, f"keys-release-{lang}")
    await officer.click("form[action$='/release'] button")
    await expect(officer.locator("[role=status]")).to_be_visible()
    await admin.reload()
    await look(admin, f"keys-{lang}")
    await admin.click("form[action$='/token'] button")


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_the_api_is_told_on_a_page(site: Site, lang: str) -> None:
    page = await site.page(lang=lang, viewport=VIEWS[lang], bypass_csp=True)
    asked: list[str] = []
    page.on("request", lambda each: asked.append(each.url))
    await page.goto(f"/api/docs?theme={THEMES[lang]}")
    await page.locator("#post_scans summary").click()
    await expect(page.locator("#post_scans pre").first).to_be_visible()
    await look(page, f"api-docs-{lang}")
    assert [url for url in asked if not url.startswith(site.url)] == []
