"""The ladder of mission §7: its steps, whom they tell, and what stops them."""

from datetime import timedelta

from alerts.climbing import climb
from alerts.overdue import sweep_all
from alerts.watch_list import wanted
from checkpoint.intake import propose
from checkpoint.scans import Scan
from closedloop.commit import append
from closedloop.model import Level, State, state_at
from kernel.auth import Actor
from kernel.db import Connection
from kernel.ids import uuid7
from registry.ladder import LADDER
from tests.alerts.enquiry import DUE, MINUTE, after, climb_up, climbed, steps
from tests.checkpoint.moves import loop_of, released, reported, scanned
from tests.city import IDS, City
from tests.conftest import NOON

WHOLE = [
    ("L0", -30),
    ("L1", 0),
    ("L2", 15),
    ("L3", 45),
    ("L4", 120),
    ("L5", 240),
    ("L6", 1440),
]


async def test_a_truck_that_is_never_found_climbs_the_whole_ladder(
    conn: Connection, city: City
) -> None:
    movement_id = await released(conn, city)
    await climb_up(conn, city, 1441)
    assert await steps(conn, movement_id) == WHOLE
    assert (await loop_of(conn, movement_id)).state is State.REFERRED
    await climb_up(conn, city, 5000)
    assert await steps(conn, movement_id) == WHOLE


async def test_each_step_tells_whom_it_should_and_once(conn: Connection, city: City) -> None:
    movement_id = await released(conn, city)
    await climb_up(conn, city, 1441)
    rows = await conn.fetch(
        """
        SELECT facts ->> 'step' AS step, kind, recipient FROM kernel.outbox
         WHERE facts ? 'step' ORDER BY created_at, recipient
        """
    )
    driver, mill = f"movement:{movement_id}", f"place:{city.mill}"
    assert [tuple(row) for row in rows] == [
        ("L0", "limit_ahead", driver),
        ("L0", "limit_ahead", mill),
        ("L1", "limit_passed", "duty"),
        ("L2", "enquiry", driver),
        ("L2", "enquiry", mill),
        ("L3", "call_needed", "duty"),
        ("L4", "field_check", "grid"),
        ("L4", "field_check", "police"),
        ("L5", "tracing_asked", "tracers"),
        ("L6", "truck_referred", mill),
        ("L6", "truck_referred", "police"),
    ]


async def test_an_arrival_stops_the_ladder_at_once(conn: Connection, city: City) -> None:
    movement_id = await released(conn, city)
    await climb_up(conn, city, 50)
    await scanned(conn, city, movement_id, "arrival", after(51))
    await climb_up(conn, city, 3000)
    assert [step for step, _ in await steps(conn, movement_id)] == ["L0", "L1", "L2", "L3"]
    loop = await loop_of(conn, movement_id)
    assert (loop.state, loop.stops[0].late) == (State.DISCHARGED, True)


async def test_who_has_arrived_is_not_even_reminded(conn: Connection, city: City) -> None:
    movement_id = await released(conn, city)
    await scanned(conn, city, movement_id, "arrival", NOON + timedelta(minutes=40))
    await climb_up(conn, city, 300)
    assert await steps(conn, movement_id) == []


async def test_after_an_outage_the_ladder_is_climbed_a_rung_at_a_time(
    conn: Connection, city: City
) -> None:
    """Whoever is asked has a quarter of an hour before the next is told; nobody is reminded of a
    limit that has passed.
    """
    movement_id = await released(conn, city)
    await climb_up(conn, city, -40)
    for minutes in range(300, 400):
        await climbed(conn, city, minutes)
    assert await steps(conn, movement_id) == [
        ("L1", 300),
        ("L2", 315),
        ("L3", 330),
        ("L4", 345),
        ("L5", 360),
    ]


async def test_a_release_that_is_uploaded_late_has_its_whole_ladder_before_it(
    conn: Connection, city: City
) -> None:
    """No step comes sooner than a quarter of an hour after the receipt (mission §6)."""
    movement_id = await reported(conn, city)
    received = DUE + timedelta(hours=5)
    await scanned(conn, city, movement_id, "entry", NOON, received=received)
    await climb_up(conn, city, 300 + 14)
    assert await steps(conn, movement_id) == []
    for minutes in range(315, 600, 5):
        await climbed(conn, city, minutes)
    assert await steps(conn, movement_id) == [
        ("L1", 315),
        ("L2", 330),
        ("L3", 360),
        ("L4", 435),
        ("L5", 555),
    ]


