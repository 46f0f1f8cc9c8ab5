"""The sweep: every limit that has passed is flagged once, and what came in time is not."""

from datetime import timedelta
from functools import partial
from typing import Any

import asyncpg
import pytest

from alerts import overdue
from alerts.overdue import HEARTBEAT
from checkpoint.intake import propose
from checkpoint.scans import Scan
from closedloop.acts import ACTS, Act
from closedloop.acts import propose as propose_act
from closedloop.commit import append
from closedloop.model import Level, Loop, State
from closedloop.reporting import accepted
from kernel.auth import Actor
from kernel.db import SERVER_SETTINGS, Connection, prepare
from kernel.ids import uuid7
from kernel.privacy import Vault
from tests.alerts.enquiry import FLAGS
from tests.city import City, a_report, build
from tests.conftest import NOON

ENTRY = NOON + timedelta(minutes=60)
DUE = ENTRY + timedelta(minutes=75)
SECOND = timedelta(seconds=1)
sweep, sweep_all = partial(overdue.sweep, ladder=FLAGS), partial(overdue.sweep_all, ladder=FLAGS)
OFFICER = Actor(id=uuid7(NOON), kind="account", name="duty", roles=frozenset({"duty"}))


@pytest.fixture
async def city(conn: Connection, vault: Vault) -> City:
    return await build(conn, vault, NOON)


async def scanned(
    conn: Connection, city: City, movement_id: int, kind: str, at=ENTRY, received=None, **about: Any
) -> Loop:
    """A live scan, or one uploaded at `received`."""
    entry = kind == "entry"
    scan = Scan(
        id=uuid7(at),
        kind=kind,
        place_id=city.north if entry else city.mill,
        occurred_at=at,
        gate="1",
        offline=received is not None,
        **about,
    )
    actor = city.lane if entry else city.gatekeeper
    proposal = propose(scan, movement_id, actor, None if entry else Level.A)
    (outcome,) = accepted(await append(conn, city.office.cache, [proposal], received or at))
    assert outcome.loop is not None
    return outcome.loop


async def acted(
    conn: Connection, city: City, movement_id: int, at, actor=OFFICER, **act: Any
) -> None:
    proposal = propose_act(movement_id, Act(id=uuid7(at), **act), actor, ACTS)
    accepted(await append(conn, city.office.cache, [proposal], at))


async def under_way(conn: Connection, city: City, **about: Any) -> int:
    movement_id = (await a_report(conn, city, NOON, **about)).movement.movement_id
    await scanned(conn, city, movement_id, "entry")
    return movement_id


async def flagged(conn: Connection) -> list[tuple[int, str, int]]:
    rows = await conn.fetch("SELECT stop, limb, limit_no FROM alerts.alert ORDER BY due_at")
    return [(row["stop"], row["limb"], row["limit_no"]) for row in rows]


async def test_a_limit_is_flagged_when_it_has_passed_and_only_once(
    conn: Connection, city: City
) -> None:
    await under_way(conn, city)
    assert await sweep(conn, DUE - SECOND) == 0
    assert await sweep(conn, DUE + SECOND) == 1
    assert await sweep_all(conn, DUE + SECOND) == 0
    assert await sweep(conn, DUE + timedelta(days=9)) == 0
    assert await flagged(conn) == [(0, "arrival", 1)]


async def test_one_message_goes_out_for_one_limit(conn: Connection, city: City) -> None:
    movement_id = await under_way(conn, city)
    for _ in range(3):
        await sweep(conn, DUE + SECOND)
    rows = await conn.fetch(
        "SELECT recipient, facts FROM kernel.outbox WHERE kind = 'limit_passed'"
    )
    assert [(row["recipient"], row["facts"]["movement_id"]) for row in rows] == [
        ("duty", movement_id)
    ]


async def test_a_message_that_is_there_already_does_not_stop_the_flag(
    conn: Connection, city: City
) -> None:
    movement_id = await under_way(conn, city)
    await conn.execute(
        """
        INSERT INTO kernel.outbox (id, key, kind, recipient, facts, created_at, next_at)
        VALUES (gen_random_uuid(), $1, 'limit_passed', 'duty', '{}', $2, $2)
        """,
        f"{movement_id}:0:arrival:1:L1",
        DUE,
    )
    assert await sweep(conn, DUE + SECOND) == 1


