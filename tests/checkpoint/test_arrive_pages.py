"""What a posted code leads to, and a truck at a firm that does not agree."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest

from closedloop.model import Level, State
from closedloop.rolling import rolling_code
from kernel.clock import SetClock
from kernel.db import Connection
from kernel.ids import uuid7
from registry.reports import view_key
from tests.checkpoint.moves import loop_of, number_of, released, reported
from tests.city import IDS, City
from tests.conftest import NOON
from tests.http import submit

LogIn = Callable[..., Awaitable[httpx.AsyncClient]]
SECRET = b"s" * 20
CODES = {"north": "0000000001", "mill": "0000000002", "depot": "0000000003"}
LATER = timedelta(minutes=45)


@pytest.fixture
async def posted(conn: Connection, city: City) -> City:
    """The city with a code posted at a checkpoint and at two firms."""
    for place, code in CODES.items():
        await conn.execute(
            "INSERT INTO registry.code (code, place_id, gate, issued_at) VALUES ($1, $2, '1', $3)",
            code,
            getattr(city, place),
            NOON,
        )
    return city


async def arrive(client: httpx.AsyncClient, where: str = "mill", **fields: str) -> httpx.Response:
    address = f"/t/{CODES[where]}"
    shown = await client.get(f"{address}?lang=en")
    return await submit(client, shown, address, {"event_id": str(uuid7(NOON))} | fields)


async def test_a_checkpoints_code_begins_a_report_there(
    client: httpx.AsyncClient, posted: City
) -> None:
    answer = await client.get(f"/t/{CODES['north'].lower()}")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"/d/new?entry_place_id={posted.north}",
    )


async def test_a_code_that_is_not_ours_or_is_withdrawn_is_unknown(
    client: httpx.AsyncClient, conn: Connection, posted: City
) -> None:
    del posted
    await conn.execute("UPDATE registry.code SET status = 'rotated', ended_at = issued_at")
    for code in (*CODES.values(), "ZZZZZZZZZZ", "x"):
        assert (await client.get(f"/t/{code}")).status_code == 404


async def test_with_the_digits_on_the_screen_the_loop_closes(
    client: httpx.AsyncClient, conn: Connection, clock: SetClock, posted: City
) -> None:
    movement_id = await released(conn, posted)
    clock.at += LATER
    code, _ = rolling_code(SECRET, clock.at)
    spaced = f"{code[:3]} {code[3:]}"
    answer = await arrive(client, pass_number=number_of(posted, movement_id), code=spaced)
    assert answer.status_code == 200
    assert "Loop closed" in answer.text
    loop = await loop_of(conn, movement_id)
    assert (loop.state, loop.stops[0].level) == (State.DISCHARGED, Level.B)


async def test_without_them_it_is_a_claim_that_closes_nothing(
    client: httpx.AsyncClient, conn: Connection, clock: SetClock, posted: City
) -> None:
    movement_id = await released(conn, posted)
    clock.at += LATER
    answer = await arrive(client, pass_number=number_of(posted, movement_id))
    assert "must confirm" in answer.text
    loop = await loop_of(conn, movement_id)
    assert loop.state is State.RELEASED
    assert loop.stops[0].claimed_at == clock.at


async def test_a_claim_closes_where_the_rule_set_says_so(
    client: httpx.AsyncClient, conn: Connection, clock: SetClock, posted: City
) -> None:
    await conn.execute(
        """UPDATE registry.rule_set SET body = body || '{"claim_closes": true}'::jsonb"""
    )
    movement_id = await released(conn, posted)
    clock.at += LATER
    answer = await arrive(client, pass_number=number_of(posted, movement_id))
    assert "Loop closed" in answer.text
    assert (await loop_of(conn, movement_id)).state is State.DISCHARGED


async def test_wrong_digits_record_nothing_and_are_counted(
    client: httpx.AsyncClient, conn: Connection, clock: SetClock, posted: City
) -> None:
    movement_id = await released(conn, posted)
    number = number_of(posted, movement_id)
    clock.at += LATER
    right, _ = rolling_code(SECRET, clock.at)
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    before = await conn.fetchval("SELECT count(*) FROM registry.event")
    for _ in range(5):
        answer = await arrive(client, pass_number=number, code=wrong)
        assert answer.status_code == 422
        assert 'href="#f-code"' in answer.text
        assert number in answer.text
    answer = await arrive(client, pass_number=number, code=right)
    assert answer.status_code == 422
    assert await conn.fetchval("SELECT count(*) FROM registry.event") == before
    clock.at += timedelta(minutes=16)
    right, _ = rolling_code(SECRET, clock.at)
    assert "Loop closed" in (await arrive(client, pass_number=number, code=right)).text


async def test_one_pass_that_is_locked_locks_no_other(
    client: httpx.AsyncClient, conn: Connection, clock: SetClock, posted: City
) -> None:
    first = await released(conn, posted)
    second = await released(conn, posted, plate="豫B54321", id_number=IDS[1])
    clock.at += LATER
    right, _ = rolling_code(SECRET, clock.at)
    for _ in range(5):
        await arrive(client, pass_number=number_of(posted, first), code="x")
    answer = await arrive(client, pass_number=number_of(posted, second), code=right)
    assert "Loop closed" in answer.text


async def test_an_arrival_sent_twice_is_one(
    client: httpx.AsyncClient, conn: Connection, clock: SetClock, posted: City
) -> None:
    movement_id = await released(conn, posted)
    clock.at += LATER
    fields = {"pass_number": number_of(posted, movement_id), "event_id": str(uuid7(clock.at))}
    for _ in range(2):
        assert "must confirm" in (await arrive(client, **fields)).text
        clock.at += timedelta(seconds=5)
    kinds = "SELECT count(*) FROM registry.event WHERE kind = 'arrival'"
    assert await conn.fetchval(kinds) == 1


async def test_the_wrong_firm_is_not_told_to_be_closed(
    client: httpx.AsyncClient, conn: Connection, clock: SetClock, posted: City
) -> None:
    movement_id = await released(conn, posted)
    clock.at += LATER
    code, _ = rolling_code(SECRET, clock.at)
    answer = await arrive(client, "depot", pass_number=number_of(posted, movement_id), code=code)
    assert "Loop closed" not in answer.text
    assert (await loop_of(conn, movement_id)).discrepancy == "wrong_place"


async def test_something_that_is_no_pass_is_told_beside_its_field(
    client: httpx.AsyncClient, posted: City
) -> None:
    del posted
    for said in ("", "hello", "134512345678901234"):
        answer = await arrive(client, pass_number=said)
        assert answer.status_code == 422
        assert 'href="#f-pass_number"' in answer.text


async def test_the_pass_kept_on_the_phone_needs_no_typing(
    client: httpx.AsyncClient, conn: Connection, clock: SetClock, posted: City
) -> None:
    movement_id = await released(conn, posted)
    clock.at += LATER
    key = view_key(movement_id, posted.office.vault)
    client.cookies.set("last_pass", f"{movement_id}-{key}")
    shown = await client.get(f"/t/{CODES['mill']}?lang=en")
    assert "My last one, 豫B12345" in shown.text
    assert "must confirm" in (await arrive(client, use="last")).text
    assert (await loop_of(conn, movement_id)).stops[0].claimed_at == clock.at


@pytest.mark.parametrize("key", ["", "-", "-" + "0" * 20, "-%C3%A9"])
async def test_a_cookie_written_by_hand_shows_and_claims_nothing(
    client: httpx.AsyncClient, conn: Connection, posted: City, key: str
) -> None:
    movement_id = await released(conn, posted)
    client.headers["Cookie"] = f"last_pass={movement_id}{key}"
    shown = await client.get(f"/t/{CODES['mill']}")
    assert shown.status_code == 200
    assert "豫B12345" not in shown.text
    client.headers.pop("Cookie")
    client.cookies.set("last_pass", f"{movement_id}{key}")
    assert (await arrive(client, use="last")).status_code == 422
    assert (await loop_of(conn, movement_id)).stops[0].claimed_at is None


# ── the firm's discrepancies ──


async def tell(firm: httpx.AsyncClient, **fields: str) -> httpx.Response:
    shown = await firm.get("/firm?lang=en")
    said = {"event_id": str(uuid7(NOON)), "reason": "wrong_person"} | fields
    return await submit(firm, shown, "/firm/discrepancy", said)


async def test_a_firms_discrepancy_stands_in_the_loop(
    logged_in: LogIn, conn: Connection, clock: SetClock, posted: City
) -> None:
    movement_id = await released(conn, posted)
    clock.at += LATER
    firm = await logged_in("firm", posted.mill)
    fields = {"plate": "豫B12345", "event_id": str(uuid7(clock.at))}
    for _ in range(2):
        answer = await tell(firm, **fields)
        assert (answer.status_code, answer.headers["location"]) == (303, "/firm?done=discrepancy")
    assert (await loop_of(conn, movement_id)).discrepancy == "wrong_person"
    kinds = "SELECT count(*) FROM registry.event WHERE kind = 'discrepancy'"
    assert await conn.fetchval(kinds) == 1


async def test_a_truck_that_nobody_reported_gets_a_movement_of_its_own(
    logged_in: LogIn, conn: Connection, posted: City
) -> None:
    firm = await logged_in("firm", posted.mill)
    fields = {"plate": "豫B77777", "reason": "not_reported", "event_id": str(uuid7(NOON))}
    for _ in range(2):
        assert (await tell(firm, **fields)).status_code == 303
    (movement_id,) = [
        row["movement_id"] for row in await conn.fetch("SELECT movement_id FROM registry.movement")
    ]
    assert (await loop_of(conn, movement_id)).discrepancy == "arrived_without_entry"


async def test_a_truck_for_another_firm_was_seen_at_the_wrong_place(
    logged_in: LogIn, conn: Connection, clock: SetClock, posted: City
) -> None:
    movement_id = await released(conn, posted, stops=(posted.depot,))
    clock.at += LATER
    firm = await logged_in("firm", posted.mill)
    assert (await tell(firm, plate="豫B12345", reason="wrong_firm")).status_code == 303
    assert (await loop_of(conn, movement_id)).discrepancy == "wrong_place"


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"plate": "12"}, "plate"), ({"plate": "豫B12345", "reason": ""}, "reason")],
)
async def test_what_is_wrong_with_it_stands_beside_its_field(
    logged_in: LogIn, conn: Connection, posted: City, fields: dict[str, str], field: str
) -> None:
    await reported(conn, posted)
    firm = await logged_in("firm", posted.mill)
    before = await conn.fetchval("SELECT count(*) FROM registry.event")
    answer = await tell(firm, **fields)
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    assert await conn.fetchval("SELECT count(*) FROM registry.event") == before
