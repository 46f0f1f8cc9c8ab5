"""Keypads on a small phone, and questions that are read aloud: helps that nobody needs to use."""

import re
from pathlib import Path
from typing import cast

import pytest
from axe_playwright_python.async_playwright import Axe
from babel.messages.pofile import read_po
from litestar.plugins.jinja import JinjaTemplateEngine
from playwright.async_api import Page, Route, expect

from kernel.assets import Assets
from kernel.i18n import use_locale
from kernel.web import template_config
from registry.plates import PROVINCES, parse
from registry.rules import read_scenario, shipped
from tests.browser.conftest import Site, shoot
from tests.support import REPOSITORY

pytestmark = pytest.mark.browser

STATIC = REPOSITORY / "closedloop" / "static"
VOICE = STATIC / "voice"
QUESTIONS = [
    f"ui.ask.{name}"
    for name in ["phone", "code", "person", "plate", "way", "times", "check", "again"]
] + sorted({spoken for path in shipped() if (spoken := read_scenario(path).spoken)})
PHONE = {"width": 320, "height": 640}
PAGE = """{% import "macros.html" as ui with context %}
{% import "keypads.html" as pads with context %}
<!doctype html><html lang="{{ 'zh-Hans' if locale == 'zh' else 'en' }}" data-theme="{{ theme }}">
<head><meta charset="utf-8"><title>T</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/static/base.css"></head><body><main id="main"><h1>T</h1>
{{ ui.listen("ui.ask.plate") }} {{ ui.listen("ui.ask.way") }}
{{ ui.field("plate", "Plate", keypad="plate", province="豫", maxlength=8, mono=true) }}
{{ ui.field("id", "ID", keypad="id", inputmode="text", maxlength=18) }}
{{ ui.field("other", "Other") }}
</main>{{ pads.keypads() }}<script src="/static/voice.js" defer></script></body></html>"""


def rendered(lang: str, theme: str) -> str:
    floors = [REPOSITORY / floor for floor in ("kernel", "closedloop")]
    assets = Assets([floor / "static" for floor in floors])
    configured = template_config([floor / "templates" for floor in floors], assets)
    environment = cast("JinjaTemplateEngine", configured.instance).engine
    with use_locale(lang):
        return environment.from_string(PAGE).render(locale=lang, theme=theme)


async def opened(site: Site, lang: str = "zh", theme: str = "day", *, touch: bool = True) -> Page:
    page = await (
        await site.context(viewport=PHONE, has_touch=touch, is_mobile=touch, bypass_csp=True)
    ).new_page()

    async def answer(route: Route) -> None:
        await route.fulfill(body=rendered(lang, theme), content_type="text/html; charset=utf-8")

    await page.route("**/ease", answer)
    await page.goto("/ease")
    return page


async def tap(page: Page, keys: str) -> None:
    for sign in keys:
        await page.locator(".pad").get_by_role("button", name=sign, exact=True).tap()


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_plate_and_an_id_are_typed_with_the_keypads(site: Site, lang: str) -> None:
    page = await opened(site, lang)
    plate, number = page.locator("#f-plate"), page.locator("#f-id")
    await plate.tap()
    await expect(plate).to_have_attribute("inputmode", "none")
    assert await page.locator(".pad button").first.inner_text() == "豫"
    await shoot(page, f"keypad-provinces-{lang}")
    await tap(page, "豫B1234")
    await shoot(page, f"keypad-signs-{lang}")
    await tap(page, "挂")
    await expect(plate).to_have_value("豫B1234挂")
    assert parse(await plate.input_value()).kind == "trailer"
    await number.tap()
    assert await page.locator(".pad").count() == 1
    assert await plate.get_attribute("inputmode") in {None, ""}
    await tap(page, "41022119900101123X0")
    await expect(number).to_have_value("41022119900101123X")
    await shoot(page, f"keypad-id-{lang}")
    await page.locator(".pad").get_by_role("button", name={"zh": "完成", "en": "Done"}[lang]).tap()
    assert await page.locator(".pad").count() == 0
    await expect(number).to_have_attribute("inputmode", "text")


@pytest.mark.parametrize("theme", ["day", "night"])
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_the_keypads_are_kind_to_everyone(site: Site, lang: str, theme: str) -> None:
    page = await opened(site, lang, theme)
    for name, typed in (("plate", ""), ("plate", "豫B1234"), ("id", "")):
        await page.fill(f"#f-{name}", typed)
        await page.locator(f"#f-{name}").tap()
        found = await Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        for key in await page.locator(".pad button").all():
            box = await key.bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) >= 48
    await page.add_style_tag(content="html { font-size: 200% !important }")
    for name in ("plate", "id"):
        await page.locator(f"#f-{name}").tap()
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= PHONE["width"], f"{name} is {wide} px wide"


