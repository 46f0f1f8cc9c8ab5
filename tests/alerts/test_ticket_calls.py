"""The telephone room: lists of people, ten seats that never call the same person, a script that the
rule set gives, and results that decide what follows.
"""

import asyncio
import re
from collections.abc import Sequence
from uuid import UUID, uuid4

import asyncpg
import pytest

from alerts.tickets_acts import do
from alerts.tickets_changes import Doing
from alerts.tickets_claims import next_call
from alerts.tickets_lists import NewBatch, batches, people_of, people_with_evidence, take_list
from alerts.tickets_model import Kind, State, TicketAct, after_call
from kernel.auth import Actor
from kernel.db import SERVER_SETTINGS, Connection, prepare
from kernel.errors import Conflict, Unprocessable
from kernel.privacy import Vault
from registry.rules import SCENARIOS, read_scenario
from tests.alerts.desk import RULES, at, did, somebody, taken
from tests.city import City, a_report, add_proof, build
from tests.conftest import NOON
from tests.http import MASTER_KEY, submit

LIST = """姓名,手机号,区县代码,事由
王小明,13800138001,410221,省外返回
李大勇,13800138002,,省外返回
王小明,138 0013 8001,410221,重复
无号码,,410221,
坏号码,12,410221,
"""


def a_batch(**said: str) -> NewBatch:
    fields = {"name": "5月1日返豫人员", "category": "arrival", "district": "410221"}
    return NewBatch(id=uuid4(), **fields | said)


async def test_a_list_is_taken_line_by_line(conn: Connection, city: City) -> None:
    desk, batch = await somebody(conn, "hotline"), a_batch()
    people = list(people_of(LIST.encode("gbk")))
    made = await take_list(conn, city.office, batch, people, desk, NOON)
    assert made.accepted == 2
    assert [(each.line, each.code) for each in made.refused] == [
        (4, "phone_twice"), (5, "phone_needed"), (6, "phone_malformed"),
    ]  # fmt: skip
    again = await take_list(conn, city.office, batch, people, desk, at(1))
    assert (again.repeated, again.accepted) == (True, 2)
    rows = await conn.fetch("SELECT district_code, source, batch_id FROM alerts.ticket")
    assert [tuple(row) for row in rows] == [("410221", "list", batch.id)] * 2
    (listed,) = await batches(conn)
    assert (listed.accepted, listed.refused, listed.waiting, listed.open) == (2, 3, 2, 2)
    with pytest.raises(Conflict, match="event_id_taken"):
        await take_list(conn, city.office, batch, people[:1], desk, NOON)
    with pytest.raises(Unprocessable, match="batch_name_needed"):
        await take_list(conn, city.office, a_batch(name=" "), people, desk, NOON)
    with pytest.raises(Unprocessable, match="ticket_category_unknown"):
        await take_list(conn, city.office, a_batch(category="x"), people, desk, NOON)


async def test_those_of_whom_a_source_has_said_something_make_a_list(
    conn: Connection, city: City, vault: Vault
) -> None:
    await a_report(conn, city, NOON)
    await add_proof(conn, vault, "health_code", "yellow", at(-60))
    since = at(-24 * 60)
    found = await people_with_evidence(conn, city.office, "health_code", "yellow", since, "410221")
    assert [(each.name, each.phone) for each in found] == [("李小龙", "+8613812345678")]
    assert await people_with_evidence(conn, city.office, "health_code", "red", since, "") == []


def test_the_script_of_the_seed_is_in_the_pack_in_both_languages() -> None:
    script = read_scenario(SCENARIOS / "epidemic-henan.json").screening
    assert [each.sentence.zh for each in script] == [
        "您最近是否去过中高风险地区？", "目前是否被管控？", "是否接种疫苗？", "核酸检测结果是什么？",
    ]  # fmt: skip
    assert all(each.sentence.en for each in script)
    assert RULES.seats == 10


def test_a_result_decides_what_follows() -> None:
    told = {
        (each.code, tries): after_call(RULES, each.code, tries)[0]
        for each in RULES.call_results
        for tries in range(4)
    }
    assert {told["settled", n] for n in range(4)} == {"close"}
    assert [told["unreachable", n] for n in range(4)] == ["again", "again", "push", "push"]
    assert {told[code, 0] for code in ("local", "wrong_number", "refused")} == {"push"}


