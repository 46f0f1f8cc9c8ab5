"""A vendor's cameras push by themselves: their XML, alone and beside pictures, and what is no such."""

import httpx
import pytest

from checkpoint.hikvision import read_message, reading_of
from kernel.db import Connection
from kernel.errors import Malformed, TooLarge
from tests.checkpoint.camera_ground import a_camera, anpr
from tests.checkpoint.moves import reported
from tests.city import City

Client = httpx.AsyncClient


async def test_a_camera_pushes_with_its_pictures(
    client: Client, conn: Connection, city: City
) -> None:
    movement_id = await reported(conn, city)
    token = await a_camera(conn, city.north)
    parts = {
        "anpr.xml": ("anpr.xml", anpr(), "application/xml"),
        "licensePlatePicture.jpg": ("licensePlatePicture.jpg", b"\xff\xd8" * 900, "image/jpeg"),
    }
    for status in ("recorded", "repeated"):
        answer = await client.post(f"/api/v1/cameras/{token}/hikvision", files=parts)
        assert answer.json()["results"][0]["status"] == status, answer.text
    row = await conn.fetchrow(
        "SELECT id, plate, confidence, picture, movement_id FROM registry.camera_read"
    )
    assert row is not None
    assert (row["id"], row["plate"], row["movement_id"]) == ("a-1", "豫B12345", movement_id)
    assert row["picture"] == "licensePlatePicture.jpg"
    assert round(row["confidence"], 2) == 0.97


async def test_the_message_alone_and_in_chinese_bytes(
    client: Client, conn: Connection, city: City
) -> None:
    token = await a_camera(conn, city.north)
    told = anpr(id="2").decode().replace("UTF-8", "GB2312").encode("gb18030")
    answer = await client.post(
        f"/api/v1/cameras/{token}/hikvision",
        content=told,
        headers={"content-type": "application/xml"},
    )
    assert answer.json()["results"][0]["outcome"] == "unregistered"
    assert await conn.fetchval("SELECT plate FROM registry.camera_read") == "豫B12345"


async def test_heartbeats_are_no_readings_and_no_plate_is_one(
    client: Client, conn: Connection, city: City
) -> None:
    token = await a_camera(conn, city.north)
    url = f"/api/v1/cameras/{token}/hikvision"
    beat = anpr().replace(b"<eventType>ANPR", b"<eventType>videoloss")
    answer = await client.post(url, content=beat)
    assert (answer.status_code, answer.json()) == (200, {"results": []})
    answer = await client.post(url, content=anpr(plate="无车牌"))
    assert answer.json()["results"][0]["outcome"] == "doubtful"


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    b'<!ENTITY b "&a;&a;&a;&a;">]><EventNotificationAlert><ANPR>&b;</ANPR>'
    b"</EventNotificationAlert>"
)
OUTSIDE = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>'


@pytest.mark.parametrize(
    "said",
    [
        BOMB,
        OUTSIDE,
        OUTSIDE.decode().encode("utf-16"),
        b"<a>" * 40 + b"</a>" * 40,
        b"<EventNotificationAlert>",
        b"",
        b"{}",
        b"<x>\xff\xfe</x>",
    ],
)
async def test_what_a_camera_would_not_say_is_refused(
    client: Client, conn: Connection, city: City, said: bytes
) -> None:
    with pytest.raises(Malformed):
        read_message(said)
    token = await a_camera(conn, city.north)
    answer = await client.post(f"/api/v1/cameras/{token}/hikvision", content=said)
    assert (answer.status_code, answer.json()["code"]) == (400, "camera_message_malformed")
    assert "passwd" not in answer.text


def test_a_long_message_is_not_read() -> None:
    with pytest.raises(TooLarge):
        read_message(b"<x>" + b"a" * 70_000 + b"</x>")


def test_a_message_without_an_id_has_the_same_one_every_time() -> None:
    told = read_message(anpr(id=""))
    first, second = reading_of(told), reading_of(told)
    assert first == second
    assert first is not None
    assert len(first["id"]) == 64
    other = reading_of(read_message(anpr(id="", plate="豫B54321")))
    assert other is not None
    assert other["id"] != first["id"]
