"""Other ways to be seen and to meet: contacts of contacts, cameras, visitors, risk places, crews."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from tests.checkpoint.moves import released, reported, scanned
from tests.city import IDS, City
from tests.closedloop.tracing_ground import Day, Presence, write_day
from tests.closedloop.tracing_office import API, LATER, LogIn, audited, opened, people, two_trucks
from tests.conftest import NOON
from tests.http import submit

MINUTE = timedelta(minutes=1)


async def read_camera(
    conn: Connection, place_id: int, plate: str, at: datetime, outcome: str, movement: int | None
) -> None:
    await conn.execute(
        """
        INSERT INTO registry.camera_read (device_id, id, body_hash, place_id, gate, plate,
                                          confidence, taken_at, received_at, movement_id, outcome)
        VALUES ($1, $2, '', $3, '1', $4, 0.9, $5, $5, $6, $7)
        """,
        UUID(int=1),
        uuid4().hex,
        place_id,
        plate,
        at,
        movement,
        outcome,
    )


def seen(ride: int, minutes: float, place_id: int) -> Presence:
    return Presence(place_id=place_id, gate="1", at=NOON + minutes * MINUTE, doubt_ms=0, ride=ride)


async def test_contacts_of_contacts_count_from_the_hour_of_the_first_meeting_on(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    """A met B at noon. B met C afterwards, and D an hour before; E was where C was, later."""
    everybody = tuple(UUID(int=n + 1) for n in range(5))
    presences = (
        seen(0, 0, city.north), seen(1, 5, city.north),
        seen(3, -60, city.mill), seen(1, -60, city.mill),
        seen(1, 90, city.mill), seen(2, 95, city.mill), seen(4, 135, city.mill),
    )  # fmt: skip
    crews = {ride: (ride,) for ride in range(5)}
    await write_day(conn, Day(people=everybody, crews=crews, presences=presences))
    clock.at = LATER
    tracer = await logged_in("tracer")
    case = await opened(tracer, 0, subjects=[{"plate": "豫B12345"}])
    await conn.execute(
        "UPDATE closedloop.trace_subject SET kind = 'person', person_id = $1, plate = ''",
        everybody[0],
    )
    path = f"{API}/{case}/subjects/1/contacts"
    first = (await tracer.get(path)).json()["contacts"]
    assert [(c["code"], c["meeting"]["key"]) for c in first] == [("close", str(everybody[1]))]
    second = (await tracer.get(path, params={"degree": "2"})).json()["contacts"]
    assert [(c["code"], c["meeting"]["key"], c["through"]) for c in second] == [
        ("secondary", str(everybody[2]), 1)
    ]
    assert await audited(conn, "trace_contacts") == [str(everybody[1]), str(everybody[2])]
    report = await tracer.get(f"/trace/{case}/report")
    assert "密接的密接" in report.text


async def test_a_camera_is_sure_or_it_is_not(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    first = await released(conn, city, NOON)
    second = await reported(conn, city, plate="豫B54321", id_number=IDS[1])
    third = await reported(conn, city, plate="豫B66666", id_number=IDS[2])
    at = NOON + 3 * MINUTE
    await read_camera(conn, city.north, "豫B54321", at, "matched", second)
    await read_camera(conn, city.north, "豫B66666", at, "candidate", third)
    await read_camera(conn, city.north, "豫B77777", at, "unregistered", None)
    clock.at = LATER
    tracer = await logged_in("tracer")
    case = await opened(tracer, first)
    met = (await tracer.get(f"{API}/{case}/subjects/1/contacts")).json()["contacts"]
    told = {
        c["meeting"]["plate"]: (c["code"], c["certain"], c["meeting"]["person_id"] is None)
        for c in met
    }
    assert told == {
        "豫B54321": ("close", True, False),
        "豫B66666": ("close", False, False),
        "豫B77777": ("close", True, True),
    }
    page = await tracer.get(f"/trace/{case}/subjects/1/contacts")
    assert "人员不详" in page.text
    other = await opened(tracer, second)
    (sighting,) = (await tracer.get(f"{API}/{other}/subjects/1/trajectory")).json()["sightings"]
    assert (sighting["how"], sighting["sure"]) == ("camera", True)


async def test_a_plate_is_traced_with_its_crew_and_its_readings(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    first, second = await two_trucks(conn, city)
    await read_camera(conn, city.south, "豫B12345", NOON + 20 * MINUTE, "unregistered", None)
    clock.at = LATER
    tracer = await logged_in("tracer")
    case = await opened(tracer, 0, subjects=[{"plate": "豫b·12345"}])
    found = (await tracer.get(f"{API}/{case}/subjects/1/trajectory")).json()["sightings"]
    assert [(s["how"], s["place_id"]) for s in found] == [
        ("gate", city.north), ("camera", city.south), ("tapped", city.mill),
    ]  # fmt: skip
    met = (await tracer.get(f"{API}/{case}/subjects/1/contacts")).json()["contacts"]
    assert sorted((c["rule"], c["meeting"]["person_id"]) for c in met) == sorted(
        [("same_cab", *await people(conn, first)), ("gate_10", *await people(conn, second))]
    )


async def test_everybody_at_a_place_is_who_was_there(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    first, second = await two_trucks(conn, city)
    await scanned(conn, city, second, "arrival", NOON + timedelta(hours=4))
    clock.at = LATER
    tracer = await logged_in("tracer")
    hours = {"since": NOON.isoformat(), "until": (NOON + timedelta(hours=1)).isoformat()}
    case = await opened(tracer, 0, subjects=[{"place_id": city.mill}], **hours)
    met = (await tracer.get(f"{API}/{case}/subjects/1/contacts")).json()["contacts"]
    assert [c["meeting"]["person_id"] for c in met] == await people(conn, first)
    assert "第一面粉厂" in (await tracer.get(f"/trace/{case}/subjects/1")).text
    assert await conn.fetchval("SELECT count(*) FROM closedloop.trace_place") == 0


async def test_a_place_of_two_cases_is_a_risk_place(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    first, second = await two_trucks(conn, city)
    clock.at = LATER
    tracer = await logged_in("tracer")
    told: list[dict[str, int]] = []
    for movement_id in (first, second):
        case = await opened(tracer, movement_id)
        told.append((await tracer.get(f"{API}/{case}/subjects/1/trajectory")).json()["risky"])
    assert told == [{}, {str(city.north): 2}]
    assert "风险场所" in (await tracer.get(f"/trace/{case}/subjects/1")).text


async def test_a_visitor_is_revealed_only_where_a_case_came_upon_them(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    first, second = await two_trucks(conn, city)
    clock.at = LATER
    tracer = await logged_in("tracer")
    case = await opened(tracer, first)
    (person,) = await people(conn, second)
    path = f"/trace/{case}/people/{person}/reveal"
    assert (await tracer.get(path)).status_code == 404
    await tracer.get(f"/trace/{case}/subjects/1/contacts")
    form = await tracer.get(path)
    assert "赵大" not in form.text
    empty = await submit(tracer, form, path, {"reason": "", "note": ""})
    assert empty.status_code == 422
    shown = await submit(tracer, form, path, {"reason": "tracing", "note": ""})
    assert (shown.status_code, shown.headers["cache-control"]) == (200, "no-store")
    assert "赵大" in shown.text
    assert IDS[1] in shown.text
    assert await audited(conn, "reveal") == [person]


async def test_the_same_form_sent_twice_opens_one_case(
    conn: Connection, city: City, clock: SetClock, logged_in: LogIn
) -> None:
    first, _ = await two_trucks(conn, city)
    clock.at = LATER
    tracer = await logged_in("tracer")
    number = str(uuid7(LATER))
    assert await opened(tracer, first, id=number) == await opened(tracer, first, id=number)
    assert await conn.fetchval("SELECT count(*) FROM closedloop.trace_case") == 1
