"""The driver's own pages: report, pass, correction."""

import re
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from closedloop.reporting import report
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from registry.passes import pass_number
from registry.reports import view_key
from registry.submission import LOCAL, Companion
from tests.city import IDS, City, a_submission, add_proof
from tests.conftest import NOON
from tests.http import submit


def typed_at(at: datetime) -> str:
    return at.astimezone(LOCAL).strftime("%Y-%m-%dT%H:%M")


def filled(city: City, **changes: str) -> dict[str, str]:
    """The form as a driver without company fills it."""
    fields = {
        "event_id": str(uuid7(NOON)),
        "name": "李小龙",
        "id_type": "resident",
        "id_number": IDS[0],
        "phone": "13812345678",
        "plate": "豫B12345",
        "goods": "daily",
        "origin": "山东省济南市",
        "entry_place_id": str(city.north),
        "stop_1": str(city.mill),
        "expected_entry_at": typed_at(NOON + timedelta(hours=1)),
        "expected_exit_at": typed_at(NOON + timedelta(hours=30)),
        "q_symptom": "no",
        "q_risk_area": "no",
    }
    return fields | changes


async def sent(client: httpx.AsyncClient, fields: dict[str, str]) -> httpx.Response:
    return await submit(client, await client.get("/d/new?lang=en"), "/d/new", fields)


async def movements(conn: Connection) -> int:
    return await conn.fetchval("SELECT count(*) FROM registry.movement")


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


async def test_a_posted_code_chooses_the_checkpoint_in_the_form(
    client: httpx.AsyncClient, city: City
) -> None:
    shown = await client.get("/d/new", params={"entry_place_id": city.south})
    assert f'value="{city.south}" selected' in shown.text
    assert f'value="{city.north}" selected' not in shown.text


async def test_a_complete_report_leads_to_its_pass(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    await add_proof(conn, city.office.vault, "test", "negative", NOON - timedelta(hours=5))
    answer = await sent(client, filled(city))
    assert answer.status_code == 303
    shown = await client.get(answer.headers["location"])
    movement_id = await conn.fetchval("SELECT movement_id FROM registry.movement")
    digits = pass_number(movement_id, city.office.vault)
    assert digits in shown.text.replace(" ", "").replace("</span><span>", "")
    assert "<svg" in shown.text
    assert "李小龙" not in shown.text
    assert IDS[0] not in shown.text
    assert answer.headers["location"] in (await client.get("/")).text


async def test_a_report_sent_twice_is_one_movement(
    client: httpx.AsyncClient, conn: Connection, clock: SetClock, city: City
) -> None:
    fields = filled(city)
    first = await sent(client, fields)
    clock.at += timedelta(seconds=3)
    second = await sent(client, fields)
    assert first.headers["location"] == second.headers["location"]
    assert await movements(conn) == 1


async def test_other_answers_under_the_same_form_may_be_sent_again(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    fields = filled(city)
    await sent(client, fields)
    again = await sent(client, fields | {"plate": "豫B54321"})
    assert again.status_code == 422
    assert fields["event_id"] not in again.text
    assert "豫B54321" in again.text
    assert await movements(conn) == 1


async def test_what_is_wrong_stands_beside_its_field_and_nothing_is_stored(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    for _ in range(2):
        answer = await sent(client, filled(city, id_number=IDS[0][:-1] + "8", phone="1", stop_1=""))
        assert answer.status_code == 422
        for field in ("id_number", "phone", "stop_1"):
            assert f'href="#f-{field}"' in answer.text
        assert "李小龙" in answer.text
    assert await movements(conn) == 0


@pytest.mark.parametrize("value", ["", "x", "1", "99999999999999999999", "2022-05-01", "²"])
async def test_values_that_no_browser_sends_are_found_wrong(
    client: httpx.AsyncClient, conn: Connection, city: City, value: str
) -> None:
    odd = dict.fromkeys(("entry_place_id", "stop_1", "expected_entry_at", "q_symptom"), value)
    answer = await sent(client, filled(city, **odd))
    assert answer.status_code == 422
    for field in ("entry_place_id", "stop_1", "expected_entry_at", "q_symptom"):
        assert f'href="#f-{field}"' in answer.text
    assert await movements(conn) == 0


async def test_a_crew_members_mistake_stands_at_the_right_person(
    client: httpx.AsyncClient, city: City
) -> None:
    company = {"crew_3_name": "王五", "crew_3_id_number": "123"}
    answer = await sent(client, filled(city, **company))
    assert answer.status_code == 422
    assert 'href="#f-crew_1_id_number"' in answer.text
    assert re.search(r'<input[^>]* name="crew_1_name"[^>]* value="王五"', answer.text)


async def test_the_gates_advice_is_told_in_the_readers_language(
    client: httpx.AsyncClient, city: City
) -> None:
    answer = await sent(client, filled(city))
    for lang, sentence in (("zh", "没有核酸检测阴性证明"), ("en", "No negative")):
        shown = await client.get(answer.headers["location"], params={"lang": lang})
        assert sentence in shown.text


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


async def test_a_correction_makes_the_next_version_of_the_same_movement(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    page = await stored(conn, city)
    form = await client.get(f"{page}/edit")
    assert f'action="{page}/edit"' in form.text
    assert IDS[0] in form.text
    fields = filled(city, plate="豫B54321")
    for _ in range(2):  # sent twice, as an impatient thumb does
        answer = await submit(client, form, f"{page}/edit", fields)
        assert (answer.status_code, answer.headers.get("location")) == (303, page)
    rows = await conn.fetch("SELECT version, plate FROM registry.movement")
    assert [tuple(row) for row in rows] == [(2, "豫B54321")]
    changed = await conn.fetchval("SELECT changed FROM registry.movement_version")
    assert changed == ["plate"]


async def test_a_wrong_correction_changes_nothing(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    page = await stored(conn, city)
    form = await client.get(f"{page}/edit")
    answer = await submit(client, form, f"{page}/edit", filled(city, plate="B12345"))
    assert answer.status_code == 422
    assert f'action="{page}/edit"' in answer.text
    assert await conn.fetchval("SELECT version FROM registry.movement") == 1


async def test_a_correction_keeps_what_the_form_has_no_room_for(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    friend = Companion(name="John Smith", id_type="passport", id_number="E12345678")
    stops = (city.mill, city.depot, city.mill, city.depot)
    page = await stored(conn, city, crew=(friend,), stops=stops)
    form = await client.get(f"{page}/edit")
    company = {"crew_1_name": friend.name, "crew_1_id_number": friend.id_number}
    way = {"stop_1": str(stops[0]), "stop_2": str(stops[1]), "stop_3": str(stops[2])}
    fields = filled(city, origin="山东省菏泽市", **company, **way)
    answer = await submit(client, form, f"{page}/edit", fields)
    assert answer.status_code == 303, answer.text
    row = await conn.fetchrow("SELECT origin, stops FROM registry.movement")
    assert row is not None
    assert (row["origin"], tuple(row["stops"])) == ("山东省菏泽市", stops)


async def test_after_the_barrier_nothing_is_corrected(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    page = await stored(conn, city)
    form = await client.get(f"{page}/edit")
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
    answer = await submit(client, form, f"{page}/edit", filled(city, plate="豫B54321"))
    assert answer.status_code == 409
    assert f"{page}/edit" not in (await client.get(page)).text
