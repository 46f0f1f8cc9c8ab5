"""Holds as cases, through the API: who may do what to one, and in which order (mission §4, §6)."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from alerts.overdue import sweep
from closedloop.model import State
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from registry.reports import view_key
from tests.checkpoint.hold_office import Office
from tests.checkpoint.moves import loop_of, number_of, reported, verifying
from tests.checkpoint.test_desk import compliant
from tests.city import IDS, City, add_proof
from tests.conftest import NOON
from tests.journeys.day import Headers

Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def office(
    client: httpx.AsyncClient, conn: Connection, city: City, clock: SetClock
) -> Office:
    made = Office(client, conn, city, clock)
    await made.set_up()
    return made


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


async def test_from_its_source_to_the_receiving_body(office: Office) -> None:
    begun = (await office.hold(person=0)).json()
    assert (begun["status"], begun["standing"]) == ("recorded", True)
    assert (begun["hold"]["source"], begun["hold"]["person"]) == ("令7号", 0)
    assert (await office.say("approve", "duty")).json()["hold"]["approved_at"]
    asked = await office.say("transfer", "desk", place_id=office.body)
    assert asked.json()["hold"]["receiver_id"] == office.body
    assert await office.state() is State.HELD
    taken = (await office.say("acknowledge", "clinic", reference="B12")).json()
    assert (taken["standing"], taken["hold"]["ended_for"]) == (False, "B12")
    assert await office.state() is State.TRANSFERRED


async def test_a_repeated_word_is_one_and_another_under_its_id_a_conflict(office: Office) -> None:
    said = {"id": str(uuid7(NOON))}
    assert (await office.hold(**said)).json()["status"] == "recorded"
    assert (await office.hold(**said)).json()["status"] == "repeated"
    assert code(await office.hold(source="another", **said)) == (409, "event_id_taken")
    kept = await office.conn.fetchval("SELECT count(*) FROM registry.conflict")
    assert kept == 1
    again = {"id": str(uuid7(NOON + timedelta(hours=1)))}
    for status in ("recorded", "repeated"):
        assert (await office.say("approve", "duty", **again)).json()["status"] == status
    assert code(await office.say("release", "duty", reason="new_proof", **again)) == (
        409,
        "event_id_taken",
    )


@pytest.mark.parametrize("source", ["", "   "])
async def test_no_hold_without_a_source_and_the_attempt_is_kept(
    office: Office, source: str
) -> None:
    assert code(await office.hold(source=source)) == (422, "hold_needs_source")
    assert await office.state() is State.VERIFYING
    tried = await office.conn.fetch("SELECT code FROM closedloop.breach")
    assert [row["code"] for row in tried] == ["hold_needs_source"]


async def test_an_attempt_to_turn_a_compliant_truck_back_by_the_api_is_kept(
    office: Office, conn: Connection, city: City
) -> None:
    movement_id = await compliant(conn, city)
    said = {"kind": "desk", "outcome": "turn_back", "reason": "no_proof"}
    answer = await office.post(f"/movements/{movement_id}/events", "desk", **said)
    assert code(answer) == (409, "must_not_turn_back")
    tried = await conn.fetch("SELECT code FROM closedloop.breach")
    assert [row["code"] for row in tried] == ["must_not_turn_back"]


REFUSED = [
    ({"reason": "because"}, "desk", (422, "reason_unknown")),
    ({"person": 7}, "desk", (404, "unknown_person")),
    ({}, "south", (403, "not_your_place")),
    ({}, "clinic", (403, "not_your_role")),
]


@pytest.mark.parametrize(("said", "by", "answer"), REFUSED)
async def test_a_hold_that_may_not_be_is_refused(
    office: Office, said: dict[str, Any], by: str, answer: tuple[int, str]
) -> None:
    assert code(await office.hold(by, **said)) == answer
    assert await office.state() is State.VERIFYING


async def test_who_orders_does_not_approve(office: Office) -> None:
    await office.hold("duty")
    assert code(await office.say("approve", "duty")) == (403, "second_person_needed")
    assert code(await office.say("approve", "desk")) == (403, "not_your_role")
    assert (await office.say("approve", "second")).status_code == 200
    assert code(await office.say("approve", "third")) == (409, "already_approved")


async def test_who_orders_may_take_it_back_until_it_is_approved(office: Office) -> None:
    await office.hold("desk")
    assert code(await office.say("release", "south", reason="new_proof")) == (403, "not_your_role")
    assert code(await office.say("release", "desk", reason="because")) == (422, "reason_unknown")
    assert (await office.say("release", "desk", reason="not_this_person")).status_code == 200
    assert await office.state() is State.RELEASED
    office.movement_id = await verifying(
        office.conn, office.city, office.clock.at, plate="豫B54321", id_number="410221198505052312"
    )
    await office.hold("duty")
    await office.say("approve", "second")
    assert code(await office.say("release", "duty", reason="new_proof")) == (
        403,
        "second_person_needed",
    )
    assert (await office.say("release", "second", reason="new_proof")).status_code == 200


async def test_a_release_starts_the_arrivals_clock(office: Office) -> None:
    await office.hold()
    await office.say("release", "duty", reason="new_proof", proof="纸质报告")
    loop = await loop_of(office.conn, office.movement_id)
    assert loop.due_at is not None
    assert loop.released_at == office.clock.at


async def test_nothing_is_handed_over_unapproved_or_to_no_receiving_body(office: Office) -> None:
    await office.hold()
    asked = {"place_id": office.body}
    assert code(await office.say("transfer", "desk", **asked)) == (409, "hold_not_approved")
    await office.say("approve", "duty")
    mill = {"place_id": office.city.mill}
    assert code(await office.say("transfer", "desk", **mill)) == (422, "receiver_unknown")
    assert code(await office.say("acknowledge", "clinic", reference="1")) == (404, "unknown_hold")
    await office.say("transfer", "desk", **asked)
    assert code(await office.say("acknowledge", "other clinic", reference="1")) == (
        404,
        "unknown_hold",
    )
    assert code(await office.say("acknowledge", "clinic", reference=" ")) == (
        422,
        "body_reference_needed",
    )
    assert await office.state() is State.HELD


def key_of(office: Office) -> Headers:
    return {"x-view-key": view_key(office.movement_id, office.city.office.vault)}


async def test_the_driver_appeals_and_somebody_else_answers(office: Office) -> None:
    await office.hold("duty")
    await office.say("approve", "second")
    said = {"grounds": "not_me", "note": "我叫王小明，不是那个人"}
    assert code(await office.say("appeal", "nobody", **said)) == (403, "view_key_needed")
    office.known["driver"] = key_of(office)
    appealed = (await office.say("appeal", "driver", **said)).json()
    assert appealed["hold"]["appeal_due"]
    assert code(await office.say("appeal", "driver", **said)) == (409, "appeal_waits")
    for part in ("duty", "second"):
        answer = await office.say("dismiss", part, reason="record_confirmed")
        assert code(answer) == (403, "third_person_needed"), part
    done = (await office.say("dismiss", "third", reason="record_confirmed")).json()
    assert (done["standing"], done["hold"]["appeal_due"]) == (True, None)
    assert code(await office.say("dismiss", "third", reason="record_confirmed")) == (
        409,
        "no_appeal_waits",
    )
    assert (await office.say("appeal", "driver", grounds="new_proof")).status_code == 200


async def test_what_an_appeal_says_is_sealed_and_stands_in_no_event(office: Office) -> None:
    await office.hold()
    await office.say("appeal", "desk", grounds="other", note="我叫王小明")
    sealed = await office.conn.fetchval("SELECT note_sealed FROM closedloop.appeal")
    assert "王小明".encode() not in sealed
    bodies = await office.conn.fetch("SELECT body::text FROM registry.event")
    told = await office.conn.fetch("SELECT facts::text FROM kernel.outbox")
    assert not [row for row in (*bodies, *told) if "王小明" in row[0]]


async def test_without_grounds_no_appeal(office: Office) -> None:
    await office.hold()
    assert code(await office.say("appeal", "desk", grounds="because")) == (422, "grounds_needed")


ACTS: list[tuple[str, dict[str, Any]]] = [
    ("approve", {}),
    ("release", {"reason": "new_proof"}),
    ("transfer", {"place_id": 1}),
    ("dismiss", {"reason": "record_confirmed"}),
    ("appeal", {"grounds": "other"}),
]


@pytest.mark.parametrize(("what", "said"), ACTS)
async def test_a_hold_that_ended_and_one_that_never_was(
    office: Office, what: str, said: dict[str, Any]
) -> None:
    await office.hold()
    await office.say("release", "duty", reason="new_proof")
    assert code(await office.say(what, "duty", **said)) == (409, "hold_ended")
    office.hold_id = str(UUID(int=7))
    assert code(await office.say(what, "duty", **said)) == (404, "unknown_hold")
    rows = await office.conn.fetch(
        "SELECT event_id FROM registry.event WHERE movement_id = $1 AND kind = 'entry'",
        office.movement_id,
    )
    office.hold_id = str(rows[0]["event_id"])
    assert code(await office.say(what, "duty", **said)) == (404, "unknown_hold")


async def test_a_second_source_is_added_to_the_hold_that_stands(office: Office) -> None:
    first = (await office.hold()).json()["hold"]["id"]
    second = (await office.hold("duty", source="医院3号")).json()
    assert second["hold"]["id"] == first
    assert second["hold"]["also"] == [f"医院3号 · {office.reason}"]


async def test_the_list_shows_each_what_is_theirs(office: Office) -> None:
    await office.hold()
    await office.say("approve", "duty")

    async def listed(by: str) -> list[int]:
        answer = await office.client.get("/api/v1/holds", headers=office.known[by])
        return [each["movement_id"] for each in answer.json()["holds"]]

    mine = [office.movement_id]
    assert [await listed(by) for by in ("duty", "desk", "south")] == [mine, mine, []]
    assert await listed("clinic") == []
    await office.say("transfer", "desk", place_id=office.body)
    assert [await listed(by) for by in ("clinic", "other clinic")] == [mine, []]
    await office.say("acknowledge", "clinic", reference="B12")
    assert [await listed(by) for by in ("duty", "clinic")] == [[], []]


@pytest.mark.parametrize(("minutes", "limbs"), [(31, {"hold"}), (61, {"hold", "takeover"})])
async def test_times_that_pass_are_flagged_and_release_nobody(
    office: Office, minutes: int, limbs: set[str]
) -> None:
    await office.hold()
    office.clock.at += timedelta(minutes=minutes)
    await sweep(office.conn, office.clock.at)
    flagged = await office.conn.fetch(
        "SELECT limb FROM alerts.alert WHERE movement_id = $1 AND step = 'L1'", office.movement_id
    )
    assert {row["limb"] for row in flagged} == limbs
    assert await office.state() is State.HELD


async def test_words_of_one_instant_keep_the_order_in_which_they_were_said(office: Office) -> None:
    await office.hold("duty")
    at = office.clock.at
    for what, by, said in (
        ("approve", "second", {}),
        ("appeal", "desk", {"grounds": "other"}),
        ("dismiss", "third", {"reason": "no_new_proof"}),
        ("appeal", "desk", {"grounds": "not_me"}),
    ):
        office.clock.at = at - timedelta(minutes=1)
        assert (await office.say(what, by, **said)).status_code == 200, what
    loop = await loop_of(office.conn, office.movement_id)
    assert (loop.appeals, loop.hold and loop.hold.grounds) == (2, "not_me")


async def test_no_lane_takes_back_what_the_rules_ordered(office: Office) -> None:
    city, at = office.city, office.clock.at
    await office.hire("lane", "lane", city.north)
    await add_proof(office.conn, city.office.vault, "health_code", "red", at, IDS[2])
    movement_id = await reported(office.conn, city, plate="豫B77777", id_number=IDS[2])
    office.clock.at += timedelta(minutes=1)
    scan = {
        "id": str(uuid7(office.clock.at)),
        "kind": "entry",
        "place_id": city.north,
        "occurred_at": office.clock.at.isoformat(),
        "pass_number": number_of(city, movement_id),
    }
    answer = await office.client.post(
        "/api/v1/scans", json={"scans": [scan]}, headers=office.known["lane"]
    )
    assert answer.json()["results"][0]["card"] == "red"
    office.movement_id, office.hold_id = movement_id, scan["id"]
    assert code(await office.say("release", "lane", reason="new_proof")) == (403, "not_your_role")
    assert (await office.say("release", "duty", reason="source_withdrawn")).status_code == 200
