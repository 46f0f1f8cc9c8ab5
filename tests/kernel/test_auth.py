from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest
from litestar import Litestar, Request, get, post
from litestar.datastructures import State

import kernel
from kernel.assets import Assets
from kernel.auth import (
    ACCOUNT,
    Actor,
    Authenticate,
    SignedIn,
    end_session,
    new_token,
    public,
    requires,
    start_session,
    token_hash,
    unguarded,
)
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.i18n import load_catalogues
from kernel.problems import exception_handlers
from kernel.store import PostgresStore
from kernel.web import csrf, session_config, template_config

HERE = Path(kernel.__file__).parent
NOW = datetime(2022, 4, 12, 13, 0, tzinfo=UTC)
OFFICER = Actor(id=uuid4(), kind="account", name="李小龙", roles=frozenset({"duty"}))
CLERK = Actor(id=uuid4(), kind="account", name="王五", roles=frozenset({"registrar"}))
DEVICE = Actor(id=uuid4(), kind="device", name="lane 3", roles=frozenset({"lane"}))
TOKEN = new_token()

AnyRequest = Request[Actor | None, object, State]


@get(["/who", "/api/v1/who"], guards=[public])
async def who(request: AnyRequest) -> str:
    return request.user.name if request.user else "nobody"


@get(["/desk", "/api/v1/desk"], guards=[requires("duty", "lane")])
async def desk() -> str:
    return "desk"


@get("/mine", guards=[requires()])
async def mine() -> str:
    return "mine"


@post("/api/v1/write", guards=[requires()])
async def write(request: AnyRequest) -> str:
    return request.user.name if request.user else "nobody"


@post("/login/{name:str}", guards=[public], opt={"exclude_from_csrf": True})
async def log_in(request: AnyRequest) -> str:
    name = request.path_params["name"]
    start_session(request, {"officer": OFFICER.id, "clerk": CLERK.id}[name])
    return "in"


@post("/logout", guards=[requires()], opt={"exclude_from_csrf": True})
async def log_out(request: AnyRequest) -> str:
    end_session(request)
    return "out"


@post("/draft", guards=[public], opt={"exclude_from_csrf": True})
async def keep_draft(request: AnyRequest) -> str:
    request.set_session({**request.session, "draft": "half a form"})
    return "kept"


@get("/draft", guards=[public])
async def read_draft(request: AnyRequest) -> str:
    return str(request.session.get("draft"))


@post("/form", guards=[public])
async def form() -> str:
    return "taken"


async def find_token(digest: bytes) -> Actor | None:
    return DEVICE if digest == token_hash(TOKEN) else None


async def find_account(said: SignedIn) -> Actor | None:
    return {OFFICER.id: OFFICER, CLERK.id: CLERK}.get(said.account_id)


class World:
    def __init__(self, conn: Connection) -> None:
        self.clock = SetClock(NOW)
        self.calls = 0

        @asynccontextmanager
        async def acquire() -> AsyncGenerator[Connection]:
            self.calls += 1
            yield conn

        load_catalogues([HERE / "locale"])
        self.sessions = session_config(secure=False)
        self.app = Litestar(
            [who, desk, mine, write, log_in, log_out, keep_draft, read_draft, form],
            middleware=[
                self.sessions.middleware,
                Authenticate(),
                csrf("a secret of the test", secure=False),
            ],
            stores={"sessions": PostgresStore(acquire, self.clock)},
            exception_handlers=exception_handlers(),
            template_config=template_config([HERE / "templates"], Assets([HERE / "static"])),
            state=State({"find_token": find_token, "find_account": find_account}),
            openapi_config=None,
        )

    def browser(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(cast("Any", self.app)), base_url="http://test"
        )


@pytest.fixture
def world(conn: Connection) -> World:
    return World(conn)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_token_speaks_for_its_device_and_an_unknown_one_for_nobody(world: World) -> None:
    browser = world.browser()
    assert (await browser.get("/api/v1/who", headers=bearer(TOKEN))).text == "lane 3"
    for header in (bearer("wrong"), bearer(""), {"Authorization": "Basic abc"}):
        answer = await browser.get("/api/v1/who", headers=header)
        assert (answer.status_code, answer.json()["code"]) == (401, "token_unknown")
    assert (await browser.get("/api/v1/who")).text == "nobody"


async def test_a_session_lasts_from_log_in_to_log_out(world: World) -> None:
    browser = world.browser()
    answer = await browser.post("/login/officer")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert (await browser.get("/who")).text == "李小龙"
    held = browser.cookies["session"]
    await browser.post("/logout")
    again = await browser.get("/who", headers={"Cookie": f"session={held}"})
    assert again.text == "nobody"


