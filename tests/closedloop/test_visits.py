"""Visits that a venue's device sends: one id one visit, sealed, judged by the rules, erased."""

import itertools
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest

from checkpoint.retention import ERASERS
from closedloop.ending import ERASERS as OURS
from closedloop.visit_model import NUMBERS, Coming, number_of
from closedloop.visit_queries import READ
from closedloop.visits import digest, moment, take
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.errors import Refused
from kernel.privacy import Vault
from kernel.retention import erase_due
from registry.visitors import Document
from registry.world import load_world
from tests.city import IDS, City, add_proof
from tests.closedloop.venues import (
    ANSWERS,
    NAME,
    NUMBER,
    Venue,
    add_venue,
    item,
    sent,
    visits,
)
from tests.conftest import NOON


@pytest.fixture
async def venue(conn: Connection, city: City) -> Venue:
    del city
    return await add_venue(conn)


async def test_a_card_that_was_read_is_one_visit_however_often_it_is_sent(
    client: httpx.AsyncClient, conn: Connection, venue: Venue
) -> None:
    said = item(name=NAME, gate="东门")
    first, again = (await sent(client, venue, said))[0], (await sent(client, venue, said))[0]
    assert (first["status"], first["shown"], first["masked_name"]) == ("recorded", "clear", "欧***")
    assert (again["status"], again["number"]) == ("repeated", first["number"])
    twice = await sent(client, venue, fresh := item(), fresh)
    assert [each["status"] for each in twice] == ["recorded", "repeated"]
    assert len(await visits(conn)) == 2


async def test_the_same_id_with_another_body_is_a_conflict(
    client: httpx.AsyncClient, conn: Connection, venue: Venue
) -> None:
    said = item()
    await sent(client, venue, said)
    (other,) = await sent(client, venue, said | {"id_number": IDS[2]})
    assert (other["status"], other["code"]) == ("conflict", "visit_id_taken")
    assert len(await visits(conn)) == 1


async def test_one_bad_item_spoils_no_other(client: httpx.AsyncClient, venue: Venue) -> None:
    wrong = NUMBER[:-1] + ("1" if NUMBER[-1] != "1" else "2")
    results = await sent(
        client,
        venue,
        item(id_number=wrong),
        item(NOON + timedelta(days=2)),
        item(gate="南门"),
        item(NOON - timedelta(days=15), offline=True),
        "rubbish",
        item(declared={}),
        item(relation="aunt"),
        item(paper_code="1" * 186),
        item(),
    )
    assert [each["code"] for each in results] == [
        "id_check_digit", "visit_in_future", "unknown_door", "visit_too_old", "visit_malformed",
        "answer_missing", "relation_unknown", "person_code_malformed", None,
    ]  # fmt: skip
    assert results[-1]["status"] == "recorded"


async def test_numbers_and_names_are_sealed_and_the_screen_has_a_mask(
    client: httpx.AsyncClient, conn: Connection, venue: Venue, vault: Vault
) -> None:
    await sent(client, venue, item(name=NAME))
    (kept,) = await visits(conn)
    assert NUMBER not in str(kept)
    assert NAME not in str(kept)
    person = await conn.fetchrow("SELECT * FROM registry.person WHERE id = $1", kept["person_id"])
    assert person is not None
    assert NUMBER not in str(dict(person))
    assert vault.open(person["id_sealed"], field="person_id") == NUMBER
    assert (kept["masked_name"], kept["way"], kept["actor"]) == (
        "欧***", "id_card", f"device:{venue.device.id}",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("colour", "shown", "report"), [("red", "stop", True), ("yellow", "stop", True), ("green", "clear", False)]
)  # fmt: skip
async def test_what_is_shown_comes_from_the_evidence(
    client: httpx.AsyncClient,
    conn: Connection,
    venue: Venue,
    vault: Vault,
    colour: str,
    shown: str,
    report: bool,
) -> None:
    await add_proof(conn, vault, "health_code", colour, NOON, NUMBER)
    (result,) = await sent(client, venue, item())
    assert (result["shown"], result["report"]) == (shown, report)
    if shown == "stop":
        assert result["reasons"][0]["code"] == f"visitor_{colour}"
        assert "district" in result["reasons"][0]["mend"]


