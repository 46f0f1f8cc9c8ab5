from datetime import UTC, datetime, timedelta

import pytest

from kernel.attempts import MOST_FAILURES
from kernel.auth import Actor, hash_password, token_hash
from kernel.db import Connection
from kernel.errors import Conflict, Malformed, NotFound, TooMany
from kernel.privacy import Vault
from registry.accounts import (
    check_login,
    create_account,
    create_device,
    find_account,
    home_of,
    issue_token,
    revoke_device,
    revoke_token,
)
from registry.world import load_world

NOON = datetime(2022, 5, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
async def clerk(conn: Connection) -> str:
    await create_account(
        conn,
        login="Clerk",
        password_hash=await hash_password("a good long one"),
        name="李审核",
        roles={"registrar"},
        place_id=None,
        district=None,
        now=NOON,
    )
    return "clerk"


async def _try(
    conn: Connection, vault: Vault, login: str, password: str, now: datetime = NOON
) -> Actor | None:
    return await check_login(conn, vault, login=login, password=password, now=now)


async def _place(conn: Connection) -> int:
    await conn.execute(
        "INSERT INTO registry.district VALUES ('410221', '杞县') ON CONFLICT DO NOTHING"
    )
    return await conn.fetchval(
        """
        INSERT INTO registry.place (kind, category, name, district_code, screen_secret, created_at)
        VALUES ('checkpoint', 'trunk_road', '测试卡口', '410221', 'x', $1) RETURNING id
        """,
        NOON,
    )


async def test_the_right_password_opens_whatever_the_case_of_the_login(
    conn: Connection, vault: Vault, clerk: str
):
    actor = await _try(conn, vault, f" {clerk.upper()} ", "a good long one")
    assert actor is not None
    assert (actor.name, actor.roles, actor.kind) == ("李审核", {"registrar"}, "account")
    assert await find_account(conn, actor.id) == actor
    assert home_of(actor) == "/reg/applications"


async def test_a_wrong_password_and_an_unknown_login_get_the_same_answer(
    conn: Connection, vault: Vault, clerk: str
):
    assert await _try(conn, vault, clerk, "wrong") is None
    assert await _try(conn, vault, "nobody", "wrong") is None
    assert await _try(conn, vault, "no\0body", "wrong") is None


@pytest.mark.parametrize("login", ["clerk", "nobody"])
async def test_the_fifth_wrong_guess_closes_the_login_for_a_while(
    conn: Connection, vault: Vault, clerk: str, login: str
):
    assert clerk
    for _ in range(MOST_FAILURES):
        assert await _try(conn, vault, login, "wrong") is None
    with pytest.raises(TooMany) as caught:
        await _try(conn, vault, login, "a good long one")
    assert caught.value.code == "too_many_attempts"
    later = NOON + timedelta(minutes=16)
    found = await _try(conn, vault, login, "a good long one", later)
    assert (found is not None) is (login == "clerk")


async def test_a_success_forgets_the_wrong_guesses_before_it(
    conn: Connection, vault: Vault, clerk: str
):
    for _ in range(2 * MOST_FAILURES):
        assert await _try(conn, vault, clerk, "wrong") is None
        assert await _try(conn, vault, clerk, "a good long one") is not None


async def test_a_disabled_account_opens_nothing(conn: Connection, vault: Vault, clerk: str):
    actor = await _try(conn, vault, clerk, "a good long one")
    assert actor is not None
    await conn.execute("UPDATE registry.account SET disabled_at = $1", NOON)
    assert await _try(conn, vault, clerk, "a good long one") is None
    assert await find_account(conn, actor.id) is None


async def test_a_login_is_given_once(conn: Connection, clerk: str):
    with pytest.raises(Conflict) as caught:
        await create_account(
            conn,
            login=clerk.title(),
            password_hash="x",
            name="另一人",
            roles={"duty"},
            place_id=None,
            district=None,
            now=NOON,
        )
    assert caught.value.code == "login_taken"


@pytest.mark.parametrize("roles", [set[str](), {"emperor"}])
async def test_an_account_has_known_roles(conn: Connection, roles: set[str]):
    with pytest.raises(Malformed) as caught:
        await create_account(
            conn, login="x", password_hash="x", name="某人", roles=roles,
            place_id=None, district=None, now=NOON,
        )  # fmt: skip
    assert caught.value.code == "unknown_role"


async def test_a_token_opens_until_it_is_revoked(conn: Connection):
    place_id = await _place(conn)
    device = await create_device(conn, name="一号道", place_id=place_id, role="lane", now=NOON)
    token = await issue_token(conn, device_id=device, label="first", now=NOON)
    actor = (await load_world(conn)).tokens[token_hash(token)]
    assert (actor.device_id, actor.roles, actor.place_id) == (device, {"lane"}, place_id)
    stored = await conn.fetchval(
        "SELECT token_hash FROM registry.token WHERE device_id = $1", device
    )
    assert stored == token_hash(token) != token.encode()
    await revoke_token(conn, token_hash(token), NOON)
    assert token_hash(token) not in (await load_world(conn)).tokens
    with pytest.raises(NotFound):
        await revoke_token(conn, token_hash("another"), NOON)


async def test_a_withdrawn_device_takes_its_tokens_with_it(conn: Connection):
    device = await create_device(
        conn, name="一号道", place_id=await _place(conn), role="lane", now=NOON
    )
    token = await issue_token(conn, device_id=device, label="first", now=NOON)
    await revoke_device(conn, device, NOON)
    assert token_hash(token) not in (await load_world(conn)).tokens
