"""A truck's day from its report to its discharge, and the days that do not go so well."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from alerts import overdue as sweeping
from alerts.queries import overdue
from kernel.clock import SetClock
from kernel.db import Connection
from registry.passes import check_digit, pass_number
from tests.alerts.enquiry import FLAGS
from tests.city import City
from tests.journeys.day import Day, a_device, an_account

#: 30 minutes of road, half as much again and half an hour more.
LIMIT = timedelta(minutes=75)
sweep = partial(sweeping.sweep, ladder=FLAGS)


@pytest.fixture
def day(client: httpx.AsyncClient, conn: Connection, city: City, clock: SetClock) -> Day:
    return Day(client, conn, city, clock)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_from_report_to_discharge(day: Day):
    reported = await day.report()
    assert reported["state"] == "issued"
    assert reported["failures"] == []
    assert len(reported["pass_number"]) == 24
    released_at = day.after(55)
    entered = await day.enters()
    assert (entered["status"], entered["card"], entered["reasons"]) == ("recorded", "green", [])
    assert entered["movement"]["state"] == "released"
    duty = await day.duty()
    seen = await duty(f"/movements/{reported['id']}")
    assert at(seen["released_at"]) == released_at
    assert at(seen["due_at"]) == released_at + LIMIT
    day.after(95)
    arrived = await day.arrives()
    assert (arrived["card"], arrived["movement"]["state"]) == ("green", "discharged")
    assert arrived["movement"]["flags"] == []
    told = await duty(f"/movements/{reported['id']}/history")
    assert [event["kind"] for event in told["events"]] == ["reported", "entry", "arrival"]
    listed = await duty("/loops", state="discharged")
    assert [row["movement_id"] for row in listed["loops"]] == [reported["id"]]
    day.after(600)
    assert await sweep(day.conn, day.clock.at) == 0


async def test_a_scan_sent_again_is_the_same_scan(day: Day):
    await day.report()
    day.after(55)
    scan = day.entry()
    first = await day.send(day.lane, scan)
    day.after(58)
    again = await day.send(day.lane, scan, scan)
    assert [result["status"] for result in again] == ["repeated", "repeated"]
    assert {result["card"] for result in [*first, *again]} == {"green"}
    other = await day.send(day.lane, scan | {"gate": "2"})
    assert (other[0]["status"], other[0]["code"]) == ("conflict", "event_id_taken")
    told = await (await day.duty())(f"/movements/{day.movement['id']}/history")
    assert len(told["events"]) == 2


async def test_one_that_vanishes_is_flagged_once_and_its_late_arrival_ends_the_alert(day: Day):
    movement_id = (await day.report())["id"]
    released_at = day.after(55)
    await day.enters()
    day.clock.at = released_at + LIMIT - timedelta(seconds=1)
    assert await sweep(day.conn, day.clock.at) == 0
    day.clock.at = released_at + LIMIT + timedelta(seconds=1)
    assert await sweep(day.conn, day.clock.at) == 1
    assert await sweep(day.conn, day.clock.at) == 0
    duty = await day.duty()
    listed = (await duty("/loops", state="overdue"))["loops"]
    assert [row["movement_id"] for row in listed] == [movement_id]
    assert [row.movement_id for row in await overdue(day.conn, day.clock.at)] == [movement_id]
    alerts = (await duty("/alerts", is_open=True))["alerts"]
    assert [(row["movement_id"], row["limb"]) for row in alerts] == [(movement_id, "arrival")]
    assert at(alerts[0]["due_at"]) == released_at + LIMIT
    day.clock.at += timedelta(minutes=20)
    arrived = await day.arrives()
    assert (arrived["card"], arrived["movement"]["state"]) == ("green", "discharged")
    assert arrived["movement"]["flags"] == ["late"]
    assert (await duty("/alerts", is_open=True))["alerts"] == []
    kept = (await duty("/alerts", movement_id=movement_id))["alerts"]
    assert [row["limb"] for row in kept] == ["arrival"]
    assert at(kept[0]["ended_at"]) == day.clock.at
    assert await overdue(day.conn, day.clock.at) == []
    assert await sweep(day.conn, day.clock.at + timedelta(days=1)) == 0


async def test_a_release_that_is_uploaded_late_raises_nothing_for_a_quarter_of_an_hour(day: Day):
    await day.report()
    entered_at = day.after(10)
    scan = day.entry(offline=True)
    day.after(10 + 75 + 30)
    result = (await day.send(day.lane, scan))[0]
    assert result["movement"]["state"] == "overdue"
    assert await sweep(day.conn, day.clock.at + timedelta(minutes=14)) == 0
    assert await sweep(day.conn, day.clock.at + timedelta(minutes=16)) == 1
    seen = await (await day.duty())(f"/movements/{day.movement['id']}")
    assert at(seen["released_at"]) == entered_at


async def test_a_truck_that_nobody_knows_arrives_without_entry(day: Day):
    arrived = await day.arrives(plate="鲁H8K216")
    assert (arrived["status"], arrived["card"]) == ("recorded", "yellow")
    assert arrived["movement"]["state"] == "discrepancy"
    assert "arrived_without_entry" in arrived["movement"]["flags"]
    listed = (await (await day.duty())("/loops", state="discrepancy"))["loops"]
    assert [(row["movement_id"], row["plate"]) for row in listed] == [
        (arrived["movement"]["id"], "鲁H8K216")
    ]


async def test_an_entry_uploaded_after_the_arrival_mends_the_discrepancy(day: Day):
    await day.report()
    day.after(20)
    entry = day.entry(offline=True)
    day.after(60)
    arrived = await day.arrives()
    assert (arrived["card"], arrived["movement"]["state"]) == ("yellow", "discrepancy")
    day.after(90)
    uploaded = (await day.send(day.lane, entry))[0]
    assert (uploaded["card"], uploaded["movement"]["state"]) == ("green", "discharged")
    assert uploaded["movement"]["flags"] == []
    told = await (await day.duty())(f"/movements/{day.movement['id']}/history")
    assert [event["kind"] for event in told["events"]] == ["reported", "entry", "arrival"]
    assert await sweep(day.conn, day.clock.at + timedelta(days=1)) == 0


async def test_an_arrival_sooner_than_the_road_allows_waits_for_the_firms_word(day: Day):
    await day.report()
    day.after(55)
    await day.enters()
    day.after(60)
    arrived = await day.arrives()
    assert (arrived["card"], arrived["movement"]["state"]) == ("yellow", "discrepancy")
    assert arrived["movement"]["flags"] == ["arrived_too_early"]
    day.after(65)
    confirmed = await day.acts(day.firm, "confirm")
    assert confirmed.json()["movement"]["state"] == "discharged", confirmed.text
    assert confirmed.json()["movement"]["flags"] == ["arrived_too_early"]


async def test_a_loop_with_two_stops_closes_at_the_second(day: Day):
    depot = await a_device(day.conn, "firm", day.city.depot, day.clock.at)
    await day.report(stops=(day.city.mill, day.city.depot))
    day.after(55)
    await day.enters()
    first_at = day.after(95)
    first = await day.arrives()
    assert (first["card"], first["movement"]["state"]) == ("green", "released")
    seen = await (await day.duty())(f"/movements/{day.movement['id']}")
    # An hour to unload, then the limit of the road from the first firm to the second.
    assert at(seen["due_at"]) == first_at + timedelta(minutes=60) + LIMIT
    early = (await day.send(day.firm, day.arrival(day.city.depot)))[0]
    assert (early["status"], early["code"]) == ("refused", "not_your_place")
    day.after(150)
    second = (await day.send(depot, day.arrival(day.city.depot)))[0]
    assert (second["card"], second["movement"]["state"]) == ("green", "discharged")


async def test_no_test_goes_to_the_desk_which_releases_it(day: Day):
    await day.report(tested=False)
    day.after(55)
    entered = await day.enters()
    assert (entered["card"], entered["movement"]["state"]) == ("yellow", "verifying")
    desk = await an_account(day.conn, "desk", day.clock.at)
    released_at = day.after(60)
    released = await day.acts(desk, "desk", outcome="release", proof="纸质报告")
    assert released.json()["movement"]["state"] == "released", released.text
    seen = await (await day.duty())(f"/movements/{day.movement['id']}")
    assert at(seen["due_at"]) == released_at + LIMIT


async def test_one_that_is_turned_back_comes_again_with_a_test(day: Day):
    await day.report(tested=False)
    day.after(55)
    await day.enters()
    desk = await an_account(day.conn, "desk", day.after(60))
    turned = await day.acts(desk, "desk", outcome="turn_back", reason="no_valid_test")
    assert turned.json()["movement"]["state"] == "turned_back", turned.text
    day.after(180)
    registrar = await an_account(day.conn, "registrar", day.clock.at)
    row = {"id_number": "410221199001011239", "value": "negative"}
    imported = await day.client.post(
        "/api/v1/evidence/test",
        params={"source": "县医院"},
        json=row | {"taken_at": day.clock.at.isoformat()},
        headers=registrar | {"content-type": "application/x-ndjson"},
    )
    assert imported.json()["accepted"] == 1, imported.text
    again = await day.enters()
    assert (again["card"], again["movement"]["state"]) == ("green", "released")


async def test_a_truck_that_meets_every_rule_cannot_be_turned_back(day: Day):
    await day.report()
    day.after(55)
    desk = await an_account(day.conn, "desk", day.clock.at)
    refused = await day.acts(desk, "desk", outcome="turn_back", reason="no_valid_test")
    assert (refused.status_code, refused.json()["code"]) == (409, "must_not_turn_back")


async def test_codes_that_are_no_pass_of_ours_spoil_nothing(day: Day):
    number = (await day.report())["pass_number"]
    foreign = pass_number(1101_000_000_001, day.city.office.vault)
    tag = str((int(number[15]) + 1) % 10)
    forged = number[:15] + tag + number[16:23]
    forged += check_digit(forged)
    mistyped = str((int(number[0]) % 9) + 1) + number[1:]
    day.after(55)
    passes = (foreign, forged, mistyped, "wxp://f2f0abc", number)
    scans = [day.entry(pass_number=text) for text in passes]
    results = await day.send(day.lane, *scans)
    assert [result["id"] for result in results] == [scan["id"] for scan in scans]
    assert [(result["status"], result["code"]) for result in results] == [
        ("refused", "pass_of_other_city"),
        ("refused", "pass_forged"),
        ("refused", "pass_mistyped"),
        ("refused", "not_a_pass"),
        ("recorded", None),
    ]
    assert [result["card"] for result in results] == [*["wrong_code"] * 4, "green"]
    assert all(said(result) for result in results[:4])


def said(result: dict[str, Any]) -> bool:
    """A sentence, and not its msgid."""
    return bool(result["detail"]) and "error." not in result["detail"]
