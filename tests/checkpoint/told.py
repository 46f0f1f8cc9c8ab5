"""What the answers to bad input have in common."""

from typing import Any

import httpx
import msgspec

from kernel.db import Connection
from kernel.ids import uuid7
from tests.city import a_submission
from tests.journeys.day import Day


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document, if it is whole."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["detail"]
    assert body["detail_other"]
    assert body["detail"] != body["detail_other"]
    assert "error." not in body["detail"] + body["detail_other"]
    return body


def refused(result: dict[str, Any], code: str) -> None:
    assert (result["status"], result["code"]) == ("refused", code)
    assert result["detail"]
    assert "error." not in result["detail"]


def a_body(day: Day, **changes: Any) -> dict[str, Any]:
    said = msgspec.to_builtins(a_submission(day.city, day.clock.at))
    return said | {"id": str(uuid7(day.clock.at))} | changes


async def events_kept(conn: Connection) -> int:
    return await conn.fetchval("SELECT count(*) FROM registry.event")
