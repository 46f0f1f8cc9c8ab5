"""Marks where they are needed: at the duty desk and the registrar's, in the day's report, on the
firm's own page; lifted by what is found later, and never taken away.
"""

import csv
import io
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from alerts import marks as asked
from alerts.acting import close
from alerts.closing import Close
from alerts.marks import by_whom, marks_between, marks_of_firm, standing_by_firm
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from registry.marks import COUNTED, Mark
from registry.plates import masked_plate
from tests.alerts.enquiry import after, climb_up, officer
from tests.checkpoint.moves import released, scanned
from tests.city import IDS, City

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
PLATE = "豫B12345"
REFERRED = 1445


async def lost(conn: Connection, city: City) -> int:
    movement_id = await released(conn, city)
    await climb_up(conn, city, REFERRED)
    return movement_id


async def found_of(conn: Connection, minutes: float, district: str | None = None) -> list[Mark]:
    now = after(minutes)
    return await marks_between(conn, now - COUNTED, now, district=district)


async def test_firm_and_carrier_have_one_each_and_only_for_ninety_days(
    conn: Connection, city: City
) -> None:
    movement_id = await lost(conn, city)
    found = await found_of(conn, 1500)
    assert {(each.about, each.place_id, each.plate, each.movement_id) for each in found} == {
        ("firm", city.mill, PLATE, movement_id),
        ("carrier", None, PLATE, movement_id),
    }
    assert [each.lifted_by for each in found] == ["", ""]
    assert standing_by_firm(found) == {city.mill: 1}
    assert await found_of(conn, 1500 + 90 * 24 * 60) == []
    assert await found_of(conn, 1500, district="410222") == []
    assert await marks_of_firm(conn, city.depot, after(0)) == []


async def arrives_late(conn: Connection, city: City) -> list[Mark]:
    movement_id = await lost(conn, city)
    await scanned(conn, city, movement_id, "arrival", after(1500))
    return await found_of(conn, 1600)


async def test_a_truck_that_arrives_after_all_lifts_its_marks_and_they_stay(
    conn: Connection, city: City
) -> None:
    found = await arrives_late(conn, city)
    assert [each.lifted_by for each in found] == ["arrival", "arrival"]
    assert {each.lifted_at for each in found} == {after(1500)}
    assert (by_whom(found, "firm")[0].standing, len(by_whom(found, "firm")[0].marks)) == (0, 1)
    assert await conn.fetchval("SELECT count(*) FROM alerts.mark") == 2


async def test_whoever_does_not_ask_the_loop_is_found_out(
    conn: Connection, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin: a mark for ever, whatever was found."""
    blind = asked.MARKS.replace("'arrived_at'", "'nothing'").replace("'discharged', ", "")
    assert blind != asked.MARKS
    monkeypatch.setattr(asked, "MARKS", blind)
    assert [each.lifted_by for each in await arrives_late(conn, city)] == ["", ""]


async def test_two_officers_with_a_proof_lift_them_and_an_arrival_beats_that(
    conn: Connection, city: City
) -> None:
    movement_id = await lost(conn, city)
    one, two = await officer(conn, "one"), await officer(conn, "two")
    at = after(1460)
    said = Close(id=uuid7(at), reason="left_unseen", proof="收费站 2022-7")
    await close(conn, city.office, movement_id, said, one, at)
    assert [each.lifted_by for each in await found_of(conn, 1470)] == ["", ""]
    agreed = Close(id=uuid7(at), decision="approve")
    await close(conn, city.office, movement_id, agreed, two, after(1470))
    assert [each.lifted_by for each in await found_of(conn, 1480)] == ["proof", "proof"]
    await scanned(conn, city, movement_id, "arrival", after(1500))
    assert [each.lifted_by for each in await found_of(conn, 1600)] == ["arrival", "arrival"]


async def test_duty_sees_which_trucks_and_a_registrar_a_part_of_their_plates(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    movement_id = await lost(conn, city)
    clock.at = after(1500)
    duty, registrar = await logged_in("duty"), await logged_in("registrar")
    whole = (await duty.get("/duty/marks?lang=en")).text
    part = (await registrar.get("/duty/marks?lang=en")).text
    for shown in (whole, part):
        assert "第一面粉厂" in shown
        assert "1 standing" in shown
        assert "ui.marks" not in shown
    assert f"/loops/{movement_id}" in whole
    assert "12345" in whole
    place = (await registrar.get(f"/reg/places/{city.mill}?lang=en")).text
    for shown in (part, place):
        assert "***45" in shown
        assert "12345" not in shown
        assert str(movement_id) not in shown
    assert f"/reg/places/{city.mill}" in part
    inspector = await logged_in("inspector")
    assert "***45" not in (await inspector.get(f"/reg/places/{city.mill}?lang=en")).text
    assert (await inspector.get("/duty/marks")).status_code == 403


async def test_ledger_case_and_report_of_the_day_tell_them(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    movement_id = await lost(conn, city)
    clock.at = after(1446)
    duty = await logged_in("duty")
    assert f"#firm-{city.mill}" in (await duty.get("/duty/ledger?side=firm&lang=en")).text
    day = (await duty.get("/duty/report?lang=en")).text
    assert '<dt>New marks</dt><dd class="num">2</dd>' in day
    rows = list(csv.reader(io.StringIO((await duty.get("/duty/report.csv?lang=en")).text)))
    assert ["New marks", "2"] in rows
    (line,) = [row[0] for row in rows if row and row[0].startswith("第一面粉厂 ·")]
    assert line.endswith("stands")
    assert "12345" not in str(rows)
    assert (await duty.get("/duty/report.pdf")).content.startswith(b"%PDF")
    await scanned(conn, city, movement_id, "arrival", after(1446))
    clock.at = after(1450)
    assert f"#firm-{city.mill}" not in (await duty.get("/duty/ledger?side=firm&lang=en")).text
    assert "lifted: it arrived after all" in (await duty.get("/duty/report?lang=en")).text


async def test_a_firm_is_told_of_its_own_and_what_it_can_do(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City
) -> None:
    movement_id = await lost(conn, city)
    other = await released(
        conn, city, after(100), plate="豫B54321", id_number=IDS[1], stops=(city.depot,)
    )
    clock.at = after(1500)
    mill, depot = await logged_in("firm", city.mill), await logged_in("firm", city.depot)
    shown = (await mill.get("/firm?lang=en")).text
    assert "Trucks that were never found" in shown
    assert "appeal by telephone" in shown
    assert 'href="tel:12328"' in shown
    assert "never found" not in (await depot.get("/firm?lang=en")).text
    assert other != movement_id
    await scanned(conn, city, movement_id, "arrival", after(1500))
    clock.at = after(1501)
    shown = (await mill.get("/firm?lang=en")).text
    assert "Trucks that were never found" not in shown
    assert "Marks that were lifted" in shown


@pytest.mark.parametrize(("plate", "shown"), [
    ("豫B12345", "豫B***45"), ("豫BD12345", "豫B****45"), ("WJ12", "****"), ("", "****"),
])  # fmt: skip
def test_a_masked_plate_tells_no_truck(plate: str, shown: str) -> None:
    assert masked_plate(plate) == shown


async def test_those_of_the_day_are_of_the_day(conn: Connection, city: City) -> None:
    await lost(conn, city)
    (mark, _) = await found_of(conn, 1500)
    assert await marks_between(conn, mark.at, mark.at + timedelta(seconds=1)) != []
    assert await marks_between(conn, mark.at + timedelta(seconds=1), after(9000)) == []
