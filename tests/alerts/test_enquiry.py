"""Replies, calls, closings and misread plates: what moves a truck that is looked for, and what not.

Evidence of arrival beats all of it, in whatever order they come.
"""

from datetime import datetime
from typing import Any

import pytest

from alerts.acting import call, close, reply
from alerts.closing import Close
from alerts.replies import Call, Reply
from alerts.same_truck import same_truck
from closedloop.commit import Outcome
from closedloop.model import State, state_at
from closedloop.reporting import open_movement
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Refused
from kernel.ids import uuid7
from tests.alerts.enquiry import DUE, MINUTE, after, climb_up, climbed, officer, steps
from tests.checkpoint.moves import loop_of, released, scanned
from tests.city import City
from tests.conftest import NOON


async def said(
    conn: Connection, city: City, movement_id: int, actor: Actor | None, at: datetime, **what: Any
) -> Outcome:
    told = Reply(id=uuid7(at), **what)
    return await reply(conn, city.office, movement_id, told, actor, at)


async def called(
    conn: Connection, city: City, movement_id: int, actor: Actor, at: datetime, **what: Any
) -> Outcome:
    told = Call(id=uuid7(at), whom="driver", **what)
    return await call(conn, city.office, movement_id, told, actor, at)


async def closing(
    conn: Connection, city: City, movement_id: int, actor: Actor, at: datetime, **what: Any
) -> Outcome:
    told = Close(id=uuid7(at), **what)
    return await close(conn, city.office, movement_id, told, actor, at)


def code_of(outcome: Outcome) -> str:
    return "" if outcome.refusal is None else outcome.refusal.code


async def overdue(conn: Connection, city: City, minutes: float = 20) -> int:
    movement_id = await released(conn, city)
    await climb_up(conn, city, minutes)
    return movement_id


async def test_a_driver_moves_the_limit_once_by_an_hour_at_most(
    conn: Connection, city: City
) -> None:
    movement_id = await overdue(conn, city)
    assert code_of(await said(conn, city, movement_id, None, after(21), code=5, minutes=61)) == (
        "minutes_out_of_range"
    )
    done = await said(conn, city, movement_id, None, after(22), code=5, minutes=30)
    assert done.loop is not None
    assert done.loop.due_at == after(22) + 30 * MINUTE
    assert state_at(done.loop, after(23)) is State.RELEASED
    again = await said(conn, city, movement_id, None, after(40), code=5, minutes=30)
    assert code_of(again) == "already_extended"
    await climb_up(conn, city, 53)
    assert [step for step, _ in await steps(conn, movement_id)][-2:] == ["L0", "L1"]


@pytest.mark.parametrize("code", [3, 7])
async def test_what_a_driver_says_discharges_nothing_and_is_kept(
    conn: Connection, city: City, code: int
) -> None:
    movement_id = await overdue(conn, city)
    done = await said(conn, city, movement_id, None, after(21), code=code, proof="票123")
    assert done.loop is not None
    assert (done.loop.state, done.loop.last_reply) == (State.RELEASED, code)
    assert done.event is not None
    assert done.event.body == {"code": code, "claimed": "票123"}
    await climb_up(conn, city, 46)
    assert [step for step, _ in await steps(conn, movement_id)][-1] == "L3"


@pytest.mark.parametrize(("code", "proof", "ends"), [
    (3, "门卫登记 7", True), (7, "高速出口 12", True), (3, "", False), (7, "", False),
    (1, "x", False), (2, "x", False), (8, "x", False), (9, "x", False),
])  # fmt: skip
async def test_only_three_and_seven_with_a_proof_end_an_enquiry(
    conn: Connection, city: City, code: int, proof: str, *, ends: bool
) -> None:
    movement_id = await overdue(conn, city)
    duty = await officer(conn, "duty")
    done = await said(conn, city, movement_id, duty, after(21), code=code, proof=proof)
    assert done.loop is not None
    assert (done.loop.state is State.DISCHARGED) is ends