async def test_a_call_is_recorded_with_its_result_and_dispatched(
    conn: Connection, city: City
) -> None:
    desk = await somebody(conn, "hotline")
    ticket_id = (await taken(conn, city, Kind.SCREENING, district="410221")).id
    answers = {"risk_area": "yes", "test": "waiting"}
    for said, code in (
        ({}, "call_result_unknown"),
        ({"result": "local", "answers": {"test": "yes"}}, "answer_unknown"),
        ({"result": "local", "answers": {"weather": "yes"}}, "answer_unknown"),
    ):
        with pytest.raises(Unprocessable, match=code):
            await did(conn, city, ticket_id, TicketAct.CALL, desk, **said)
    done = await did(conn, city, ticket_id, TicketAct.CALL, desk, result="local", answers=answers)
    assert (done.ticket.state, done.ticket.unit_kind) == (State.PUSHED, "district")
    sealed = await conn.fetch("SELECT sealed FROM alerts.ticket_words")
    assert len(sealed) == 2
    body = await conn.fetchval("SELECT body FROM alerts.ticket_event WHERE act = 'call'")
    assert "answers" not in body
    told = await conn.fetchval("SELECT recipient FROM kernel.outbox WHERE kind = 'ticket_pushed'")
    assert told == "grid"


async def test_who_does_not_answer_is_called_again_and_then_visited(
    conn: Connection, city: City
) -> None:
    desk = await somebody(conn, "hotline")
    ticket_id = (await taken(conn, city, Kind.SCREENING, district="410221")).id
    now = 0
    for tries in (1, 2):
        found = await next_call(conn, city.office, desk, at(now))
        assert found is not None
        done = await did(conn, city, ticket_id, TicketAct.CALL, desk, at(now), result="unreachable")
        assert (done.ticket.state, done.ticket.tries) == (State.RECEIVED, tries)
        assert await next_call(conn, city.office, desk, at(now + 29)) is None
        now += 30
    done = await did(conn, city, ticket_id, TicketAct.CALL, desk, at(now), result="unreachable")
    assert done.ticket.state is State.PUSHED


async def test_without_a_district_it_stays_at_the_desk(conn: Connection, city: City) -> None:
    desk = await somebody(conn, "hotline")
    ticket_id = (await taken(conn, city, Kind.SCREENING)).id
    done = await did(conn, city, ticket_id, TicketAct.CALL, desk, result="local")
    assert done.ticket.state is State.RECEIVED
    assert done.ticket.not_before is None


async def test_a_call_in_hand_comes_back_and_ends_by_itself(conn: Connection, city: City) -> None:
    one, two = await somebody(conn, "hotline"), await somebody(conn, "hotline")
    for n in range(2):
        await taken(conn, city, Kind.SCREENING, at(n - 10), phone=f"1380013800{n}")
    first = await next_call(conn, city.office, one, NOON)
    again = await next_call(conn, city.office, one, at(5))
    other = await next_call(conn, city.office, two, at(5))
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.id == again.id != other.id
    with pytest.raises(Conflict, match="ticket_claimed_by_other"):
        await did(conn, city, first.id, TicketAct.CALL, two, at(6), result="settled")
    left = await next_call(conn, city.office, two, at(21))
    assert left is not None
    assert left.id == first.id


