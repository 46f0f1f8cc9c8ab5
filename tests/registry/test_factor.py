"""The second factor: against the RFC's own numbers, and against whoever guesses."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from kernel.attempts import MOST_FAILURES
from kernel.db import Connection
from kernel.errors import Conflict, TooMany
from kernel.privacy import Vault
from registry.accounts import create_account
from registry.factor import (
    RECOVERY_CODES,
    SECONDS,
    check_code,
    code_at,
    codes_left,
    confirm,
    enrolment,
    step_of,
)

NOON = datetime(2022, 5, 1, 12, 0, tzinfo=UTC)
HALF_A_MINUTE = timedelta(seconds=SECONDS)
RFC_SECRET = b"12345678901234567890"


@pytest.fixture
async def clerk(conn: Connection) -> UUID:
    return await create_account(
        conn,
        login="clerk",
        password_hash="",
        name="李审核",
        roles={"registrar"},
        place_id=None,
        district=None,
        now=NOON,
    )


async def enrolled(conn: Connection, vault: Vault, clerk: UUID) -> tuple[bytes, list[str]]:
    await enrolment(conn, vault, clerk, None)
    sealed = await conn.fetchval("SELECT secret_sealed FROM registry.second_factor")
    secret = bytes.fromhex(vault.open(sealed, field="totp_secret"))
    codes = await confirm(conn, vault, clerk, None, code_now(secret, NOON), NOON)
    assert codes is not None
    return secret, codes


def code_now(secret: bytes, at: datetime) -> str:
    return code_at(secret, int(at.timestamp()) // SECONDS)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_the_numbers_of_the_rfc_are_met(seconds: int, code: str) -> None:
    assert code_at(RFC_SECRET, seconds // SECONDS) == code


@pytest.mark.parametrize(
    ("off", "fits"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_a_telephone_may_be_half_a_minute_off(off: int, fits: bool) -> None:
    code = code_now(RFC_SECRET, NOON + off * HALF_A_MINUTE)
    assert (step_of(RFC_SECRET, code, NOON) is not None) == fits


@pytest.mark.parametrize("code", ["", "12345", "1234567", "１２３４５６", "abcdef", "\0", "🚚" * 6])
async def test_what_is_no_code_is_wrong_and_nothing_worse(
    conn: Connection, vault: Vault, clerk: UUID, code: str
) -> None:
    await enrolled(conn, vault, clerk)
    assert await check_code(conn, vault, clerk, code, NOON) is False


async def test_a_code_opens_once(conn: Connection, vault: Vault, clerk: UUID) -> None:
    secret, _ = await enrolled(conn, vault, clerk)
    assert not await check_code(conn, vault, clerk, code_now(secret, NOON), NOON), "the first one"
    later = NOON + HALF_A_MINUTE
    typed = " ".join(code_now(secret, later))
    assert await check_code(conn, vault, clerk, typed, later)
    assert not await check_code(conn, vault, clerk, typed, later)
    assert not await check_code(conn, vault, clerk, code_now(secret, NOON), later), "an older one"


async def test_a_recovery_code_opens_once_and_is_kept_as_a_hash(
    conn: Connection, vault: Vault, clerk: UUID
) -> None:
    _, codes = await enrolled(conn, vault, clerk)
    assert len(set(codes)) == RECOVERY_CODES
    kept = await conn.fetch("SELECT code_hash FROM registry.recovery_code")
    assert all(code.encode() not in bytes(row["code_hash"]) for row in kept for code in codes)
    typed = f"{codes[0][:5]}-{codes[0][5:]}".lower()
    assert await check_code(conn, vault, clerk, typed, NOON)
    assert not await check_code(conn, vault, clerk, typed, NOON)
    assert await codes_left(conn, clerk) == RECOVERY_CODES - 1


async def test_the_fifth_wrong_code_closes_it_even_to_the_right_one(
    conn: Connection, vault: Vault, clerk: UUID
) -> None:
    secret, _ = await enrolled(conn, vault, clerk)
    at = NOON + HALF_A_MINUTE
    for _ in range(MOST_FAILURES):
        assert not await check_code(conn, vault, clerk, "000000", at)
    with pytest.raises(TooMany, match="too_many_attempts"):
        await check_code(conn, vault, clerk, code_now(secret, at), at)
    at += timedelta(minutes=15)
    assert await check_code(conn, vault, clerk, code_now(secret, at), at)


async def test_a_secret_that_another_log_in_has_seen_is_not_taken_over(
    conn: Connection, vault: Vault, clerk: UUID
) -> None:
    one, two = UUID(int=1), UUID(int=2)
    first = await enrolment(conn, vault, clerk, one)
    assert await enrolment(conn, vault, clerk, one) == first
    assert await enrolment(conn, vault, clerk, two) != first
    with pytest.raises(Conflict, match="factor_exists"):
        await confirm(conn, vault, clerk, one, "000000", NOON)


async def test_a_secret_that_is_confirmed_is_never_shown_again(
    conn: Connection, vault: Vault, clerk: UUID
) -> None:
    await enrolled(conn, vault, clerk)
    with pytest.raises(Conflict, match="factor_exists"):
        await enrolment(conn, vault, clerk, None)
