"""What the board counts of items, and items that the loop itself sends."""

from alerts.tickets_model import (
    TicketAct,
)
from alerts.tickets_queries import load, queue
from alerts.tickets_units import scope_of
from kernel.db import Connection
from tests.alerts.desk import at, did, somebody, taken
from tests.city import City
from tests.conftest import NOON


async def test_the_board_counts_open_items_by_unit_and_age(conn: Connection, city: City) -> None:
    desk = await somebody(conn, "hotline")
    ids = [(await taken(conn, city, when=at(n))).id for n in (-300, -130, -40, -1)]
    await did(conn, city, ids[0], TicketAct.PUSH, desk, unit=f"place:{city.north}")
    await did(conn, city, ids[1], TicketAct.ANSWER, desk, words="x")
    found = await load(conn, scope_of(desk), NOON, (30, 120, 240))
    assert [(each.unit, each.band, each.n, each.late) for each in found] == [
        ("", 0, 1, 0), ("", 1, 1, 1), ("checkpoint", 3, 1, 0),
    ]  # fmt: skip
    rows = await queue(conn, scope_of(desk), NOON, 60)
    assert [row.ticket.id for row in rows] == [ids[2], ids[0], ids[3]]
