"""Other emergencies: a pack is put into force in a running city, and a truck's day is played in it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from kernel.clock import SetClock
from kernel.db import Connection
from registry.rules import SCENARIOS
from registry.scenario import install
from tests.city import IDS, City
from tests.journeys.day import Day, an_account

LIVESTOCK = SCENARIOS / "livestock-channel.json"
FLOOD = Path(__file__).parent.parent / "scenarios" / "flood-relief.json"
SOUND = {"tags_missing": False, "animals_ill": False, "load_differs": False}


@pytest.fixture
def day(client: httpx.AsyncClient, conn: Connection, city: City, clock: SetClock) -> Day:
    return Day(client, conn, city, clock)


async def bring(day: Day, kind: str, *rows: dict[str, Any]) -> None:
    """As the county's office sends it, over HTTP."""
    headers = await an_account(day.conn, "registrar", day.clock.at)
    columns = sorted({name for row in rows for name in row})
    lines = [",".join(columns)]
    lines += [",".join(str(row.get(name, "")) for name in columns) for row in rows]
    answer = await day.client.post(
        f"/api/v1/evidence/{kind}",
        params={"source": "county"},
        content="\n".join(lines).encode(),
        headers=headers | {"content-type": "text/csv; charset=utf-8"},
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["refused"] == 0, answer.text


def about(plate: str, value: str, at: Any, reference: str = "") -> dict[str, Any]:
    taken_at = (at - timedelta(hours=2)).isoformat()
    return {"plate": plate, "value": value, "taken_at": taken_at, "reference": reference}


async def livestock(day: Day) -> None:
    await install(day.conn, LIVESTOCK, day.clock.at, day.clock.at)
    plate, now = "豫B12345", day.clock.at
    await bring(day, "quarantine_certificate", about(plate, "valid", now, "ZJ-2022-1"))
    await bring(day, "vehicle_record", about(plate, "on_record", now))
    await bring(day, "disinfection", about(plate, "done", now))
    calm = {"name": "某县", "level": "protection", "words": "某县", "since": now.isoformat()}
    await bring(day, "infected_zone", calm)
    clean = {
        "id_number": IDS[1],
        "value": "warned",
        "taken_at": (now - timedelta(days=1)).isoformat(),
    }
    await bring(day, "carrier_list", clean)


async def test_a_truck_with_pigs_goes_from_its_report_to_its_discharge(day: Day):
    await livestock(day)
    reported = await day.report(tested=False, declared=SOUND, goods="pigs")
    assert (reported["state"], reported["failures"]) == ("issued", [])
    day.after(55)
    entered = await day.enters()
    assert (entered["card"], entered["reasons"]) == ("green", [])
    day.after(95)
    arrived = await day.arrives()
    assert (arrived["card"], arrived["movement"]["state"]) == ("green", "discharged")


async def test_another_truck_cannot_travel_on_the_same_certificate(day: Day):
    await livestock(day)
    headers = await an_account(day.conn, "registrar", day.clock.at)
    row = about("豫B54321", "valid", day.clock.at, "ZJ-2022-1")
    answer = await day.client.post(
        "/api/v1/evidence/quarantine_certificate",
        params={"source": "county"},
        content=f"{','.join(row)}\n{','.join(map(str, row.values()))}".encode(),
        headers=headers | {"content-type": "text/csv; charset=utf-8"},
    )
    assert [each["code"] for each in answer.json()["rows"]] == ["reference_of_another"]
    await day.report(tested=False, declared=SOUND, plate="豫B54321", trailer_plate="")
    day.after(55)
    entered = await day.enters()
    assert entered["card"] == "yellow"
    assert "certificate_missing" in [reason["code"] for reason in entered["reasons"]]


async def test_a_zone_that_is_named_after_the_report_holds_the_truck_from_its_hour_on(day: Day):
    await livestock(day)
    await day.report(tested=False, declared=SOUND, origin="山东省济南市历城区")
    begins = day.began + timedelta(minutes=50)
    zone = {
        "name": "历城区",
        "level": "infected",
        "words": "济南、历城",
        "since": begins.isoformat(),
    }
    await bring(day, "infected_zone", zone)
    day.after(55)
    entered = await day.enters()
    assert entered["card"] == "red"
    assert entered["movement"]["state"] == "held"
    assert [reason["code"] for reason in entered["reasons"]] == ["from_infected_zone"]


async def test_an_invented_pack_plays_from_a_file(day: Day):
    await install(day.conn, FLOOD, day.clock.at, day.clock.at)
    await bring(day, "dispatch_order", about("豫B12345", "signed", day.clock.at, "DD-7"))
    held = {"id_number": IDS[0], "value": "held", "taken_at": day.clock.at.isoformat()}
    await bring(day, "briefing", held)
    reported = await day.report(tested=False, declared={"fuel_on_board": False}, goods="sandbags")
    assert (reported["state"], reported["failures"]) == ("issued", [])
    day.after(20)
    assert (await day.enters())["card"] == "green"
    day.after(55)
    arrived = await day.arrives()
    assert arrived["movement"]["state"] == "discharged"


async def test_its_own_rules_send_a_truck_to_the_desk_in_both_languages(day: Day):
    await install(day.conn, FLOOD, day.clock.at, day.clock.at)
    await day.report(tested=False, declared={"fuel_on_board": True}, goods="boats")
    day.after(20)
    entered = await day.enters()
    assert entered["card"] == "yellow"
    said = {reason["code"]: reason for reason in entered["reasons"]}
    assert set(said) == {"order_missing", "briefing_missing", "fuel_declared"}
    assert "调度令" in str(said["order_missing"])


async def test_a_question_of_another_pack_is_no_answer_to_this_one(day: Day):
    await install(day.conn, FLOOD, day.clock.at, day.clock.at)
    reported = await day.report(tested=False, declared=SOUND)
    assert reported["state"] == "draft"
    assert "question_unanswered" in [each["code"] for each in reported["failures"]]
