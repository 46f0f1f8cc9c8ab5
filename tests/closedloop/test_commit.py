"""The ledger on a real database: one id is one event, and the loop is the fold of its events."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import pytest

from checkpoint.intake import propose
from checkpoint.scans import Scan
from closedloop import commit
from closedloop.acts import ACTS, Act
from closedloop.acts import propose as propose_act
from closedloop.commit import Outcome, append
from closedloop.group import GroupCommit
from closedloop.model import Level, State
from closedloop.situation import read_situations
from closedloop.write import Move, write_moves
from kernel.clock import SetClock
from kernel.db import Connection, open_pool
from kernel.errors import Unavailable
from kernel.ids import uuid7
from kernel.privacy import Vault
from tests.city import City, a_report, build
from tests.conftest import NOON

AT_GATE = NOON + timedelta(minutes=50)


def a_scan(city: City, kind: str = "entry", **changes: object) -> Scan:
    fields = {
        "id": uuid7(NOON),
        "kind": kind,
        "place_id": city.north if kind == "entry" else city.mill,
        "occurred_at": AT_GATE,
        "gate": "1",
    }
    return Scan(**fields | changes)  # pyright: ignore[reportArgumentType]


async def send(conn: Connection, city: City, movement_id: int, scan: Scan, now=AT_GATE) -> Outcome:
    actor = city.lane if scan.kind == "entry" else city.gatekeeper
    proposal = propose(scan, movement_id, actor, Level.A if scan.kind == "arrival" else None)
    return (await append(conn, city.office.cache, [proposal], now))[0]


async def test_a_truck_in_order_is_released_and_its_limit_is_fixed(
    conn: Connection, vault: Vault
) -> None:
    city = await build(conn, vault, NOON)
    seen = await a_report(conn, city, NOON)
    assert seen.loop.state is State.ISSUED
    assert len(seen.number) == 24
    outcome = await send(conn, city, seen.movement.movement_id, a_scan(city))
    assert outcome.status == "recorded"
    assert outcome.loop is not None
    assert outcome.loop.state is State.RELEASED
    # Road time 30 min × 1.5 + 30 = 75 minutes.
    assert outcome.loop.due_at == AT_GATE + timedelta(minutes=75)
    row = await conn.fetchrow("SELECT limb, due_at, closed_at FROM closedloop.deadline")
    assert row is not None
    assert (row["limb"], row["due_at"]) == ("arrival", AT_GATE + timedelta(minutes=75))
    assert row["closed_at"] is None


async def test_an_arrival_at_the_firm_discharges_and_closes_the_limit(
    conn: Connection, vault: Vault
) -> None:
    city = await build(conn, vault, NOON)
    movement_id = (await a_report(conn, city, NOON)).movement.movement_id
    await send(conn, city, movement_id, a_scan(city))
    later = AT_GATE + timedelta(minutes=40)
    outcome = await send(conn, city, movement_id, a_scan(city, "arrival"), later)
    assert outcome.loop is not None
    assert outcome.loop.state is State.DISCHARGED
    assert (
        await conn.fetchval("SELECT count(*) FROM closedloop.deadline WHERE closed_at IS NULL") == 0
    )
    view = await conn.fetchval(
        "SELECT view FROM closedloop.loop WHERE movement_id = $1", movement_id
    )
    assert msgspec.convert(view, type(outcome.loop)) == outcome.loop


async def test_the_same_id_is_one_event_however_often_it_is_sent(
    conn: Connection, vault: Vault
) -> None:
    city = await build(conn, vault, NOON)
    movement_id = (await a_report(conn, city, NOON)).movement.movement_id
    scan = a_scan(city)
    first = await send(conn, city, movement_id, scan)
    again = await send(conn, city, movement_id, scan, AT_GATE + timedelta(hours=1))
    assert (first.status, again.status) == ("recorded", "repeated")
    assert again.event == first.event
    assert await conn.fetchval("SELECT count(*) FROM registry.event WHERE kind = 'entry'") == 1


async def test_the_same_id_with_another_body_is_refused_and_kept(
    conn: Connection, vault: Vault
) -> None:
    city = await build(conn, vault, NOON)
    one = (await a_report(conn, city, NOON)).movement.movement_id
    other = (await a_report(conn, city, NOON, tested=False, plate="豫B54321")).movement.movement_id
    scan = a_scan(city)
    await send(conn, city, one, scan)
    changed = msgspec.structs.replace(scan, gate="2")
    assert (await send(conn, city, one, changed)).status == "conflict"
    assert (await send(conn, city, other, scan)).status == "conflict"
    assert await conn.fetchval("SELECT count(*) FROM registry.conflict") == 2
    assert await conn.fetchval("SELECT count(*) FROM registry.event WHERE kind = 'entry'") == 1


async def test_twins_in_one_batch_are_one_event(conn: Connection, vault: Vault) -> None:
    city = await build(conn, vault, NOON)
    movement_id = (await a_report(conn, city, NOON)).movement.movement_id
    scan = a_scan(city)
    proposals = [propose(scan, movement_id, city.lane, None) for _ in range(3)]
    outcomes = await append(conn, city.office.cache, proposals, AT_GATE)
    assert [outcome.status for outcome in outcomes] == ["recorded", "repeated", "repeated"]


async def test_a_firms_tap_confirms_and_a_strangers_is_refused(
    conn: Connection, vault: Vault
) -> None:
    city = await build(conn, vault, NOON)
    movement_id = (await a_report(conn, city, NOON, stops=(city.depot,))).movement.movement_id
    await send(conn, city, movement_id, a_scan(city))
    act = Act(id=uuid7(NOON), kind="confirm")
    proposal = propose_act(movement_id, act, city.gatekeeper, ACTS)
    outcome = (await append(conn, city.office.cache, [proposal], AT_GATE))[0]
    assert outcome.status == "refused"
    assert outcome.refusal is not None
    assert outcome.refusal.code == "not_your_truck"


@pytest.mark.parametrize("sent", [40])
async def test_many_hands_on_one_movement_lose_and_double_nothing(
    cloned: str, vault: Vault, sent: int
) -> None:
    """Two processes' worth of committers write the same movement at once."""
    pool = await open_pool(cloned, size=6)
    clock = SetClock(AT_GATE)
    async with pool.acquire() as conn:
        city = await build(conn, vault, NOON)
        movement_id = (await a_report(conn, city, NOON)).movement.movement_id
    groups = [GroupCommit(pool, type(city.office.cache)(), clock) for _ in range(2)]
    async with groups[0].running(), groups[1].running():
        scans = [a_scan(city, occurred_at=AT_GATE) for _ in range(sent)]
        answers = await asyncio.gather(
            *(
                group.submit([propose(scan, movement_id, city.lane, None)])
                for scan in scans
                for group in groups
            )
        )
    statuses = [answer[0].status for answer in answers]
    assert sorted(statuses) == ["recorded"] * sent + ["repeated"] * sent
    async with pool.acquire() as conn:
        situation = (await read_situations(conn, [movement_id])).situations[movement_id]
        stored = await conn.fetchval("SELECT state FROM closedloop.loop")
    assert len(situation.events) == sent + 1
    assert stored == situation.loop.state == State.RELEASED
    await pool.close()


async def test_an_event_stored_in_the_last_round_is_recorded_and_not_called_busy(
    conn: Connection, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = await build(conn, vault, NOON)
    movement_id = (await a_report(conn, city, NOON)).movement.movement_id
    lost = 0

    async def contended(conn: Connection, moves: Sequence[Move], now: datetime) -> set[int]:
        nonlocal lost
        lost += 1
        return set() if lost < commit.ROUNDS else await write_moves(conn, moves, now)

    monkeypatch.setattr(commit, "write_moves", contended)
    outcome = await send(conn, city, movement_id, a_scan(city))
    assert (outcome.status, lost) == ("recorded", commit.ROUNDS)

    lost = -1
    with pytest.raises(Unavailable, match="busy"):
        await send(conn, city, movement_id, a_scan(city))
