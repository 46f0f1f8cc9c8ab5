"""Log-ins over HTTP: two steps, limits, and an end that is felt at the next request."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from litestar import Litestar

from kernel.attempts import MOST_FAILURES
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.privacy import Vault
from kernel.settings import Settings
from registry.sessions import browser_family
from tests.authenticator import STEP, enrol, give_code
from tests.http import PASSWORD, add_account, an_app, log_in, opened, submit

Browser = Callable[[], Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def app(
    conn: Connection, vault: Vault, clock: SetClock, tmp_path: Path
) -> AsyncIterator[Litestar]:
    """With the limits that everybody has."""
    made = an_app(conn, vault, clock, tmp_path, Settings(data_dir=tmp_path))
    async with made.lifespan():
        yield made


@pytest.fixture
async def browser(app: Litestar) -> AsyncIterator[Browser]:
    async with AsyncExitStack() as stack:

        async def make() -> httpx.AsyncClient:
            return await stack.enter_async_context(opened(app))

        yield make


def lands(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.headers.get("location", "")


#: Whatever the code opens, its page excepted.
CLOSED = ("/duty", "/loops", "/me", "/desk", "/duty/rows")


async def test_after_the_password_alone_nothing_is_open_but_the_second_step(
    browser: Browser, conn: Connection, clock: SetClock
) -> None:
    duty = await browser()
    login = await add_account(conn, "duty", clock, demo=False)
    assert lands(await log_in(duty, login)) == (303, "/me/factor")
    for path in CLOSED:
        assert lands(await duty.get(path))[1].startswith("/login?"), path
    assert (await duty.get("/api/v1/loops")).status_code == 401
    assert lands(await duty.get("/login?next=/loops")) == (303, "/me/factor?next=%2Floops")
    assert "/duty" not in (await duty.get("/")).text
    await enrol(duty, clock)
    assert (await duty.get("/duty")).status_code == 200


async def test_the_second_log_in_asks_for_a_code_and_goes_where_it_was_bound(
    browser: Browser, conn: Connection, clock: SetClock
) -> None:
    login = await add_account(conn, "duty", clock, demo=False)
    first = await browser()
    await log_in(first, login)
    phone, codes = await enrol(first, clock)
    duty = await browser()
    shown = await duty.get("/login?next=/loops")
    said = {"login": login, "password": PASSWORD, "next": "/loops"}
    answer = await submit(duty, shown, "/login", said)
    assert lands(answer) == (303, "/login/code?next=%2Floops")
    assert lands(await duty.get("/me/factor")) == (303, "/login/code"), "no second enrolment"
    before = duty.cookies["session"]
    assert (await give_code(duty, "000000")).status_code == 422
    answer = await give_code(duty, phone.code(clock), next="/loops")
    assert lands(answer) == (303, "/loops")
    assert duty.cookies["session"] != before, "a new id for what may do more"
    third = await browser()
    await log_in(third, login)
    assert lands(await give_code(third, codes[0])) == (303, "/duty")


async def test_wrong_codes_are_counted_across_log_ins(
    browser: Browser, conn: Connection, clock: SetClock
) -> None:
    login = await add_account(conn, "duty", clock, demo=False)
    first = await browser()
    await log_in(first, login)
    phone, _ = await enrol(first, clock)
    for _ in range(MOST_FAILURES):
        thief = await browser()
        await log_in(thief, login)
        assert (await give_code(thief, "000000")).status_code == 422
    thief = await browser()
    await log_in(thief, login)
    closed = await give_code(thief, phone.code(clock))
    assert closed.status_code == 429
    assert (await thief.get("/duty")).status_code == 303
    clock.at += timedelta(minutes=15)
    assert lands(await give_code(thief, phone.code(clock)))[0] == 303


@pytest.mark.parametrize(("role", "place"), [("lane", True), ("firm", True), ("inspector", False)])
async def test_roles_without_personal_data_need_the_password_alone(
    browser: Browser, conn: Connection, clock: SetClock, role: str, place: bool
) -> None:
    del place
    someone = await browser()
    await log_in(someone, await add_account(conn, role, clock, demo=False))
    assert (await someone.get("/me")).status_code == 200


async def test_a_demo_account_may_enrol_and_then_shows_codes_too(
    browser: Browser, conn: Connection, clock: SetClock
) -> None:
    login = await add_account(conn, "duty", clock)
    duty = await browser()
    await log_in(duty, login)
    assert "演示账号" in (await duty.get("/duty")).text
    phone, _ = await enrol(duty, clock)
    assert (await duty.get("/duty")).status_code == 200
    again = await browser()
    assert lands(await log_in(again, login)) == (303, "/login/code")
    assert lands(await give_code(again, phone.code(clock))) == (303, "/duty")


async def test_a_log_in_without_a_request_for_half_an_hour_has_ended(
    browser: Browser, conn: Connection, clock: SetClock
) -> None:
    duty, lane = await browser(), await browser()
    await log_in(duty, await add_account(conn, "duty", clock))
    await log_in(lane, await add_account(conn, "lane", clock))
    for _ in range(3):
        clock.at += timedelta(minutes=20)
        assert (await duty.get("/me")).status_code == 200
    clock.at += timedelta(minutes=31)
    assert lands(await duty.get("/duty"))[1] == "/login?next=%2Fduty"
    assert (await lane.get("/me")).status_code == 200, "a lane is not idle between two trucks"
    clock.at += timedelta(hours=11)
    assert (await lane.get("/me")).status_code == 303, "and goes home after twelve hours"


async def test_when_somebody_was_last_seen_is_kept_to_five_minutes(
    browser: Browser, conn: Connection, clock: SetClock
) -> None:
    duty = await browser()
    await log_in(duty, await add_account(conn, "duty", clock))
    began = clock.at
    clock.at += timedelta(minutes=4)
    await duty.get("/me")
    assert await conn.fetchval("SELECT seen_at FROM registry.login_session") == began
    clock.at += timedelta(minutes=1)
    await duty.get("/me")
    assert await conn.fetchval("SELECT seen_at FROM registry.login_session") == clock.at


async def test_a_log_in_that_is_ended_stops_at_the_next_request(
    browser: Browser, conn: Connection, clock: SetClock
) -> None:
    login = await add_account(conn, "duty", clock)
    one, two = await browser(), await browser()
    await log_in(one, login)
    await log_in(two, login)
    mine = await one.get("/me")
    ids = await conn.fetch("SELECT id FROM registry.login_session")
    other = next(str(row["id"]) for row in ids if f"/me/sessions/{row['id']}" in mine.text)
    answer = await submit(one, mine, f"/me/sessions/{other}/end", {})
    assert lands(answer) == (303, "/me?done=session")
    assert (await one.get("/me")).status_code == 200
    assert (await two.get("/me")).status_code == 303


async def test_nobody_ends_the_log_in_of_another_but_the_security_officer(
    browser: Browser, conn: Connection, clock: SetClock
) -> None:
    duty, thief, officer = await browser(), await browser(), await browser()
    await log_in(duty, await add_account(conn, "duty", clock))
    session_id: UUID = await conn.fetchval("SELECT id FROM registry.login_session")
    await log_in(thief, await add_account(conn, "duty", clock))
    mine = await thief.get("/me")
    assert (await submit(thief, mine, f"/me/sessions/{session_id}/end", {})).status_code == 404
    assert (await duty.get("/me")).status_code == 200
    await log_in(officer, await add_account(conn, "security", clock))
    seen = await officer.get("/security/sessions")
    assert str(session_id) in seen.text
    await submit(officer, seen, f"/security/sessions/{session_id}/end", {})
    assert (await duty.get("/me")).status_code == 303
    actions = {row["action"] for row in await conn.fetch("SELECT action FROM kernel.audit")}
    assert actions == {"read_sessions", "end_session"}


async def test_a_log_out_is_an_end_in_the_record_too(
    browser: Browser, conn: Connection, clock: SetClock
) -> None:
    duty = await browser()
    await log_in(duty, await add_account(conn, "duty", clock))
    held = duty.cookies["session"]
    await submit(duty, await duty.get("/me"), "/logout", {})
    assert await conn.fetchval("SELECT ended_at FROM registry.login_session") == clock.at
    back = await duty.get("/me", headers={"cookie": f"session={held}"})
    assert back.status_code == 303


async def test_a_new_password_ends_the_other_log_ins_and_keeps_this_one(
    browser: Browser, conn: Connection, clock: SetClock
) -> None:
    login = await add_account(conn, "duty", clock)
    one, two = await browser(), await browser()
    await log_in(one, login)
    await log_in(two, login)
    mine = await one.get("/me")
    said = {"current": PASSWORD, "password": "four words of mine", "again": "four words of mine"}
    wrong = await submit(one, mine, "/me/password", said | {"current": "wrong"})
    assert wrong.status_code == 422
    assert lands(await submit(one, mine, "/me/password", said)) == (303, "/me?done=password")
    assert (await one.get("/me")).status_code == 200
    assert (await two.get("/me")).status_code == 303
    assert (await log_in(two, login)).status_code == 422


@pytest.mark.parametrize(
    ("password", "again", "sentence"),
    [
        ("short", "short", "at least"),
        ("x" * 201, "x" * 201, "at most"),
        ("Password1234", "Password1234", "known to everyone"),
        ("four words of mine", "four words of yours", "differ"),
        ("\0" * 12, "", "differ"),
    ],
)
async def test_a_password_that_will_not_do_is_told_why(
    browser: Browser, conn: Connection, clock: SetClock, password: str, again: str, sentence: str
) -> None:
    duty = await browser()
    await log_in(duty, await add_account(conn, "duty", clock))
    mine = await duty.get("/me?lang=en")
    said = {"current": PASSWORD, "password": password, "again": again}
    answer = await submit(duty, mine, "/me/password", said)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert password not in answer.text


async def test_a_form_sent_after_the_end_leads_back_to_its_page_and_says_so(
    browser: Browser, conn: Connection, clock: SetClock
) -> None:
    desk = await browser()
    login = await add_account(conn, "desk", clock)
    await log_in(desk, login)
    shown = await desk.get("/me")
    clock.at += timedelta(hours=1)
    desk.headers["referer"] = "http://test/me?done=session"
    answer = await submit(desk, shown, "/me/password", {"current": "x"})
    assert lands(answer) == (303, "/login?next=%2Fme%3Fdone%3Dsession&again=1")
    assert "重新填写" in (await desk.get(answer.headers["location"])).text
    desk.headers["referer"] = "https://evil.example/me"
    assert lands(await submit(desk, shown, "/me/password", {})) == (303, "/login?again=1")


async def test_another_telephone_takes_the_present_one_a_last_time(
    browser: Browser, conn: Connection, clock: SetClock
) -> None:
    duty = await browser()
    await log_in(duty, await add_account(conn, "duty", clock, demo=False))
    phone, _ = await enrol(duty, clock)
    mine = await duty.get("/me")
    wrong = await submit(duty, mine, "/me/factor/replace", {"code": "000000"})
    assert wrong.status_code == 422
    answer = await submit(duty, mine, "/me/factor/replace", {"code": phone.code(clock)})
    assert lands(answer) == (303, "/me/factor")
    assert (await duty.get("/duty")).status_code == 303, "until the new one is set up"
    clock.at += STEP
    other, _ = await enrol(duty, clock)
    assert other.secret != phone.secret
    assert (await duty.get("/duty")).status_code == 200


@pytest.mark.parametrize(
    ("agent", "family"),
    [
        ("Mozilla/5.0 (Linux) Chrome/100 Mobile MicroMessenger/8.0", "WeChat"),
        ("Mozilla/5.0 Chrome/100 Safari/537 Edg/100", "Edge"),
        ("Mozilla/5.0 Chrome/100 Safari/537", "Chrome"),
        ("curl/8", ""),
    ],
)
def test_of_a_browser_the_family_alone_is_kept(agent: str, family: str) -> None:
    assert browser_family(agent) == family
