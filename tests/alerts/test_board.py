"""The board's figures against a plain recount, the search for a plate, the ledger of both ways."""

import csv
import io
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from alerts.board_queries import ages, cards_by_hour, funnel, ledger
from alerts.charts import Bar, bars, mix, schematic, strip
from alerts.daily_sheet import daily_drawing
from alerts.desk_views import BANDS
from checkpoint.desk import DESK
from closedloop.acts import Act, propose
from closedloop.commit import append
from closedloop.reporting import accepted
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from registry.pulses import note_pulse
from tests.alerts.enquiry import DUE, after, climb_up, officer
from tests.checkpoint.moves import released, reported, scanned, verifying
from tests.city import IDS, City
from tests.conftest import NOON
from tests.http import submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]


async def a_day(conn: Connection, city: City) -> int:
    """One truck is missing, one has arrived late, one waits for the desk, one has only reported."""
    missing = await released(conn, city)
    done = await released(conn, city, plate="豫B54321", id_number=IDS[1])
    await scanned(conn, city, done, "arrival", DUE + timedelta(minutes=3))
    await verifying(conn, city, plate="豫B77777", id_number=IDS[2])
    await reported(conn, city, plate="豫B66666", id_number=IDS[3])
    await climb_up(conn, city, 50)
    return missing


async def test_the_board_shows_lanes_cards_loops_ages_and_devices(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    await a_day(conn, city)
    await note_pulse(conn, city.lane.id, 7, NOON)
    clock.at = after(50)
    duty = await logged_in("duty")
    for path in ("/duty/board", "/duty/board/parts"):
        shown = (await duty.get(f"{path}?lang=en")).text
        for words in (
            "Overdue by age",
            "Loops of 24 hours",
            "0.0 % turned back",
            "7 not sent",
            "北卡口",
        ):
            assert words in shown, words
        assert "ui.board" not in shown
        assert shown.count("<svg") >= 5
        assert "<table" in shown


async def test_a_truck_that_the_desk_turns_back_counts_as_turned_back(
    conn: Connection, city: City
) -> None:
    movement_id = await verifying(conn, city)
    at = NOON + timedelta(minutes=9)
    desk = await officer(conn, "desk", "desk")
    reason = (await city.office.cache.now(conn)).rules_at(at).turn_back_reasons[0].code
    said = Act(id=uuid7(at), kind="desk", outcome="turn_back", reason=reason, place_id=city.north)
    accepted(await append(conn, city.office.cache, [propose(movement_id, said, desk, DESK)], at))
    found = await cards_by_hour(conn, [city.north], NOON - timedelta(hours=1))
    assert [(each.card, each.desk, each.n) for each in found] == [
        ("white", True, 1),
        ("yellow", False, 1),
    ]


async def test_figures_are_a_plain_recount(conn: Connection, city: City) -> None:
    await a_day(conn, city)
    found = await funnel(conn, NOON - timedelta(hours=20))
    assert (found.reported, found.presented, found.released) == (4, 3, 2)
    assert (found.arrived, found.closed) == (1, 1)
    late = [(each.band, each.claimed, each.n) for each in await ages(conn, after(50), BANDS)]
    # The missing truck since fifty minutes, and since over an hour the one that waits for the desk.
    assert late == [(1, False, 2)]


@pytest.mark.parametrize("side", ["checkpoint", "firm"])
async def test_the_ledger_counts_both_ways(conn: Connection, city: City, side: str) -> None:
    await a_day(conn, city)
    (day,) = await ledger(conn, NOON - timedelta(days=7), side)
    assert (day.entered, day.closed, day.open, day.late) == (2, 1, 1, 1)
    assert day.rate == 0.5
    assert await ledger(conn, NOON - timedelta(days=7), side, district="410222") == []


async def test_the_ledger_is_a_page_and_a_file(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    await a_day(conn, city)
    clock.at = after(50)
    duty = await logged_in("duty")
    assert "50.0 %" in (await duty.get("/duty/ledger?side=firm&lang=en")).text
    rows = list(csv.reader(io.StringIO((await duty.get("/duty/ledger.csv?lang=en")).text)))
    assert rows[1][2:] == ["2", "1", "1", "1", "0", "50.0"]
    assert (await duty.get("/duty/ledger?side=x")).status_code == 400


async def test_a_plate_is_found_by_its_end_and_the_search_is_recorded(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    movement_id = await a_day(conn, city)
    clock.at = after(50)
    duty = await logged_in("duty")
    shown = await duty.get("/duty/find?lang=en")
    found = await submit(duty, shown, "/duty/find", {"plate": " 豫b·12345 "})
    assert f"/duty/{movement_id}" in found.text
    assert (
        f"/duty/{movement_id}" in (await submit(duty, shown, "/duty/find", {"plate": "2345"})).text
    )
    assert (await submit(duty, shown, "/duty/find", {"plate": "45"})).status_code == 422
    assert "Nothing was found" in (await submit(duty, shown, "/duty/find", {"plate": "%%%%"})).text
    actions = await conn.fetch("SELECT action FROM kernel.audit WHERE action = 'find_plate'")
    assert len(actions) == 3


def test_pictures_have_titles_and_nothing_of_a_name_is_markup() -> None:
    evil = '<script>"&'
    made = [
        bars(evil, [Bar(label=evil, value=3, share=1, second=1)]),
        strip(evil, [0, 5, 0], still=True),
        mix(evil, [{"green": 1, "white": 3}, {}]),
        schematic(evil, [evil], [evil], []),
    ]
    for svg in made:
        assert "<script" not in svg
        assert re.search(r'role="img" aria-label="&lt;script', svg)
        assert "<title>" in svg


async def test_the_day_is_a_page_a_file_and_a_sheet(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    await a_day(conn, city)
    clock.at = after(50)
    duty = await logged_in("duty")
    shown = (await duty.get("/duty/report?lang=en")).text
    assert "2022-05-01" in shown
    figures = dict(re.findall(r"<dt>([^<]+)</dt><dd class=\"num\">([^<]+)</dd>", shown))
    assert figures["Reported"] == "4"
    assert (figures["Let in"], figures["Closed"], figures["Closed, share"]) == ("2", "1", "50.0%")
    assert figures["L3 To be called"] == "1"
    rows = list(csv.reader(io.StringIO((await duty.get("/duty/report.csv")).text)))
    assert ["L3 To be called", "1"] in rows
    paper = await duty.get("/duty/report.pdf")
    assert paper.content.startswith(b"%PDF")
    for day in ("1999-01-01", "2099-01-01"):
        assert (await duty.get(f"/duty/report?day={day}")).status_code == 200


def test_a_long_day_takes_more_sheets() -> None:
    lines = [[f"卡口{n}", "1", "1", "100%", "0", "0", "0"] for n in range(90)]
    pages = daily_drawing("日报", [("a", "1")] * 9, ["x"] * 7, [("卡口", lines)])
    assert len(pages) == 3
    assert all(mark.y < 297 for page in pages for mark in page.marks if hasattr(mark, "y"))
