"""How fresh sources are, told to whoever imports and to the duty desk; and who may push."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from kernel.db import Connection
from registry.accounts import create_account, issue_token
from tests.city import IDS
from tests.conftest import NOON
from tests.journeys.day import Headers, bearer

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
LINE = f"id_number,value,taken_at\n{IDS[0]},negative,2022-05-01T18:00+08:00\n".encode()


@pytest.fixture
async def laboratory(conn: Connection) -> Headers:
    account_id = await create_account(
        conn,
        login="lab",
        password_hash="x",
        name="市第一检验所",
        roles={"source"},
        place_id=None,
        district=None,
        now=NOON,
    )
    return bearer(await issue_token(conn, account_id=account_id, label="push", now=NOON))


async def push(
    client: httpx.AsyncClient, headers: Headers, source: str = "", kind: str = "test"
) -> httpx.Response:
    path = f"/api/v1/evidence/{kind}" + (f"?source={source}" if source else "")
    return await client.post(path, content=LINE, headers=headers | {"content-type": "text/csv"})


@pytest.mark.usefixtures("city")
async def test_a_program_pushes_in_its_own_name_and_no_other(
    client: httpx.AsyncClient, conn: Connection, laboratory: Headers
) -> None:
    other = await push(client, laboratory, "省库")
    assert (other.status_code, other.json()["code"]) == (403, "source_not_yours")
    assert await conn.fetchval("SELECT count(*) FROM registry.evidence") == 0
    answer = await push(client, laboratory)
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1), answer.text
    assert await conn.fetchval("SELECT source FROM registry.evidence") == "市第一检验所"
    assert (await push(client, laboratory, "市第一检验所")).json()["repeated"] == 1


@pytest.mark.usefixtures("city")
async def test_such_a_token_opens_nothing_else(
    client: httpx.AsyncClient, laboratory: Headers
) -> None:
    for path in ("/api/v1/loops", "/api/v1/alerts", "/api/v1/holds", "/reg/evidence"):
        assert (await client.get(path, headers=laboratory)).status_code == 403, path


@pytest.mark.usefixtures("city")
async def test_each_source_is_shown_with_its_age_and_a_stale_list_stands_out(
    logged_in: LogIn,
    client: httpx.AsyncClient,
    conn: Connection,
    laboratory: Headers,
) -> None:
    await push(client, laboratory)
    registrar, duty = await logged_in("registrar"), await logged_in("duty")
    fresh = (await registrar.get("/reg/evidence?lang=en")).text
    assert "市第一检验所" in fresh
    assert "clears nobody" not in fresh
    assert "never heard of" in fresh
    assert "too old" not in (await duty.get("/duty?lang=en")).text
    old = NOON - timedelta(hours=25)
    await conn.execute(
        "UPDATE registry.evidence_source SET as_of = $1 WHERE kind = 'health_code'", old
    )
    stale = (await registrar.get("/reg/evidence?lang=en")).text
    assert stale.count("clears nobody") == 1
    assert "25 h ago" in stale
    for path in ("/duty", "/duty/rows"):
        assert "Health code" in (await duty.get(f"{path}?lang=en")).text
