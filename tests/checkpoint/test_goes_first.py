"""Two proofs and two codes: free and first, on the lane kept free, with and without a network;
and never to be turned back (seed 002).
"""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from kernel.auth import Actor
from kernel.clock import SetClock
from kernel.db import Connection
from registry.rules import RuleSet
from registry.transport import Asked, issue, revoke
from tests.checkpoint.test_holds import code
from tests.city import City
from tests.conftest import NOON
from tests.http import submit
from tests.journeys.day import Day, an_account

REGISTRAR = Actor(id=uuid4(), kind="account", name="reg", roles=frozenset({"registrar"}))


async def rules_of(conn: Connection, city: City) -> RuleSet:
    return (await city.office.cache.now(conn)).rules_at(NOON)


async def give_pass(conn: Connection, city: City, **changes: Any) -> str:
    said: dict[str, Any] = {"region": "410221", "plate": "豫B12345", "goods": "daily", "days": 2}
    asked = Asked(id=uuid4(), **(said | changes))
    return (await issue(conn, await rules_of(conn, city), asked, REGISTRAR, NOON)).number


async def lanes(conn: Connection, city: City) -> None:
    await conn.execute("INSERT INTO registry.gate VALUES ($1, '2', true)", city.north)


async def at_lane(day: Day, gate: str = "1", **report: Any) -> dict[str, Any]:
    await day.report(goods="daily", **report)
    return await day.enters(gate=gate)


async def test_a_holder_goes_first_and_is_told_the_lane(day: Day, conn: Connection) -> None:
    await lanes(conn, day.city)
    await give_pass(conn, day.city)
    result = await at_lane(day)
    assert (result["card"], result["priority"]) == ("green", True)
    assert "2" in result["advice"]


async def test_on_the_lane_kept_free_nothing_more_is_said(day: Day, conn: Connection) -> None:
    await lanes(conn, day.city)
    await give_pass(conn, day.city)
    assert (await at_lane(day, "2"))["advice"] is None


async def test_a_truck_without_a_pass_is_green_all_the_same(day: Day, conn: Connection) -> None:
    await lanes(conn, day.city)
    result = await at_lane(day, "2")
    assert (result["card"], result["priority"]) == ("green", False)
    assert result["advice"]


@pytest.mark.parametrize(
    ("how", "priority"),
    [("revoked", False), ("expired", False), ("other_truck", False), ("goods", False), ("", True)],
)
async def test_what_counts(day: Day, conn: Connection, how: str, priority: bool) -> None:
    changes = {"plate": "豫B99999"} if how == "other_truck" else {}
    number = await give_pass(conn, day.city, **changes)
    rules = await rules_of(conn, day.city)
    if how == "revoked":
        await revoke(conn, rules, number, "lent", REGISTRAR, NOON + timedelta(seconds=1))
    later = day.after(2 * 24 * 60 if how == "expired" else 1)
    await conn.execute("UPDATE registry.evidence_source SET as_of = $1", later)
    await day.report(goods="other" if how == "goods" else "daily")
    result = await day.enters()
    assert (result["card"], result["priority"]) == ("green", priority)


async def test_a_truck_with_something_missing_does_not_go_first(day: Day, conn: Connection) -> None:
    await give_pass(conn, day.city)
    result = await at_lane(day, tested=False)
    assert (result["card"], result["priority"], result["advice"]) == ("yellow", False, None)


async def test_a_holder_is_never_turned_back(day: Day, conn: Connection, clock: SetClock) -> None:
    """At the desk too, where a stale list had sent it."""
    await give_pass(conn, day.city)
    await conn.execute("UPDATE registry.evidence_source SET as_of = $1", NOON - timedelta(days=3))
    result = await at_lane(day)
    assert (result["card"], result["priority"]) == ("yellow", False)
    await conn.execute("UPDATE registry.evidence_source SET as_of = $1", NOON)
    clock.at += timedelta(minutes=5)
    desk = await an_account(conn, "desk", clock.at)
    said = {"outcome": "turn_back", "reason": "no_valid_test"}
    answer = await day.acts(desk, "desk", **said)
    assert code(answer) == (409, "must_not_turn_back")


async def test_the_lanes_page_and_the_pass_page_say_so(
    logged_in: Any, day: Day, conn: Connection
) -> None:
    await lanes(conn, day.city)
    number = await give_pass(conn, day.city)
    seen = await day.report(goods="daily")
    page = await day.client.get(f"/d/{seen['id']}-{seen['view_key']}?lang=en")
    assert f"{number[:6]} {number[6:]}" in page.text
    lane = await logged_in("lane", day.city.north)
    shown = await lane.get("/gate?gate=1&lang=en")
    card = await submit(lane, shown, "/gate", {"input": seen["pass_number"], "gate": "1"})
    assert "free and first" in card.text
    assert "kept free: 2" in card.text


async def test_a_scan_without_a_network_goes_first_as_a_fact(day: Day, conn: Connection) -> None:
    await give_pass(conn, day.city)
    await day.report(goods="daily")
    scan = day.entry(offline=True, card_shown="green")
    day.after(90)
    (result,) = await day.send(day.lane, scan)
    assert (result["card"], result["priority"]) == ("green", True)
