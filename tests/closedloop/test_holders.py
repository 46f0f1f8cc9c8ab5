"""Anybody can type the number of a document: who then comes back as its owner, and who does not."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from kernel.clock import SetClock
from kernel.db import Connection
from kernel.i18n import t, use_locale
from kernel.senders import Waiting
from registry.drivers import COOKIE, phone_of
from tests.city import IDS, City
from tests.closedloop.walk import PHONE, Walk, answers
from tests.http import submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
OTHER_PHONE = "13900001111"
RIGHT = IDS[0][-4:]
TRUCK_OF_A_STRANGER = "豫C99999"


def waiting(movement_id: int, clock: SetClock) -> Waiting:
    return Waiting(
        id=uuid4(),
        kind="pass_voided",
        recipient=f"movement:{movement_id}",
        facts={},
        sealed=None,
        created_at=clock.at,
        attempts=1,
    )


class Telephone(Walk):
    """A device of its own: the cookie of another one is put aside while it is used."""

    async def takes_over(self, cookie: str = "") -> str:
        before = self.client.cookies.get(COOKIE) or ""
        self.client.cookies.clear()
        if cookie:
            self.client.cookies.set(COOKIE, cookie)
        return before


@pytest.fixture
async def phone(client: httpx.AsyncClient, conn: Connection, city: City) -> Telephone:
    made = Telephone(client, conn, city)
    await made.reports()
    return made


async def reports_as_the_same(phone: Telephone, city: City, number: str, *, proved: bool) -> None:
    """Another device types the same document's number, and a plate of its own."""
    phone.at = "/d/new?first=yes"
    if proved:
        await phone.begins(number)
        if phone.at.endswith("/known"):
            await phone.says(skip="yes")
    else:
        await phone.says(phone=number)
        await phone.says(skip="yes")
    for page, said in (answers(city) | {"plate": {"plate": TRUCK_OF_A_STRANGER}}).items():
        assert phone.at.endswith(f"/{page}"), (phone.at, page)
        assert (await phone.says(**said)).status_code == 303
    assert phone.at.startswith("/d/")


async def my_data(phone: Telephone) -> httpx.Response:
    """The page of what is stored, after the last four."""
    phone.at = "/d/again?next=/d/me"
    await phone.says(last_four=RIGHT)
    return await phone.client.get("/d/me")


async def phone_on_record(conn: Connection, city: City) -> str | None:
    sealed = await conn.fetchval("SELECT phone_sealed FROM registry.person")
    return city.office.vault.read(sealed, field="phone")


@pytest.mark.parametrize("proved", [True, False])
async def test_a_stranger_with_the_number_gets_a_pass_and_nothing_else(
    phone: Telephone, conn: Connection, city: City, clock: SetClock, *, proved: bool
) -> None:
    clock.at += timedelta(hours=1)
    owner = await phone.takes_over()
    await reports_as_the_same(phone, city, OTHER_PHONE, proved=proved)
    assert TRUCK_OF_A_STRANGER in (await phone.client.get(phone.at)).text.replace(" ", "")
    shown = await my_data(phone)
    assert "B12345" not in shown.text
    assert shown.status_code in {200, 303, 422}
    assert await phone_on_record(conn, city) == "+8613812345678"
    await phone.takes_over(owner)
    mine = await my_data(phone)
    assert "12345" in mine.text
    assert "99999" not in mine.text


async def test_whoever_came_first_does_not_see_what_the_owner_reports_later(
    phone: Telephone, city: City, clock: SetClock
) -> None:
    """Here the first was the stranger; the owner comes with a telephone of their own."""
    clock.at += timedelta(hours=1)
    stranger = await phone.takes_over()
    await reports_as_the_same(phone, city, OTHER_PHONE, proved=True)
    await phone.takes_over(stranger)
    assert "99999" not in (await my_data(phone)).text


async def test_the_code_to_the_phone_on_record_makes_a_new_device_the_holders(
    phone: Telephone, conn: Connection, city: City, clock: SetClock
) -> None:
    clock.at += timedelta(hours=7)
    await phone.takes_over()
    await reports_as_the_same(phone, city, PHONE, proved=True)
    mine = await my_data(phone)
    assert "12345" in mine.text
    assert "99999" in mine.text
    assert await conn.fetchval("SELECT count(*) FROM registry.movement_person WHERE own") == 2


async def test_the_desk_that_sees_the_document_moves_the_record_to_a_new_phone(
    phone: Telephone, conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    clock.at += timedelta(hours=1)
    owner = await phone.takes_over()
    await reports_as_the_same(phone, city, OTHER_PHONE, proved=False)
    movement_id = await conn.fetchval(
        "SELECT movement_id FROM registry.movement WHERE plate = $1", TRUCK_OF_A_STRANGER
    )
    hotline = await logged_in("hotline")
    page = f"/assist/{movement_id}"
    assert "/seen" not in (await hotline.get(page)).text
    refused = await submit(hotline, await hotline.get("/assist"), f"{page}/seen", {})
    assert refused.status_code == 403
    desk = await logged_in("desk", city.north)
    await submit(desk, await desk.get(page), f"{page}/seen", {})
    assert f"+86{OTHER_PHONE}" == await phone_on_record(conn, city)
    await phone.takes_over(owner)
    assert "12345" not in (await my_data(phone)).text
    clock.at += timedelta(hours=7)
    await phone.takes_over()
    await phone.begins(OTHER_PHONE)
    assert phone.at.endswith("/known")
    await phone.says(last_four=RIGHT)
    mine = await my_data(phone)
    assert "12345" in mine.text
    assert "99999" in mine.text


async def test_a_message_goes_to_the_number_that_was_reported_with_the_journey(
    phone: Telephone, conn: Connection, city: City, clock: SetClock
) -> None:
    clock.at += timedelta(hours=1)
    await phone.takes_over()
    await reports_as_the_same(phone, city, OTHER_PHONE, proved=False)
    find = phone_of(city.office.vault, "https://pass.example")
    rows = await conn.fetch("SELECT movement_id, plate FROM registry.movement ORDER BY plate")
    sent = {row["plate"]: await find(conn, waiting(row["movement_id"], clock)) for row in rows}
    assert {plate: at.to if at else None for plate, at in sent.items()} == {
        "豫B12345": "+8613812345678",
        TRUCK_OF_A_STRANGER: f"+86{OTHER_PHONE}",
    }


@pytest.mark.usefixtures("phone")
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("kind", ["pass_voided", "pass_reissued", "pass_cancelled"])
async def test_each_message_about_a_pass_has_its_words(
    conn: Connection, city: City, clock: SetClock, kind: str, lang: str
) -> None:
    movement_id = await conn.fetchval("SELECT movement_id FROM registry.movement")
    found = await phone_of(city.office.vault, "https://pass.example")(
        conn, waiting(movement_id, clock)
    )
    assert found is not None
    with use_locale(lang):
        said = t(f"sms.{kind}", **found.facts)
    assert "sms." not in said
    assert "{" not in said
    assert "12328" in said or "https://pass.example/d/" in said
