"""A visitor at a door: everything once, four characters later, and a number that proves nothing."""

import gzip
import re
from datetime import timedelta

import httpx
import pytest
from litestar import Litestar

from kernel.clock import SetClock
from kernel.db import Connection
from kernel.privacy import Vault
from registry.holders import take_as_own
from tests.checkpoint.test_arrive_pages import CODES
from tests.city import IDS, City, a_report, add_proof
from tests.closedloop.venues import (
    EAST,
    FINE,
    FORM,
    NAME,
    NUMBER,
    WEST,
    Venue,
    add_area,
    add_venue,
    scans,
    sends,
    visits,
)
from tests.conftest import NOON
from tests.http import opened, submit

SHOWN = re.compile(r'class="rolling">(\d{4})<')


@pytest.fixture
async def venue(conn: Connection, city: City) -> Venue:
    del city
    return await add_venue(conn)


async def test_the_first_time_everything_is_asked_and_later_four_characters(
    client: httpx.AsyncClient, conn: Connection, venue: Venue, clock: SetClock
) -> None:
    first = await scans(client, **FORM)
    assert first.status_code == 200, first.text
    assert "Signed in" in first.text
    clock.at = NOON + timedelta(days=1)
    shown = await client.get(f"/t/{WEST}?lang=en")
    assert 'name="last_four"' in shown.text
    assert 'name="address"' not in shown.text
    later = await scans(client, WEST, last_four=NUMBER[-4:].lower())
    assert later.status_code == 200, later.text
    kept = await visits(conn)
    assert [(each["gate"], each["way"], each["own"]) for each in kept] == [
        ("东门", "scan", True), ("西门", "scan", True),
    ]  # fmt: skip
    assert kept[0]["person_id"] == kept[1]["person_id"]
    assert {each["place_id"] for each in kept} == {venue.id}


async def test_every_field_that_is_wrong_is_told_beside_it_and_nothing_typed_is_lost(
    client: httpx.AsyncClient, conn: Connection, venue: Venue
) -> None:
    del venue
    answer = await scans(client, **FORM | {"id_number": "410221199001011230", "address": "x"})
    assert answer.status_code == 422
    assert 'href="#f-id_number"' in answer.text
    assert 'href="#f-address"' in answer.text
    assert f'value="{NAME}"' in answer.text
    unanswered = await scans(client, **FORM | {"q_temperature_normal": ""})
    assert 'href="#f-q_temperature_normal"' in unanswered.text
    assert await visits(conn) == []


async def test_the_telephone_says_the_same_to_everybody(
    client: httpx.AsyncClient, conn: Connection, venue: Venue, vault: Vault
) -> None:
    """What was found stands on the venue's screen: a picture of this page proves nothing."""
    del venue
    fine = await scans(client, **FORM)
    await add_proof(conn, vault, "health_code", "red", NOON, NUMBER)
    red = await scans(client, last_four=NUMBER[-4:])
    plain = [SHOWN.sub("", re.sub(r'value="[^"]*"', "", each.text)) for each in (fine, red)]
    assert plain[0] == plain[1]
    assert [each["shown"] for each in await visits(conn)] == ["clear", "stop"]


async def test_sent_twice_it_is_one_visit_with_one_number(
    client: httpx.AsyncClient, conn: Connection, venue: Venue
) -> None:
    del venue
    event = {"event_id": "018f0000-0000-7000-8000-000000000001"}
    first, again = await scans(client, **FORM | event), await scans(client, **FORM | event)
    assert again.status_code == 422  # by now the page asks for four characters only
    shown = await client.get(f"/t/{EAST}?first=yes&lang=en")
    tapped = await sends(client, shown, f"/t/{EAST}/visit", **FORM | event)
    assert SHOWN.findall(tapped.text) == SHOWN.findall(first.text)
    assert SHOWN.search(first.text)
    four = {"last_four": NUMBER[-4:], "event_id": "018f0000-0000-7000-8000-000000000002"}
    answers = [await scans(client, **four) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 200]
    assert SHOWN.findall(answers[0].text) == SHOWN.findall(answers[1].text) != []
    assert len(await visits(conn)) == 2


