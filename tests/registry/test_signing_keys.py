"""The keys of offline passes: one is made when it is needed, the next one in good time."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from kernel.clock import SetClock
from kernel.db import Connection, connected, open_pool
from kernel.errors import Conflict, NotFound, Unavailable, Unprocessable
from kernel.privacy import Vault
from registry.offline_pass import OfflinePass, read_offline, written
from registry.signing_keys import (
    SigningKey,
    all_keys,
    ensure_signer,
    private_of,
    public_keys,
    retire,
    rotate,
    signer,
)
from registry.world import WorldCache, load_world, read_epoch
from tests.conftest import NOON

DAY = timedelta(hours=24)
SAID = OfflinePass(
    movement_id=4102000000017, window_from=NOON, window_to=NOON + DAY, plate="豫B12345"
)


async def first(conn: Connection, vault: Vault) -> SigningKey:
    return await ensure_signer(conn, vault, await all_keys(conn), NOON)


async def test_the_first_key_is_made_when_it_is_first_needed(
    conn: Connection, vault: Vault
) -> None:
    assert await all_keys(conn) == ()
    made = await first(conn, vault)
    assert await first(conn, vault) == made
    assert await all_keys(conn) == (made,)
    digits = written(SAID, made.kid, private_of(made, vault))
    assert read_offline(digits, public_keys([made])) == SAID


async def test_of_many_workers_that_need_the_first_key_one_makes_it(
    cloned: str, vault: Vault
) -> None:
    pool = await open_pool(cloned, size=6)

    async def worker() -> SigningKey:
        async with pool.acquire() as conn, conn.transaction():
            return await ensure_signer(conn, vault, (), NOON)

    made = await asyncio.gather(*(worker() for _ in range(6)))
    await pool.close()
    async with connected(cloned) as conn:
        assert set(made) == set(await all_keys(conn))
    assert len(set(made)) == 1


async def test_a_new_key_is_known_before_it_signs(conn: Connection, vault: Vault) -> None:
    one = await first(conn, vault)
    two = await rotate(conn, vault, DAY, NOON)
    keys = await all_keys(conn)
    assert signer(keys, NOON) == one
    assert signer(keys, NOON + DAY) == two
    assert set(public_keys(keys)) == {1, 2}


async def test_two_keys_are_alive_and_no_third(conn: Connection, vault: Vault) -> None:
    await first(conn, vault)
    await rotate(conn, vault, DAY, NOON)
    with pytest.raises(Conflict) as caught:
        await rotate(conn, vault, DAY, NOON)
    assert (caught.value.code, caught.value.facts) == ("two_signing_keys", {"oldest": 1})
    await retire(conn, 1, NOON)
    assert (await rotate(conn, vault, DAY, NOON)).kid == 3


async def test_passes_of_a_retired_key_are_refused_and_the_next_key_signs_at_once(
    conn: Connection, vault: Vault
) -> None:
    one = await first(conn, vault)
    await rotate(conn, vault, DAY, NOON)
    digits = written(SAID, one.kid, private_of(one, vault))
    await retire(conn, one.kid, NOON)
    keys = await all_keys(conn)
    with pytest.raises(Unprocessable) as caught:
        read_offline(digits, public_keys(keys))
    assert caught.value.code == "pass_key_unknown"
    now_signing = signer(keys, NOON)
    assert now_signing is not None
    assert now_signing.kid == 2


async def test_a_number_is_never_given_twice(conn: Connection, vault: Vault) -> None:
    one = await first(conn, vault)
    await retire(conn, one.kid, NOON)
    assert (await first(conn, vault)).kid == 2


async def test_what_cannot_be_retired_is_said(conn: Connection, vault: Vault) -> None:
    with pytest.raises(NotFound, match="signing_key_unknown"):
        await retire(conn, 9, NOON)
    one = await first(conn, vault)
    await retire(conn, one.kid, NOON)
    with pytest.raises(Conflict, match="signing_key_retired"):
        await retire(conn, one.kid, NOON)


async def test_a_key_copied_into_another_row_signs_nothing(conn: Connection, vault: Vault) -> None:
    await first(conn, vault)
    await rotate(conn, vault, DAY, NOON)
    two, one = await all_keys(conn)
    await conn.execute(
        "UPDATE registry.signing_key SET public_key = $1 WHERE kid = 1", two.public_key
    )
    with pytest.raises(Unavailable, match="signing_key_mismatched"):
        private_of((await all_keys(conn))[1], vault)
    await conn.execute(
        "UPDATE registry.signing_key SET private_sealed = $1 WHERE kid = 1", two.private_sealed
    )
    with pytest.raises(Unavailable, match="sealed_unreadable"):
        private_of((await all_keys(conn))[1], vault)
    assert one.kid == 1


async def test_a_spoilt_key_stops_no_worker(conn: Connection, vault: Vault) -> None:
    await first(conn, vault)
    await rotate(conn, vault, DAY, NOON)
    spoilt = b"\4" + bytes(64)
    await conn.execute("UPDATE registry.signing_key SET public_key = $1 WHERE kid = 1", spoilt)
    assert set((await load_world(conn)).pass_keys) == {2}


async def test_the_numbers_come_to_an_end_in_words(conn: Connection, vault: Vault) -> None:
    await first(conn, vault)
    await conn.execute("UPDATE registry.signing_key SET kid = 255")
    with pytest.raises(Conflict, match="signing_keys_used_up"):
        await rotate(conn, vault, DAY, NOON)


async def test_every_worker_learns_of_a_change(conn: Connection, vault: Vault) -> None:
    before = await read_epoch(conn)
    one = await first(conn, vault)
    assert await read_epoch(conn) > before
    world = await WorldCache().now(conn)
    assert (set(world.pass_keys), world.signing_keys) == ({1}, (one,))
    await retire(conn, 1, NOON)
    assert (await load_world(conn)).pass_keys == {}


async def test_the_public_keys_are_public_and_nothing_else_is(
    client: httpx.AsyncClient, conn: Connection, clock: SetClock
) -> None:
    answer = await client.get("/api/v1/passes/keys")
    assert answer.status_code == 200
    (key,) = answer.json()["keys"]
    assert set(key) == {"kid", "kty", "crv", "alg", "use", "x", "y", "signs_from"}
    assert (key["kid"], key["crv"], len(key["x"]), len(key["y"])) == (1, "P-256", 43, 43)
    assert (await client.get("/api/v1/passes/keys")).json() == answer.json()
    assert await conn.fetchval("SELECT count(*) FROM registry.signing_key") == 1
    assert clock.now() == NOON
