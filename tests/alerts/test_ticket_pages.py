"""The information desk over HTTP: the hotline, the units, whoever asks, and what a page keeps."""

import re
from uuid import UUID

import httpx
import pytest

from alerts.tickets_model import Act
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from tests.alerts.desk import PHONE, at, did, somebody, taken
from tests.checkpoint.moves import reported, scanned, verifying
from tests.city import City
from tests.conftest import NOON
from tests.http import add_account, log_in, opened, submit

HIDDEN = re.compile(r'name="event_id" value="([0-9a-f-]{36})"')
NUMBER = re.compile(r"12328-\d{8}-\d{4,}")
PIN = re.compile(r'class="digits">(\d{3}) (\d{3})<')


def event_id(answer: httpx.Response) -> str:
    found = HIDDEN.search(answer.text)
    assert found
    return found[1]


async def complained(client: httpx.AsyncClient, **said: str) -> tuple[str, str]:
    shown = await client.get("/complaints")
    fields = {
        "event_id": event_id(shown),
        "category": "turned_back",
        "words": "证件齐全，仍被劝返",
    }
    answer = await submit(client, shown, "/complaints", fields | said)
    assert answer.status_code == 202, answer.text
    number, pin = NUMBER.search(answer.text), PIN.search(answer.text)
    assert number
    assert pin
    return number[0], pin[1] + pin[2]


@pytest.mark.usefixtures("city")
async def test_the_hotline_takes_a_call_and_reads_number_and_code_out(logged_in) -> None:
    desk = await logged_in("hotline")
    shown = await desk.get("/hotline/new?kind=complaint")
    fields = {
        "event_id": event_id(shown),
        "kind": "complaint",
        "category": "turned_back",
        "words": "被劝返",
        "phone": PHONE,
        "name": "王小明",
    }
    made = await submit(desk, shown, "/hotline/new", fields)
    number, pin = NUMBER.search(made.text), PIN.search(made.text)
    assert number
    assert pin
    assert PHONE not in made.text
    again = await submit(desk, shown, "/hotline/new", fields)
    assert NUMBER.search(again.text)[0] == number[0]  # type: ignore[index]
    refused = await submit(desk, shown, "/hotline/new", fields | {"words": "", "category": ""})
    assert refused.status_code == 422
    assert "王小明" in refused.text
    listed = await desk.get("/infodesk")
    assert number[0] in listed.text
    assert "王**" in listed.text
    assert "王小明" not in listed.text


async def test_a_complaint_without_a_telephone_is_taken_and_looked_up_again(
    client: httpx.AsyncClient, conn: Connection, city: City
) -> None:
    number, pin = await complained(client)
    asked = await client.get("/complaints/own")
    found = await submit(
        client, asked, "/complaints/own", {"number": number.replace("-", " "), "pin": pin}
    )
    assert found.status_code == 200
    assert "证件齐全，仍被劝返" in found.text
    desk = await somebody(conn, "hotline")
    ticket_id = await conn.fetchval("SELECT id FROM alerts.ticket")
    await did(conn, city, ticket_id, Act.ANSWER, desk, words="已核实，向您道歉")
    found = await submit(client, asked, "/complaints/own", {"number": number, "pin": pin})
    assert "已核实，向您道歉" in found.text
    rated = await submit(
        client, found, "/complaints/own/rate",
        {"number": number, "pin": pin, "rating": "2", "event_id": event_id(found)},
    )  # fmt: skip
    assert rated.status_code == 200
    assert await conn.fetchval("SELECT rating FROM alerts.ticket") == 2
    unsaid = await submit(
        client, rated, "/complaints/own/reopen",
        {"number": number, "pin": pin, "event_id": event_id(rated)},
    )  # fmt: skip
    assert unsaid.status_code == 422
    again = await submit(
        client, unsaid, "/complaints/own/reopen",
        {"number": number, "pin": pin, "event_id": event_id(unsaid), "reason": "not_solved"},
    )  # fmt: skip
    assert again.status_code == 200
    assert await conn.fetchval("SELECT state FROM alerts.ticket") == "received"


@pytest.mark.usefixtures("city")
async def test_guessing_ends_after_five(client: httpx.AsyncClient, clock: SetClock) -> None:
    number, pin = await complained(client)
    wrong = f"{(int(pin) + 1) % 10**6:06d}"
    asked = await client.get("/complaints/own")
    for _ in range(5):
        answer = await submit(client, asked, "/complaints/own", {"number": number, "pin": wrong})
        assert answer.status_code == 422
    locked = await submit(client, asked, "/complaints/own", {"number": number, "pin": pin})
    assert "证件齐全" not in locked.text
    clock.at = at(16)
    opened_again = await submit(client, asked, "/complaints/own", {"number": number, "pin": pin})
    assert "证件齐全" in opened_again.text


