"""Keys of programs: two offices, scopes, quotas that are one count whatever process answers, and
tokens that follow each other.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from litestar import Litestar

from checkpoint.lane import LaneDoor
from kernel.auth import Actor, Key
from kernel.clock import SetClock
from kernel.db import Connection, open_pool
from kernel.errors import TooMany
from registry.api_keys import NewKey, count_use, decide_key, next_token, prepare_key, revoke_key
from registry.world import load_world
from tests.checkpoint.moves import released
from tests.city import City
from tests.conftest import NOON
from tests.http import add_account, submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
ADMIN = Actor(id=uuid4(), kind="account", name="admin", roles=frozenset({"admin"}))
SECURITY = Actor(id=uuid4(), kind="account", name="security", roles=frozenset({"security"}))


async def a_key(
    conn: Connection, clock: SetClock, *scopes: str, role: str = "duty", **more: Any
) -> tuple[UUID, str]:
    """A key that was released, and its first token."""
    place_id = more.pop("place_id", None)
    login = await add_account(conn, role, clock, place_id)
    said = {"label": "地磅系统", "per_minute": 60, "per_day": 1_000, "days": 30} | more
    new = NewKey(id=uuid4(), login=login, scopes=frozenset(scopes), **said)
    await prepare_key(conn, new, ADMIN, NOON)
    await decide_key(conn, new.id, "released", SECURITY, NOON)
    return new.id, await next_token(conn, new.id, ADMIN, NOON)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def test_a_key_opens_what_its_scopes_name_and_nothing_else(
    client: httpx.AsyncClient, conn: Connection, city: City, clock: SetClock
) -> None:
    await released(conn, city)
    _, token = await a_key(conn, clock, "loops:read")
    headers = bearer(token)
    assert len((await client.get("/api/v1/loops", headers=headers)).json()["loops"]) == 1
    refused = await client.get("/api/v1/alerts", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert refused.json()["scope"] == "alerts:read"
    for url in ("/duty", "/me", "/", "/api/v1/extensions", "/api/docs", "/static/base.css"):
        answer = await client.get(url, headers=headers | {"accept": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (403, "not_for_keys"), url


async def test_a_key_can_do_no_more_than_its_account(
    client: httpx.AsyncClient, conn: Connection, city: City, clock: SetClock
) -> None:
    await released(conn, city)
    _, token = await a_key(
        conn, clock, "loops:read", "alerts:read", role="firm", place_id=city.depot
    )
    loops = await client.get("/api/v1/loops", headers=bearer(token))
    assert loops.json()["loops"] == [], "another firm's truck"
    alerts = await client.get("/api/v1/alerts", headers=bearer(token))
    assert alerts.json()["code"] == "not_your_role"


async def test_the_lanes_own_door_asks_for_the_scope_too(
    app: Litestar, conn: Connection, city: City, clock: SetClock
) -> None:
    _, token = await a_key(conn, clock, "loops:read", role="lane", place_id=city.north)
    await app.state.office.cache.now(conn)
    transport = httpx.ASGITransport(app=LaneDoor(app, secure=False))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as door:
        answer = await door.post("/api/v1/scans", json={"scans": []}, headers=bearer(token))
    assert answer.json()["code"] == "scope_missing"


async def test_a_quota_is_told_with_the_time_to_wait(
    client: httpx.AsyncClient, conn: Connection, city: City, clock: SetClock
) -> None:
    assert city
    _, token = await a_key(conn, clock, "rules:read", per_minute=3, per_day=5)
    clock.at = NOON + timedelta(seconds=20)

    async def ask() -> httpx.Response:
        return await client.get("/api/v1/rules", headers=bearer(token))

    assert [(await ask()).status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = await ask()
    assert (refused.headers["retry-after"], refused.json()["quota"]) == ("41", 3)
    assert refused.json()["span"] == "minute"
    clock.at = NOON + timedelta(minutes=1)
    late = await ask()
    assert (late.status_code, late.json()["span"]) == (429, "day")
    clock.at = NOON + timedelta(days=1)
    assert (await ask()).status_code == 200


async def test_a_quota_is_one_count_for_all_processes(cloned: str) -> None:
    """Ten connections, as of ten processes, ask a hundred times at once: exactly the quota is let
    in. A count in the memory of each would let in ten times as many.
    """
    pool = await open_pool(cloned, size=10)
    try:
        async with pool.acquire() as conn:
            key_id = await _bare_key(conn)
        key = Key(id=key_id, scopes=frozenset(), per_minute=37, per_day=1_000)

        async def ask() -> bool:
            async with pool.acquire() as conn:
                try:
                    await count_use(conn, key, NOON)
                except TooMany:
                    return False
            return True

        let_in = sum(await asyncio.gather(*(ask() for _ in range(100))))
    finally:
        await pool.close()
    print(f"{let_in} of 100 let in by 10 connections, quota 37")
    assert let_in == 37


async def _bare_key(conn: Connection) -> UUID:
    account_id, key_id = uuid4(), uuid4()
    await conn.execute(
        """
        INSERT INTO registry.account (id, login, password_hash, name, roles, created_at)
        VALUES ($1, 'x', '', 'x', '{duty}', $2)
        """,
        account_id,
        NOON,
    )
    await conn.execute(
        """
        INSERT INTO registry.api_key (id, account_id, label, scopes, per_minute, per_day,
                                      expires_at, prepared_by, prepared_at)
        VALUES ($1, $2, 'x', '{rules:read}', 37, 1000, $3, $1, $4)
        """,
        key_id,
        account_id,
        NOON + timedelta(days=1),
        NOON,
    )
    return key_id


async def test_a_process_whose_clock_is_behind_opens_no_window_anew(conn: Connection) -> None:
    key = Key(id=await _bare_key(conn), scopes=frozenset(), per_minute=2, per_day=100)
    for seconds in (0, -1):
        await count_use(conn, key, NOON + timedelta(seconds=seconds))
    with pytest.raises(TooMany):
        await count_use(conn, key, NOON + timedelta(seconds=1))


async def test_tokens_follow_each_other_with_an_overlap_and_end_with_the_key(
    conn: Connection, clock: SetClock
) -> None:
    key_id, first = await a_key(conn, clock, "loops:read")
    second = await next_token(conn, key_id, ADMIN, NOON + timedelta(days=3))

    async def opens(token: str, days: float) -> bool:
        from kernel.auth import token_hash

        world = await load_world(conn)
        return world.actor(token_hash(token), NOON + timedelta(days=days)) is not None

    assert await opens(first, 3.9)
    assert not await opens(first, 4.1)
    assert await opens(second, 29.9)
    assert not await opens(second, 30.1), "the key itself has ended"
    await revoke_key(conn, key_id, ADMIN, NOON + timedelta(days=5))
    assert not await opens(second, 6)


async def test_nobody_prepares_and_releases_alone(conn: Connection) -> None:
    key_id = await _bare_key(conn)
    with pytest.raises(asyncpg.CheckViolationError):
        await conn.execute(
            """
            UPDATE registry.api_key SET decision = 'released', decided_by = prepared_by,
                   decided_at = prepared_at WHERE id = $1
            """,
            key_id,
        )


async def post(browser: httpx.AsyncClient, page: str, url: str, **fields: Any) -> httpx.Response:
    return await submit(browser, await browser.get(page), url, fields)


async def test_from_the_administrators_wish_to_the_first_call(
    client: httpx.AsyncClient, logged_in: LogIn, conn: Connection, city: City, clock: SetClock
) -> None:
    admin, officer = await logged_in("admin"), await logged_in("security")
    login = await add_account(conn, "firm", clock, city.mill)
    fields: dict[str, Any] = {
        "event_id": str(uuid4()), "login": login, "label": "地磅系统", "per_minute": "60",
        "per_day": "1000", "days": "30", "scope": ["loops:read", "events:write"],
    }  # fmt: skip
    for _ in range(2):
        answer = await post(admin, "/admin/keys?lang=en", "/admin/keys", **fields)
        assert answer.headers["location"] == "/admin/keys?done=prepared"
    key_id = await conn.fetchval("SELECT id FROM registry.api_key")
    page = "/admin/keys"
    assert (await post(admin, page, f"{page}/{key_id}/token")).status_code == 422, "not released"
    shown = await officer.get("/security/keys?lang=en")
    assert "loops:read" in shown.text
    await submit(officer, shown, f"/security/keys/{key_id}/release", {})
    answer = await post(admin, page, f"{page}/{key_id}/token")
    token = answer.text.split('class="mono')[1] if 'class="mono' in answer.text else answer.text
    found = next(
        word for word in token.replace("<", " ").replace(">", " ").split() if len(word) == 43
    )
    await released(conn, city)
    loops = await client.get("/api/v1/loops", headers=bearer(found))
    assert len(loops.json()["loops"]) == 1
    assert "1 today" in (await admin.get("/admin/keys?lang=en")).text
    await post(admin, page, f"{page}/{key_id}/revoke")
    assert (await client.get("/api/v1/loops", headers=bearer(found))).status_code == 401


@pytest.mark.parametrize(
    "fields",
    [
        {"login": "nobody"},
        {"label": ""},
        {"label": "x" * 61},
        {"scope": []},
        {"scope": ["everything"]},
        {"per_minute": "0"},
        {"per_minute": "many"},
        {"per_day": "9" * 30},
        {"days": "401"},
    ],
)
async def test_a_wish_that_cannot_be_is_told_and_makes_nothing(
    logged_in: LogIn, conn: Connection, clock: SetClock, fields: dict[str, Any]
) -> None:
    admin = await logged_in("admin")
    said: dict[str, Any] = {
        "event_id": str(uuid4()), "login": await add_account(conn, "duty", clock), "label": "x",
        "per_minute": "60", "per_day": "1000", "days": "30", "scope": ["loops:read"],
    }  # fmt: skip
    answer = await post(admin, "/admin/keys?lang=en", "/admin/keys", **(said | fields))
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert await conn.fetchval("SELECT count(*) FROM registry.api_key") == 0


async def test_no_office_has_a_key(logged_in: LogIn, conn: Connection, clock: SetClock) -> None:
    admin = await logged_in("admin")
    said = {
        "event_id": str(uuid4()), "login": await add_account(conn, "security", clock),
        "label": "x", "per_minute": "60", "per_day": "1000", "days": "30", "scope": ["loops:read"],
    }  # fmt: skip
    assert (await post(admin, "/admin/keys", "/admin/keys", **said)).status_code == 422
