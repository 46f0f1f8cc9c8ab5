"""What comes to the desk by itself: the items of a demo city, once, and those of the loop."""

from alerts.tickets import NewTicket, Origin, receive
from alerts.tickets_demo import ITEMS, WORDS, seed_desk
from alerts.tickets_model import Kind
from alerts.tickets_queries import queue
from alerts.tickets_units import scope_of
from kernel.db import Connection
from kernel.ids import uuid7
from tests.alerts.desk import RULES, at, somebody
from tests.city import City
from tests.conftest import NOON


async def test_a_demo_is_seeded_once_with_invented_people(conn: Connection, city: City) -> None:
    for minutes in (0, 30):
        await seed_desk(conn, city.office, at(minutes))
    rows = await queue(conn, scope_of(await somebody(conn, "duty")), NOON, RULES.ageing_minutes)
    assert len(rows) == len(ITEMS) == 7
    assert {row.ticket.masked_name for row in rows} == {"示***"}
    assert "示例" in WORDS


async def test_a_loop_may_send_an_item_too(conn: Connection, city: City) -> None:
    said = NewTicket(id=uuid7(NOON), category="loop", district="410221")
    made = await receive(
        conn, city.office, Kind.SCREENING, said, Origin(source="loop", movement_id=4102000000001),
        None, NOON,
    )  # fmt: skip
    row = await conn.fetchrow(
        "SELECT about_movement, source FROM alerts.ticket WHERE id = $1", made.id
    )
    assert row
    assert tuple(row) == (4102000000001, "loop")