async def test_keyboard_and_pasting_still_work_and_a_button_brings_the_keyboard(
    site: Site,
) -> None:
    page = await opened(site)
    plate = page.locator("#f-plate")
    await plate.tap()
    await page.keyboard.type("粤z")
    await page.keyboard.insert_text("1234")
    await tap(page, "港")
    await expect(plate).to_have_value("粤z1234港")
    await page.evaluate("document.querySelector('#f-plate').setSelectionRange(2, 2)")
    await page.locator(".pad").get_by_role("button", name="删除").tap()
    await expect(plate).to_have_value("粤1234港")
    await page.locator(".pad").get_by_role("button", name="用键盘").tap()
    assert await page.locator(".pad").count() == 0
    assert await plate.get_attribute("inputmode") in {None, ""}
    await page.keyboard.type("Z")
    await expect(plate).to_have_value("粤Z1234港")


async def test_the_keys_are_reached_without_touching(site: Site) -> None:
    page = await opened(site)
    await page.focus("#f-id")
    await page.keyboard.press("Tab")
    for _ in range(3):
        await page.keyboard.press("Enter")
    await expect(page.locator("#f-id")).to_have_value("111")


async def test_a_desk_with_a_mouse_has_no_keypad(site: Site) -> None:
    page = await opened(site, touch=False)
    await page.click("#f-plate")
    assert await page.locator(".pad").count() == 0
    assert await page.locator("#f-plate").get_attribute("inputmode") is None


def test_the_keypad_knows_the_provinces_and_stays_small() -> None:
    script = (STATIC / "keypads.js").read_text("utf-8")
    found = re.search(r'PROVINCES = "(.+)"', script)
    assert found is not None
    assert sorted(found[1]) == sorted(PROVINCES)
    assert len(found[1]) == 31
    signs = re.search(r'SIGNS = "(.+)"', script)
    assert signs is not None
    assert not set("IO") & set(signs[1])
    assert len(signs[1]) == 34
    assert (STATIC / "keypads.js").stat().st_size <= 3 * 1024
    assert (STATIC / "voice.js").stat().st_size <= 1024


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("key", QUESTIONS)
def test_every_question_has_a_small_clip(lang: str, key: str) -> None:
    clip = VOICE / lang / f"{key}.mp3"
    assert 3_000 < clip.stat().st_size <= 25 * 1024
    head = clip.read_bytes()[:3]
    assert head == b"ID3" or head[0] == 0xFF


def test_no_clip_is_of_a_question_that_nobody_asks() -> None:
    """A clip without its sentence would go on being read after the sentence has changed."""
    said = {file.stem for file in VOICE.rglob("*.mp3")}
    assert said == set(QUESTIONS)
    for lang in ("zh", "en"):
        with Path(REPOSITORY / "closedloop" / "locale" / f"{lang}.po").open("rb") as file:
            asked = {str(m.id) for m in read_po(file) if str(m.id).startswith("ui.ask.")}
        assert not asked or said & asked


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_clip_is_fetched_when_it_is_tapped_and_never_before(site: Site, lang: str) -> None:
    page = await opened(site, lang)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.reload()
    await page.wait_for_load_state("networkidle")
    assert asked
    assert [url for url in asked if "/voice/" in url] == []
    name = {"zh": "听一遍", "en": "Listen"}[lang]
    async with page.expect_request(re.compile("/voice/")) as fetched:
        await page.get_by_role("button", name=name).first.tap()
    assert f"/voice/{lang}/ui.ask.plate.mp3" in (await fetched.value).url
    await expect(page.locator("[data-playing]")).to_have_count(1)
    await page.get_by_role("button", name=name).first.tap()
    await expect(page.locator("[data-playing]")).to_have_count(0)
    await shoot(page, f"listen-{lang}")


async def test_a_clip_can_be_heard_without_javascript(site: Site) -> None:
    page = await (await site.context(java_script_enabled=False)).new_page()
    answer = await page.request.get(f"{site.url}/static/voice/zh/ui.ask.plate.mp3")
    assert answer.headers["content-type"] == "audio/mpeg"
    assert 'href="/static/voice/zh/ui.ask.plate.mp3?v=' in rendered("zh", "day")
