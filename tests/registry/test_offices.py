"""Three offices over HTTP: prepared by one, granted by another, looked at by a third."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from kernel.clock import SetClock
from kernel.db import Connection
from tests.authenticator import LINK, enrol, give_code
from tests.http import add_account, log_in, submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
NEW = "four words of mine"
OFFICES = ("admin", "security", "auditor")


async def post(browser: httpx.AsyncClient, page: str, url: str, **fields: Any) -> httpx.Response:
    return await submit(browser, await browser.get(page), url, fields)


async def prepared(admin: httpx.AsyncClient, **fields: Any) -> httpx.Response:
    said = {"login": "li", "name": "李值班", "role": ["duty"]} | fields
    return await post(admin, "/admin/accounts?lang=en", "/admin/accounts", **said)


async def account_id(conn: Connection, login: str = "li") -> UUID:
    return await conn.fetchval("SELECT id FROM registry.account WHERE login = $1", login)


async def decide(conn: Connection, officer: httpx.AsyncClient, what: str, **more: str) -> None:
    change: UUID = await conn.fetchval(
        "SELECT id FROM registry.account_change WHERE decision IS NULL"
    )
    answer = await post(officer, "/security/accounts", f"/security/changes/{change}/{what}", **more)
    assert answer.status_code == 303, answer.text


async def draw(admin: httpx.AsyncClient, number: UUID) -> httpx.Response:
    return await post(admin, f"/admin/accounts/{number}", f"/admin/accounts/{number}/link")


async def test_from_an_invitation_to_the_first_working_day(
    logged_in: LogIn, client: httpx.AsyncClient, conn: Connection, clock: SetClock
) -> None:
    admin, officer = await logged_in("admin"), await logged_in("security")
    assert (await prepared(admin)).headers["location"] == "/admin/accounts?done=new"
    number = await account_id(conn)
    assert (await draw(admin, number)).status_code == 422, "nothing is released yet"
    assert "李值班" in (await officer.get("/security/accounts")).text
    await decide(conn, officer, "release")
    link = LINK.search((await draw(admin, number)).text)
    assert link
    assert (await draw(admin, number)).status_code == 422, "it is shown once"
    kept = await conn.fetchval("SELECT token_hash FROM registry.account_link")
    assert link[0].encode() not in bytes(kept)

    shown = await client.get(link[0])
    assert "李值班" in shown.text
    wrong = await submit(client, shown, link[0], {"password": "short", "again": "short"})
    assert wrong.status_code == 422
    answer = await submit(client, shown, link[0], {"password": NEW, "again": NEW})
    assert (answer.status_code, answer.headers["location"]) == (303, "/me/factor")
    assert (await client.get(link[0])).status_code == 404, "the link works once"
    await enrol(client, clock)
    assert (await client.get("/duty")).status_code == 200
    actions = [row["action"] for row in await conn.fetch("SELECT action FROM kernel.audit")]
    assert sorted(actions) == ["draw_link", "prepare_new", "release_new"]


async def test_a_link_is_over_after_three_days_and_unknown_ones_say_the_same(
    logged_in: LogIn, client: httpx.AsyncClient, conn: Connection, clock: SetClock
) -> None:
    admin, officer = await logged_in("admin"), await logged_in("security")
    await prepared(admin)
    await decide(conn, officer, "release")
    link = LINK.search((await draw(admin, await account_id(conn))).text)
    assert link
    clock.at += timedelta(hours=72)
    old, unknown = await client.get(link[0]), await client.get(f"/invite/{'x' * 43}")
    told = [re.sub(r"[0-9a-f]{12}|/invite/[^\"?]*", "", page.text) for page in (old, unknown)]
    assert (old.status_code, unknown.status_code) == (404, 404)
    assert told[0].split("<main")[1] == told[1].split("<main")[1]


async def test_what_is_refused_changes_nothing(logged_in: LogIn, conn: Connection) -> None:
    admin, officer = await logged_in("admin"), await logged_in("security")
    await prepared(admin)
    await decide(conn, officer, "refuse")
    assert await conn.fetchval("SELECT roles FROM registry.account WHERE login = 'li'") == []
    assert (await draw(admin, await account_id(conn))).status_code == 422


async def test_a_reset_ends_the_old_password_and_keeps_the_second_step(
    logged_in: LogIn, client: httpx.AsyncClient, conn: Connection, clock: SetClock
) -> None:
    admin, officer = await logged_in("admin"), await logged_in("security")
    login = await add_account(conn, "duty", clock, demo=False)
    number = await account_id(conn, login)
    await log_in(client, login)
    phone, _ = await enrol(client, clock)
    assert (await client.get("/me")).status_code == 200
    await post(admin, f"/admin/accounts/{number}", f"/admin/accounts/{number}/reset")
    assert (await client.get("/me")).status_code == 200, "nothing counts before its release"
    again = await post(admin, f"/admin/accounts/{number}", f"/admin/accounts/{number}/reset")
    assert again.status_code == 422, "one wish at a time"
    await decide(conn, officer, "release")
    assert (await client.get("/me")).status_code == 303
    assert (await log_in(client, login)).status_code == 422, "the old password is over"
    link = LINK.search((await draw(admin, number)).text)
    assert link
    shown = await client.get(link[0])
    answer = await submit(client, shown, link[0], {"password": NEW, "again": NEW})
    assert answer.headers["location"] == "/login/code", "whoever took the link has no telephone"
    assert (await give_code(client, phone.code(clock))).status_code == 303


@pytest.mark.parametrize("drops", [True, False])
async def test_only_the_security_officer_says_that_the_second_step_goes_too(
    logged_in: LogIn, client: httpx.AsyncClient, conn: Connection, clock: SetClock, drops: bool
) -> None:
    admin, officer = await logged_in("admin"), await logged_in("security")
    login = await add_account(conn, "duty", clock, demo=False)
    await log_in(client, login)
    await enrol(client, clock)
    number = await account_id(conn, login)
    await post(
        admin, f"/admin/accounts/{number}", f"/admin/accounts/{number}/reset", drops_factor="yes"
    )
    await decide(conn, officer, "release", **({"drops_factor": "yes"} if drops else {}))
    left = await conn.fetchval("SELECT count(*) FROM registry.second_factor")
    assert left == (0 if drops else 1)


@pytest.mark.parametrize("roles", [["admin", "security"], ["auditor", "duty"], ["admin", "desk"]])
async def test_roles_that_exclude_each_other_are_refused_with_a_sentence(
    logged_in: LogIn, roles: list[str]
) -> None:
    admin = await logged_in("admin")
    answer = await prepared(admin, role=roles)
    assert answer.status_code == 422
    assert "three different people" in answer.text
    assert 'value="李值班"' in answer.text, "nothing typed is lost"


@pytest.mark.parametrize("table", ["account", "account_change"])
@pytest.mark.parametrize("roles", [["admin", "security"], ["auditor", "duty"]])
async def test_the_database_refuses_them_whatever_the_program_does(
    conn: Connection, clock: SetClock, table: str, roles: list[str]
) -> None:
    number = await account_id(conn, await add_account(conn, "duty", clock))
    change = """
        INSERT INTO registry.account_change
               (id, account_id, kind, roles, prepared_by, prepared_at)
        VALUES ($2, $3, 'change', $1, $2, now())"""
    update = "UPDATE registry.account SET roles = $1 WHERE id = $2"
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        if table == "account":
            await conn.execute(update, roles, number)
        else:
            await conn.execute(change, roles, uuid4(), number)
    assert "offices_apart" in (refused.value.constraint_name or "")


async def test_nobody_decides_what_they_prepared(logged_in: LogIn, conn: Connection) -> None:
    admin, officer = await logged_in("admin"), await logged_in("security")
    await prepared(admin)
    mine: UUID = await conn.fetchval("SELECT id FROM registry.account WHERE name = 'security'")
    await conn.execute("UPDATE registry.account_change SET prepared_by = $1", mine)
    change: UUID = await conn.fetchval("SELECT id FROM registry.account_change")
    answer = await post(officer, "/security/accounts", f"/security/changes/{change}/release")
    assert answer.status_code == 403


async def test_other_roles_count_when_they_are_released_and_end_the_log_in(
    logged_in: LogIn, client: httpx.AsyncClient, conn: Connection, clock: SetClock
) -> None:
    admin, officer = await logged_in("admin"), await logged_in("security")
    login = await add_account(conn, "duty", clock)
    number = await account_id(conn, login)
    await log_in(client, login)
    page = f"/admin/accounts/{number}"
    answer = await post(admin, page, f"{page}/change", role=["desk"])
    assert answer.status_code == 303
    assert (await client.get("/duty")).status_code == 200
    await decide(conn, officer, "release")
    assert (await client.get("/me")).status_code == 303
    await log_in(client, login)
    assert (await client.get("/duty")).status_code == 403


@pytest.mark.parametrize("office", ["admin", "security"])
async def test_a_disabled_account_is_out_at_its_next_request(
    logged_in: LogIn, client: httpx.AsyncClient, conn: Connection, clock: SetClock, office: str
) -> None:
    login = await add_account(conn, "duty", clock)
    await log_in(client, login)
    browser, number = await logged_in(office), await account_id(conn, login)
    answer = await post(browser, f"/{office}/accounts", f"/{office}/accounts/{number}/disable")
    assert answer.status_code == 303
    assert (await client.get("/me")).status_code == 303
    assert (await log_in(client, login)).status_code == 422