async def test_a_list_that_is_too_old_clears_nobody_and_tells_its_age(
    client: httpx.AsyncClient, conn: Connection, venue: Venue, clock: SetClock
) -> None:
    clock.at = NOON + timedelta(hours=30)
    (result,) = await sent(client, venue, item(clock.at))
    assert (result["shown"], result["reasons"][0]["hours"]) == ("ask", 30)
    await conn.execute("UPDATE registry.evidence_source SET as_of = $1", clock.at)
    (fresh,) = await sent(client, venue, item(clock.at))
    assert fresh["shown"] == "clear"


async def test_what_is_declared_is_asked_about_and_stops_nobody(
    client: httpx.AsyncClient, venue: Venue
) -> None:
    for code, answer in (("temperature_normal", False), ("suspected_contact", True)):
        (result,) = await sent(client, venue, item(declared=ANSWERS | {code: answer}))
        assert result["shown"] == "ask", code


async def test_a_child_without_a_document_comes_with_its_guardian(
    client: httpx.AsyncClient, conn: Connection, venue: Venue, vault: Vault
) -> None:
    await add_proof(conn, vault, "health_code", "yellow", NOON, NUMBER)
    said = item(name="欧阳宝宝", relation="parent", declared=ANSWERS)
    (result,) = await sent(client, venue, said)
    (kept,) = await visits(conn)
    assert (kept["person_id"], kept["relation"], kept["way"]) == (None, "parent", "assisted")
    assert kept["guardian_id"] == await conn.fetchval("SELECT id FROM registry.person")
    assert (kept["masked_name"], result["shown"]) == ("欧***", "stop")
    assert await conn.fetchval("SELECT name_sealed FROM registry.person") is None


async def test_a_visit_of_an_hour_ago_keeps_its_hour_and_its_doubt(
    client: httpx.AsyncClient, conn: Connection, venue: Venue
) -> None:
    at = NOON - timedelta(hours=1)
    await sent(client, venue, item(at, offline=True, clock={"offset": 60_000}))
    (kept,) = await visits(conn)
    assert kept["visited_at"] == at + timedelta(minutes=1)
    assert kept["received_at"] == NOON
    assert kept["uncertainty_ms"] > 2_000


def test_a_live_visit_is_when_it_reaches_us() -> None:
    assert moment(NOON - timedelta(hours=3), NOON, offline=False) == (NOON, 0)
    with pytest.raises(Refused) as refused:
        moment(NOON.replace(tzinfo=None), NOON, offline=False)
    assert refused.value.code == "visit_hour_needs_zone"


async def test_a_venue_out_of_use_and_a_firm_sign_nobody_in(
    client: httpx.AsyncClient, conn: Connection, city: City, venue: Venue
) -> None:
    async def code(token: str) -> str:
        answer = await client.post(
            "/api/v1/visits",
            json={"visits": [item()]},
            headers={"authorization": f"Bearer {token}"},
        )
        return answer.json()["code"]

    assert await code(city.firm_token) == "not_a_venue"
    assert await code(city.lane_token) == "not_your_role"
    await conn.execute("UPDATE registry.place SET status = 'suspended' WHERE id = $1", venue.id)
    assert await code(venue.token) == "venue_not_active"


async def test_the_number_on_both_screens_tells_nothing_of_how_many_come() -> None:
    numbers = [number_of(uuid4()) for _ in range(400)]
    assert all(len(each) == 4 and int(each) < NUMBERS for each in numbers)
    assert len(set(numbers)) > 350
    assert len({int(a) - int(b) for a, b in itertools.pairwise(numbers)}) > 300