async def test_a_session_ends_with_the_shift(world: World) -> None:
    browser = world.browser()
    await browser.post("/login/officer")
    world.clock.at = NOW + timedelta(hours=12)
    assert (await browser.get("/who")).text == "nobody"


async def test_a_bearer_is_judged_without_its_cookies(world: World) -> None:
    browser = world.browser()
    await browser.post("/login/officer")
    before = world.calls
    assert (await browser.get("/api/v1/who", headers=bearer(TOKEN))).text == "lane 3"
    assert (await browser.get("/api/v1/who", headers=bearer("wrong"))).status_code == 401
    assert world.calls == before


async def test_visitors_get_no_session_and_reading_writes_none(
    world: World, conn: Connection
) -> None:
    browser = world.browser()
    await browser.get("/who")
    assert world.calls == 0
    assert "session" not in browser.cookies
    await browser.post("/login/officer")
    answer = await browser.get("/who")
    assert "session=" not in answer.headers.get("set-cookie", "")
    assert await conn.fetchval("SELECT count(*) FROM kernel.session") == 1


async def test_an_id_chosen_before_log_in_is_worth_nothing_after_it(world: World) -> None:
    planted = {"Cookie": "session=planted"}
    victim, thief = world.browser(), world.browser()
    await victim.post("/login/officer", headers=planted)
    assert victim.cookies["session"] != "planted"
    assert (await thief.get("/who", headers=planted)).text == "nobody"
    first = victim.cookies["session"]
    await victim.post("/login/clerk")
    assert (await victim.get("/who")).text == "王五"
    assert (await thief.get("/who", headers={"Cookie": f"session={first}"})).text == "nobody"


async def test_a_draft_is_kept_under_an_id_of_ours_too(world: World) -> None:
    planted = {"Cookie": "session=planted"}
    victim, thief = world.browser(), world.browser()
    await victim.post("/draft", headers=planted)
    assert (await victim.get("/draft")).text == "half a form"
    assert (await thief.get("/draft", headers=planted)).text == "None"


async def test_roles_decide_who_comes_in(world: World) -> None:
    browser = world.browser()
    assert (await browser.get("/api/v1/desk")).json()["code"] == "log_in_first"
    assert (await browser.get("/desk")).headers["location"] == "/login?next=%2Fdesk"
    await browser.post("/login/clerk")
    refused = await browser.get("/api/v1/desk")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_your_role")
    assert (await browser.get("/mine")).text == "mine"
    await browser.post("/login/officer")
    assert (await browser.get("/desk")).text == "desk"


async def test_a_write_with_a_session_needs_the_token_of_the_form(world: World) -> None:
    browser = world.browser()
    await browser.post("/login/officer")
    await browser.get("/who")
    token = browser.cookies["csrftoken"]
    bare = await browser.post("/api/v1/write")
    assert (bare.status_code, bare.json()["code"]) == (403, "form_expired")
    forged = await browser.post("/api/v1/write", headers={"x-csrftoken": "0" * 128})
    assert forged.status_code == 403
    good = await browser.post("/api/v1/write", headers={"x-csrftoken": token})
    assert (good.status_code, good.text) == (201, "李小龙")


async def test_a_form_needs_its_token_even_before_log_in(world: World) -> None:
    browser = world.browser()
    assert (await browser.post("/form", data={"a": "1"})).status_code == 403
    await browser.get("/who")
    token = browser.cookies["csrftoken"]
    assert (await browser.post("/form", data={"_csrf_token": token})).text == "taken"


async def test_a_call_with_a_token_needs_no_form_token_even_beside_a_session(
    world: World,
) -> None:
    browser = world.browser()
    assert (await browser.post("/api/v1/write", headers=bearer(TOKEN))).text == "lane 3"
    await browser.post("/login/officer")
    assert (await browser.post("/api/v1/write", headers=bearer(TOKEN))).text == "lane 3"
    wrong = await browser.post("/api/v1/write", headers=bearer("wrong"))
    assert (wrong.status_code, wrong.json()["code"]) == (401, "token_unknown")


async def test_a_call_with_no_credentials_is_asked_to_log_in(world: World) -> None:
    answer = await world.browser().post("/api/v1/write")
    assert (answer.status_code, answer.json()["code"]) == (401, "log_in_first")


async def test_a_broken_session_is_nobody(world: World, conn: Connection) -> None:
    browser = world.browser()
    await browser.post("/login/officer")
    data = f'{{"{ACCOUNT}":"{uuid4()}"}}'.encode()
    await conn.execute("UPDATE kernel.session SET data = $1", data)
    assert (await browser.get("/who")).text == "nobody"


def test_a_route_without_a_guard_is_found() -> None:
    @get("/open")
    async def forgotten() -> None: ...

    app = Litestar([who, desk, forgotten], openapi_config=None)
    assert unguarded(app) == ["GET /open"]
