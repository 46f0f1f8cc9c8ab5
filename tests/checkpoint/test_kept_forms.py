"""A form whose log-in ended while it was typed: there again after the log-in, for the same person
and for nobody else.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape

import httpx
import pytest
from litestar import Litestar
from msgspec import Struct

from kernel.clock import SetClock
from kernel.db import Connection
from kernel.kept_forms import LIVES
from kernel.privacy import Vault
from registry.applications import apply, find_application
from tests.city import IDS, City
from tests.closedloop.test_assist import filled
from tests.conftest import NOON
from tests.http import PASSWORD, add_account, log_in, opened, submit
from tests.registry.test_mending import MILL

TYPED = ("name", "id_number", "phone", "plate", "origin", "expected_entry_at")


class Desk(Struct, frozen=True, kw_only=True):
    browser: httpx.AsyncClient
    conn: Connection
    clock: SetClock
    login: str

    async def comes_back(self, login: str | None = None, **fields: str) -> httpx.Response:
        said = {"login": login or self.login, "password": PASSWORD} | fields
        return await submit(self.browser, await self.browser.get("/login"), "/login", said)

    async def sends_too_late(
        self, page: str, path: str, fields: dict[str, str], *, shift: bool = False
    ) -> httpx.Response:
        """Its log-in is ended by somebody, or with the shift."""
        shown = await self.browser.get(page)
        assert shown.status_code == 200
        if shift:
            self.clock.at += timedelta(hours=12, minutes=5)
        else:
            await self.conn.execute("UPDATE registry.login_session SET ended_at = started_at")
        self.browser.headers["referer"] = f"http://test{page}"
        answer = await submit(self.browser, shown, path, fields)
        del self.browser.headers["referer"]
        assert answer.status_code == 303
        return answer

    async def movements(self) -> int:
        return await self.conn.fetchval("SELECT count(*) FROM registry.movement")


@pytest.fixture
async def desk(app: Litestar, conn: Connection, clock: SetClock, city: City) -> AsyncIterator[Desk]:
    login = await add_account(conn, "desk", clock, city.north)
    async with opened(app) as browser:
        await log_in(browser, login)
        yield Desk(browser=browser, conn=conn, clock=clock, login=login)


@pytest.fixture
async def registrar(
    app: Litestar, conn: Connection, clock: SetClock, city: City
) -> AsyncIterator[Desk]:
    del city
    login = await add_account(conn, "registrar", clock)
    async with opened(app) as browser:
        await log_in(browser, login)
        yield Desk(browser=browser, conn=conn, clock=clock, login=login)


@pytest.mark.parametrize("shift", [True, False])
@pytest.mark.parametrize(
    ("lang", "kept", "unsent"),
    [("zh", "填的内容已保留", "还没有提交"), ("en", "What you typed is kept", "not been sent")],
)
async def test_an_assisted_report_is_there_again_and_becomes_one_movement(
    desk: Desk, city: City, lang: str, kept: str, unsent: str, *, shift: bool
) -> None:
    await desk.browser.get("/", params={"lang": lang})
    typed = filled(city, origin="山东省<济南>市𠮷", expected_entry_at="2022-05-02T12:00")
    typed["expected_exit_at"] = "2022-05-03T12:00"
    answer = await desk.sends_too_late("/assist", "/assist", typed, shift=shift)
    assert answer.headers["location"] == "/login?next=%2Fassist&again=kept"
    asked = await desk.browser.get(answer.headers["location"])
    assert kept in asked.text
    assert IDS[0] not in asked.text
    assert (await desk.comes_back(next="/assist")).headers["location"] == "/assist"
    again = await desk.browser.get("/assist")
    for field in TYPED:
        assert f'value="{typed[field]}"' in unescape(again.text), field
    assert unsent in again.text
    assert await desk.movements() == 0
    assert (await submit(desk.browser, again, "/assist", typed)).status_code == 303
    assert await desk.movements() == 1
    assert IDS[0] not in (await desk.browser.get("/assist")).text


async def test_whoever_logs_in_instead_sees_nothing_of_it(
    desk: Desk, conn: Connection, clock: SetClock, city: City
) -> None:
    await desk.sends_too_late("/assist", "/assist", filled(city))
    other = await add_account(conn, "desk", clock, city.north)
    await desk.comes_back(other)
    shown = await desk.browser.get("/assist")
    assert shown.status_code == 200
    assert IDS[0] not in shown.text
    await desk.comes_back()
    assert IDS[0] not in (await desk.browser.get("/assist")).text


async def test_it_is_sealed_where_it_is_kept_and_nothing_secret_is(
    desk: Desk, conn: Connection, city: City
) -> None:
    await desk.sends_too_late("/assist", "/assist", filled(city))
    (data,) = [row["data"] for row in await conn.fetch("SELECT data FROM kernel.session")]
    assert b"kept_form" in data
    for private in (IDS[0], "13812345678", "豫B12345"):
        assert private.encode() not in data


async def test_a_password_is_never_kept(desk: Desk, conn: Connection) -> None:
    said = {"current": PASSWORD, "password": "another long password", "again": "x"}
    answer = await desk.sends_too_late("/me", "/me/password", said)
    assert answer.headers["location"] == "/login?next=%2Fme&again=1"
    (data,) = [row["data"] for row in await conn.fetch("SELECT data FROM kernel.session")]
    assert b"kept_form" not in data


async def test_an_hour_later_and_on_an_empty_form_it_is_gone(
    desk: Desk, clock: SetClock, city: City
) -> None:
    await desk.sends_too_late("/assist", "/assist", filled(city))
    await desk.comes_back()
    assert IDS[0] not in (await desk.browser.get("/assist?fresh=1")).text
    assert IDS[0] in (await desk.browser.get("/assist")).text
    clock.at += LIVES
    assert IDS[0] not in (await desk.browser.get("/assist")).text


@pytest.mark.parametrize(("lang", "word"), [("zh", "内容已保留"), ("en", "It is kept")])
async def test_a_review_stands_beside_its_list_and_is_sent_with_one_tap(
    registrar: Desk, conn: Connection, vault: Vault, lang: str, word: str
) -> None:
    made = await apply(conn, vault, MILL, NOON)
    await registrar.browser.get("/", params={"lang": lang})
    said = {"decision": "reject", "reason": "vague", "note": "请写明门牌号"}
    path = f"/reg/applications/{made}/review"
    answer = await registrar.sends_too_late("/reg/applications", path, said)
    assert "again=kept" in answer.headers["location"]
    await registrar.comes_back()
    assert "请写明门牌号" not in (await registrar.browser.get("/places")).text
    again = await registrar.browser.get("/reg/applications")
    assert word in again.text
    for value in said.values():
        assert f" · {value}" in again.text
    assert (await find_application(conn, made)).state == "pending"
    for name, value in said.items():
        assert f'<input type="hidden" name="{name}" value="{value}">' in again.text
    assert (await submit(registrar.browser, again, path, said)).status_code == 303
    filed = await find_application(conn, made)
    assert (filed.state, filed.reason) == ("rejected", "vague: 请写明门牌号")
    assert "请写明门牌号" not in (await registrar.browser.get("/reg/applications")).text


async def test_of_a_list_the_choices_are_kept_and_the_file_is_asked_for_again(
    registrar: Desk,
) -> None:
    shown = await registrar.browser.get("/reg/import")
    await registrar.conn.execute("UPDATE registry.login_session SET ended_at = started_at")
    token = shown.text.partition('name="_csrf_token" value="')[2].partition('"')[0]
    answer = await registrar.browser.post(
        "/reg/import",
        data={"_csrf_token": token, "confirm_new": "yes"},
        files={"file": ("list.csv", b"x" * 1000, "text/csv")},
        headers={"referer": "http://test/reg/import"},
    )
    assert "again=kept" in answer.headers["location"]
    await registrar.comes_back()
    again = (await registrar.browser.get("/reg/import")).text
    assert 'name="confirm_new" value="yes" checked' in again
    assert 'name="dry_run" value="yes">' in again
    assert await registrar.conn.fetchval("SELECT count(*) FROM registry.application") == 0


async def test_a_visitor_who_was_never_logged_in_has_nothing_kept(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    answer = await submit(client, await client.get("/login"), "/assist", filled(city))
    assert answer.headers["location"] == "/login?again=1"
    assert await conn.fetchval("SELECT count(*) FROM kernel.session") == 0