async def test_the_firms_arrived_is_its_confirmation(conn: Connection, city: City) -> None:
    movement_id = await overdue(conn, city)
    done = await said(conn, city, movement_id, city.gatekeeper, after(21), code=3)
    assert done.loop is not None
    assert (done.loop.state, done.loop.stops[0].late) == (State.DISCHARGED, True)
    assert done.event is not None
    assert done.event.kind == "confirm"


async def test_a_firm_speaks_of_its_own_trucks_only(conn: Connection, city: City) -> None:
    movement_id = await released(conn, city, stops=(city.depot,))
    await climb_up(conn, city, 20)
    done = await said(conn, city, movement_id, city.gatekeeper, after(21), code=6)
    assert code_of(done) == "not_your_truck"


async def test_a_breakdown_waits_for_a_new_limit(conn: Connection, city: City) -> None:
    movement_id = await overdue(conn, city)
    done = await said(conn, city, movement_id, None, after(21), code=6)
    assert done.loop is not None
    assert done.loop.state is State.INCIDENT


async def test_a_truck_that_went_elsewhere_is_expected_there(conn: Connection, city: City) -> None:
    movement_id = await overdue(conn, city)
    duty = await officer(conn, "duty")
    done = await called(conn, city, movement_id, duty, after(21), code=4, place_id=city.depot)
    assert done.refusal is None
    loop = await loop_of(conn, movement_id)
    assert loop.next_place_id == city.depot
    assert loop.due_at == after(21) + 75 * MINUTE


async def test_a_call_and_what_it_brought_stand_or_fall_together(
    conn: Connection, city: City
) -> None:
    movement_id = await overdue(conn, city)
    duty = await officer(conn, "duty")
    bad = await called(conn, city, movement_id, duty, after(21), code=5, minutes=500)
    assert code_of(bad) == "minutes_out_of_range"
    asked = await called(conn, city, movement_id, duty, after(22), code=8, answers={"x": "yes"})
    assert code_of(asked) == "answer_unknown"
    assert (await loop_of(conn, movement_id)).called_at is None
    good = await called(
        conn, city, movement_id, duty, after(23), code=5, minutes=30, answers={"on_the_road": "yes"}
    )
    assert good.refusal is None
    loop = await loop_of(conn, movement_id)
    assert (loop.last_reply, loop.called_at) == (5, after(23))


async def test_a_call_sent_twice_is_one(conn: Connection, city: City) -> None:
    movement_id = await overdue(conn, city)
    duty = await officer(conn, "duty")
    told = Call(id=uuid7(after(21)), whom="firm", code=8, note="无人接听")
    for _ in range(2):
        await call(conn, city.office, movement_id, told, duty, after(21))
    kinds = await conn.fetch(
        "SELECT kind FROM registry.event WHERE movement_id = $1 AND kind IN ('call', 'reply')",
        movement_id,
    )
    assert sorted(row["kind"] for row in kinds) == ["call", "reply"]
    assert await conn.fetchval("SELECT count(*) FROM alerts.note") == 1
    sealed = await conn.fetchval("SELECT sealed FROM alerts.note")
    assert "无人接听".encode() not in sealed


async def test_it_takes_two_officers_and_a_proof_to_close(conn: Connection, city: City) -> None:
    movement_id = await overdue(conn, city)
    one, two = await officer(conn, "one"), await officer(conn, "two")
    hotline = await officer(conn, "hotline", "hotline")
    why: dict[str, Any] = {"reason": "settled", "proof": "交警 2022-7"}

    async def tried(actor: Actor, minute: int, **what: Any) -> str:
        return code_of(await closing(conn, city, movement_id, actor, after(minute), **what))

    assert await tried(hotline, 21, **why) == "not_your_role"
    assert await tried(one, 22, reason="settled") == "proof_needed"
    assert await tried(one, 23, reason="tired", proof="x") == "close_reason_needed"
    assert await tried(two, 24, decision="approve") == "no_close_waits"
    assert await tried(one, 25, **why) == ""
    assert await tried(two, 26, **why) == "close_waits"
    assert await tried(one, 27, decision="approve") == "second_person_needed"
    assert (await loop_of(conn, movement_id)).state is State.RELEASED
    assert await tried(two, 28, decision="refuse") == ""
    assert await tried(two, 29, decision="approve") == "no_close_waits"
    assert await tried(one, 30, **why) == ""
    assert await tried(two, 31, decision="approve") == ""
    assert (await loop_of(conn, movement_id)).state is State.CLOSED_BY_OFFICER
    assert await tried(one, 32, **why) == "already_ended"


