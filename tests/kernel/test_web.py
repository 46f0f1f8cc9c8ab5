from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar, get, post
from litestar.response import Template

from kernel.auth import public
from kernel.i18n import load_catalogues, use_locale
from kernel.problems import exception_handlers
from kernel.web import (
    CONTENT_SECURITY_POLICY,
    Assets,
    Headers,
    Locale,
    csrf,
    group4,
    page,
    safe_next,
    session_config,
    template_config,
    url_with,
)

MOMENT = datetime(2022, 4, 12, 13, 0, tzinfo=UTC)


@get("/page", guards=[public])
async def show() -> Template:
    return page("one.html", name="<b>", at=MOMENT)


@post("/page", guards=[public])
async def take() -> Template:
    return page("one.html", http_status=422, name="again", at=MOMENT)


@get("/own", guards=[public])
async def own() -> Template:
    answer = page("two.html")
    answer.headers["content-security-policy"] = "default-src 'none'"
    return answer


@pytest.fixture
def browser(tmp_path: Path) -> httpx.AsyncClient:
    first, second, static = tmp_path / "a", tmp_path / "b", tmp_path / "static"
    for folder in (first, second, static):
        folder.mkdir()
    (first / "one.html").write_text(
        "{{ locale }}|{{ theme }}|{{ name }}|{{ at | local_time }}|{{ 41020001 | group4 }}|"
        "{{ t('hello') }}|{{ asset('a.css') }}|{{ csrf_input }}"
    )
    (second / "two.html").write_text("second folder {{ not_given }}")
    (second / "zh.po").write_text('msgid ""\nmsgstr ""\n\nmsgid "hello"\nmsgstr "你好"\n')
    (second / "en.po").write_text('msgid ""\nmsgstr ""\n\nmsgid "hello"\nmsgstr "Hello"\n')
    (static / "a.css").write_text("a{}")
    load_catalogues([second])
    assets = Assets([static])
    app = Litestar(
        [show, take, own, assets.router()],
        middleware=[Locale(), csrf("a secret of the test", secure=False)],
        before_send=[Headers(assets, secure=False)],
        exception_handlers=exception_handlers(),
        template_config=template_config([first, second], assets),
        openapi_config=None,
    )
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(cast("Any", app)), base_url="http://test"
    )


async def test_a_page_speaks_the_readers_language(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/page")).text.startswith(
        "zh|auto|&lt;b&gt;|4月12日 21:00|4102 0001|你好|/static/a.css?v="
    )
    english = await browser.get("/page", headers={"Accept-Language": "en-GB"})
    assert "12 Apr 21:00|4102 0001|Hello" in english.text


async def test_a_choice_of_language_and_theme_is_remembered(browser: httpx.AsyncClient) -> None:
    await browser.get("/page?lang=en&theme=night")
    assert (await browser.get("/page")).text.startswith("en|night|")
    await browser.get("/page?lang=tlh&theme=pink")
    assert (await browser.get("/page")).text.startswith("en|night|")


async def test_a_form_carries_its_token_and_may_be_shown_again(
    browser: httpx.AsyncClient,
) -> None:
    shown = await browser.get("/page")
    token = browser.cookies["csrftoken"]
    assert f'<input type="hidden" name="_csrf_token" value="{token}" />' in shown.text
    again = await browser.post("/page", data={"_csrf_token": token})
    assert again.status_code == 422
    assert token in again.text


@pytest.mark.parametrize("path", ["/page", "/nowhere", "/api/nowhere"])
async def test_every_answer_has_the_security_headers(browser: httpx.AsyncClient, path: str) -> None:
    headers = (await browser.get(path)).headers
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert headers["x-request-id"]


async def test_a_refused_form_has_them_too(browser: httpx.AsyncClient) -> None:
    refused = await browser.post("/page")
    assert refused.status_code == 403
    assert refused.headers["content-security-policy"] == CONTENT_SECURITY_POLICY


async def test_a_handler_may_have_a_policy_of_its_own(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/own")
    assert answer.headers.get_list("content-security-policy") == ["default-src 'none'"]
    assert answer.text == "second folder "


async def test_a_static_file_is_kept_for_ever_under_its_own_version_only(
    browser: httpx.AsyncClient,
) -> None:
    address = (await browser.get("/page")).text.split("|")[6]
    kept = await browser.get(address)
    assert (kept.status_code, kept.text) == (200, "a{}")
    assert "immutable" in kept.headers["cache-control"]
    for other in ("/static/a.css", "/static/a.css?v=old"):
        assert (await browser.get(other)).headers["cache-control"] == "no-cache"
    missing = await browser.get("/static/none.css?v=1")
    assert (missing.status_code, missing.headers["cache-control"]) == (404, "no-store")


async def test_static_files_set_no_cookies_and_leave_their_folder_to_nobody(
    browser: httpx.AsyncClient,
) -> None:
    assert "set-cookie" not in (await browser.get("/static/a.css")).headers
    assert (await browser.get("/static/..%2fa%2fone.html")).status_code == 404


def test_an_asset_outside_the_folders_has_no_version(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "secret").write_text("x")
    assert Assets([tmp_path / "static"]).url("../secret") == "/static/../secret"


@pytest.mark.parametrize(
    ("target", "result"),
    [
        ("/desk?day=2", "/desk?day=2"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/a\nb", "/"),
        ("", "/"),
        (None, "/"),
    ],
)
def test_after_log_in_one_stays_in_the_house(target: str | None, result: str) -> None:
    assert safe_next(target) == result


def test_numbers_are_set_in_fours_and_addresses_are_quoted() -> None:
    assert group4("410200001234") == "4102 0000 1234"
    assert url_with("/a", {"x": "1", "y": "2"}, y=None, z="李 &") == "/a?x=1&z=%E6%9D%8E+%26"


def test_secure_cookies_belong_to_one_host_and_go_over_https_only() -> None:
    sessions, forms = session_config(secure=True), csrf("secret", secure=True).config
    assert (sessions.key, sessions.secure, sessions.httponly) == ("__Host-session", True, True)
    assert (forms.cookie_name, forms.cookie_secure) == ("__Host-csrftoken", True)
    assert csrf("secret", secure=True).session_cookie == sessions.key


def test_a_part_is_drawn_once_for_the_same_facts_in_each_language(tmp_path: Path) -> None:
    (tmp_path / "row.html").write_text("{{ name }} {{ at | local_time }} {{ drawn_times() }}")
    environment = template_config([tmp_path], Assets([])).engine_instance.engine
    times: list[int] = []
    environment.globals["drawn_times"] = lambda: times.append(1) or len(times)
    drawn = environment.globals["drawn"]
    for _ in range(2):
        assert drawn("row.html", name="<a>", at=MOMENT) == "&lt;a&gt; 4月12日 21:00 1"
    with use_locale("en"):
        assert drawn("row.html", name="<a>", at=MOMENT) == "&lt;a&gt; 12 Apr 21:00 2"
    assert drawn("row.html", name="b", at=MOMENT) == "b 4月12日 21:00 3"
