"""The canary leaves nothing behind and hears what is broken; a job that stands still is seen."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from alerts import canary
from alerts.canary import sing
from alerts.watching import WATCHED, look, standing_still
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.jobs import beat
from tests.alerts.enquiry import after, climb_up
from tests.checkpoint.moves import released
from tests.city import City
from tests.conftest import NOON

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
TABLES = (
    "registry.movement", "registry.event", "registry.receipt", "registry.plate_lookup",
    "closedloop.loop", "closedloop.deadline", "alerts.alert", "kernel.outbox",
)  # fmt: skip


async def counts(conn: Connection) -> list[int]:
    return [await conn.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES]


async def test_the_canary_sings_and_nothing_of_it_remains(conn: Connection, city: City) -> None:
    movement_id = await released(conn, city)
    await climb_up(conn, city, -40)
    before = await counts(conn)
    for minutes in (0, 1, 2):
        assert (await sing(conn, city.office, after(minutes))).silent == ""
    assert await counts(conn) == before
    taken = await conn.fetchval(
        "SELECT climbed FROM closedloop.deadline WHERE movement_id = $1", movement_id
    )
    assert taken is None, "no other truck was touched"


def lazily(table: str, when: str, does: str = "RETURN NULL") -> str:
    """A trigger that swallows what is written, or bends it."""
    return f"""
        CREATE FUNCTION lazy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {does}; END';
        CREATE TRIGGER lazy BEFORE {when} ON {table} FOR EACH ROW EXECUTE FUNCTION lazy()
    """


@pytest.mark.parametrize(("broken", "step"), [
    ("DROP INDEX closedloop.deadline_next", ""),
    (lazily("alerts.alert", "INSERT"), "sweep"),
    (lazily("closedloop.deadline", "INSERT"), "sweep"),
    (lazily("closedloop.deadline", "UPDATE", "NEW.closed_at = NULL; RETURN NEW"), "limit"),
])  # fmt: skip
async def test_the_canary_hears_what_is_broken(
    conn: Connection, city: City, broken: str, step: str
) -> None:
    await conn.execute(broken)
    assert (await sing(conn, city.office, NOON)).silent == step


async def test_a_sweep_that_does_nothing_is_heard(
    conn: Connection, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def idle(*_: Any) -> int:
        return 0

    monkeypatch.setattr(canary, "sweep", idle)
    assert (await sing(conn, city.office, NOON)).silent == "sweep"


async def test_a_service_without_places_has_nothing_to_try(conn: Connection, city: City) -> None:
    await conn.execute("UPDATE registry.place SET status = 'suspended'")
    assert (await sing(conn, city.office, NOON)).silent == ""


async def test_a_job_that_stands_still_is_seen_by_whoever_looks(
    logged_in: LogIn, conn: Connection, clock: SetClock
) -> None:
    assert await standing_still(conn, WATCHED, NOON) == dict.fromkeys(WATCHED, float("inf"))
    for name in WATCHED:
        await beat(conn, name, NOON)
    assert await standing_still(conn, WATCHED, NOON + timedelta(seconds=119)) == {}
    duty = await logged_in("duty")
    assert "stand still" not in (await duty.get("/duty?lang=en")).text
    await beat(conn, "canary", NOON + timedelta(seconds=100))
    clock.at += timedelta(seconds=150)
    shown = (await duty.get("/duty/rows?lang=en")).text
    assert "flagging of missing trucks · sending of messages" in shown
    assert "self-test" not in shown


async def test_what_waits_is_measured(conn: Connection, city: City) -> None:
    await released(conn, city)
    found = await look(conn, after(10))
    assert found.overdue == 1
    assert 40 * 60 <= found.lag <= 41 * 60  # the reminder has been due for forty minutes
    await climb_up(conn, city, 10)
    assert (await look(conn, after(10))).lag == 0
