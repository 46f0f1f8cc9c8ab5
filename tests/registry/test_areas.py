"""Areas that a source names: down to a courtyard, and from an hour on (seed 000)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from kernel.db import Connection
from kernel.privacy import Vault
from registry.areas import covers, read_areas
from registry.imports import ImportReport, import_evidence
from registry.judge import Verdict, judge
from registry.model import Area, Card, Movement
from registry.rules import SCENARIOS, read_scenario
from registry.world import load_world
from tests.conftest import NOON

RULES = read_scenario(SCENARIOS / "epidemic-henan.json")
FRESH = {"health_code": NOON}
HEAD = "名称,级别,起始时间,解除时间,所在地,包括,除外"


def area(**changes: Any) -> Area:
    fields: dict[str, Any] = {
        "kind": "risk_area",
        "name": "济南市历下区",
        "level": "high",
        "since": NOON - timedelta(hours=1),
        "words": ("济南", "历下"),
        "source": "province",
    }
    return Area(**fields | changes)


@pytest.mark.parametrize(
    ("address", "changes", "inside"),
    [
        ("山东省济南市历下区泉城路1号", {}, True),
        ("山东省 济南市 历下区 泉城路1号", {}, True),
        ("山东省济南市市中区", {}, False),
        ("山东省济南市", {}, False),
        ("济南市历下区泉城路1号", {"included": ("泉城路", "文化东路")}, True),
        ("济南市历下区解放路1号", {"included": ("泉城路", "文化东路")}, False),
        ("济南市历下区泉城路1号院", {"spared": ("泉城路1号院",)}, False),
        ("济南市历下区泉城路2号院", {"spared": ("泉城路1号院",)}, True),
        ("济南市历下区泉城路1号院", {"included": ("泉城路",), "spared": ("1号院",)}, False),
        ("JINAN, LIXIA district", {"words": ("jinan", "Lixia")}, True),
        ("", {}, False),
    ],
)
def test_an_address_lies_in_an_area(address: str, changes: dict[str, Any], inside: bool):
    assert covers(area(**changes), address) is inside


def verdict(areas: tuple[Area, ...], at: datetime = NOON, origin: str = "济南市历下区") -> Verdict:
    movement = Movement(
        movement_id=1,
        version=1,
        plate="豫B12345",
        trailer_plate="",
        origin=origin,
        goods="daily",
        entry_place_id=1,
        stops=(2,),
        expected_entry_at=NOON,
        expected_exit_at=None,
        window_from=None,
        window_to=None,
        failures=(),
        channel="driver",
        reported_at=NOON,
    )
    return judge(movement, (), RULES, None, at, sources=FRESH, areas=areas)


def test_an_area_counts_from_its_hour_until_its_end():
    ends = area(until=NOON + timedelta(hours=2))
    hours = {-2: Card.GREEN, -1: Card.YELLOW, 0: Card.YELLOW, 1.99: Card.YELLOW, 2: Card.GREEN}
    found = {hour: verdict((ends,), NOON + timedelta(hours=hour)).card for hour in hours}
    assert found == hours


def test_the_failure_names_the_area_its_level_and_its_source():
    (failure,) = verdict((area(), area(name="别处", words=("别处",)))).failures
    assert (failure.code, failure.person) == ("from_risk_area", None)
    assert failure.facts == {"area": "济南市历下区", "level": "high", "source": "province"}


def test_levels_and_kinds_that_no_rule_names_do_not_count():
    assert verdict((area(level="low"), area(kind="other"))).card is Card.GREEN


async def imported(
    conn: Connection, vault: Vault, *lines: str, dry_run: bool = False
) -> ImportReport:
    return await import_evidence(
        conn,
        vault,
        RULES,
        "risk_area",
        "\n".join((HEAD, *lines)).encode(),
        "text/csv",
        source="province",
        as_of=NOON,
        dry_run=dry_run,
        actor=None,
        now=NOON,
    )


async def test_a_list_of_areas_is_imported_and_every_worker_knows_it(
    conn: Connection, vault: Vault
):
    line = "济南市历下区,high,2022-05-01 19:00,,济南市、历下区,泉城路；文化东路,泉城路1号院"
    assert (await imported(conn, vault, line, dry_run=True)).accepted == 1
    assert await read_areas(conn) == ()
    before = (await load_world(conn)).epoch
    report = await imported(conn, vault, line)
    assert (report.accepted, report.refused, report.fresh) == (1, 0, True)
    world = await load_world(conn)
    assert world.epoch > before
    (known,) = world.areas
    assert known.words == ("济南市", "历下区")
    assert (known.included, known.spared) == (("泉城路", "文化东路"), ("泉城路1号院",))
    assert known.since == datetime.fromisoformat("2022-05-01T19:00+08:00")
    assert world.sources["risk_area"] == NOON


async def test_the_same_area_may_be_given_an_end(conn: Connection, vault: Vault):
    line = "济南市历下区,high,2022-05-01 19:00,{},济南市、历下区,,"
    await imported(conn, vault, line.format(""))
    assert (await imported(conn, vault, line.format(""))).repeated == 1
    ended = await imported(conn, vault, line.format("2022-05-09 08:00"))
    assert ended.accepted == 1
    (known,) = await read_areas(conn)
    assert known.until == datetime.fromisoformat("2022-05-09T08:00+08:00")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (",high,2022-05-01 19:00,,济南市,,", "area_unnamed"),
        ("历下,high,2022-05-01 19:00,,,,", "area_unnamed"),
        ("历下,worst,2022-05-01 19:00,,济南市,,", "value_unknown"),
        ("历下,high,yesterday,,济南市,,", "taken_at_malformed"),
        ("历下,high,2022-05-01 19:00,2022-05-01 18:00,济南市,,", "area_ends_before_it_begins"),
        (f"历下,high,2022-05-01 19:00,,{'、'.join('abcdefghijklm' * 4)},,", "too_many_words"),
    ],
)
async def test_a_bad_row_is_refused_and_the_list_is_not_fresh(
    conn: Connection, vault: Vault, line: str, code: str
):
    good = "济南市历下区,high,2022-05-01 19:00,,济南市、历下区,,"
    report = await imported(conn, vault, line, good)
    assert [row.code for row in report.rows] == [code, ""]
    assert report.fresh is False
    assert len(await read_areas(conn)) == 1


def test_a_planted_fault_is_found():
    """An exclusion that is not looked at would turn trucks from a free courtyard away."""
    free = area(spared=("泉城路1号院",))
    address = "济南市历下区泉城路1号院"
    assert covers(free, address) != covers(replace(free, spared=()), address)