async def test_an_arrival_beats_a_closing_that_raced_it(conn: Connection, city: City) -> None:
    movement_id = await overdue(conn, city)
    one, two = await officer(conn, "one"), await officer(conn, "two")
    await closing(conn, city, movement_id, one, after(21), reason="settled", proof="x")
    await closing(conn, city, movement_id, two, after(23), decision="approve")
    await scanned(conn, city, movement_id, "arrival", after(22), received=after(60))
    assert (await loop_of(conn, movement_id)).state is State.DISCHARGED


async def test_a_misread_plate_is_found_and_named(conn: Connection, city: City) -> None:
    movement_id = await released(conn, city)
    other = await unreported_arrival(conn, city, "豫B12346")
    await unreported_arrival(conn, city, "豫B77777")
    await climb_up(conn, city, 1)
    found = await conn.fetchval(
        "SELECT found FROM alerts.reconciliation WHERE movement_id = $1", movement_id
    )
    assert [(each["kind"], each["movement_id"]) for each in found] == [("plate_close", other)]
    duty = await officer(conn, "duty")
    done = await same_truck(
        conn,
        city.office,
        movement_id,
        event_id=uuid7(after(5)),
        other_id=other,
        actor=duty,
        now=after(5),
    )
    assert done.refusal is None
    loop, merged = await loop_of(conn, movement_id), await loop_of(conn, other)
    assert (loop.state, loop.stops[0].arrived_at) == (State.DISCHARGED, NOON + 50 * MINUTE)
    assert (merged.state, "same_truck_as_another" in merged.flags) == (State.DISCHARGED, True)


async def test_a_truck_that_does_not_fit_is_not_named(conn: Connection, city: City) -> None:
    movement_id = await released(conn, city)
    other = await unreported_arrival(conn, city, "豫B99999")
    await climb_up(conn, city, 1)
    duty = await officer(conn, "duty")
    about = {"event_id": uuid7(after(5)), "actor": duty, "now": after(5)}
    done = await same_truck(conn, city.office, movement_id, other_id=other, **about)
    assert code_of(done) == "not_the_same_truck"
    with pytest.raises(Refused, match="same_truck_itself"):
        await same_truck(conn, city.office, movement_id, other_id=movement_id, **about)


async def unreported_arrival(conn: Connection, city: City, plate: str) -> int:
    at = NOON + 50 * MINUTE
    movement_id = await open_movement(
        conn,
        city.office,
        scan_id=uuid7(at),
        plate=plate,
        stops=(city.mill,),
        seen_at=at,
        actor=city.gatekeeper,
        now=at,
    )
    await scanned(conn, city, movement_id, "arrival", at)
    return movement_id


async def test_the_record_knows_the_same_plate_elsewhere_and_a_silent_device(
    conn: Connection, city: City
) -> None:
    movement_id = await released(conn, city)
    second = await released(conn, city, NOON + 20 * MINUTE, tested=False)  # one proof is enough
    await conn.execute(
        "INSERT INTO registry.device_pulse (device_id, seen_at, waiting) VALUES ($1, $2, 3)",
        city.gatekeeper.id,
        DUE,
    )
    await climbed(conn, city, 1)
    found = await conn.fetchval(
        "SELECT found FROM alerts.reconciliation WHERE movement_id = $1", movement_id
    )
    kinds = {each["kind"]: each for each in found}
    assert kinds.keys() == {"device_silent", "plate_elsewhere"}
    assert kinds["plate_elsewhere"]["movement_id"] == second
