"""A bad scan or act is told what is wrong with it, and never spoils the others."""

from typing import Any
from uuid import UUID

import pytest

from closedloop.reporting import open_movement
from kernel.ids import uuid7
from registry.passes import pass_number
from tests.checkpoint.told import events_kept, problem, refused
from tests.journeys.day import Day

HUGE = 2**63


async def test_one_bad_scan_never_spoils_the_others(day: Day):
    number = (await day.report())["pass_number"]
    day.after(55)
    good = day.entry()
    foreign = pass_number(1101_000_000_001, day.city.office.vault)
    bad: tuple[tuple[Any, str], ...] = (
        (day.entry(override={"reason": "because"}), "override_not_allowed"),
        (5, "scan_malformed"),
        (None, "scan_malformed"),
        ([], "scan_malformed"),
        ({"id": "x"}, "scan_malformed"),
        (day.entry(id="x"), "scan_malformed"),
        (day.entry(colour="red"), "scan_malformed"),
        (day.entry(occurred_at="noon"), "scan_malformed"),
        (day.entry(sequence="first"), "scan_malformed"),
        (day.entry(place_id=2**70), "scan_malformed"),
        (day.scan("visit", day.city.north), "unknown_kind"),
        (day.entry(place_id=999_999), "unknown_place"),
        (day.entry(place_id=HUGE - 1), "unknown_place"),
        (day.entry(place_id=day.city.south), "not_your_place"),
        (day.scan("arrival", day.city.north), "wrong_kind_of_place"),
        (day.entry(pass_number="", plate=""), "pass_or_plate_needed"),
        (day.entry(pass_number=foreign), "pass_of_other_city"),
        (day.entry(pass_number=number[:-2]), "pass_mistyped"),
        (day.entry(pass_number="https://example.org/"), "not_a_pass"),
        (day.entry(pass_number="", plate="HELLO"), "plate_malformed"),
        (day.entry(pass_number="", plate="豫B1\x00345"), "scan_malformed"),
        (day.entry(gate="\0"), "scan_malformed"),
        (day.entry(card_shown="\0"), "scan_malformed"),
        (day.entry(gate="1" * 5000), "scan_malformed"),
        (day.entry(sequence=2**63), "scan_malformed"),
        (day.entry(clock={"monotonic": 2**64}), "scan_malformed"),
        (day.entry(pass_number="\0"), "not_a_pass"),
        (day.entry(occurred_at="2022-05-01T12:55:00"), "time_without_zone"),
        (day.entry(occurred_at="2023-05-01T12:55:00Z"), "occurred_in_future"),
        (day.entry(occurred_at="9999-12-31T23:59:59Z"), "occurred_in_future"),
        (day.entry(clock={"offset": 10**15}), "occurred_in_future"),
        (day.entry(clock={"offset": 2**62}), "occurred_in_future"),
    )
    items = [item for item, _ in bad]
    results = await day.send(day.lane, *items[:13], good, *items[13:])
    assert (results[13]["status"], results[13]["card"]) == ("recorded", "green")
    told = [*results[:13], *results[14:]]
    for (item, code), result in zip(bad, told, strict=True):
        refused(result, code)
        sent = item.get("id") if isinstance(item, dict) else None
        assert result["id"] == sent
    assert await events_kept(day.conn) == 2


async def test_a_scan_of_long_ago_is_kept_and_marked(day: Day):
    await day.report()
    day.after(55)
    for said in ("1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z"):
        scan = day.entry(offline=True, occurred_at=said)
        result = (await day.send(day.lane, scan))[0]
        assert result["status"] == "recorded", result
        assert "stale_upload" in result["movement"]["flags"]


async def test_an_hour_that_no_calendar_has_is_refused_and_not_an_accident(day: Day):
    await day.report()
    scan = day.entry(offline=True, occurred_at="0001-01-01T00:00:00Z", clock={"offset": -1000})
    result = (await day.send(day.lane, scan))[0]
    assert result["status"] in {"recorded", "refused"}
    late = day.entry(offline=True, occurred_at="9999-12-31T23:59:59Z", clock={"offset": 5000})
    refused((await day.send(day.lane, late))[0], "occurred_in_future")


async def test_too_many_scans_at_once_are_refused_as_a_whole(day: Day):
    answer = await day.client.post("/api/v1/scans", json={"scans": [{}] * 501}, headers=day.lane)
    problem(answer, 400, "too_many_scans")