def coming(venue: Venue, vault: Vault, number: str = NUMBER) -> Coming:
    document = Document(
        subject=vault.blind(number, field="person_id"), id_type="resident", number=number
    )
    made = Coming(
        id=uuid4(), place_id=venue.id, way="id_card", at=NOON, actor="x", digest=b"",
        document=document,
    )  # fmt: skip
    return msgspec.structs.replace(made, digest=digest(made))


class Counting:
    """Counts what is asked of the database."""

    def __init__(self, conn: Connection) -> None:
        self.conn, self.asked = conn, 0

    def __getattr__(self, name: str) -> object:
        found = getattr(self.conn, name)
        if name in {"fetch", "fetchrow", "fetchval", "execute", "executemany"}:
            self.asked += 1
        return found


async def test_hundreds_of_known_visitors_cost_one_read_and_one_write(
    conn: Connection, city: City, venue: Venue, vault: Vault
) -> None:
    await take(conn, city.office, [coming(venue, vault)], NOON)
    city.office.cache._world = await load_world(conn)
    many = [coming(venue, vault) for _ in range(200)]
    counting = Counting(conn)
    came = await take(counting, city.office, many, NOON)  # type: ignore[arg-type]
    assert {each.status for each in came} == {"recorded"}
    assert counting.asked == 2


async def test_the_read_goes_by_keys_alone(conn: Connection, venue: Venue) -> None:
    del venue
    await conn.execute("SET LOCAL enable_seqscan = off")
    arguments = ([uuid4()], [None], [b"x"])
    rows = await conn.fetch(f"EXPLAIN {READ}", *arguments)
    plan = "\n".join(row[0] for row in rows)
    for key in ("visit_once", "person_id_once", "visitor_pkey", "evidence_pkey"):
        assert key in plan, plan
    assert "Seq Scan on visit" not in plan


async def test_visits_are_erased_when_their_time_is_over_and_people_after_them(
    client: httpx.AsyncClient, conn: Connection, venue: Venue, vault: Vault
) -> None:
    await sent(client, venue, item(name=NAME), item(id_number=IDS[2]))
    before = await erase_due(conn, ERASERS, NOON + timedelta(days=13))
    assert (before["visits"], before["people"], len(await visits(conn))) == (0, 0, 2)
    done = await erase_due(conn, ERASERS, NOON + timedelta(days=15))
    assert (done["visits"], await visits(conn)) == (2, [])
    late = await erase_due(conn, ERASERS, NOON + timedelta(days=22))
    assert late["people"] == 2
    assert (
        await conn.fetchval("SELECT count(*) FROM registry.person WHERE id_sealed IS NOT NULL") == 0
    )
    del vault


async def test_whoever_still_comes_is_not_erased(
    client: httpx.AsyncClient, conn: Connection, venue: Venue, clock: SetClock
) -> None:
    await sent(client, venue, item())
    clock.at = NOON + timedelta(days=20)
    await sent(client, venue, item(clock.at))
    done = await erase_due(conn, ERASERS, NOON + timedelta(days=25))
    assert (done["visits"], done["people"]) == (1, 0)


async def test_a_visit_kept_for_longer_than_its_person_loses_whose_it_was(
    client: httpx.AsyncClient, conn: Connection, venue: Venue
) -> None:
    await sent(client, venue, item(name=NAME))
    (kept,) = await visits(conn)
    people = next(each for each in OURS if each.name == "people")
    await people.erase(conn, [kept["person_id"]], NOON)
    (left,) = await visits(conn)
    assert (left["person_id"], left["masked_name"]) == (None, "")


async def test_other_rules_say_other_things(
    client: httpx.AsyncClient, conn: Connection, venue: Venue, vault: Vault
) -> None:
    """The twin: with a rule set that has no rules for visitors even red is only written down."""
    await conn.execute("UPDATE registry.rule_set SET body = body - 'visitors'")
    await add_proof(conn, vault, "health_code", "red", NOON, NUMBER)
    (result,) = await sent(client, venue, item())
    assert (result["shown"], UUID(result["id"]).version) == ("clear", 7)
