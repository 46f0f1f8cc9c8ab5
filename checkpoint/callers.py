"""How the application finds out who calls, and counts what their keys use."""

from typing import cast

from litestar.datastructures import State

from kernel.auth import Actor, FindAccount, FindToken, Key, SignedIn
from kernel.db import Pool
from kernel.metering import CountUse
from registry.api_keys import count_use
from registry.sessions import limits_of, signed_in
from registry.world import WorldCache


def token_finder(state: State, pool: Pool) -> FindToken:
    async def find(token_hash: bytes) -> Actor | None:
        cache = cast("WorldCache", state.office.cache)
        now = state.clock.now()
        if cache.fresh and cache.held is not None and token_hash in cache.held.tokens:
            return cache.held.actor(token_hash, now)
        async with pool.acquire(timeout=2) as conn:
            return (await cache.now(conn)).actor(token_hash, now)

    return find


def account_finder(state: State) -> FindAccount:
    limits = limits_of(state.settings)

    async def find(said: SignedIn) -> Actor | None:
        async with state.pool.acquire(timeout=2) as conn:
            return await signed_in(conn, said, limits, state.clock.now())

    return find


def use_counter(state: State) -> CountUse:
    async def count(key: Key) -> None:
        async with state.pool.acquire(timeout=2) as conn:
            await count_use(conn, key, state.clock.now())

    return count
