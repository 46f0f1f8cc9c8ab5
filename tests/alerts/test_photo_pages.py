"""Photos beside a movement: who may add and see them, once, sealed, and gone when their time is."""

import base64
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID, uuid4

import httpx

from alerts.overdue import sweep_all
from checkpoint.retention import ERASERS
from closedloop.photos import photo_id_of
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from kernel.retention import erase_due
from tests.checkpoint.moves import released
from tests.city import City
from tests.conftest import NOON
from tests.kernel.test_photos import bomb, picture

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
LATER = timedelta(hours=1)
PHOTO = re.compile(r'href="(/photos/[0-9a-f-]{36})"')


async def tell(firm: httpx.AsyncClient, photo: bytes, **fields: str) -> httpx.Response:
    shown = await firm.get("/firm?lang=en")
    token = re.search(r'name="_csrf_token" value="([^"]+)"', shown.text)
    assert token is not None
    said = {
        "_csrf_token": token[1],
        "plate": "豫B12345",
        "reason": "wrong_person",
        "note": "seal broken",
    }
    files = {"photo": ("load.jpg", photo, "image/jpeg")}
    return await firm.post("/firm/discrepancy", data=said | fields, files=files)


async def sent_by(
    who: httpx.AsyncClient, movement_id: int, photo_id: UUID, photo: bytes
) -> httpx.Response:
    return await who.post(
        f"/api/v1/movements/{movement_id}/photos",
        json={"id": str(photo_id), "image": base64.b64encode(photo).decode()},
        headers={"x-csrftoken": who.cookies["csrftoken"]},
    )


async def looks(conn: Connection) -> int:
    return await conn.fetchval("SELECT count(*) FROM kernel.audit WHERE action = 'read_photo'")


async def test_a_discrepancy_comes_with_a_photo_that_duty_sees(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    movement_id = await released(conn, city)
    clock.at += LATER
    firm, event_id = await logged_in("firm", city.mill), uuid7(clock.at)
    for _ in range(2):  # a second tap is the same photo
        answer = await tell(firm, picture(), event_id=str(event_id))
        assert (answer.status_code, answer.headers["location"]) == (303, "/firm?done=discrepancy")
    sealed = await conn.fetchval(
        "SELECT sealed FROM kernel.attachment WHERE id = $1", photo_id_of(event_id)
    )
    assert b"JFIF" not in sealed
    duty = await logged_in("duty")
    (address,) = PHOTO.findall((await duty.get(f"/duty/{movement_id}")).text)
    before = await looks(conn)
    shown = await duty.get(address)
    assert (shown.headers["content-type"], shown.headers["cache-control"]) == (
        "image/jpeg",
        "no-store",
    )
    assert shown.content.startswith(b"\xff\xd8\xff")
    assert await looks(conn) == before + 1


async def test_a_bad_photo_is_told_beside_its_field_and_nothing_is_lost_or_half_done(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    await released(conn, city)
    clock.at += LATER
    firm = await logged_in("firm", city.mill)
    for bad in (b"no picture at all", bomb()):
        answer = await tell(firm, bad)
        assert answer.status_code == 422
        assert 'id="e-photo"' in answer.text
        assert "seal broken" in answer.text
    assert (
        await conn.fetchval("SELECT count(*) FROM registry.event WHERE kind = 'discrepancy'") == 0
    )
    assert await conn.fetchval("SELECT count(*) FROM kernel.attachment") == 0


async def test_to_others_a_photo_does_not_exist_and_they_add_none(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    movement_id, photo_id = await released(conn, city), uuid4()
    clock.at += LATER
    firm, other = await logged_in("firm", city.mill), await logged_in("firm", city.depot)
    assert (await sent_by(firm, movement_id, photo_id, picture())).status_code == 201
    assert (await firm.get(f"/photos/{photo_id}")).status_code == 200
    before = await looks(conn)
    assert (await other.get(f"/photos/{photo_id}")).status_code == 404
    assert (await sent_by(other, movement_id, uuid4(), picture())).status_code == 404
    assert (await (await logged_in("dispatcher")).get(f"/photos/{photo_id}")).status_code == 403
    assert (await (await logged_in("registrar")).get(f"/photos/{photo_id}")).status_code == 404
    assert await looks(conn) == before


async def test_an_id_is_one_photo_for_ever(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    movement_id, photo_id = await released(conn, city), uuid4()
    clock.at += LATER
    firm = await logged_in("firm", city.mill)
    answers = [await sent_by(firm, movement_id, photo_id, picture()) for _ in range(2)]
    assert [each.json()["result"] for each in answers] == ["recorded", "repeated"]
    taken = await sent_by(firm, movement_id, photo_id, picture(size=(100, 100)))
    assert (taken.status_code, taken.json()["code"]) == (409, "photo_id_taken")
    for _ in range(11):
        assert (await sent_by(firm, movement_id, uuid4(), picture())).status_code == 201
    many = await sent_by(firm, movement_id, uuid4(), picture())
    assert (many.status_code, many.json()["code"]) == (409, "photos_too_many")


async def test_driver_and_officer_add_a_photo_to_what_they_say(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    movement_id = await released(conn, city)
    due = await conn.fetchval(
        "SELECT due_at FROM closedloop.loop WHERE movement_id = $1", movement_id
    )
    clock.at = due + timedelta(minutes=50)
    await sweep_all(conn, clock.at)
    duty = await logged_in("duty")
    page = await duty.get(f"/duty/{movement_id}?lang=en")
    token = re.search(r'name="_csrf_token" value="([^"]+)"', page.text)
    assert token is not None
    said = {"_csrf_token": token[1], "event_id": str(uuid7(clock.at)), "whom": "firm", "code": "1"}
    files = {"photo": ("ticket.png", picture("PNG"), "image/png")}
    answer = await duty.post(f"/duty/{movement_id}/call", data=said, files=files)
    assert answer.status_code == 303, answer.text
    firm = await logged_in("firm", city.mill)
    page = await firm.get(f"/firm/trucks/{movement_id}?lang=en")
    assert PHOTO.findall(page.text) == []  # what an officer added is none of the firm's
    (of_duty,) = PHOTO.findall((await duty.get(f"/duty/{movement_id}")).text)
    assert (await firm.get(of_duty)).status_code == 404
    token = re.search(r'name="_csrf_token" value="([^"]+)"', page.text)
    assert token is not None
    said = {"_csrf_token": token[1], "event_id": str(uuid7(clock.at)), "code": "1", "minutes": ""}
    answer = await firm.post(f"/firm/trucks/{movement_id}", data=said, files=files)
    assert answer.status_code == 303, answer.text
    history = await duty.get(f"/loops/{movement_id}")
    assert len(PHOTO.findall(history.text)) == 2
    assert len(PHOTO.findall((await firm.get(f"/loops/{movement_id}")).text)) == 1


async def test_a_photo_goes_when_its_time_is_over(
    logged_in: LogIn, conn: Connection, city: City
) -> None:
    movement_id, photo_id = await released(conn, city), uuid4()
    firm = await logged_in("firm", city.mill)
    assert (await sent_by(firm, movement_id, photo_id, picture())).status_code == 201
    (photos,) = [each for each in ERASERS if each.name == "photos"]
    for days, left in ((29, 1), (31, 0)):
        await erase_due(conn, [photos], NOON + timedelta(days=days))
        assert await conn.fetchval("SELECT count(*) FROM kernel.attachment") == left