async def test_ten_wrong_guesses_are_all_for_life(
    client: httpx.AsyncClient, conn: Connection, venue: Venue
) -> None:
    del venue
    await scans(client, **FORM)
    person = await conn.fetchval("SELECT id FROM registry.person")
    await conn.execute("INSERT INTO registry.person_attempt VALUES ($1, 8)", person)
    for failures in (9, 10, 10):
        assert (await scans(client, last_four="0000")).status_code == 422
        assert await conn.fetchval("SELECT failures FROM registry.person_attempt") == failures
    assert await conn.fetchval("SELECT failures FROM registry.person_attempt") == 10
    answer = await scans(client, last_four=NUMBER[-4:])
    assert answer.status_code == 422
    assert "Show your document to the staff" in answer.text
    assert len(await visits(conn)) == 1


async def test_whoever_types_anothers_document_gets_in_and_nothing_of_theirs(
    client: httpx.AsyncClient, conn: Connection, venue: Venue, app: Litestar
) -> None:
    await scans(client, **FORM)
    async with opened(app) as stranger:  # type: ignore[arg-type]
        answer = await scans(stranger, **FORM | {"address": "别处的地址某某路一号"})
        assert answer.status_code == 200
        again = await stranger.get(f"/t/{EAST}?lang=en")
        assert 'name="address"' in again.text  # this device is remembered for nobody
    kept = await visits(conn)
    assert [each["own"] for each in kept] == [True, False]
    assert await conn.fetchval("SELECT count(*) FROM registry.visitor") == 1
    assert await conn.fetchval("SELECT count(*) FROM registry.driver_device") == 1
    del venue


async def test_a_visitors_record_is_held_against_a_later_report(
    client: httpx.AsyncClient, conn: Connection, city: City, venue: Venue
) -> None:
    """Else whoever reports a truck under their number would be shown where they have been."""
    del venue
    await scans(client, **FORM)
    seen = await a_report(conn, city, NOON, tested=False, name=NAME, id_number=NUMBER)
    person = await conn.fetchval("SELECT id FROM registry.person")
    own = await take_as_own(
        conn, city.office.vault, token="another", movement_id=seen.movement.movement_id,
        person_id=person, phone="+8613912345678", proved=False, now=NOON,
    )  # fmt: skip
    assert own is False


async def test_the_questions_come_again_after_their_days(
    client: httpx.AsyncClient, conn: Connection, venue: Venue, clock: SetClock
) -> None:
    del venue
    await scans(client, **FORM | {"q_suspected_contact": "yes"})
    clock.at = NOON + timedelta(days=15)
    await conn.execute("UPDATE registry.evidence_source SET as_of = $1", clock.at)
    shown = await client.get(f"/t/{EAST}?lang=en")
    assert 'name="last_four"' in shown.text
    assert 'name="q_suspected_contact"' in shown.text
    answer = await scans(client, last_four=NUMBER[-4:], **FINE)
    assert answer.status_code == 200, answer.text
    assert [each["shown"] for each in await visits(conn)] == ["ask", "clear"]


async def test_a_form_that_says_it_is_a_shorter_one_is_asked_all_the_same(
    client: httpx.AsyncClient, conn: Connection, venue: Venue, clock: SetClock
) -> None:
    del venue
    await scans(client, **FORM)
    clock.at = NOON + timedelta(days=15)
    short = await scans(client, mode="again", last_four=NUMBER[-4:])
    assert short.status_code == 422
    assert 'href="#f-q_affected_area"' in short.text
    await conn.execute("DELETE FROM registry.visitor")  # a device that only reported trucks
    shown = await client.get(f"/t/{EAST}")
    form = {"mode": "again", "last_four": NUMBER[-4:]}
    whole = await submit(client, shown, f"/t/{EAST}/visit", form)
    assert whole.status_code == 422
    assert 'name="address"' in whole.text
    assert len(await visits(conn)) == 1


@pytest.mark.parametrize("code", ["x", "%0d%0aset-cookie:a=b", "VENVE00009"])
async def test_a_form_to_no_door_of_ours_leads_nowhere(
    client: httpx.AsyncClient, venue: Venue, code: str
) -> None:
    del venue
    shown = await client.get(f"/t/{EAST}")
    answer = await submit(client, shown, f"/t/{code}/visit", FORM)
    assert answer.status_code in {303, 404}
    assert "a=b" not in str(answer.headers)


