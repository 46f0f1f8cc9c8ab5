"""A work item from the first word to the answer: its numbers, its steps with their clocks, who may do
what, and what is kept of it.
"""

import re
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import uuid4

import pytest

from alerts.tickets import pin_of
from alerts.tickets_claims import claim, give_back, hand_over
from alerts.tickets_model import FINISHED, OPEN, REASONS, Act, State, Ticket, after, offered
from alerts.tickets_queries import find_ticket, history, load, queue
from alerts.tickets_units import scope_of
from kernel.db import Connection
from kernel.errors import Conflict, Forbidden, NotFound, Unprocessable
from kernel.ids import uuid7
from tests.alerts.desk import PHONE, RULES, at, did, somebody, taken
from tests.city import City
from tests.conftest import NOON


async def seen(conn: Connection, ticket_id: object) -> Ticket:
    row = await conn.fetchval("SELECT number FROM alerts.ticket WHERE id = $1", ticket_id)
    assert row
    found = await find_ticket(conn, ticket_id, scope_of(await somebody(conn, "duty")))  # type: ignore[arg-type]
    assert found is not None
    return found


def test_every_act_in_every_state_has_a_defined_result() -> None:
    results: dict[tuple[State, Act, bool], str] = {}
    for state, act, reopened in product(State, Act, (False, True)):
        try:
            results[state, act, reopened] = after(state, act, reopened=reopened)
        except Conflict as refused:
            results[state, act, reopened] = refused.code
    assert len(results) == 6 * 12 * 2
    told = {*State, "ticket_moved_on", "ticket_reopened_before"}
    assert set(results.values()) <= told
    # Every state is left again but for the rating of an answer, and every state can be reached.
    for state in OPEN:
        assert {results[state, act, False] for act in Act} - {state, "ticket_moved_on"}
    assert {results[key] for key in results if key[1] is not Act.NOTE} >= set(State)
    for state in FINISHED:
        assert results[state, Act.REOPEN, False] == State.RECEIVED
        assert results[state, Act.REOPEN, True] == "ticket_reopened_before"


def test_what_is_offered_is_what_is_accepted() -> None:
    both = frozenset({"hotline", "grid"})
    for state, reopened in product(State, (False, True)):
        for act in Act:
            try:
                after(state, act, reopened=reopened)
                accepted = True
            except Conflict:
                accepted = False
            assert (act in offered(state, both, own=True, reopened=reopened)) == accepted


async def test_numbers_can_be_read_out_and_begin_anew_each_day(
    conn: Connection, city: City
) -> None:
    numbers = [(await taken(conn, city, when=at(n))).number for n in range(3)]
    assert numbers == [f"12328-20220501-000{n}" for n in (1, 2, 3)]
    # 00:30 in Shanghai is the next day, though it is the same in UTC.
    late = await taken(conn, city, when=NOON.replace(hour=16, minute=30))
    assert late.number == "12328-20220502-0001"
    await conn.execute("UPDATE alerts.ticket_day SET base = 0 WHERE day = '2022-05-01'")
    await conn.execute("SELECT setval('alerts.ticket_sequence', 9999)")
    assert (await taken(conn, city)).number == "12328-20220501-10000"


async def test_the_same_sent_twice_is_one_and_says_the_same_digits(
    conn: Connection, city: City
) -> None:
    ticket_id = uuid7(NOON)
    first = await taken(conn, city, id=ticket_id)
    again = await taken(conn, city, id=ticket_id, when=at(30))
    assert (again.number, again.pin, again.repeated) == (first.number, first.pin, True)
    assert re.fullmatch(r"\d{6}", first.pin)
    assert pin_of(city.office.vault, ticket_id) == first.pin
    with pytest.raises(Conflict, match="event_id_taken"):
        await taken(conn, city, id=ticket_id, words="别的话")
    assert await conn.fetchval("SELECT count(*) FROM alerts.ticket") == 1


