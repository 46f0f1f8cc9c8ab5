"""Three offices over HTTP: prepared by one, granted by another, looked at by a third."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from kernel.clock import SetClock
from kernel.db import Connection
from registry.world import load_world
from tests.city import City
from tests.http import submit

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
    "fields", [{"name": ""}, {"place": ""}, {"place": "0"}, {"role": "drone"}, {"role": ""}]
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
    numbers = [set(re.findall(r"(41020000000\d+)<", page.text)) for page in (first, second)]
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
