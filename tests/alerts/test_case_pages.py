"""The duty officer's case, the driver's and the firm's answer, the field's list, over HTTP."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from closedloop.model import State
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from registry.reports import view_key
from tests.alerts.enquiry import after, alert_of, climb_up
from tests.checkpoint.moves import loop_of, released
from tests.city import City
from tests.http import submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def late(conn: Connection, clock: SetClock, city: City) -> int:
    """A truck that is fifty minutes late: L3."""
    movement_id = await released(conn, city)
    await climb_up(conn, city, 50)
    clock.at = after(50)
    return movement_id


async def send(who: httpx.AsyncClient, number: int, what: str, **said: str) -> httpx.Response:
    shown = await who.get(f"/duty/{number}?lang=en")
    return await submit(
        who, shown, f"/duty/{number}/{what}", {"event_id": str(uuid7(after(50)))} | said
    )


async def test_a_case_shows_ladder_crew_and_what_to_ask(logged_in: LogIn, late: int) -> None:
    duty = await logged_in("duty")
    shown = (await duty.get(f"/duty/{late}?lang=en")).text
    for words in ("12345", "L3", "To be called", "Police", "Are you vaccinated?", "李**"):
        assert words.casefold() in shown.casefold(), words
    assert "李小龙" not in shown
    assert "13812345678" not in shown


async def test_reading_a_case_leaves_its_row(logged_in: LogIn, conn: Connection, late: int) -> None:
    await (await logged_in("duty")).get(f"/duty/{late}")
    rows = await conn.fetch("SELECT subject FROM kernel.audit WHERE action = 'read_case'")
    assert [row["subject"] for row in rows] == [str(late)]


async def test_a_call_is_kept_with_a_result_and_its_note_is_read_by_duty_alone(
    logged_in: LogIn, conn: Connection, late: int
) -> None:
    duty, auditor = await logged_in("duty"), await logged_in("auditor")
    without = await send(duty, late, "call", whom="driver", note="堵车")
    assert without.status_code == 422
    assert "堵车" in without.text, "what was typed is not lost"
    said = {"whom": "driver", "code": "5", "minutes": "30", "note": "堵在连霍高速"}
    done = await send(duty, late, "call", **said, answer_on_the_road="yes")
    assert done.headers["location"] == f"/duty/{late}?done=call"
    assert "堵在连霍高速" in (await duty.get(f"/duty/{late}")).text
    assert "堵在连霍高速" not in (await auditor.get(f"/duty/{late}")).text
    assert (await loop_of(conn, late)).last_reply == 5


async def test_claim_and_snooze_from_the_list(logged_in: LogIn, late: int) -> None:
    duty, other = await logged_in("duty"), await logged_in("duty")
    shown = await duty.get("/duty?lang=en")
    assert "Unclaimed" in shown.text
    done = await submit(
        duty, shown, f"/duty/{late}/claim", {"event_id": str(uuid7(after(50))), "back": "list"}
    )
    assert done.headers["location"] == "/duty?done=claim"
    assert "Give back" in (await duty.get("/duty?lang=en")).text
    refused = await send(other, late, "claim")
    assert (refused.status_code, "has claimed it" in refused.text) == (422, True)
    await send(duty, late, "snooze", minutes="30")
    assert "Later" in (await duty.get("/duty?lang=en")).text


async def test_two_officers_close_a_case(logged_in: LogIn, conn: Connection, late: int) -> None:
    one, two = await logged_in("duty"), await logged_in("duty")
    assert (await send(one, late, "close", decision="propose")).status_code == 422
    said = {"decision": "propose", "reason": "settled", "proof": "交警 2022-7"}
    assert (await send(one, late, "close", **said)).status_code == 303
    assert (await send(one, late, "close", decision="approve")).status_code == 422
    assert (await send(two, late, "close", decision="approve")).status_code == 303
    assert (await loop_of(conn, late)).state is State.CLOSED_BY_OFFICER
    shown = await two.get(f"/duty/{late}?lang=en")
    assert "Keep the call" not in shown.text


async def test_an_officer_gives_a_new_limit(logged_in: LogIn, conn: Connection, late: int) -> None:
    duty = await logged_in("duty")
    assert (await send(duty, late, "resume", minutes="x")).status_code == 422
    await send(duty, late, "resume", minutes="40", reason="修好了")
    loop = await loop_of(conn, late)
    assert loop.due_at is not None
    assert (loop.due_at - after(50)).total_seconds() == 40 * 60


async def test_a_driver_answers_with_one_tap_and_the_pass_says_so(
    client: httpx.AsyncClient, conn: Connection, city: City, late: int
) -> None:
    ref = f"/d/{late}-{view_key(late, city.office.vault)}"
    assert f"{ref}/reply" in (await client.get(f"{ref}?lang=en")).text
    shown = await client.get(f"{ref}/reply")
    nothing = await submit(client, shown, f"{ref}/reply", {"event_id": str(uuid7(after(50)))})
    assert nothing.status_code == 422
    said = {"event_id": str(uuid7(after(50))), "code": "6"}
    for _ in range(2):
        done = await submit(client, shown, f"{ref}/reply", said)
        assert done.status_code == 303
    assert "Has broken down" in (await client.get(ref)).text
    assert (await loop_of(conn, late)).state is State.INCIDENT


async def test_a_firm_says_what_it_knows_of_its_own_trucks(
    logged_in: LogIn, conn: Connection, city: City, late: int
) -> None:
    firm, other = await logged_in("firm", city.mill), await logged_in("firm", city.depot)
    assert (await other.get(f"/firm/trucks/{late}")).status_code == 404
    shown = await firm.get(f"/firm/trucks/{late}")
    said = {"event_id": str(uuid7(after(50))), "code": "3"}
    done = await submit(firm, shown, f"/firm/trucks/{late}", said)
    assert done.headers["location"] == "/firm?done=reply"
    assert (await loop_of(conn, late)).state is State.DISCHARGED


async def test_police_and_grid_see_a_truck_from_l4_and_the_police_have_seen_it(
    logged_in: LogIn, conn: Connection, clock: SetClock, city: City, late: int
) -> None:
    police, grid = await logged_in("police"), await logged_in("grid")
    assert "12345" not in (await police.get("/field")).text
    await climb_up(conn, city, 121)
    clock.at = after(121)
    for each in (police, grid):
        assert "12345" in (await each.get("/field")).text
    said = {"code": "3", "proof": "在厂区门口"}
    shown = await grid.get("/field")
    await submit(grid, shown, f"/field/{late}", {"event_id": str(uuid7(after(121)))} | said)
    assert (await loop_of(conn, late)).state is State.RELEASED
    shown = await police.get("/field")
    await submit(police, shown, f"/field/{late}", {"event_id": str(uuid7(after(121)))} | said)
    assert (await loop_of(conn, late)).state is State.DISCHARGED
    assert "12345" not in (await police.get("/field")).text


async def test_an_extension_from_its_proposal_to_the_second_officer(
    logged_in: LogIn, city: City
) -> None:
    one, two = await logged_in("duty"), await logged_in("duty")
    shown = await one.get("/duty/extend?lang=en")
    said = {"event_id": str(uuid7(after(0))), "place": str(city.mill), "side": "to"}
    missing = await submit(one, shown, "/duty/extend", said)
    assert missing.status_code == 422
    done = await submit(one, shown, "/duty/extend", said | {"minutes": "60", "reason": "大雾封路"})
    assert done.status_code == 303
    page = await two.get("/duty/extend?lang=en")
    approve = page.text.partition('action="/duty/extend/')[2].partition("/approve")[0]
    assert (await submit(two, page, f"/duty/extend/{approve}/approve", {})).status_code == 303
    assert "Approved" in (await one.get("/duty/extend")).text
    mine = await one.get("/duty/extend?lang=en")
    assert "/approve" not in mine.text


async def test_the_api_claims_calls_and_closes(
    logged_in: LogIn, conn: Connection, late: int
) -> None:
    one, two = await logged_in("duty"), await logged_in("duty")
    url = f"/api/v1/alerts/{alert_of(late)}"

    async def sent(who: httpx.AsyncClient, what: str, **said: Any) -> httpx.Response:
        headers = {"x-csrftoken": who.cookies["csrftoken"]}
        return await who.post(f"{url}/{what}", json=said, headers=headers)

    def new() -> str:
        return str(uuid7(after(50)))

    await one.get("/duty")
    await two.get("/duty")
    assert (await sent(one, "claim")).json()["movement_id"] == late
    assert (await sent(two, "claim")).json()["code"] == "claimed_by_other"
    body = {"id": new(), "whom": "driver", "code": 5, "minutes": 30}
    first, again = await sent(one, "call", **body), await sent(one, "call", **body)
    assert (first.json()["status"], again.json()["status"]) == ("recorded", "repeated")
    assert (await sent(one, "call", **body | {"code": 6})).json()["code"] == "event_id_taken"
    await sent(one, "close", id=new(), reason="settled", proof="A7")
    assert (await sent(one, "close", id=new(), decision="approve")).json()["code"] == (
        "second_person_needed"
    )
    done = await sent(two, "close", id=new(), decision="approve")
    assert done.json()["state"] == "closed_by_officer"
    assert (await sent(one, "snooze", minutes=10)).json()["code"] == "alert_ended"
    for wrong in ("x", "1-2-3", f"{late}-0-arrival-9", f"{late}-0-nothing-1"):
        answer = await one.post(
            f"/api/v1/alerts/{wrong}/claim",
            json={},
            headers={"x-csrftoken": one.cookies["csrftoken"]},
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_alert")
    assert (await loop_of(conn, late)).state is State.CLOSED_BY_OFFICER