async def test_what_is_not_known_is_told(conn: Connection, city: City) -> None:
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"category": "weather"}, "category_unknown"),
        ({"words": " "}, "words_needed"),
        ({"plate": "12"}, "plate_too_short"),
        ({"phone": "12"}, "phone_malformed"),
        ({"pass_number": "410200000000"}, "not_a_pass"),
    )
    for said, code in wrong:
        with pytest.raises(Unprocessable, match=code):
            await taken(conn, city, **said)
    assert await conn.fetchval("SELECT count(*) FROM alerts.ticket") == 0


async def test_a_complaint_goes_its_whole_way_each_step_with_its_own_clock(
    conn: Connection, city: City
) -> None:
    desk, grid = await somebody(conn, "hotline"), await somebody(conn, "grid", district="410221")
    ticket_id = (await taken(conn, city)).id
    ticket = await seen(conn, ticket_id)
    assert (ticket.state, ticket.due_at, ticket.priority) == (State.RECEIVED, at(30), 1)
    assert ticket.answer_by == at(30 + 240 + 120 + 60)
    await did(conn, city, ticket_id, Act.PUSH, desk, at(20), unit="district:410221")
    assert (await seen(conn, ticket_id)).due_at == at(20 + 240)
    await did(conn, city, ticket_id, Act.REPLY, grid, at(300), words="经核实，应放行")
    assert (await seen(conn, ticket_id)).due_at == at(300 + 120)
    await did(conn, city, ticket_id, Act.REJECT, desk, at(310), reason="unproved")
    assert (await seen(conn, ticket_id)).due_at == at(310 + 240)
    await did(conn, city, ticket_id, Act.REPLY, grid, at(320), words="附核验记录")
    await did(conn, city, ticket_id, Act.ACCEPT, desk, at(330))
    assert (await seen(conn, ticket_id)).due_at == at(390)
    await did(conn, city, ticket_id, Act.ANSWER, desk, at(340), words="已核实，向您道歉")
    ticket = await seen(conn, ticket_id)
    assert (ticket.state, ticket.due_at, ticket.finished_at) == (State.ANSWERED, None, at(340))
    steps = await history(conn, ticket_id)
    assert [step.act for step in steps] == [
        "receive", "push", "reply", "reject", "reply", "accept", "answer",
    ]  # fmt: skip
    # The unit's first answer came after its time; everything else was within it.
    assert [step.act for step in steps if step.late] == ["reply"]
    await did(conn, city, ticket_id, Act.RATE, None, at(400), rating=2)
    await did(conn, city, ticket_id, Act.REOPEN, None, at(401), reason="not_solved")
    ticket = await seen(conn, ticket_id)
    assert (ticket.state, ticket.unit_kind, ticket.rating) == (State.RECEIVED, "", None)
    await did(conn, city, ticket_id, Act.ANSWER, desk, at(410), words="再次核实")
    with pytest.raises(Conflict, match="ticket_reopened_before"):
        await did(conn, city, ticket_id, Act.REOPEN, None, at(411), reason="not_solved")


async def test_too_late_to_reopen(conn: Connection, city: City) -> None:
    desk = await somebody(conn, "hotline")
    ticket_id = (await taken(conn, city)).id
    await did(conn, city, ticket_id, Act.ANSWER, desk, words="已答复")
    late = NOON + timedelta(days=RULES.reopen_days, minutes=1)
    with pytest.raises(Conflict, match="reopen_too_late"):
        await did(conn, city, ticket_id, Act.REOPEN, None, late, reason="new_facts")


async def test_the_history_is_never_changed(conn: Connection, city: City) -> None:
    await taken(conn, city)
    for change in (
        "UPDATE alerts.ticket_event SET act = 'x'",
        "DELETE FROM alerts.ticket_event",
        "TRUNCATE alerts.ticket_event CASCADE",
    ):
        with pytest.raises(Exception, match="append-only"):
            async with conn.transaction():
                await conn.execute(change)


