"""What is said of a lane: the same in Python and in the console, for every lane there can be."""

import itertools
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from kernel.db import Connection
from registry.lanes import Way, advice, lanes_of
from registry.model import Lane, Place, PlaceKind
from tests.city import City
from tests.conftest import NOON
from tests.http import submit
from tests.journeys.day import an_account
from tests.node import in_node
from tests.support import REPOSITORY

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
LANES_JS = REPOSITORY / "checkpoint/static/console/lanes.js"
HARNESS = """
import { readFileSync } from "node:fs";
const { advice } = await import(process.argv[2]);
process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(
  ({ lanes, gate, way, priority }) => advice(lanes, gate, way, priority))));
"""
PLAIN = Lane(gate="plain")
FREE = Lane(gate="free", dedicated=True)


def place(*lanes: Lane) -> Place:
    return Place(
        id=1,
        kind=PlaceKind.CHECKPOINT,
        category="x",
        name="北卡口",
        district_code="410221",
        road="",
        status="active",
        screen_secret=b"",
        lanes=lanes,
    )


def said(lanes: tuple[Lane, ...], gate: str, way: Way = "in", *, first: bool = False) -> Any:
    found = advice(place(*lanes), gate, way, priority=first)
    return None if found is None else (found.code, found.gates)


def test_a_truck_that_goes_first_is_sent_to_the_lane_kept_free() -> None:
    assert said((PLAIN, FREE), "plain", first=True) == ("go_first", ("free",))
    assert said((PLAIN, FREE), "free", first=True) is None
    assert said((PLAIN,), "plain", first=True) is None


def test_others_are_not_turned_away_from_it() -> None:
    assert said((PLAIN, FREE), "free") == ("kept_free", ())
    assert said((PLAIN, FREE), "plain") is None


def test_a_lane_of_the_other_way_or_for_cars_names_a_better_one() -> None:
    out, cars = Lane(gate="out", direction="out"), Lane(gate="cars", serves="cars")
    assert said((PLAIN, out), "out") == ("other_way", ("plain",))
    assert said((PLAIN, out), "out", "out") is None
    assert said((PLAIN, cars), "cars") == ("for_cars", ("plain",))
    assert said((out, cars), "cars") == ("for_cars", ())


def test_of_an_unknown_gate_nothing_is_said() -> None:
    assert said((PLAIN, FREE), "nowhere", first=True) is None


def cases() -> list[dict[str, Any]]:
    kinds = [
        {"direction": direction, "serves": serves, "dedicated": dedicated}
        for direction in ("in", "out", "both")
        for serves in ("all", "trucks", "cars")
        for dedicated in (False, True)
    ]
    return [
        {
            "lanes": [{"gate": "1"} | one, {"gate": "2"} | two],
            "gate": gate,
            "way": way,
            "priority": p,
        }
        for one, two in itertools.product(kinds, repeat=2)
        for gate in ("1", "3")
        for way in ("in", "out")
        for p in (False, True)
    ]


def differing(tmp_path: Path, source: str) -> int:
    module, harness = tmp_path / "lanes.mjs", tmp_path / "harness.mjs"
    module.write_text(source, "utf-8")
    harness.write_text(HARNESS, "utf-8")
    found = in_node(harness, cases(), module)
    python = [
        advice(
            place(*msgspec.convert(case["lanes"], tuple[Lane, ...])),
            case["gate"],
            case["way"],
            priority=case["priority"],
        )
        for case in cases()
    ]
    return sum(a != b for a, b in zip(found, json.loads(msgspec.json.encode(python)), strict=True))


def test_the_console_says_the_same_of_every_lane(tmp_path: Path) -> None:
    assert differing(tmp_path, LANES_JS.read_text("utf-8")) == 0


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('lane.serves !== "cars"', "true"),
        ("lane.dedicated === dedicated", "true"),
        ("!here.dedicated)", "true)"),
        ("first.length", "true"),
        ("here.dedicated && !priority", "here.dedicated"),
    ],
)
def test_a_planted_difference_is_found(tmp_path: Path, right: str, wrong: str) -> None:
    source = LANES_JS.read_text("utf-8")
    assert right in source
    assert differing(tmp_path, source.replace(right, wrong)) > 0


async def test_lanes_are_set_by_form_and_by_call(
    logged_in: LogIn, client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    page = f"/reg/places/{city.north}/lanes"
    browser = await logged_in("registrar")
    shown = await browser.get(page)
    form = {"direction_0": "in", "serves_0": "trucks", "dedicated_0": "yes"}
    answer = await submit(browser, shown, page, form)
    assert answer.headers["location"] == f"/reg/places/{city.north}"
    lane = Lane(gate="1", direction="in", serves="trucks", dedicated=True)
    assert await lanes_of(conn, city.north) == [lane]
    assert (await city.office.cache.now(conn)).place(city.north).lanes == (lane,)
    bad = {"direction_0": "up", "serves_0": "cars"}
    assert (await submit(browser, shown, page, bad)).status_code == 422
    cars = form | {"serves_0": "cars"}
    assert (await submit(browser, shown, page, cars)).status_code == 422
    assert await lanes_of(conn, city.north) == [lane]
    registrar = await an_account(conn, "registrar", NOON)
    path = f"/api/v1/places/{city.north}/lanes"
    body = {"lanes": [{"gate": "1", "direction": "both"}]}
    assert (await client.post(path, json=body, headers=registrar)).status_code == 200
    assert await lanes_of(conn, city.north) == [Lane(gate="1")]
    body = {"lanes": [{"gate": "9"}]}
    assert (await client.post(path, json=body, headers=registrar)).status_code == 404
