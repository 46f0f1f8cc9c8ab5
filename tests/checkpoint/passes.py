"""What tests of passes do to them: the offline code, a lane's scan of either, the driver's page."""

from typing import Any

import httpx

from closedloop.printouts import offline_digits
from closedloop.reporting import situation_of
from kernel.db import Connection
from kernel.ids import uuid7
from registry.reports import view_key
from tests.checkpoint.test_lane import bearer
from tests.city import City
from tests.conftest import NOON

ENGLISH = {"accept-language": "en"}


async def offline(conn: Connection, city: City, movement_id: int) -> str:
    situation = await situation_of(conn, movement_id)
    world = await city.office.cache.now(conn)
    return await offline_digits(conn, city.office, situation.movement, world, NOON)


def a_scan(city: City, number: str, **about: Any) -> dict[str, Any]:
    return {
        "id": str(uuid7(NOON)),
        "kind": "entry",
        "pass_number": number,
        "place_id": city.north,
        "gate": "1",
        "occurred_at": NOON.isoformat(),
    } | about


async def scans(client: httpx.AsyncClient, city: City, *said: dict[str, Any]) -> list[Any]:
    answer = await client.post(
        "/api/v1/scans", json={"scans": said}, headers=bearer(city.lane_token) | ENGLISH
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


def page_of(city: City, movement_id: int) -> str:
    return f"/d/{movement_id}-{view_key(movement_id, city.office.vault)}"


async def act(client: httpx.AsyncClient, movement_id: int, kind: str, **about: str) -> Any:
    token = client.cookies.get("csrftoken") or ""
    return await client.post(
        f"/api/v1/movements/{movement_id}/events",
        json={"id": str(uuid7(NOON)), "kind": kind} | about,
        headers={"X-CSRFToken": token},
    )


async def told(conn: Connection, movement_id: int) -> list[tuple[str, str, dict[str, Any]]]:
    rows = await conn.fetch(
        "SELECT kind, recipient, facts FROM kernel.outbox WHERE kind LIKE 'pass%' ORDER BY kind"
    )
    assert {row["recipient"] for row in rows} <= {f"movement:{movement_id}"}
    return [(row["kind"], row["recipient"], row["facts"]) for row in rows]
