"""Evidence about trucks: by plate, on open movements, one certificate for one truck."""

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from closedloop.reporting import report
from kernel.db import Connection
from kernel.ids import uuid7
from kernel.privacy import Vault
from registry.imports import ImportReport, import_evidence
from registry.judge import judge
from registry.model import Proof
from registry.report_queries import find_movement
from registry.rules import SCENARIOS, read_scenario
from tests.city import City, a_submission
from tests.conftest import NOON

RULES = read_scenario(SCENARIOS / "livestock-channel.json")
SIGNED = (NOON - timedelta(hours=3)).isoformat()


async def bring(conn: Connection, vault: Vault, kind: str, *lines: str) -> ImportReport:
    head = "车牌,结果,签发时间,证书编号"
    return await import_evidence(
        conn,
        vault,
        RULES,
        kind,
        "\n".join((head, *lines)).encode(),
        "text/csv",
        source="county",
        as_of=NOON,
        dry_run=False,
        actor=None,
        now=NOON,
    )


async def reported(conn: Connection, city: City, **changes: Any) -> int:
    said = a_submission(city, NOON, **changes)
    made = await report(
        conn, city.office, event_id=uuid7(NOON), said=said, channel="driver", actor=None, now=NOON
    )
    return made.movement.movement_id


async def vehicle_of(conn: Connection, movement_id: int) -> dict[str, Proof]:
    return (await find_movement(conn, movement_id)).vehicle


async def test_what_is_known_of_a_truck_before_its_report_comes_with_it(
    conn: Connection, vault: Vault, city: City
):
    await bring(conn, vault, "disinfection", f"豫B12345,done,{SIGNED},")
    movement_id = await reported(conn, city)
    proof = (await vehicle_of(conn, movement_id))["disinfection"]
    assert (proof.value, proof.source) == ("done", "county")


async def test_what_comes_after_the_report_reaches_the_open_movement_of_that_plate_only(
    conn: Connection, vault: Vault, city: City
):
    mine = await reported(conn, city)
    other = await reported(conn, city, plate="豫B54321", trailer_plate="")
    await bring(conn, vault, "vehicle_record", f"豫b·12345,on_record,{SIGNED},")
    assert set(await vehicle_of(conn, mine)) == {"vehicle_record"}
    assert await vehicle_of(conn, other) == {}


async def test_one_certificate_serves_one_truck(conn: Connection, vault: Vault):
    first = await bring(
        conn,
        vault,
        "quarantine_certificate",
        f"豫B12345,valid,{SIGNED},ZJ-1",
        f"豫B54321,valid,{SIGNED},ZJ-1",
        f"豫B54321,valid,{SIGNED},",
    )
    assert [row.code for row in first.rows] == ["", "reference_of_another", "reference_needed"]
    later = await bring(conn, vault, "quarantine_certificate", f"豫B99999,valid,{SIGNED},ZJ-1")
    assert [row.code for row in later.rows] == ["reference_of_another"]
    again = await bring(conn, vault, "quarantine_certificate", f"豫B12345,valid,{SIGNED},ZJ-1")
    assert [row.status for row in again.rows] == ["repeated"]


async def test_a_truck_with_all_its_papers_is_green_and_each_missing_one_is_named(
    conn: Connection, vault: Vault, city: City
):
    await bring(conn, vault, "quarantine_certificate", f"豫B12345,valid,{SIGNED},ZJ-1")
    await bring(conn, vault, "vehicle_record", f"豫B12345,on_record,{SIGNED},")
    await bring(conn, vault, "disinfection", f"豫B12345,done,{SIGNED},")
    movement = await find_movement(conn, await reported(conn, city))
    sources = {"infected_zone": NOON, "carrier_list": NOON}
    at = NOON + timedelta(hours=1)

    def codes(vehicle: dict[str, Proof], hours: int = 0) -> list[str]:
        seen = replace(movement, vehicle=vehicle)
        found = judge(seen, (), RULES, None, at + timedelta(hours=hours), sources=sources)
        return [failure.code for failure in found.failures if failure.code != "report_incomplete"]

    assert codes(movement.vehicle) == []
    for kind, code in (
        ("quarantine_certificate", "certificate_missing"),
        ("vehicle_record", "vehicle_not_on_record"),
        ("disinfection", "disinfection_missing"),
    ):
        without = {name: proof for name, proof in movement.vehicle.items() if name != kind}
        assert codes(without) == [code]
    assert codes(movement.vehicle, hours=22) == ["disinfection_stale"]