@pytest.mark.usefixtures("city")
async def test_a_number_that_is_none_is_answered_like_a_wrong_code(
    client: httpx.AsyncClient,
) -> None:
    number, _ = await complained(client)
    asked = await client.get("/complaints/own")
    texts = [
        (await submit(client, asked, "/complaints/own", {"number": said, "pin": "000000"})).text
        for said in (number, "12328-20220501-9999")
    ]
    for text, said in zip(texts, (number, "12328-20220501-9999"), strict=True):
        assert "编号或查询码不对" in text.replace(said, "")


@pytest.mark.usefixtures("city")
async def test_help_is_triaged_by_rules(client: httpx.AsyncClient, conn: Connection) -> None:
    shown = await client.get("/help")
    fields = {"event_id": event_id(shown), "category": "goods", "yes_danger": "yes"}
    answer = await submit(client, shown, "/help", fields | {"yes_frail": "no"})
    assert answer.status_code == 202
    unasked = {"event_id": str(uuid7(NOON)), "category": "goods"}
    await submit(client, shown, "/help", unasked)
    rows = await conn.fetch("SELECT priority, source FROM alerts.ticket ORDER BY priority")
    assert [(row["priority"], row["source"]) for row in rows] == [(1, "web"), (4, "web")]
    nothing = await submit(client, shown, "/help", {"event_id": str(uuid7(NOON))})
    assert nothing.status_code == 422


async def test_the_unit_answers_the_desk_reviews_and_tells(
    logged_in, conn: Connection, city: City
) -> None:
    desk = await logged_in("hotline")
    firm = await logged_in("firm", city.mill)
    ticket_id = (await taken(conn, city, category="receiving")).id
    page = f"/infodesk/{ticket_id}"
    assert (await firm.get(page)).status_code == 404

    async def act(client: httpx.AsyncClient, **said: str) -> httpx.Response:
        shown = await client.get(page)
        version = re.search(r'name="version" value="(\d+)"', shown.text)
        assert version, shown.text
        fields = {"event_id": event_id(shown), "version": version[1]}
        return await submit(client, shown, f"{page}/act", fields | said)

    assert (await act(desk, act="push")).status_code == 422
    assert (await act(desk, act="push", unit=f"place:{city.mill}")).status_code == 303
    assert "反馈" in (await firm.get(page)).text
    assert (await act(firm, act="reply", words="当天已安排卸货")).status_code == 303
    assert (await act(desk, act="accept")).status_code == 303
    assert (await act(desk, act="answer", words="企业已安排卸货")).status_code == 303
    assert await conn.fetchval("SELECT state FROM alerts.ticket") == "answered"
    assert await conn.fetchval("SELECT count(*) FROM kernel.audit WHERE action = 'read_ticket'") > 0


async def test_who_comes_second_is_told_and_keeps_every_word(
    logged_in, conn: Connection, city: City
) -> None:
    one, two = await logged_in("hotline"), await logged_in("duty")
    ticket_id = (await taken(conn, city)).id
    page = f"/infodesk/{ticket_id}"
    shown = [await client.get(page) for client in (one, two)]
    for client, seen, words in zip(
        (one, two), shown, ("先到的答复", "后到的答复，写了很久"), strict=True
    ):
        fields = {"event_id": event_id(seen), "version": "1", "act": "answer", "words": words}
        answer = await submit(client, seen, f"{page}/act", fields)
        if client is one:
            assert answer.status_code == 303
    assert answer.status_code == 409
    assert "后到的答复，写了很久" in answer.text
    assert "先到的答复" in answer.text
    assert await conn.fetchval("SELECT count(*) FROM alerts.ticket_event WHERE act = 'answer'") == 1


async def test_the_number_is_shown_for_a_reason_and_kept_in_the_audit(
    logged_in, conn: Connection, city: City
) -> None:
    desk = await logged_in("hotline")
    ticket_id = (await taken(conn, city)).id
    page = f"/infodesk/{ticket_id}"
    shown = await desk.get(page)
    assert PHONE not in shown.text
    assert "王小明" not in shown.text
    fields = {"event_id": event_id(shown)}
    assert (await submit(desk, shown, f"{page}/reveal", fields)).status_code == 422
    revealed = await submit(desk, shown, f"{page}/reveal", fields | {"why": "call"})
    assert PHONE in revealed.text
    assert "王小明" in revealed.text
    row = await conn.fetchrow("SELECT reason FROM kernel.audit WHERE action = 'reveal'")
    assert row
    assert row["reason"] == "call"


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