async def test_who_arrived_in_time_is_never_flagged(conn: Connection, city: City) -> None:
    movement_id = await under_way(conn, city)
    await scanned(conn, city, movement_id, "arrival", DUE)
    assert await sweep_all(conn, DUE + timedelta(days=3)) == 0


async def test_a_claim_by_the_driver_alone_stops_no_alert(conn: Connection, city: City) -> None:
    movement_id = await under_way(conn, city)
    at = ENTRY + timedelta(minutes=40)
    scan = Scan(id=uuid7(at), kind="arrival", place_id=city.mill, occurred_at=at)
    driver = Actor(id=uuid7(at), kind="account", name="driver", roles=frozenset({"driver"}))
    accepted(
        await append(conn, city.office.cache, [propose(scan, movement_id, driver, Level.C)], at)
    )
    assert await sweep_all(conn, DUE + timedelta(hours=3)) == 2
    assert await flagged(conn) == [(0, "arrival", 1), (0, "confirmation", 1)]


async def test_a_late_arrival_ends_the_alert_and_its_row_stays(
    conn: Connection, city: City
) -> None:
    movement_id = await under_way(conn, city)
    await sweep(conn, DUE + SECOND)
    loop = await scanned(conn, city, movement_id, "arrival", DUE + timedelta(minutes=20))
    assert (loop.state, loop.stops[0].late) == (State.DISCHARGED, True)
    still_open = "SELECT count(*) FROM closedloop.deadline WHERE closed_at IS NULL"
    assert await conn.fetchval(still_open) == 0
    assert await flagged(conn) == [(0, "arrival", 1)]
    assert await sweep_all(conn, DUE + timedelta(days=1)) == 0


async def test_an_arrival_in_time_that_was_uploaded_late_is_not_late(
    conn: Connection, city: City
) -> None:
    """The flag was right when it was raised; the truck was there all the same."""
    movement_id = await under_way(conn, city)
    await sweep(conn, DUE + SECOND)
    at = DUE - timedelta(minutes=10)
    loop = await scanned(conn, city, movement_id, "arrival", at, DUE + timedelta(hours=2))
    assert (loop.state, loop.stops[0].late) == (State.DISCHARGED, False)
    assert len(await flagged(conn)) == 1


async def test_an_alert_cannot_be_erased(conn: Connection, city: City) -> None:
    await under_way(conn, city)
    await sweep(conn, DUE + SECOND)
    for change in ("DELETE FROM alerts.alert", "UPDATE alerts.alert SET step = 'L2'"):
        with pytest.raises(asyncpg.RestrictViolationError):
            async with conn.transaction():
                await conn.execute(change)


async def test_an_uploaded_late_release_is_not_flagged_before_a_quarter_of_an_hour(
    conn: Connection, city: City
) -> None:
    movement_id = (await a_report(conn, city, NOON)).movement.movement_id
    received = DUE + timedelta(hours=1)
    loop = await scanned(conn, city, movement_id, "entry", ENTRY, received)
    assert loop.due_at == DUE
    quiet = received + timedelta(minutes=15)
    assert await sweep(conn, quiet - SECOND) == 0
    assert await sweep(conn, quiet + SECOND) == 1
    assert await conn.fetchval("SELECT due_at FROM alerts.alert") == DUE


async def test_a_delay_and_a_diversion_each_have_an_alert_of_their_own(
    conn: Connection, city: City
) -> None:
    movement_id = await under_way(conn, city)
    await sweep(conn, DUE + SECOND)
    at = DUE + timedelta(minutes=5)
    await acted(conn, city, movement_id, at, kind="delay", minutes=30)
    assert await sweep(conn, at + timedelta(minutes=30) - SECOND) == 0
    assert await sweep(conn, at + timedelta(minutes=30) + SECOND) == 1
    at = DUE + timedelta(minutes=40)
    await acted(conn, city, movement_id, at, kind="divert", place_id=city.depot)
    assert await sweep(conn, at + timedelta(minutes=75) - SECOND) == 0
    assert await sweep(conn, at + timedelta(minutes=75) + SECOND) == 1
    assert await flagged(conn) == [(0, "arrival", n) for n in (1, 2, 3)]


