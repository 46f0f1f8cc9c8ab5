"""The firm's page, the list of loops, and a movement's history."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from closedloop import staff_pages
from closedloop.model import Level, State
from closedloop.queries import count_expected
from closedloop.rolling import rolling_code
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from tests.checkpoint.moves import loop_of, released, reported, scanned
from tests.city import IDS, City
from tests.conftest import NOON
from tests.http import submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
LATER = timedelta(minutes=45)


async def confirm(firm: httpx.AsyncClient, movement_id: int, event_id: str) -> httpx.Response:
    shown = await firm.get("/firm?lang=en")
    said = {"movement_id": str(movement_id), "stop": "1", "event_id": event_id}
    return await submit(firm, shown, "/firm/arrived", said)


async def test_a_firm_sees_its_own_trucks_and_the_digits_of_the_minute(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    await released(conn, city)
    clock.at += LATER
    shown = await (await logged_in("firm", city.mill)).get("/firm")
    assert "12345" in shown.text
    assert "北卡口" in shown.text
    code, _ = rolling_code(b"s" * 20, clock.at)
    assert f"{code[:3]} {code[3:]}" in shown.text
    other = await (await logged_in("firm", city.depot)).get("/firm")
    assert "12345" not in other.text.replace(f"{code[:3]} {code[3:]}", "")


async def test_a_firm_with_many_trucks_reads_them_a_page_at_a_time(
    logged_in: LogIn, conn: Connection, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    plates = [f"豫BQX7Z{n}" for n in range(3)]
    for plate, number in zip(plates, IDS, strict=False):
        await released(conn, city, plate=plate, id_number=number)
    monkeypatch.setattr(staff_pages, "PER_PAGE", 2)
    firm = await logged_in("firm", city.mill)
    first = await firm.get("/firm?lang=en")
    assert "3 on the way" in first.text
    rest = await firm.get("/firm?lang=en&skip=2")
    assert "3 on the way" in rest.text
    shown = [[n for n in range(3) if f"QX7Z{n}" in page.text] for page in (first, rest)]
    assert sorted(map(len, shown)) == [1, 2]
    assert sorted(n for page in shown for n in page) == [0, 1, 2]
    assert "/firm?skip=2" in first.text
    assert "/firm?skip=" not in rest.text
    assert await count_expected(conn, city.mill) == 3
    assert await count_expected(conn, city.mill, most=2) == 2


async def test_one_tap_closes_the_loop_and_a_second_changes_nothing(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    movement_id = await released(conn, city)
    clock.at += LATER
    firm = await logged_in("firm", city.mill)
    event_id = str(uuid7(clock.at))
    for _ in range(2):
        answer = await confirm(firm, movement_id, event_id)
        assert (answer.status_code, answer.headers["location"]) == (303, "/firm?done=arrived")
        clock.at += timedelta(seconds=4)
    loop = await loop_of(conn, movement_id)
    assert (loop.state, loop.stops[0].level) == (State.DISCHARGED, Level.A)
    shown = await firm.get("/firm?done=arrived&lang=en")
    assert "1 arrived" in shown.text
    assert "0 on the way" in shown.text


async def test_a_firm_cannot_take_in_what_is_bound_for_another(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    movement_id = await released(conn, city)
    clock.at += LATER
    firm = await logged_in("firm", city.depot)
    for number in (movement_id, 4102000000000):
        answer = await confirm(firm, number, str(uuid7(clock.at)))
        assert answer.status_code == 422
    assert (await loop_of(conn, movement_id)).state is State.RELEASED


async def test_loops_are_listed_by_state_as_the_clock_reads_it(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    movement_id = await released(conn, city)
    duty = await logged_in("duty")
    assert f"/loops/{movement_id}" in (await duty.get("/loops")).text
    assert f"/loops/{movement_id}" in (await duty.get("/loops?state=released")).text
    assert f"/loops/{movement_id}" not in (await duty.get("/loops?state=overdue")).text
    clock.at = NOON + timedelta(minutes=75) + timedelta(minutes=14)
    assert f"/loops/{movement_id}" in (await duty.get("/loops?state=overdue")).text
    clock.at = NOON + timedelta(minutes=75) + timedelta(minutes=16)
    assert f"/loops/{movement_id}" not in (await duty.get("/loops?state=overdue")).text
    assert f"/loops/{movement_id}" in (await duty.get("/loops?state=enquiry")).text
    assert (await duty.get("/loops?state=nonsense")).status_code == 200


async def test_a_long_list_goes_on_over_the_page(
    logged_in: LogIn, conn: Connection, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("closedloop.staff_pages.PER_PAGE", 2)
    wanted = {
        await reported(conn, city, tested=False, plate=f"豫B1234{n}", id_number=IDS[n])
        for n in range(3)
    }
    duty = await logged_in("duty")
    address, seen = "/loops?state=issued", set[int]()
    for _ in range(2):
        shown = (await duty.get(address)).text
        seen |= {movement_id for movement_id in wanted if f"/loops/{movement_id}" in shown}
        address = shown.partition('href="/loops?state=issued&amp;after=')[2].partition('"')[0]
        address = f"/loops?state=issued&after={address}"
    assert seen == wanted


async def test_a_firm_lists_and_reads_its_own_loops_only(
    logged_in: LogIn, conn: Connection, city: City
) -> None:
    movement_id = await released(conn, city)
    own, other = await logged_in("firm", city.mill), await logged_in("firm", city.depot)
    assert f"/loops/{movement_id}" in (await own.get("/loops")).text
    assert f"/loops/{movement_id}" not in (await other.get("/loops")).text
    assert (await own.get(f"/loops/{movement_id}")).status_code == 200
    assert (await other.get(f"/loops/{movement_id}")).status_code == 404


async def test_reading_a_history_leaves_a_row_in_the_audit(
    logged_in: LogIn, conn: Connection, city: City
) -> None:
    movement_id = await released(conn, city)
    duty = await logged_in("duty")
    shown = await duty.get(f"/loops/{movement_id}", params={"lang": "en"})
    assert "李小龙" not in shown.text
    rows = await conn.fetch("SELECT actor_name, action, subject FROM kernel.audit")
    assert [tuple(row) for row in rows] == [("duty", "read_history", str(movement_id))]
    assert (await duty.get("/loops/4102000000000")).status_code == 404


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", ["Reported", "PASS", "北卡口", "第一面粉厂"]),
        ("zh", ["报备", "放行", "目的地扫码", "由现场设备记录"]),
    ],
)
async def test_a_history_tells_what_happened_where_and_how_it_is_known(
    logged_in: LogIn, conn: Connection, city: City, lang: str, words: list[str]
) -> None:
    movement_id = await released(conn, city)
    await scanned(conn, city, movement_id, "arrival", NOON + LATER)
    shown = await (await logged_in("duty")).get(f"/loops/{movement_id}", params={"lang": lang})
    for word in words:
        assert word in shown.text
    for unspoken in ("event.", "how.", "card.", "state."):
        assert f">{unspoken}" not in shown.text


async def test_an_uploaded_scan_shows_when_it_was_received_and_how_sure_its_time_is(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    movement_id = await reported(conn, city)
    clock.at += timedelta(hours=4)
    received = clock.at
    await scanned(conn, city, movement_id, "entry", NOON, received=received, card_shown="green")
    shown = await (await logged_in("duty")).get(f"/loops/{movement_id}?lang=en")
    assert "(± 3 s)" in shown.text
    assert "Received later" in shown.text
    assert "sent later" in shown.text.lower() or "uploaded" in shown.text.lower()