async def test_an_act_sent_twice_is_done_once(conn: Connection, city: City) -> None:
    desk = await somebody(conn, "duty")
    ticket_id, act_id = (await taken(conn, city)).id, uuid4()
    first = await did(conn, city, ticket_id, Act.NOTE, desk, id=act_id, words="来电补充")
    again = await did(conn, city, ticket_id, Act.NOTE, desk, at(1), id=act_id, words="来电补充")
    assert (first.repeated, again.repeated, again.ticket.version) == (False, True, 2)
    with pytest.raises(Conflict, match="event_id_taken"):
        await did(conn, city, ticket_id, Act.NOTE, desk, at(1), id=act_id, words="别的")


async def test_who_sees_an_item_changes_it_and_nobody_else(conn: Connection, city: City) -> None:
    desk = await somebody(conn, "hotline")
    ticket_id = (await taken(conn, city, district="410221")).id
    grid, far = (
        await somebody(conn, "grid", district="410221"),
        await somebody(conn, "grid", district="410222"),
    )
    firm = await somebody(conn, "firm", place_id=city.mill)
    gate = await somebody(conn, "desk", place_id=city.north)
    police = await somebody(conn, "police", district="410221")
    for other in (grid, far, firm, gate, police):
        with pytest.raises(NotFound):
            await did(conn, city, ticket_id, Act.NOTE, other, words="x")
    for unit, own in (
        ("district:410221", grid),
        (f"place:{city.mill}", firm),
        (f"place:{city.north}", gate),
        ("police:410221", police),
    ):
        await did(conn, city, ticket_id, Act.PUSH, desk, unit=unit)
        for other in (grid, far, firm, gate, police):
            found = await find_ticket(conn, ticket_id, scope_of(other))
            assert (found is not None) == (other is own)
        with pytest.raises(Forbidden):
            await did(conn, city, ticket_id, Act.CLOSE, own, reason="twice")
        await did(conn, city, ticket_id, Act.NOTE, own, words="收到")
    await did(conn, city, ticket_id, Act.SEND_BACK, police, reason="not_ours")
    assert (await seen(conn, ticket_id)).state is State.RECEIVED
    auditor = await somebody(conn, "auditor")
    assert await find_ticket(conn, ticket_id, scope_of(auditor)) is not None
    with pytest.raises(Forbidden):
        await did(conn, city, ticket_id, Act.NOTE, auditor, words="x")
    elsewhere = await somebody(conn, "hotline", district="410222")
    with pytest.raises(NotFound):
        await did(conn, city, ticket_id, Act.NOTE, elsewhere, words="x")


async def test_a_unit_that_is_none_is_told(conn: Connection, city: City) -> None:
    desk = await somebody(conn, "hotline", district="410221")
    await conn.execute("INSERT INTO registry.district VALUES ('410222', '通许县')")
    ticket_id = (await taken(conn, city, actor=desk)).id
    for unit in ("", "district:1", "district:410222", "place:0", "place:x", "somebody:1", "place:"):
        with pytest.raises(Unprocessable, match="unit_unknown"):
            await did(conn, city, ticket_id, Act.PUSH, desk, unit=unit)


@pytest.mark.parametrize("act", [*REASONS, Act.REPLY, Act.ANSWER, Act.NOTE, Act.RATE, Act.CALL])
async def test_what_an_act_needs_is_asked_for(conn: Connection, city: City, act: Act) -> None:
    desk, grid = await somebody(conn, "hotline"), await somebody(conn, "grid", district="410221")
    ticket_id = (await taken(conn, city)).id
    if act in {Act.REPLY, Act.SEND_BACK, Act.REJECT}:
        await did(conn, city, ticket_id, Act.PUSH, desk, unit="district:410221")
    if act is Act.REJECT:
        await did(conn, city, ticket_id, Act.REPLY, grid, words="x")
    if act in {Act.RATE, Act.REOPEN}:
        await did(conn, city, ticket_id, Act.ANSWER, desk, words="x")
    by = grid if act in {Act.REPLY, Act.SEND_BACK} else desk
    with pytest.raises(Unprocessable):
        await did(conn, city, ticket_id, act, by)


