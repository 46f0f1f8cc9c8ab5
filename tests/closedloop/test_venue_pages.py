"""The venue's own screen: marks apart from cards, a report by one tap, and ways without a phone."""

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from kernel.clock import SetClock
from kernel.db import Connection
from kernel.privacy import Vault
from registry.person_codes import written
from registry.signing_keys import all_keys, private_of
from tests.city import IDS, City, add_proof
from tests.closedloop.venues import (
    FINE,
    FORM,
    NAME,
    NUMBER,
    Venue,
    add_venue,
    item,
    scans,
    sends,
    sent,
    visits,
)
from tests.conftest import NOON
from tests.http import submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
QR = re.compile(r"<svg[^>]*>.*?</svg>", re.DOTALL)


@pytest.fixture
async def venue(conn: Connection, city: City) -> Venue:
    del city
    return await add_venue(conn)


@pytest.fixture
async def screen(logged_in: LogIn, venue: Venue) -> httpx.AsyncClient:
    return await logged_in("firm", venue.id)


async def enters(screen: httpx.AsyncClient, **said: str) -> httpx.Response:
    shown = await screen.get("/venue?lang=en")
    assert shown.status_code == 200, shown.text
    return await sends(screen, shown, "/venue/enter", **said)


async def test_the_screen_shows_the_last_visitors_with_mark_and_what_to_do(
    client: httpx.AsyncClient, screen: httpx.AsyncClient, conn: Connection, vault: Vault
) -> None:
    await add_proof(conn, vault, "health_code", "red", NOON, NUMBER)
    number = re.search(r'class="rolling">(\d{4})<', (await scans(client, **FORM)).text)
    assert number
    shown = await screen.get("/venue?lang=en")
    assert "NOT NOW" in shown.text
    assert number[1] in shown.text
    assert "欧***" in shown.text
    assert "Report to the district" in shown.text
    assert NAME not in shown.text
    assert NUMBER not in shown.text
    rows = await screen.get("/venue/rows?lang=en")
    assert number[1] in rows.text
    assert "<html" not in rows.text


async def test_opening_the_screen_is_on_record(
    screen: httpx.AsyncClient, conn: Connection, venue: Venue
) -> None:
    await screen.get("/venue")
    found = await conn.fetch("SELECT subject FROM kernel.audit WHERE action = 'read_visits'")
    assert [row["subject"] for row in found] == [str(venue.id)]


async def test_marks_share_nothing_with_the_cards_of_a_gate(screen: httpx.AsyncClient) -> None:
    for number in (NUMBER, IDS[2]):
        answer = await enters(screen, read=number)
        for word in ("card-", "PASS", "CHECK", "TURN BACK", "HOLD", "glyph", 'class="pill'):
            assert word not in answer.text.partition("<main")[2], word


async def test_one_tap_tells_the_district_once_and_names_nobody(
    screen: httpx.AsyncClient, client: httpx.AsyncClient, conn: Connection, venue: Venue, vault: Vault
) -> None:  # fmt: skip
    await add_proof(conn, vault, "health_code", "yellow", NOON, NUMBER)
    (came,) = await sent(client, venue, item(name=NAME))
    address = f"/venue/visits/{came['id']}/report"
    for _ in range(2):
        shown = await screen.get("/venue?lang=en")
        answer = await submit(screen, shown, address, {})
        assert answer.headers["location"] == "/venue?done=reported"
    told = await conn.fetch(
        "SELECT recipient, facts FROM kernel.outbox WHERE kind = 'visitor_reported' ORDER BY 1"
    )
    assert [row["recipient"] for row in told] == ["duty", "grid"]
    assert told[0]["facts"]["place_id"] == venue.id
    assert NAME not in str(told[0]["facts"])
    assert "欧" not in str(told[0]["facts"])
    after = await screen.get("/venue?lang=en&done=reported")
    assert "Protect yourself" in after.text
    assert "Reported to the district" in after.text


async def test_nothing_is_reported_of_whoever_may_go_in_or_of_another_venues_visitor(
    screen: httpx.AsyncClient, client: httpx.AsyncClient, conn: Connection, venue: Venue
) -> None:
    (came,) = await sent(client, venue, item())
    shown = await screen.get("/venue")
    clear = await submit(screen, shown, f"/venue/visits/{came['id']}/report", {})
    assert clear.status_code == 422
    other = await add_venue(conn, "别的商场", codes=("VENVE00003", "VENVE00004"))
    (theirs,) = await sent(client, other, item(id_number=IDS[2]))
    for act in ("report", "code"):
        answer = await submit(screen, shown, f"/venue/visits/{theirs['id']}/{act}", {})
        assert answer.status_code in {404, 409}, act
    assert await conn.fetchval("SELECT count(*) FROM closedloop.visit_report") == 0


async def test_a_card_reader_that_types_signs_in_and_a_slip_of_it_is_told(
    screen: httpx.AsyncClient, conn: Connection
) -> None:
    answer = await enters(screen, read=f" {NUMBER}\n")
    assert "ENTER" in answer.text
    wrong = NUMBER[:-1] + ("1" if NUMBER[-1] != "1" else "2")
    slip = await enters(screen, read=wrong)
    assert slip.status_code == 422
    assert wrong not in slip.text
    assert [each["way"] for each in await visits(conn)] == ["id_card"]


