"""The driver's pass and its correction."""

from datetime import timedelta
from typing import Any

import httpx

from closedloop.reporting import report
from kernel.db import Connection
from kernel.ids import uuid7
from registry.passes import pass_number
from registry.reports import view_key
from registry.submission import Companion
from tests.city import IDS, City, a_submission, add_proof
from tests.closedloop.walk import Walk
from tests.conftest import NOON
from tests.http import submit


async def stored(conn: Connection, city: City, **changes: Any) -> str:
    """A report that came another way; returns the address of its page."""
    said = a_submission(city, NOON, **changes)
    made = await report(
        conn,
        city.office,
        event_id=uuid7(NOON),
        said=said,
        channel="api",
        actor=None,
        now=NOON,
    )
    number = made.movement.movement_id
    return f"/d/{number}-{view_key(number, city.office.vault)}"


async def test_a_complete_report_leads_to_its_pass(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    await add_proof(conn, city.office.vault, "test", "negative", NOON - timedelta(hours=5))
    page = await Walk(client, conn, city).reports()
    shown = await client.get(page)
    movement_id = await conn.fetchval("SELECT movement_id FROM registry.movement")
    digits = pass_number(movement_id, city.office.vault)
    assert digits in shown.text.replace(" ", "").replace("</span><span>", "")
    assert "<svg" in shown.text
    assert "李小龙" not in shown.text
    assert IDS[0] not in shown.text
    assert page in (await client.get("/")).text


async def test_the_gates_advice_is_told_in_the_readers_language(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    page = await Walk(client, conn, city).reports()
    for lang, sentence in (("zh", "没有核酸检测阴性证明"), ("en", "No negative")):
        assert sentence in (await client.get(page, params={"lang": lang})).text


async def test_a_wrong_key_and_an_unknown_movement_answer_alike(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    page = await stored(conn, city)
    codes: set[tuple[int, str]] = set()
    foreign = "/d/4102000000000-" + "0" * 20
    for address in (page[:-1] + "x", page + "0", page[:17] + "é", foreign, "/d/1-x", "/d/x"):
        for ending in ("", "/edit", "/pass.svg"):
            answer = await client.get(address + ending, headers={"Accept": "application/json"})
            codes.add((answer.status_code, answer.json()["code"]))
    assert codes == {(404, "unknown_pass_page")}


async def test_a_draft_says_what_is_missing_and_has_no_pass(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    page = await stored(conn, city, expected_entry_at=None, plate="")
    shown = await client.get(page, params={"lang": "en"})
    assert shown.status_code == 200, shown.text
    assert "<svg class" not in shown.text
    assert f"{page}/edit" in shown.text
    assert "pass.svg" not in shown.text
    assert (await client.get(f"{page}/pass.svg")).status_code == 404


async def test_the_pass_can_be_printed(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    drawn = await client.get(await stored(conn, city) + "/pass.svg")
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert "豫B12345" in drawn.text
    assert "李小龙" not in drawn.text


async def corrects(
    client: httpx.AsyncClient, conn: Connection, city: City, page: str, **answers: dict[str, str]
) -> Walk:
    """From the pass to the check page, through the pages that are named, and back to it."""
    walk = Walk(client, conn, city)
    opened = await client.get(f"{page}/edit")
    assert opened.status_code == 303, opened.text
    check = opened.headers["location"]
    for name, said in answers.items():
        walk.at = check.replace("/check", f"/{name}")
        assert (await walk.says(**said)).status_code == 303
        assert walk.at == check
    walk.at = check
    return walk


async def test_a_correction_makes_the_next_version_of_the_same_movement(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    page = await stored(conn, city)
    walk = await corrects(client, conn, city, page, plate={"plate": "豫B54321"})
    check = walk.at
    form = await client.get(check)
    assert IDS[0] not in form.text
    for _ in range(2):  # sent twice, as an impatient thumb does
        answer = await submit(client, form, check, {})
        assert (answer.status_code, answer.headers.get("location")) == (303, page)
    rows = await conn.fetch("SELECT version, plate FROM registry.movement")
    assert [tuple(row) for row in rows] == [(2, "豫B54321")]
    changed = await conn.fetchval("SELECT changed FROM registry.movement_version")
    assert changed == ["plate"]


async def test_numbers_left_empty_in_a_correction_stay_as_they_were(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    page = await stored(conn, city)
    said = {"name": "李大龙", "id_number": "", "id_type": "resident"}
    walk = await corrects(client, conn, city, page, person=said)
    assert (await walk.says()).headers["location"] == page
    changed = await conn.fetchval("SELECT changed FROM registry.movement_version")
    assert changed == ["name"]


async def test_a_correction_that_is_opened_again_goes_on_where_it_was(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    page = await stored(conn, city)
    walk = await corrects(client, conn, city, page, plate={"plate": "豫B54321"})
    again = await client.get(f"{page}/edit")
    assert again.headers["location"] == walk.at
    assert "豫B54321" in (await client.get(walk.at)).text


async def test_a_wrong_correction_changes_nothing(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    page = await stored(conn, city)
    walk = await corrects(client, conn, city, page)
    walk.at = walk.at.replace("/check", "/plate")
    answer = await walk.says(plate="B12345")
    assert answer.status_code == 422
    assert 'href="#f-plate"' in answer.text
    assert await conn.fetchval("SELECT version FROM registry.movement") == 1


async def test_a_correction_keeps_what_the_pages_have_no_room_for(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    friend = Companion(name="John Smith", id_type="passport", id_number="E12345678")
    stops = (city.mill, city.depot, city.mill, city.depot)
    page = await stored(conn, city, crew=(friend,), stops=stops)
    way = {
        "origin": "山东省菏泽市",
        "entry_place_id": str(city.north),
        "stop_1": str(stops[0]),
    }
    walk = await corrects(client, conn, city, page, way=way)
    assert (await walk.says()).headers["location"] == page
    row = await conn.fetchrow("SELECT origin, stops FROM registry.movement")
    assert row is not None
    assert (row["origin"], tuple(row["stops"])) == ("山东省菏泽市", stops)
    assert await conn.fetchval("SELECT changed FROM registry.movement_version") == ["origin"]


async def test_after_the_barrier_nothing_is_corrected(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    page = await stored(conn, city)
    walk = await corrects(client, conn, city, page, plate={"plate": "豫B54321"})
    form = await client.get(walk.at)
    movement_id = int(page[3:16])
    await conn.execute(
        """
        INSERT INTO registry.event (movement_id, event_id, kind, occurred_at, received_at, actor,
                                    body)
        VALUES ($1, $2, 'cancelled', $3, $3, 'driver', '{}')
        """,
        movement_id,
        uuid7(NOON),
        NOON,
    )
    assert (await client.get(f"{page}/edit")).status_code == 409
    assert (await submit(client, form, walk.at, {})).status_code == 409
    assert f"{page}/edit" not in (await client.get(page)).text
