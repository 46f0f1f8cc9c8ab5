"""What is known of callers: sealed, masked, told with an audit row, gone when its time is over."""

from datetime import timedelta

import pytest

from alerts.tickets_model import Kind, TicketAct
from checkpoint.retention import ERASERS
from kernel.db import Connection
from kernel.privacy import Vault
from kernel.retention import count_due, erase_due
from tests.alerts.desk import PHONE, at, did, somebody, taken
from tests.city import City
from tests.conftest import NOON

SAID = "孩子发烧，住在人民路三号院"
#: Of both classes; the others are not the desk's.
OURS = [each for each in ERASERS if each.name in {"callers", "tickets"}]


async def everything(conn: Connection) -> str:
    """All that the desk's tables hold, as text; bytes in hexadecimal."""
    tables = ("ticket", "ticket_event", "ticket_words", "ticket_batch")
    found = [
        await conn.fetchval(f"SELECT string_agg(to_jsonb(r)::text, ' ') FROM alerts.{name} r")
        for name in tables
    ]
    return " ".join(text or "" for text in found)


async def test_nothing_of_a_caller_stands_in_the_open(conn: Connection, city: City) -> None:
    desk = await somebody(conn, "hotline")
    ticket_id = (await taken(conn, city, Kind.HELP, words=SAID, plate="豫B12345")).id
    await did(conn, city, ticket_id, TicketAct.NOTE, desk, words="已联系王小明本人")
    stored = await everything(conn)
    for text in ("王小明", PHONE, SAID, "13800"):
        assert text not in stored
        assert text.encode().hex() not in stored
    assert "138****8000" in stored
    assert "王**" in stored
    # The twin: were the words not sealed, they would be found.
    words = f"words: {SAID}".encode()
    await conn.execute("UPDATE alerts.ticket_words SET sealed = $1", words)
    assert SAID.encode().hex() in await everything(conn)


async def test_callers_go_first_and_the_record_later(
    conn: Connection, city: City, vault: Vault
) -> None:
    desk = await somebody(conn, "hotline")
    done, left = (await taken(conn, city, words=SAID)).id, (await taken(conn, city)).id
    await did(conn, city, done, TicketAct.ANSWER, desk, words="已答复")
    young, old = NOON + timedelta(days=29), NOON + timedelta(days=31)
    assert await count_due(conn, OURS, young) == {"callers": 0, "tickets": 0}
    assert await erase_due(conn, OURS, old) == {"callers": 1, "tickets": 0}
    assert await erase_due(conn, OURS, old) == {"callers": 0, "tickets": 0}
    row = await conn.fetchrow(
        """
        SELECT caller_sealed, phone_sealed, phone_blind, masked_name, masked_phone, plate, state
          FROM alerts.ticket WHERE id = $1
        """,
        done,
    )
    assert row
    assert tuple(row) == (None, None, None, "", "", "", "answered")
    assert await conn.fetchval("SELECT count(*) FROM alerts.ticket_words") == 1
    assert await conn.fetchval("SELECT count(*) FROM alerts.ticket_event") == 3
    later = NOON + timedelta(days=366)
    assert await erase_due(conn, OURS, later) == {"callers": 0, "tickets": 1}
    # What is not finished stays, however old it is.
    assert await conn.fetchval("SELECT array_agg(id) FROM alerts.ticket") == [left]
    assert vault is not None


async def test_the_database_lets_go_of_no_young_step(conn: Connection, city: City) -> None:
    await taken(conn, city)
    await conn.execute("SET LOCAL checkpoint.retention = 'on'")
    await conn.execute("ALTER TABLE alerts.ticket_event DISABLE TRIGGER append_only")
    await conn.execute("UPDATE alerts.ticket_event SET at = now()")
    await conn.execute("ALTER TABLE alerts.ticket_event ENABLE TRIGGER append_only")
    with pytest.raises(Exception, match="append-only"):
        async with conn.transaction():
            await conn.execute("DELETE FROM alerts.ticket_event")


async def test_the_person_is_told_of_in_no_message(conn: Connection, city: City) -> None:
    desk = await somebody(conn, "hotline")
    ticket_id = (await taken(conn, city, words=SAID)).id
    await did(conn, city, ticket_id, TicketAct.PUSH, desk, at(1), unit="district:410221")
    rows = await conn.fetch("SELECT to_jsonb(o)::text AS row FROM kernel.outbox o")
    assert len(rows) == 1
    for text in ("王", PHONE, "发烧"):
        assert text not in rows[0]["row"]