async def test_a_claim_ends_by_itself_and_is_handed_over(conn: Connection, city: City) -> None:
    one, two = await somebody(conn, "hotline"), await somebody(conn, "duty")
    ticket_id = (await taken(conn, city)).id
    assert await claim(conn, city.office, ticket_id, one, NOON) == at(15)
    with pytest.raises(Conflict, match="ticket_claimed_by_other"):
        await claim(conn, city.office, ticket_id, two, at(14))
    with pytest.raises(Conflict, match="ticket_claimed_by_other"):
        await did(conn, city, ticket_id, Act.NOTE, two, at(14), words="x")
    with pytest.raises(NotFound):
        await hand_over(conn, city.office, ticket_id, one, one.id, at(14))
    await hand_over(conn, city.office, ticket_id, one, two.id, at(14))
    with pytest.raises(Conflict, match="ticket_not_yours"):
        await hand_over(conn, city.office, ticket_id, one, two.id, at(14))
    await give_back(conn, ticket_id, one)
    await did(conn, city, ticket_id, Act.NOTE, two, at(28), words="x")
    with pytest.raises(Conflict):
        await claim(conn, city.office, ticket_id, one, at(28))
    assert await claim(conn, city.office, ticket_id, one, at(29)) == at(44)
    await did(conn, city, ticket_id, Act.ANSWER, one, at(30), words="已办")
    with pytest.raises(Conflict, match="ticket_moved_on"):
        await claim(conn, city.office, ticket_id, one, at(31))


async def test_the_unit_is_told_and_the_caller_of_the_answer(conn: Connection, city: City) -> None:
    desk = await somebody(conn, "hotline")
    ticket_id = (await taken(conn, city)).id
    await did(conn, city, ticket_id, Act.PUSH, desk, unit=f"place:{city.north}")
    (row,) = await conn.fetch(
        "SELECT recipient, facts FROM kernel.outbox WHERE kind = 'ticket_pushed'"
    )
    assert row["recipient"] == f"place:{city.north}"
    gate = await somebody(conn, "desk", place_id=city.north)
    await did(conn, city, ticket_id, Act.REPLY, gate, words="已核实")
    await did(conn, city, ticket_id, Act.ACCEPT, desk)
    await did(conn, city, ticket_id, Act.ANSWER, desk, words="已核实并整改")
    letters = await conn.fetch(
        "SELECT facts, sealed FROM kernel.outbox WHERE kind = 'ticket_answered'"
    )
    assert [row["facts"] for row in letters] == [{}]
    assert PHONE.encode() not in letters[0]["sealed"]


async def test_whoever_calls_without_a_number_is_taken_too(conn: Connection, city: City) -> None:
    desk = await somebody(conn, "hotline")
    made = await taken(conn, city, phone="", name="")
    await did(conn, city, made.id, Act.ANSWER, desk, words="已答复")
    assert await conn.fetchval("SELECT count(*) FROM kernel.outbox") == 0
    assert (await seen(conn, made.id)).masked_phone == ""


async def test_the_board_counts_open_items_by_unit_and_age(conn: Connection, city: City) -> None:
    desk = await somebody(conn, "hotline")
    ids = [(await taken(conn, city, when=at(n))).id for n in (-300, -130, -40, -1)]
    await did(conn, city, ids[0], Act.PUSH, desk, unit=f"place:{city.north}")
    await did(conn, city, ids[1], Act.ANSWER, desk, words="x")
    found = await load(conn, scope_of(desk), NOON, (30, 120, 240))
    assert [(each.unit, each.band, each.n, each.late) for each in found] == [
        ("", 0, 1, 0), ("", 1, 1, 1), ("checkpoint", 3, 1, 0),
    ]  # fmt: skip
    rows = await queue(conn, scope_of(desk), NOON, 60)
    assert [row.ticket.id for row in rows] == [ids[2], ids[0], ids[3]]
