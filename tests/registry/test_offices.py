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
from registry.world import load_world
from tests.authenticator import LINK, enrol, give_code
from tests.city import City
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


async def test_the_last_of_an_office_and_oneself_stay(logged_in: LogIn, conn: Connection) -> None:
    admin, officer = await logged_in("admin"), await logged_in("security")
    me: UUID = await conn.fetchval("SELECT id FROM registry.account WHERE name = 'admin'")
    page = f"/admin/accounts/{me}"
    assert (await post(admin, page, f"{page}/disable")).status_code == 422
    answer = await post(officer, "/security/accounts", f"/security/accounts/{me}/disable")
    assert answer.status_code == 422
    assert (await admin.get("/admin/accounts")).status_code == 200


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"login": ""}, "login"),
        ({"login": "x" * 61}, "login"),
        ({"login": "\0"}, "login"),
        ({"name": ""}, "name"),
        ({"role": []}, "role"),
        ({"role": ["driver"]}, "role"),
        ({"role": ["king"]}, "role"),
        ({"role": ["lane"]}, "place"),
        ({"place": "x"}, "place"),
        ({"place": "9" * 18}, "place"),
        ({"place": "9" * 400}, "place"),
        ({"district": "999999"}, "district"),
    ],
)
async def test_a_bad_form_is_told_beside_its_field_and_makes_nothing(
    logged_in: LogIn, conn: Connection, fields: dict[str, Any], sentence: str
) -> None:
    admin = await logged_in("admin")
    answer = await prepared(admin, **fields)
    assert answer.status_code == 422
    assert f'id="e-{sentence}"' in answer.text, answer.text
    assert await account_id(conn) is None


async def test_a_device_is_enrolled_used_and_revoked(
    logged_in: LogIn, conn: Connection, city: City
) -> None:
    admin = await logged_in("admin")
    said = {"name": "一号车道平板", "place": str(city.north), "role": "lane"}
    shown = await post(admin, "/admin/devices", "/admin/devices", **said)
    token = re.search(r'class="box mono">([^<]{43})<', shown.text)
    assert token
    assert token[1] not in (await admin.get("/admin/devices")).text
    headers = {"authorization": f"Bearer {token[1]}"}
    assert (await admin.get("/api/v1/loops", headers=headers)).status_code == 200
    number = await conn.fetchval("SELECT id FROM registry.device WHERE name = $1", said["name"])
    await post(admin, "/admin/devices", f"/admin/devices/{number}/revoke")
    world = await load_world(conn)
    assert number not in world.holders


@pytest.mark.parametrize(
    "fields", [{"name": ""}, {"place": ""}, {"place": "0"}, {"role": "camera"}, {"role": ""}]
)
async def test_a_bad_device_is_refused(
    logged_in: LogIn, city: City, fields: dict[str, str]
) -> None:
    admin = await logged_in("admin")
    said = {"name": "平板", "place": str(city.north), "role": "lane"} | fields
    assert (await post(admin, "/admin/devices", "/admin/devices", **said)).status_code == 422


async def test_reading_the_audit_is_in_the_audit_page_after_page(
    logged_in: LogIn, conn: Connection, clock: SetClock
) -> None:
    reader = uuid4()
    for minute in range(130):
        await conn.execute(
            """
            INSERT INTO kernel.audit
            VALUES ($1, $2, $3, '某人', 'read_history', 'movement', $4, 'page')
            """,
            uuid4(),
            clock.at - timedelta(minutes=minute // 2),
            reader,
            f"41020000000{minute:02}",
        )
    auditor = await logged_in("auditor")
    first = await auditor.get("/audit", params={"actor": str(reader)})
    more = re.search(r'href="(/audit\?[^"]*before=[^"]*)"', first.text)
    assert more
    second = await auditor.get(more[1].replace("&amp;", "&"))
    numbers = [set(re.findall(r"movement (41020000000\d+)", page.text)) for page in (first, second)]
    assert (len(numbers[0]), len(numbers[1])) == (100, 30)
    assert numbers[0] & numbers[1] == set()
    reads = await conn.fetch("SELECT subject FROM kernel.audit WHERE action = 'read_audit'")
    assert [row["subject"] for row in reads] == [str(reader)] * 2


@pytest.mark.parametrize(
    "query",
    [
        "actor=me",
        "since=yesterday",
        "until=99999-01-01",
        "since=0001-01-01",
        "before=x",
        "before=2022-05-01~x",
        "before=2022-05-01T00:00:00~00000000-0000-0000-0000-000000000000",
    ],
)
async def test_a_bad_question_to_the_audit_gets_a_sentence(logged_in: LogIn, query: str) -> None:
    answer = await (await logged_in("auditor")).get(f"/audit?{query}")
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


async def test_the_audit_takes_any_subject(logged_in: LogIn) -> None:
    auditor = await logged_in("auditor")
    for subject in ("%00", "x" * 3000, "%F0%9F%9A%9A", "'; DROP TABLE"):
        assert (await auditor.get(f"/audit?subject={subject}")).status_code == 200


@pytest.mark.parametrize("office", OFFICES)
async def test_an_office_is_no_working_role(logged_in: LogIn, office: str) -> None:
    """Neither do they see each other's pages."""
    browser = await logged_in(office)
    doors = {"admin": "/admin/accounts", "security": "/security/accounts", "auditor": "/audit"}
    for other, page in doors.items():
        assert (await browser.get(page)).status_code == (200 if other == office else 403)
    for page in ("/gate", "/desk", "/firm"):
        assert (await browser.get(page)).status_code == 403


async def test_a_token_of_a_program_opens_no_page_of_a_persons_own(
    client: httpx.AsyncClient, city: City
) -> None:
    headers = {"authorization": f"Bearer {city.lane_token}"}
    for path in ("/me", "/me/factor", "/login/code"):
        assert (await client.get(path, headers=headers)).status_code == 403, path
