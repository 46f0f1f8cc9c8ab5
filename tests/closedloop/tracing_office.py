"""Officers who trace, over the API, for the tests of tracing."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx

from kernel.db import Connection
from kernel.ids import uuid7
from tests.checkpoint.moves import released, scanned
from tests.city import IDS, City
from tests.conftest import NOON

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
API = "/api/v1/traces"
LATER = NOON + timedelta(hours=6)


async def two_trucks(conn: Connection, city: City) -> tuple[int, int]:
    """Six minutes apart at the same gate; the first arrives at the mill."""
    first = await released(conn, city, NOON)
    second = await released(
        conn, city, NOON + timedelta(minutes=6), plate="豫B54321", id_number=IDS[1], name="赵大"
    )
    await scanned(conn, city, first, "arrival", NOON + timedelta(minutes=40))
    return first, second


def asked(movement_id: int, **about: Any) -> dict[str, Any]:
    return {
        "id": str(uuid7(NOON)),
        "number": "流调2022-7",
        "reason": "车辆超时未到",
        "since": (NOON - timedelta(days=1)).isoformat(),
        "until": (NOON + timedelta(days=1)).isoformat(),
        "subjects": [{"movement_id": movement_id}],
    } | about


async def opened(client: httpx.AsyncClient, movement_id: int, **about: Any) -> str:
    answer = await client.post(API, json=asked(movement_id, **about), headers=await token(client))
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def token(client: httpx.AsyncClient) -> dict[str, str]:
    return {"x-csrftoken": client.cookies["csrftoken"]}


async def send(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> httpx.Response:
    return await client.post(f"{API}/{path}", json=body, headers=await token(client))


async def audited(conn: Connection, action: str, kind: str = "person") -> list[str]:
    rows = await conn.fetch(
        "SELECT subject FROM kernel.audit WHERE action = $1 AND subject_kind = $2 ORDER BY subject",
        action,
        kind,
    )
    return [row["subject"] for row in rows]


async def people(conn: Connection, *movement_ids: int) -> list[str]:
    rows = await conn.fetch(
        "SELECT person_id FROM registry.movement_person WHERE movement_id = ANY($1)", movement_ids
    )
    return sorted(str(row["person_id"]) for row in rows)