@pytest.mark.parametrize(
    ("read", "said"),
    [
        ("4102" + "1" * 20, "truck&#39;s pass"),
        ("https://x.test/t/VENVE00001", "posted place code"),
        ("wxp://f2f0", "payment code"),
        ("https://example.test/a", "web address"),
        ("", "Hold an identity card"),
    ],
)
async def test_what_is_no_visitors_is_named_with_the_way_on(
    screen: httpx.AsyncClient, read: str, said: str
) -> None:
    answer = await enters(screen, read=read)
    assert answer.status_code == 422
    assert said in answer.text


async def test_staff_write_down_whoever_has_no_phone_and_a_child_with_its_guardian(
    screen: httpx.AsyncClient, conn: Connection
) -> None:
    old = await enters(screen, name="司马大爷", id_number=IDS[0], **FINE)
    assert old.status_code == 200, old.text
    child = await enters(screen, name="司马小宝", relation="grandparent", id_number=IDS[0], **FINE)
    assert child.status_code == 200, child.text
    kept = await visits(conn)
    assert [(each["way"], each["relation"]) for each in kept] == [
        ("assisted", ""), ("assisted", "grandparent"),
    ]  # fmt: skip
    assert kept[1]["guardian_id"] == kept[0]["person_id"]
    unasked = await enters(screen, name="司马大爷", id_number=IDS[0])
    assert unasked.status_code == 422


async def test_a_paper_code_has_digits_alone_and_signs_in_until_it_is_replaced(
    screen: httpx.AsyncClient, conn: Connection, city: City, venue: Venue
) -> None:
    async def printed() -> str:
        shown = await enters(screen, read=NUMBER)
        found = re.search(r"/venue/visits/([0-9a-f-]+)/code", shown.text)
        assert found
        sheet = await submit(screen, shown, found[0], {})
        assert sheet.status_code == 200, sheet.text
        assert NUMBER not in sheet.text
        assert "欧" not in sheet.text
        row = await conn.fetchrow(
            "SELECT id, valid_until FROM registry.person_code WHERE revoked_at IS NULL"
        )
        (key,) = await all_keys(conn)
        assert row is not None
        signs = private_of(key, city.office.vault)
        return written(row["id"], row["valid_until"], key.kid, signs)

    first = await printed()
    assert first.isdecimal()
    assert (await enters(screen, read=first)).status_code == 200
    assert (await visits(conn))[-1]["way"] in {"paper", "id_card"}
    second = await printed()
    old = await enters(screen, read=first)
    assert old.status_code == 422
    assert "has ended" in old.text
    forged = second[:-1] + ("1" if second[-1] != "1" else "2")
    assert "cannot be verified" in (await enters(screen, read=forged)).text
    ways = [each["way"] for each in await visits(conn)]
    assert ways.count("paper") == 1
    assert (
        await conn.fetchval("SELECT count(*) FROM kernel.audit WHERE action = 'issue_person_code'")
        == 2
    )
    del venue


async def test_a_hand_register_is_entered_with_its_own_hours(
    screen: httpx.AsyncClient, conn: Connection
) -> None:
    shown = await screen.get("/venue/sheet?lang=en")
    said = {
        "at_0": "2022-05-01T10:05", "name_0": NAME, "id_number_0": NUMBER, "gate_0": "西门",
        "at_1": "2022-05-01T10:07", "name_1": "司马大爷", "id_number_1": "410221199001011230",
        "at_2": "2022-05-02T10:07", "name_2": "司马大爷", "id_number_2": IDS[0],
    }  # fmt: skip
    answer = await sends(screen, shown, "/venue/sheet", **said)
    assert answer.status_code == 422
    assert "1 entered" in answer.text
    (kept,) = await visits(conn)
    assert (kept["visited_at"], kept["received_at"], kept["offline"], kept["gate"]) == (
        NOON - timedelta(hours=9, minutes=55), NOON, True, "西门",
    )  # fmt: skip
    again = await sends(screen, shown, "/venue/sheet", **said)
    assert "1 entered" in again.text
    assert len(await visits(conn)) == 1


async def test_a_firm_has_no_visitors_and_a_venue_no_trucks(
    logged_in: LogIn, city: City, screen: httpx.AsyncClient
) -> None:
    firm = await logged_in("firm", city.mill)
    for path in ("/venue", "/venue/rows", "/venue/sheet"):
        assert (await firm.get(path)).status_code == 403
    home = await screen.get("/firm")
    assert (home.status_code, home.headers["location"]) == (303, "/venue")


async def test_old_visitors_leave_the_screen_and_another_doors_stay_away(
    screen: httpx.AsyncClient, client: httpx.AsyncClient, venue: Venue, clock: SetClock
) -> None:
    (came,) = await sent(client, venue, item(gate="东门"))
    assert came["number"] in (await screen.get("/venue?gate=东门")).text
    assert came["number"] not in (await screen.get("/venue/rows?gate=西门")).text
    clock.at = NOON + timedelta(hours=13)
    assert came["number"] not in (await screen.get("/venue/rows")).text
