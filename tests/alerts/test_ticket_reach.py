"""What a complaint is traced to, of which district it is, and the same by call."""

import re
from uuid import UUID

import httpx
import pytest

from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from tests.alerts.desk import PHONE, RULES, at, taken
from tests.alerts.test_ticket_pages import event_id
from tests.checkpoint.moves import reported, scanned, verifying
from tests.city import City
from tests.conftest import NOON
from tests.http import add_account, log_in, opened, submit


async def test_a_complaint_is_traced_to_lane_rule_version_and_officer(
    logged_in, conn: Connection, city: City, clock: SetClock
) -> None:
    gate = await logged_in("desk", city.north)
    movement_id = await verifying(conn, city)
    clock.at = at(20)
    shown = await gate.get(f"/desk/{movement_id}")
    turned = await submit(
        gate, shown, f"/desk/{movement_id}/turn-back",
        {"event_id": str(uuid7(at(20))), "reason": "no_valid_test"},
    )  # fmt: skip
    assert turned.status_code == 303, turned.text
    ticket_id = (await taken(conn, city, when=at(60), plate="2345", seen_at=at(25))).id
    clock.at = at(61)
    desk = await logged_in("hotline")
    page = f"/infodesk/{ticket_id}"
    shown = await desk.get(page)
    found = await submit(
        desk, shown, f"{page}/find", {"event_id": event_id(shown), "plate": "2345"}
    )
    about = re.findall(
        r'name="movement" value="(\d+)"><input type="hidden" name="about" value="([0-9a-f-]+)"',
        found.text,
    )
    assert len(about) == 2
    linked = await submit(
        desk, found, f"{page}/link",
        {"event_id": str(uuid7(at(61))), "movement": about[0][0], "about": about[0][1]},
    )  # fmt: skip
    assert linked.status_code == 303
    traced = (await desk.get(page)).text
    for told in ("北卡口", "没有 48 小时内的有效核酸证明", "test_missing", "规则集第", ">desk<"):
        assert told in traced, told
    audited = await conn.fetch("SELECT action FROM kernel.audit WHERE subject = $1", str(ticket_id))
    assert {"find_plate", "trace_complaint", "read_ticket"} <= {row["action"] for row in audited}
    assert await conn.fetchval("SELECT district_code FROM alerts.ticket") == "410221"


async def test_of_another_district_nothing_is_found(
    conn: Connection, city: City, app, clock: SetClock
) -> None:
    await conn.execute("INSERT INTO registry.district VALUES ('410222', '通许县')")
    await scanned(conn, city, await reported(conn, city), "entry")
    ticket_id = (await taken(conn, city, district="410222")).id
    async with opened(app) as far:
        await log_in(far, await add_account(conn, "hotline", clock, district="410222"))
        page = f"/infodesk/{ticket_id}"
        shown = await far.get(page)
        found = await submit(
            far, shown, f"{page}/find", {"event_id": event_id(shown), "plate": "2345"}
        )
        assert found.status_code == 200
        assert "豫B" not in found.text
        assert (await far.get(f"/infodesk/{(await taken(conn, city)).id}")).status_code == 404


async def test_a_claim_on_the_list_is_given_back(logged_in, conn: Connection, city: City) -> None:
    desk = await logged_in("hotline")
    ticket_id: UUID = (await taken(conn, city)).id
    shown = await desk.get("/infodesk")
    fields = {"event_id": event_id(shown), "back": "list"}
    for what in ("claim", "release"):
        answer = await submit(desk, shown, f"/infodesk/{ticket_id}/{what}", fields)
        assert answer.headers["location"] == f"/infodesk?done={what}"
        rows = await desk.get("/infodesk/rows")
        assert ("/release" in rows.text) == (what == "claim")
    assert (await submit(desk, shown, f"/infodesk/{ticket_id}/nothing", fields)).status_code == 404


@pytest.mark.parametrize("role", ["grid", "police", "firm", "auditor"])
async def test_others_see_their_own_list_without_a_claim(logged_in, city: City, role: str) -> None:
    client = await logged_in(role, city.mill if role == "firm" else None)
    answer = await client.get("/infodesk")
    assert answer.status_code == 200
    assert "/claim" not in answer.text
    assert (await client.get("/hotline/new")).status_code == 403


@pytest.mark.usefixtures("city")
async def test_by_call_too(client: httpx.AsyncClient, logged_in) -> None:
    said = {"id": str(uuid7(NOON)), "category": "medicine", "words": "胰岛素用完", "phone": PHONE}
    first = await client.post("/api/v1/help-requests", json=said)
    assert first.status_code == 202
    again = await client.post("/api/v1/help-requests", json=said)
    assert again.json() == first.json() | {"repeated": True}
    said = {"id": str(uuid7(NOON)), "category": "rude", "words": "态度恶劣"}
    assert (await client.post("/api/v1/complaints", json=said)).status_code == 202
    desk = await logged_in("duty")
    token = {"x-csrftoken": desk.cookies["csrftoken"]}
    listed = (await desk.get("/api/v1/tickets?kind=help")).json()
    assert [each["urgency"] for each in listed["tickets"]] == [1]
    ticket_id = listed["tickets"][0]["ticket"]["id"]
    assert PHONE not in str(listed)
    claimed = await desk.post(f"/api/v1/tickets/{ticket_id}/claim", json={}, headers=token)
    assert claimed.status_code == 200
    act = {"id": str(uuid7(NOON)), "act": "answer", "words": "已送达", "version": 1}
    done = await desk.post(f"/api/v1/tickets/{ticket_id}/acts", json=act, headers=token)
    assert done.json()["ticket"]["state"] == "answered"
    late = act | {"id": str(uuid7(NOON))}
    refused = await desk.post(f"/api/v1/tickets/{ticket_id}/acts", json=late, headers=token)
    assert (refused.status_code, refused.json()["code"]) == (409, "ticket_changed")
    whole = (await desk.get(f"/api/v1/tickets/{ticket_id}")).json()
    assert [step["act"] for step in whole["steps"]] == ["receive", "answer"]
    assert "胰岛素用完" in whole["said"].values()
    new = {"id": str(uuid7(NOON)), "kind": "screening", "category": "assist", "words": "协查"}
    made = await desk.post("/api/v1/tickets", json=new, headers=token)
    assert made.status_code == 201
    assert RULES.category("screening", "assist") is not None
