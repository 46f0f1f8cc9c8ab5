"""From an invitation to work, in a browser, without JavaScript; and the pages on that way."""

import pytest
from playwright.async_api import Page

from kernel.db import open_pool
from tests.authenticator import STEP, Authenticator
from tests.browser.conftest import Site, shoot
from tests.browser.test_looks import NARROW, TWICE
from tests.browser.test_looks import check as kind

pytestmark = pytest.mark.browser
NEW = "four words of mine"


async def narrow(page: Page, name: str) -> None:
    """A page that stands at the end of a form: it is looked at as it is."""
    await shoot(page, name)
    wide = await page.evaluate(f"document.documentElement.scrollWidth - {NARROW['width']}")
    assert wide <= 0, name
    await page.add_style_tag(content=TWICE)
    wide = await page.evaluate(f"document.documentElement.scrollWidth - {NARROW['width']}")
    assert wide <= 0, f"{name} at 200 %"


async def invited(site: Site, admin: Page, officer: Page) -> str:
    """Prepared by one, released by the other; the link that the first then draws."""
    await admin.goto("/admin/accounts")
    await admin.click("main summary")
    await admin.fill("#f-login", "li")
    await admin.fill("#f-name", "李值班")
    await admin.check("input[value=duty]")
    await admin.click("details[open] button[type=submit]")
    await officer.goto("/security/accounts")
    await kind(officer, "/security/accounts", "grants-waiting")
    await officer.goto("/security/accounts")
    await officer.click("article .btn:not(.warn)")
    await admin.goto("/admin/accounts")
    await admin.get_by_role("link", name="li", exact=True).click()
    await admin.wait_for_url("**/admin/accounts/*-*")
    address = admin.url.removeprefix(site.url)
    await kind(admin, address, "account")
    await admin.goto(address)
    await admin.click(".note.ok .btn")
    link = await admin.inner_text("p.mono")
    await narrow(admin, "look-shown-once")
    return link.split("/invite/")[1]


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_from_an_invitation_to_work(site: Site, lang: str) -> None:
    admin = await site.log_in("admin", viewport=NARROW, bypass_csp=True)
    officer = await site.log_in("security", viewport=NARROW, bypass_csp=True)
    token = await invited(site, admin, officer)
    person = await site.page(lang=lang, viewport=NARROW, bypass_csp=True)
    await kind(person, f"/invite/{token}", f"invite-{lang}")
    await person.goto(f"/invite/{token}?lang={lang}")
    await person.fill("#f-password", "short")
    await person.click("main button[type=submit]")
    assert await person.locator("#error-summary").count() == 1
    await person.fill("#f-password", NEW)
    await person.fill("#f-again", NEW)
    await person.click("main button[type=submit]")
    await person.wait_for_url("**/me/factor")
    phone = Authenticator(await person.content())
    await narrow(person, f"look-factor-owing-{lang}")
    await person.goto(f"/me/factor?lang={lang}")
    assert Authenticator(await person.content()).secret == phone.secret
    await person.fill("#f-code", phone.code(site.clock))
    await person.click("form[action='/me/factor'] button[type=submit]")
    assert await person.locator("ol li").count() == 8
    await narrow(person, f"look-recovery-{lang}")
    await person.click("a.btn")
    await person.wait_for_url("**/duty")
    await shoot(person, f"look-duty-{lang}")

    site.clock.at += STEP
    again = await site.page(lang=lang, viewport=NARROW, bypass_csp=True)
    await again.goto("/login")
    await again.fill("#f-login", "li")
    await again.fill("#f-password", NEW)
    await again.click("main button[type=submit]")
    await again.wait_for_url("**/login/code")
    await kind(again, "/login/code", f"code-{lang}")
    await again.goto(f"/login/code?lang={lang}")
    await again.fill("#f-code", phone.code(site.clock))
    await again.click("form[action='/login/code'] button[type=submit]")
    await again.wait_for_url("**/duty")


async def test_a_session_that_was_ended_says_that_the_form_must_be_sent_again(site: Site) -> None:
    duty = await site.log_in("duty", viewport=NARROW, bypass_csp=True)
    await duty.goto("/me")
    pool = await open_pool(site.dsn, size=1)
    async with pool.acquire() as conn:
        await conn.execute("UPDATE registry.login_session SET ended_at = now()")
    await pool.close()
    await duty.fill("#f-current", "x")
    await duty.click("form[action='/me/password'] button[type=submit]")
    assert duty.url.endswith("/login?next=%2Fme&again=1")
    assert await duty.locator(".note.stale").count() == 1
    await kind(duty, "/login?next=%2Fme&again=1", "login-again")
