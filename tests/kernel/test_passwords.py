"""Passwords, and how often they may be guessed."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from kernel.attempts import LOCKED_FOR, check_not_locked, count_failure, forget_failures
from kernel.auth import hash_password, verify_password
from kernel.db import Connection
from kernel.errors import TooMany
from tests.conftest import NOON


async def test_a_password_fits_its_hash_only() -> None:
    known = await hash_password("正确 horse")
    assert await verify_password(known, "正确 horse")
    assert not await verify_password(known, "wrong")
    assert not await verify_password(None, "正确 horse")
    assert not await verify_password("no hash at all", "x")


async def test_five_failures_lock_for_fifteen_minutes_and_then_count_anew(
    conn: Connection,
) -> None:
    subject = b"somebody"
    for _ in range(5):
        await check_not_locked(conn, subject, NOON)
        await count_failure(conn, subject, NOON)
    with pytest.raises(TooMany) as refusal:
        await check_not_locked(conn, subject, NOON + LOCKED_FOR - timedelta(seconds=1))
    assert refusal.value.code == "too_many_attempts"
    await check_not_locked(conn, b"somebody else", NOON)
    later = NOON + LOCKED_FOR
    for _ in range(5):
        await check_not_locked(conn, subject, later)
        await count_failure(conn, subject, later)
    with pytest.raises(TooMany):
        await check_not_locked(conn, subject, later)


async def test_success_forgets_the_failures(conn: Connection) -> None:
    for _ in range(4):
        await count_failure(conn, b"s", NOON)
    await forget_failures(conn, b"s")
    await count_failure(conn, b"s", NOON)
    await check_not_locked(conn, b"s", NOON)


async def test_guesses_sent_side_by_side_are_counted_one_by_one(cloned: str) -> None:
    async def guess() -> bool:
        conn = await asyncpg.connect(cloned)
        try:
            async with conn.transaction():
                await check_not_locked(conn, b"s", NOON)
                await asyncio.sleep(0.01)
                await count_failure(conn, b"s", NOON)
        except TooMany:
            return False
        finally:
            await conn.close()
        return True

    assert sum(await asyncio.gather(*(guess() for _ in range(12)))) == 5
