"""Times of keeping are changed by the security officer alone, with a reason, within bounds."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import asyncpg
import httpx
import pytest

from kernel.clock import SetClock
from kernel.db import Connection
from tests.http import submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]


async def show(client: httpx.AsyncClient, **fields: str) -> httpx.Response:
    shown = await client.get("/security/retention")
    return await submit(client, shown, "/security/retention", fields)


async def test_the_security_officer_changes_a_time_with_a_reason_that_is_kept(
    conn: Connection, logged_in: LogIn, clock: SetClock
) -> None:
    security = await logged_in("security")
    answer = await show(security, name="people", amount="30", reason="district order 7")
    assert answer.status_code == 303
    clock.at += timedelta(hours=1)
    assert (await show(security, name="people", amount="14", reason="over")).status_code == 303
    page = (await security.get("/security/retention")).text
    assert "district order 7" in page
    assert page.index("over") < page.index("district order 7")
    rows = await conn.fetch("SELECT before, after FROM kernel.retention_change ORDER BY after")
    assert [tuple(row) for row in rows] == [(30, 14), (21, 30)]
    assert (
        await conn.fetchval("SELECT count(*) FROM kernel.audit WHERE action = 'change_retention'")
        == 2
    )
    with pytest.raises(asyncpg.RestrictViolationError):
        async with conn.transaction():
            await conn.execute("DELETE FROM kernel.retention_change")


@pytest.mark.parametrize(
    ("name", "amount", "reason"),
    [
        ("people", "6", "too short for an open journey"),
        ("people", "181", "too long"),
        ("people", "30", " "),
        ("people", "-1", "x"),
        ("people", "thirty", "x"),
        ("people", "9" * 30, "x"),
        ("people", "", "x"),
        ("nothing", "30", "x"),
        ("people\0", "3\0", "x\0"),
        ("", "", ""),
    ],
)
async def test_a_time_out_of_bounds_or_without_a_reason_is_refused(
    conn: Connection, logged_in: LogIn, name: str, amount: str, reason: str
) -> None:
    security = await logged_in("security")
    answer = await show(security, name=name, amount=amount, reason=reason)
    assert answer.status_code == 422
    assert "error." not in answer.text
    assert await conn.fetchval("SELECT count(*) FROM kernel.retention_change") == 0


@pytest.mark.parametrize(
    ("role", "may_look"), [("auditor", True), ("admin", False), ("duty", False)]
)
async def test_nobody_else_changes_a_time(
    conn: Connection, logged_in: LogIn, role: str, may_look: bool
) -> None:
    client = await logged_in(role)
    assert (await client.get("/security/retention")).is_success == may_look
    answer = await show(client, name="people", amount="30", reason="x")
    assert answer.status_code == 403
    assert await conn.fetchval("SELECT amount FROM kernel.retention WHERE class = 'people'") == 21
