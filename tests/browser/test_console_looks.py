"""The console's screens and cards, by day and by night, on a telephone and on a tablet: axe finds
nothing, nothing overflows, the whole sentence is spoken, and the shell stays light.
"""

import gzip

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from checkpoint.console_pages import FILES, MODULES
from tests.browser.conftest import PHONE, Site, shoot
from tests.browser.consoles import TYPE, console, passes
from tests.support import REPOSITORY

pytestmark = pytest.mark.browser

TABLET = {"width": 1180, "height": 820}
NARROW = {"width": 320, "height": 640}
LARGEST_SHELL = 25 * 1024
WORDS = {
    "zh": {"menu": "更多", "keypad": "输入车牌", "back": "返回", "day": "白天", "night": "夜间"},
    "en": {
        "menu": "More",
        "keypad": "Type a plate",
        "back": "Back",
        "day": "Day",
        "night": "Night",
    },
}
#: Painted by hand: what a card looks like does not hang on why it was given.
PAINT = """async ([card, code]) => {
  const { card: view } = await import("/static/console/view.js");
  const shown = { card, plate: "豫B12345", reasons: code ? [{ code, facts: { at: 0, gate: "1" } }] : [] };
  const [section, facts, spoken] = view(shown);
  document.getElementById("main").replaceChildren(section, facts);
  document.getElementById("said").textContent = spoken;
}"""
CARDS = {
    "green": "",
    "yellow": "test_missing",
    "white": "no_valid_test",
    "red": "red_code",
    "duplicate": "duplicate",
    "wrong_code": "payment_code",
}


async def clean(page: Page, name: str) -> None:
    found = await Axe().run(page)
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"


@pytest.mark.parametrize("theme", ["day", "night"])
@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_screens_are_kind_to_everyone(site: Site, lang: str, theme: str) -> None:
    await passes(site)
    page = await console(site, lang=lang, viewport=NARROW, bypass_csp=True)
    words = WORDS[lang]
    await page.click(f"text={words['menu']}")
    await page.click(f"button:text-is('{words[theme]}')")
    await clean(page, "menu")
    await page.click(f"text={words['back']}")
    await clean(page, "ready")
    await page.click(f"text={words['keypad']}")
    await clean(page, "keypad")
    await page.add_style_tag(content="html { font-size: 200% !important }")
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= NARROW["width"]


@pytest.mark.parametrize(("size", "name"), [(PHONE, "phone"), (TABLET, "tablet")])
@pytest.mark.parametrize("theme", ["day", "night"])
async def test_each_card_is_told_by_word_shape_and_sentence(
    site: Site, theme: str, size: dict[str, int], name: str
) -> None:
    page = await console(site, viewport=size, bypass_csp=True)
    await page.evaluate("(theme) => { document.documentElement.dataset.theme = theme }", theme)
    for card, code in CARDS.items():
        await page.evaluate(PAINT, [card, code])
        await expect(page.locator(f"[data-card={card}] svg")).to_be_visible()
        verb = (await page.locator(".verb").inner_text()).split("\n")[0]
        said = await page.locator("#said").inner_text()
        assert said.startswith(verb)
        assert "豫B12345" in said
        why = page.locator(".why")
        if code:
            assert (await why.inner_text()) in said
        await clean(page, card)
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= size["width"]
        await shoot(page, f"card-{card}-{theme}-{name}")


async def test_a_card_is_announced_at_once(site: Site) -> None:
    (number,) = await passes(site)
    page = await console(site)
    region = page.locator("#said")
    assert await region.get_attribute("aria-live") == "assertive"
    await page.evaluate(TYPE, number)
    await expect(region).to_have_text("放行, 豫B00000")


def test_the_shell_is_light() -> None:
    scripts = [REPOSITORY / "checkpoint/static/console" / name for name in MODULES]
    scripts.append(REPOSITORY / "registry/static/verify-pass.js")
    size = sum(len(gzip.compress(script.read_bytes(), 9)) for script in scripts)
    print(f"{size} bytes of JavaScript in {len(scripts)} files, compressed")
    assert size <= LARGEST_SHELL
    names = {f"/static/console/{script.name}" for script in scripts[:-1]}
    assert names | {"/static/verify-pass.js"} == {name for name in FILES if name.endswith(".js")}


async def test_it_starts_without_a_network(site: Site) -> None:
    (number,) = await passes(site)
    page = await console(site)
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    await page.reload()
    await page.wait_for_selector("[data-card=ready]")
    await page.context.set_offline(True)
    await page.reload()
    await page.wait_for_selector("[data-card=ready]")
    await page.evaluate(TYPE, number)
    await expect(page.locator("[data-card=green]")).to_be_visible()
    await expect(page.locator("#pill")).to_contain_text("离线")


async def test_nothing_on_it_names_a_person_and_no_key_can_leave(site: Site) -> None:
    await passes(site)
    page = await console(site)
    kept = await page.evaluate(
        """async () => {
          const { Store } = await import("/static/console/store.js");
          const store = await Store.open();
          const all = await new Promise((resolve) => {
            const request = store.read("passes").getAll();
            request.onsuccess = () => resolve(JSON.stringify(request.result));
          });
          const key = await store.get("key");
          const taken = await crypto.subtle.exportKey("jwk", key.privateKey).catch(() => "refused");
          return [all, taken];
        }"""
    )
    text, taken = kept
    assert "豫B00000" in text
    assert "李" not in text
    assert "4102211990" not in text
    assert taken == "refused"