PLATES = ("豫b12345", "豫Ｂ１２３４５", "豫Ｂ12３45", " 豫B·123 45 ", "豫B-12345", "豫ｂ１２３４5")


@pytest.mark.parametrize("plate", PLATES)
async def test_a_plate_is_read_as_people_write_it(day: Day, plate: str):
    reported = await day.report(plate=plate)
    assert (reported["state"], reported["plate"]) == ("issued", "豫B12345")
    day.after(55)
    by_plate = day.entry(plate=plate, pass_number="", plate_seen=plate)
    result = (await day.send(day.lane, by_plate))[0]
    assert (result["card"], result["movement"]["id"]) == ("green", reported["id"])


ACTS = (
    ({"kind": "dance"}, 422, "unknown_kind"),
    ({"kind": "confirm", "occurred_at": "2022-05-01T12:00:00"}, 422, "time_without_zone"),
    ({"kind": "delay"}, 422, "minutes_out_of_range"),
    ({"kind": "delay", "minutes": 10**9}, 422, "minutes_out_of_range"),
    ({"kind": "delay", "minutes": "ten"}, 400, "malformed"),
    ({"kind": "discrepancy"}, 422, "reason_needed"),
    ({"kind": "divert", "place_id": 2**60}, 422, "destination_unknown"),
    ({"kind": "divert", "place_id": 2**70}, 400, "malformed"),
    ({"kind": "discrepancy", "reason": "\0"}, 400, "malformed"),
    ({"kind": "confirm", "colour": "red"}, 400, "malformed"),
)


@pytest.mark.parametrize(("act", "status", "code"), ACTS)
async def test_an_act_that_makes_no_sense_is_refused(
    day: Day, act: dict[str, Any], status: int, code: str
):
    await day.report()
    day.after(55)
    await day.enters()
    day.after(60)
    answer = await day.client.post(
        f"/api/v1/movements/{day.movement['id']}/events",
        json={"id": str(uuid7(day.clock.at))} | act,
        headers=day.firm,
    )
    problem(answer, status, code)
    assert await events_kept(day.conn) == 2


async def test_one_bad_act_never_spoils_the_others(day: Day):
    movement_id = (await day.report())["id"]
    day.after(55)
    await day.enters()
    day.after(60)

    def act(**said: Any) -> dict[str, Any]:
        return {"id": str(uuid7(day.clock.at)), "movement_id": movement_id} | said

    bad: tuple[tuple[Any, str], ...] = (
        (5, "malformed"),
        (act(kind="dance"), "unknown_kind"),
        (act(kind="delay", minutes="ten"), "malformed"),
        (act(kind="delay", minutes=600), "minutes_out_of_range"),
        (act(kind="delay", movement_id=4102_000_000_000), "unknown_movement"),
        (act(kind="delay", movement_id=2**70), "unknown_movement"),
    )
    good = act(kind="delay", minutes=30)
    answer = await day.client.post(
        "/api/v1/events",
        json={"events": [*(item for item, _ in bad), good]},
        headers=day.firm,
    )
    assert answer.status_code == 200, answer.text
    *told, last = answer.json()["results"]
    assert (last["status"], last["movement"]["state"]) == ("recorded", "released")
    for (item, code), result in zip(bad, told, strict=True):
        refused(result, code)
        assert result["id"] == (item["id"] if isinstance(item, dict) else None)
    assert await events_kept(day.conn) == 3


async def test_a_refused_scan_of_a_stranger_leaves_nothing_and_may_come_again(day: Day):
    scan = day.arrival(plate="鲁H8K216")
    early = scan | {"occurred_at": "2023-05-01T12:00:00Z"}
    refused((await day.send(day.firm, early))[0], "occurred_in_future")
    assert await day.conn.fetchval("SELECT count(*) FROM registry.movement") == 0
    assert (await day.send(day.firm, scan))[0]["status"] == "recorded"


async def test_a_scan_of_a_stranger_that_was_cut_short_may_come_again(day: Day):
    """The server fell after it had opened a movement and before it kept the scan."""
    scan = day.arrival(plate="鲁H8K216")
    opened = await open_movement(
        day.conn,
        day.city.office,
        scan_id=UUID(scan["id"]),
        plate="鲁H8K216",
        stops=(day.city.mill,),
        seen_at=day.clock.at,
        actor=day.city.gatekeeper,
        now=day.clock.at,
    )
    result = (await day.send(day.firm, scan))[0]
    assert (result["status"], result["movement"]["id"]) == ("recorded", opened)
