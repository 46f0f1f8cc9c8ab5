"""What a complaint is traced to, of which district it is, and the same by call."""

import re
from uuid import UUID

import pytest

from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from tests.alerts.desk import at, taken
from tests.alerts.test_ticket_pages import event_id
from tests.checkpoint.moves import reported, scanned, verifying
from tests.city import City
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