async def test_overdue_and_enquiry_are_read_off_the_clock(conn: Connection, city: City) -> None:
    movement_id = await released(conn, city)
    loop = await loop_of(conn, movement_id)
    read = [state_at(loop, DUE + minutes * MINUTE) for minutes in (0, 1, 15, 16)]
    assert read == [State.RELEASED, State.OVERDUE, State.OVERDUE, State.ENQUIRY]


async def test_a_referred_truck_that_is_found_has_arrived_late(
    conn: Connection, city: City
) -> None:
    movement_id = await released(conn, city)
    await climb_up(conn, city, 1445)
    await scanned(conn, city, movement_id, "arrival", after(1500))
    loop = await loop_of(conn, movement_id)
    assert (loop.state, loop.stops[0].late) == (State.DISCHARGED, True)


async def test_the_end_of_the_ladder_marks_firm_and_carrier_once(
    conn: Connection, city: City
) -> None:
    movement_id = await released(conn, city)
    await climb_up(conn, city, 1445)
    for _ in range(3):
        await climbed(conn, city, 1500)
    rows = await conn.fetch("SELECT about, place_id, plate, movement_id FROM alerts.mark")
    assert sorted(tuple(row) for row in rows) == [
        ("carrier", None, "豫B12345", movement_id),
        ("firm", city.mill, "", movement_id),
    ]


async def test_the_watch_list_holds_a_truck_from_l4_until_it_is_seen(
    conn: Connection, city: City
) -> None:
    movement_id = await released(conn, city)
    await released(conn, city, after(100), plate="豫B54321", id_number=IDS[1])
    await climb_up(conn, city, 119)
    assert await wanted(conn, LADDER) == []
    await climbed(conn, city, 121)
    assert [each.plate for each in await wanted(conn, LADDER)] == ["豫B12345"]
    assert await wanted(conn, LADDER, district="410222") == []
    await climb_up(conn, city, 1445)
    assert "豫B12345" in [each.plate for each in await wanted(conn, LADDER)]
    await scanned(conn, city, movement_id, "arrival", after(1446))
    assert "豫B12345" not in [each.plate for each in await wanted(conn, LADDER)]


async def test_a_ladder_of_other_rules_is_climbed_as_they_say(conn: Connection, city: City) -> None:
    """Steps are data: two rungs, of which the second refers after an hour."""
    short = [
        {"step": "A", "limbs": ["arrival", "exit", "confirmation", "hold", "takeover", "expiry",
                                "appeal", "desk"], "minutes": 0, "does": "flag"},
        {"step": "B", "limbs": ["arrival"], "minutes": 60, "does": "refer"},
    ]  # fmt: skip
    await conn.execute("UPDATE registry.rule_set SET body = body || $1", {"ladder": short})
    movement_id = await released(conn, city)
    await climb_up(conn, city, 61)
    assert await steps(conn, movement_id) == [("A", 0), ("B", 60)]
    assert (await loop_of(conn, movement_id)).state is State.REFERRED


async def test_a_truck_that_claims_to_have_arrived_is_pursued_all_the_same(
    conn: Connection, city: City
) -> None:
    movement_id = await released(conn, city)
    at = NOON + timedelta(minutes=50)
    driver = Actor(id=uuid7(at), kind="account", name="driver", roles=frozenset({"driver"}))
    scan = Scan(id=uuid7(at), kind="arrival", place_id=city.mill, occurred_at=at)
    await append(conn, city.office.cache, [propose(scan, movement_id, driver, Level.C)], at)
    await climb_up(conn, city, 130)
    assert [step for step, _ in await steps(conn, movement_id)] == ["L0", "L1", "L2", "L3", "L4"]


async def test_sweeping_without_rules_uses_the_ladder_of_the_mission(conn: Connection) -> None:
    await conn.execute(
        """
        INSERT INTO closedloop.deadline
               (movement_id, stop, limb, limit_no, due_at, flag_at, next_at)
        VALUES (1, 0, 'arrival', 1, $1, $1, $1)
        """,
        DUE,
    )
    assert await sweep_all(conn, after(0)) == 1


async def test_climbing_twice_at_one_moment_does_everything_once(
    conn: Connection, city: City
) -> None:
    await released(conn, city)
    first = await climb(conn, city.office, after(20))
    again = await climb(conn, city.office, after(20))
    assert (first.raised, first.looked_into) == (1, 1)
    assert (again.raised, again.looked_into, again.referred) == (0, 0, 0)