async def test_the_sheet_shows_script_and_number_to_the_caller_alone(
    logged_in, conn: Connection, city: City
) -> None:
    desk, other = await logged_in("hotline"), await logged_in("duty")
    shown = await desk.get("/hotline/calls")
    event_id = re.search(r'name="event_id" value="([^"]+)"', shown.text)
    assert event_id
    token = re.search(r'name="_csrf_token" value="([^"]+)"', shown.text)
    assert token
    sent = await desk.post(
        "/hotline/calls",
        data={
            "_csrf_token": token[1], "event_id": event_id[1], "name": "返豫人员",
            "category": "arrival", "district": "410221",
        },
        files={"file": ("list.csv", LIST.encode(), "text/csv")},
    )  # fmt: skip
    assert sent.status_code == 200, sent.text
    assert "导入 2 人，3 行未导入" in sent.text
    taken_up = await submit(desk, shown, "/hotline/calls/next", {})
    sheet_url = taken_up.headers["location"]
    sheet = await desk.get(sheet_url)
    assert re.search(r"\+861380013800[12]", sheet.text)
    assert "核酸检测结果是什么？" in sheet.text
    assert (await other.get(sheet_url)).status_code == 303
    audited = await conn.fetchval("SELECT count(*) FROM kernel.audit WHERE action = 'call_sheet'")
    assert audited == 1
    fields = {
        "event_id": str(uuid4()), "version": "1", "answer_test": "negative", "words": "已到家",
    }  # fmt: skip
    refused = await submit(desk, sheet, sheet_url, fields)
    assert refused.status_code == 422
    assert "已到家" in refused.text
    done = await submit(desk, sheet, sheet_url, fields | {"result": "settled"})
    assert done.headers["location"] == "/hotline/calls?done=called"
    assert await conn.fetchval("SELECT count(*) FROM alerts.ticket WHERE state = 'answered'") == 1
    nobody = await submit(other, await other.get("/hotline/calls"), "/hotline/calls/next", {})
    assert nobody.headers["location"].startswith("/hotline/calls/")
    assert city.office.city


def test_ten_seats_at_once_get_ten_people(cloned: str) -> None:
    got = asyncio.run(_seats(cloned, seats=10, people=35))
    print(f"{len(got)} calls taken by 10 seats, {len(set(got))} people")
    assert len(got) == len(set(got)) == 35


async def _seats(dsn: str, *, seats: int, people: int) -> list[UUID]:
    conns, city = await _ground(dsn, seats)
    for n in range(people):
        await taken(conns[0], city, Kind.SCREENING, phone=f"138001{n:05d}", district="410221")
    officers = [await somebody(conns[0], "hotline") for _ in conns]

    async def calls(conn: Connection, officer: Actor) -> list[UUID]:
        got = list[UUID]()
        while True:
            async with conn.transaction():
                found = await next_call(conn, city.office, officer, NOON)
            if found is None:
                return got
            got.append(found.id)
            said = Doing(id=uuid4(), act=TicketAct.CALL, result="settled")
            async with conn.transaction():
                await do(conn, city.office, found.id, said, officer, NOON)

    found = await asyncio.gather(*(calls(c, o) for c, o in zip(conns, officers, strict=True)))
    for conn in conns:
        await conn.close()
    return [each for got in found for each in got]


@pytest.mark.parametrize("told", [True, False], ids=["seen", "sabotaged"])
def test_of_two_officers_who_answer_at_once_one_wins(cloned: str, *, told: bool) -> None:
    """Sabotaged: the form does not say what its officer has seen. Then both notes are written; an
    answer is still given once, since the item has moved on.
    """
    wins, lost = asyncio.run(_race(cloned, 25, told=told))
    print(f"25 races: {sum(wins)} winners, {lost} were told")
    assert wins == [1] * 25 if told else wins == [2] * 25
    assert lost == (25 if told else 0)


async def _race(dsn: str, times: int, *, told: bool) -> tuple[list[int], int]:
    conns, city = await _ground(dsn, 2)
    officers = [await somebody(conns[0], "hotline") for _ in conns]
    wins, lost, codes = list[int](), 0, set[str]()

    async def tries(number: int, ticket_id: UUID) -> int:
        said = Doing(
            id=uuid4(), act=TicketAct.NOTE, words=f"答复 {number}", version=1 if told else None
        )
        try:
            async with conns[number].transaction():
                await do(conns[number], city.office, ticket_id, said, officers[number], NOON)
        except Conflict as refused:
            codes.add(refused.code)
            return 0
        return 1

    for _ in range(times):
        ticket_id = (await taken(conns[0], city)).id
        results = await asyncio.gather(tries(0, ticket_id), tries(1, ticket_id))
        wins.append(sum(results))
        lost += 2 - sum(results)
    for conn in conns:
        await conn.close()
    assert codes <= {"ticket_changed"}
    return wins, lost


async def _ground(dsn: str, count: int) -> tuple[Sequence[Connection], City]:
    conns = [await asyncpg.connect(dsn, server_settings=SERVER_SETTINGS) for _ in range(count)]
    for conn in conns:
        await prepare(conn)
    return conns, await build(conns[0], Vault(MASTER_KEY), NOON)