async def test_each_stop_has_its_own_alert(conn: Connection, city: City) -> None:
    movement_id = await under_way(conn, city, stops=(city.mill, city.depot))
    await sweep(conn, DUE + SECOND)
    await scanned(conn, city, movement_id, "arrival", DUE + timedelta(minutes=5))
    await sweep(conn, DUE + timedelta(days=1))
    assert await flagged(conn) == [(0, "arrival", 1), (1, "arrival", 1)]


async def test_a_truck_that_waits_at_the_desk_too_long_is_flagged(
    conn: Connection, city: City
) -> None:
    movement_id = (await a_report(conn, city, NOON, tested=False)).movement.movement_id
    await scanned(conn, city, movement_id, "entry")
    assert await sweep(conn, ENTRY + timedelta(minutes=60) - SECOND) == 0
    assert await sweep(conn, ENTRY + timedelta(minutes=60) + SECOND) == 1
    assert await flagged(conn) == [(0, "desk", 1)]


async def test_a_truck_seen_at_the_wrong_firm_is_flagged_when_it_does_not_come(
    conn: Connection, city: City
) -> None:
    """Whoever scans another firm's poster does not slip out of the watch."""
    movement_id = await under_way(conn, city, stops=(city.depot,))
    loop = await scanned(conn, city, movement_id, "arrival", ENTRY + timedelta(minutes=40))
    assert loop.discrepancy == "wrong_place"
    assert await sweep(conn, DUE + SECOND) == 1


async def test_a_backlog_is_taken_in_portions_and_none_is_left(
    conn: Connection, city: City
) -> None:
    for number in range(5):
        await under_way(conn, city, tested=number == 0)  # the proof is one person's
    assert [await sweep(conn, DUE + SECOND, most=2) for _ in range(4)] == [2, 2, 1, 0]


#: An insert that takes its time, as on a disk that many want.
SLOW = """
CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(0.002); RETURN NEW; END $$;
CREATE TRIGGER slowly BEFORE INSERT ON alerts.alert FOR EACH ROW EXECUTE FUNCTION slowly()
"""
BACKLOG = 200


@pytest.mark.parametrize("fewer", [True, False])
async def test_a_database_that_is_too_slow_for_a_portion_has_fewer_and_none_is_left(
    cloned: str, monkeypatch: pytest.MonkeyPatch, *, fewer: bool
) -> None:
    """The twin asks for as many again, and would for ever."""
    monkeypatch.setattr(overdue, "MOST", BACKLOG)
    monkeypatch.setattr(overdue, "LEAST", 10 if fewer else BACKLOG)
    settings = SERVER_SETTINGS | {"statement_timeout": "200ms"}
    conn = await asyncpg.connect(cloned, server_settings=settings)
    try:
        await prepare(conn)
        await conn.execute(SLOW)
        await conn.execute(
            """
            INSERT INTO closedloop.deadline
                   (movement_id, stop, limb, limit_no, due_at, flag_at, next_at)
            SELECT 4102000000000 + n, 0, 'arrival', 1, $1, $1, $1 FROM generate_series(1, $2) AS n
            """,
            NOON,
            BACKLOG,
        )
        if fewer:
            assert await sweep_all(conn, NOON + SECOND) == BACKLOG
        else:
            with pytest.raises(asyncpg.QueryCanceledError):
                await sweep_all(conn, NOON + SECOND)
        flagged = await conn.fetchval("SELECT count(*) FROM alerts.alert")
        assert flagged == (BACKLOG if fewer else 0)
    finally:
        await conn.close()


async def test_the_sweep_leaves_a_heartbeat_that_never_goes_back(
    conn: Connection,
    city: City,  # noqa: ARG001
) -> None:
    for at in (NOON, NOON + SECOND, NOON):
        await sweep(conn, at)
    beat = "SELECT beat_at FROM kernel.heartbeat WHERE name = $1"
    assert await conn.fetchval(beat, HEARTBEAT) == NOON + SECOND
