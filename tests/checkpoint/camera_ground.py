"""A camera at the northern gate, and what it sends, for the tests of cameras."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from kernel.auth import token_hash
from kernel.db import Connection
from registry.accounts import create_device, issue_token
from tests.conftest import NOON

READS = "/api/v1/camera-reads"

ANPR = """<?xml version="1.0" encoding="UTF-8"?>
<EventNotificationAlert version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">
<ipAddress>192.0.2.7</ipAddress><portNo>80</portNo><protocol>HTTP</protocol>
<macAddress>44:19:b6:00:00:01</macAddress><channelID>1</channelID>
<dateTime>{at}</dateTime><activePostCount>1</activePostCount>
<eventType>ANPR</eventType><eventState>active</eventState>
<eventDescription>ANPR</eventDescription><channelName>Camera 01</channelName>
<ANPR><country>14</country><licensePlate>{plate}</licensePlate><line>1</line>
<direction>forward</direction><confidenceLevel>{confidence}</confidenceLevel>
<plateType>unknown</plateType><plateColor>yellow</plateColor>
<pictureInfoList><pictureInfo><fileName>licensePlatePicture.jpg</fileName>
<type>licensePlatePicture</type></pictureInfo></pictureInfoList></ANPR>
<UUID>{id}</UUID><picNum>1</picNum><isDataRetransmission>false</isDataRetransmission>
</EventNotificationAlert>"""


async def a_camera(conn: Connection, place_id: int, gate: str = "1") -> str:
    """Its token."""
    device_id = await create_device(
        conn, name="camera", place_id=place_id, role="camera", gate=gate, now=NOON
    )
    return await issue_token(conn, device_id=device_id, label="camera", now=NOON)


def a_read(id_: str, plate: str = "豫B12345", at: datetime = NOON, **more: Any) -> dict[str, Any]:
    return {"id": id_, "plate": plate, "confidence": 0.97, "taken_at": at.isoformat()} | more


async def send(client: httpx.AsyncClient, token: str, *reads: Any) -> list[dict[str, Any]]:
    answer = await client.post(
        READS, json={"reads": list(reads)}, headers={"authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]


async def outcomes(client: httpx.AsyncClient, token: str, *reads: Any) -> list[str | None]:
    return [each["outcome"] for each in await send(client, token, *reads)]


def anpr(**said: Any) -> bytes:
    about: Mapping[str, Any] = {
        "at": "2022-05-01T20:00:00+08:00", "plate": "豫B12345", "confidence": 97, "id": "a-1",
    } | said  # fmt: skip
    return ANPR.format(**about).encode()


async def revoked(conn: Connection, token: str) -> None:
    await conn.execute(
        """
        UPDATE registry.device SET revoked_at = $2
         WHERE id = (SELECT device_id FROM registry.token WHERE token_hash = $1)
        """,
        token_hash(token),
        NOON,
    )
