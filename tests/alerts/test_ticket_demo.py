"""The demo city's information desk has something to do, and is seeded once."""

from alerts.tickets_demo import ITEMS, WORDS, seed_desk
from alerts.tickets_queries import queue
from alerts.tickets_units import scope_of
from kernel.db import Connection
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
