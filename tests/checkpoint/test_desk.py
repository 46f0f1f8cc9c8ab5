"""What the verification desk may decide, and what no desk may."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from checkpoint.desk import DESK, standing_verdict
from closedloop.acts import Act, propose
from closedloop.commit import Outcome, append
from closedloop.model import State
from closedloop.reporting import accepted, situation_of
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, Forbidden, Refused, Unprocessable
from kernel.ids import uuid7
from registry.model import Card
from registry.rules import RuleSet
from tests.checkpoint.moves import loop_of, released, reported, scanned, verifying
from tests.city import City
from tests.conftest import NOON

LATER = NOON + timedelta(minutes=5)
SOURCE = "令〔2022〕7号"


def officer(place_id: int | None, role: str = "desk") -> Actor:
    return Actor(id=uuid4(), kind="account", name=role, roles=frozenset({role}), place_id=place_id)


async def rules(conn: Connection, city: City) -> RuleSet:
    return (await city.office.cache.now(conn)).rules_at(LATER)


async def decide(
    conn: Connection,
    city: City,
    movement_id: int,
    outcome: str,
    *,
    by: Actor | None = None,
    event_id: UUID | None = None,
    **said: Any,
) -> Outcome:
    act = Act(id=event_id or uuid7(LATER), kind="desk", outcome=outcome, **said)
    proposal = propose(movement_id, act, by or officer(city.north), DESK)
    return accepted(await append(conn, city.office.cache, [proposal], LATER))[0]


async def refusal(conn: Connection, city: City, movement_id: int, outcome: str, **said: Any):
    before = await loop_of(conn, movement_id)
    with pytest.raises(Refused) as caught:
        await decide(conn, city, movement_id, outcome, **said)
    assert await loop_of(conn, movement_id) == before
    return type(caught.value), caught.value.code


async def freshness(conn: Connection, at: Any) -> None:
    await conn.execute("UPDATE registry.evidence_source SET as_of = $1", at)


async def compliant(conn: Connection, city: City) -> int:
    """Yellow because the list was stale, which it is no longer."""
    await freshness(conn, NOON - timedelta(days=30))
    movement_id = await reported(conn, city)
    given = await scanned(conn, city, movement_id, "entry")
    assert given.event is not None
    assert given.event.body["card"] == Card.YELLOW
    await freshness(conn, LATER)
    return movement_id


async def test_a_release_at_the_desk_starts_the_clock(conn: Connection, city: City) -> None:
    movement_id = await verifying(conn, city)
    done = await decide(conn, city, movement_id, "release", proof="纸质证明 0421", note="阴性")
    loop = await loop_of(conn, movement_id)
    assert (loop.state, loop.released_at) == (State.RELEASED, LATER)
    assert loop.due_at == LATER + timedelta(minutes=75)
    assert done.event is not None
    assert done.event.body["proof"] == "纸质证明 0421"
    assert done.event.place_id == city.north


async def test_the_way_counts_from_the_gate_that_saw_the_truck(
    conn: Connection, city: City
) -> None:
    movement_id = await verifying(conn, city, entry_place_id=city.south)
    await conn.execute(
        "UPDATE registry.road_time SET minutes = 40 WHERE from_place = $1", city.north
    )
    await decide(conn, city, movement_id, "release", by=officer(None, "duty"))
    assert (await loop_of(conn, movement_id)).stops[0].road_minutes == 40


async def test_a_decision_sent_twice_is_one(conn: Connection, city: City) -> None:
    movement_id, event_id, by = await verifying(conn, city), uuid7(LATER), officer(city.north)
    for status in ("recorded", "repeated"):
        done = await decide(conn, city, movement_id, "release", by=by, event_id=event_id)
        assert done.status == status


@pytest.mark.parametrize("outcome", ["release", "turn_back"])
async def test_what_is_under_way_is_no_longer_the_desks(
    conn: Connection, city: City, outcome: str
) -> None:
    movement_id = await released(conn, city)
    found = await refusal(conn, city, movement_id, outcome)
    assert found == (Conflict, "already_released")


async def test_a_turning_back_names_one_reason_of_the_rule_set(
    conn: Connection, city: City
) -> None:
    movement_id = await verifying(conn, city)
    for reason in ("", "because", "red_code"):
        found = await refusal(conn, city, movement_id, "turn_back", reason=reason)
        assert found == (Unprocessable, "reason_unknown")
    in_force = await rules(conn, city)
    reason = in_force.turn_back_reasons[0].code
    done = await decide(conn, city, movement_id, "turn_back", reason=reason)
    assert (await loop_of(conn, movement_id)).state is State.TURNED_BACK
    assert done.event is not None
    assert done.event.body["reason"] == reason
    assert done.event.body["rules_version"] == in_force.version


async def test_a_truck_that_meets_every_rule_is_not_turned_back(
    conn: Connection, city: City
) -> None:
    movement_id = await compliant(conn, city)
    situation = await situation_of(conn, movement_id)
    world = await city.office.cache.now(conn)
    assert standing_verdict(situation, world, LATER).card is Card.GREEN
    for reason in (each.code for each in (await rules(conn, city)).turn_back_reasons):
        found = await refusal(conn, city, movement_id, "turn_back", reason=reason)
        assert found == (Conflict, "must_not_turn_back")
    await decide(conn, city, movement_id, "release")


async def test_another_plate_than_the_one_reported_may_be_turned_back(
    conn: Connection, city: City
) -> None:
    movement_id = await reported(conn, city)
    await scanned(conn, city, movement_id, "entry", plate_seen="豫B54321")
    reason = (await rules(conn, city)).turn_back_reasons[0].code
    await decide(conn, city, movement_id, "turn_back", reason=reason)
    assert (await loop_of(conn, movement_id)).state is State.TURNED_BACK


@pytest.mark.parametrize("source", ["", "  "])
async def test_no_hold_without_a_source(conn: Connection, city: City, source: str) -> None:
    movement_id = await verifying(conn, city)
    reason = (await rules(conn, city)).hold_reasons[0].code
    found = await refusal(conn, city, movement_id, "hold", reason=reason, source=source)
    assert found == (Unprocessable, "hold_needs_source")


async def test_no_hold_without_a_reason_of_the_rule_set(conn: Connection, city: City) -> None:
    movement_id = await verifying(conn, city)
    for reason in ("", "because"):
        found = await refusal(conn, city, movement_id, "hold", reason=reason, source=SOURCE)
        assert found == (Unprocessable, "reason_unknown")


async def test_a_hold_keeps_its_source_and_stops_the_release(conn: Connection, city: City) -> None:
    movement_id = await verifying(conn, city)
    reason = (await rules(conn, city)).hold_reasons[0].code
    await decide(conn, city, movement_id, "hold", reason=reason, source=SOURCE)
    loop = await loop_of(conn, movement_id)
    assert loop.state is State.HELD
    assert loop.hold is not None
    assert (loop.hold.source, loop.hold.reason) == (SOURCE, reason)
    for outcome in ("release", "turn_back"):
        found = await refusal(conn, city, movement_id, outcome)
        assert found == (Conflict, "under_hold")


async def test_a_desk_decides_about_its_own_trucks_only(conn: Connection, city: City) -> None:
    movement_id = await verifying(conn, city)
    for outcome in ("release", "turn_back", "hold"):
        found = await refusal(conn, city, movement_id, outcome, by=officer(city.south))
        assert found == (Forbidden, "not_your_place")


@pytest.mark.parametrize("role", ["firm", "driver", "auditor", "tracer", "registrar"])
async def test_other_roles_decide_nothing(conn: Connection, city: City, role: str) -> None:
    movement_id = await verifying(conn, city)
    by = officer(city.north, role)
    found = await refusal(conn, city, movement_id, "release", by=by)
    assert found == (Forbidden, "not_your_role")


async def test_an_outcome_that_is_none_is_refused(conn: Connection, city: City) -> None:
    movement_id = await verifying(conn, city)
    found = await refusal(conn, city, movement_id, "wave_through")
    assert found == (Unprocessable, "unknown_outcome")