async def test_an_address_is_looked_at_against_the_areas_down_to_a_courtyard(
    client: httpx.AsyncClient, conn: Connection, venue: Venue
) -> None:
    del venue
    await add_area(conn, ["杞县", "金城大道"], spared=["18号院"])
    await scans(client, **FORM)
    await client.get(f"/t/{EAST}?first=yes")
    other = FORM | {"id_number": IDS[2], "address": "开封市杞县金城大道20号院"}
    shown = await client.get(f"/t/{EAST}?first=yes&lang=en")
    assert (await sends(client, shown, f"/t/{EAST}/visit", **other)).status_code == 200
    kept = await visits(conn)
    assert [each["shown"] for each in kept] == ["clear", "ask"]
    assert kept[1]["reasons"][0]["code"] == "visitor_lives_there"


async def test_a_truck_at_a_visitors_code_and_a_visitor_at_a_trucks_are_told_the_right_way(
    client: httpx.AsyncClient, conn: Connection, city: City, venue: Venue
) -> None:
    del venue
    for place, code in (("north", CODES["north"]), ("mill", CODES["mill"])):
        await conn.execute(
            "INSERT INTO registry.code (code, place_id, gate, issued_at) VALUES ($1, $2, '1', $3)",
            code, getattr(city, place), NOON,
        )  # fmt: skip
        shown = await client.get(f"/t/{code}?lang=en", follow_redirects=True)
        assert "for trucks and their crews only" in shown.text, place
        assert "/places?kind=venue" in shown.text
    mine = await client.get(f"/t/{EAST}?lang=en")
    assert "/places?kind=checkpoint" in mine.text
    arrived = await submit(client, mine, f"/t/{EAST}", {"pass_number": "1" * 24})
    assert arrived.status_code == 422
    assert "not a truck&#39;s dedicated code" in arrived.text


async def test_a_code_that_was_replaced_says_so_and_a_form_of_it_leads_back(
    client: httpx.AsyncClient, conn: Connection, venue: Venue
) -> None:
    shown = await client.get(f"/t/{EAST}?lang=en")
    await conn.execute(
        "UPDATE registry.code SET status = 'rotated', ended_at = issued_at WHERE code = $1", EAST
    )
    late = await submit(client, shown, f"/t/{EAST}/visit", FORM)
    assert (late.status_code, late.headers["location"]) == (303, f"/t/{EAST}")
    ended = await client.get(f"/t/{EAST}?lang=en")
    assert ended.status_code == 404
    await conn.execute("UPDATE registry.place SET status = 'revoked' WHERE id = $1", venue.id)
    assert (await client.get(f"/t/{WEST}")).status_code == 404


async def test_a_venue_may_have_sixty_four_doors(
    client: httpx.AsyncClient, conn: Connection, venue: Venue
) -> None:
    await conn.execute(
        "INSERT INTO registry.gate SELECT $1, '门' || n FROM generate_series(3, 64) n", venue.id
    )
    await conn.execute(
        """
        INSERT INTO registry.code (code, place_id, gate, issued_at)
        VALUES ('VENVE00064', $1, '门64', $2)
        """,
        venue.id,
        NOON,
    )
    assert (await scans(client, "VENVE00064", **FORM)).status_code == 200
    assert (await visits(conn))[0]["gate"] == "门64"


async def test_the_page_stays_light(client: httpx.AsyncClient, venue: Venue) -> None:
    """With all it loads, as it travels: 30 KB (mission, pages of drivers and visitors)."""
    del venue
    shown = await client.get(f"/t/{EAST}")
    loaded = re.findall(r'(?:href|src)="(/static/[^"]+)"', shown.text)
    parts = [shown.content, *[(await client.get(each)).content for each in loaded]]
    assert sum(len(gzip.compress(part)) for part in parts) < 30 * 1024
    assert "<script" not in shown.text


async def test_my_data_shows_own_visits_and_withdrawal_forgets_the_device(
    client: httpx.AsyncClient, conn: Connection, venue: Venue
) -> None:
    del venue
    await scans(client, **FORM)
    await scans(client, last_four=NUMBER[-4:])
    mine = await client.get("/d/me?lang=en")
    assert mine.status_code == 200
    assert mine.text.count("杞县第一商场") == 2
    page = await client.get("/d/me/withdraw?lang=en")
    await submit(client, page, "/d/me/withdraw", {})
    shown = await client.get(f"/t/{EAST}?lang=en")
    assert 'name="address"' in shown.text
    assert await conn.fetchval("SELECT erase_asked_at FROM registry.person") is not None
