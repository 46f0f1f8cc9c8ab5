"""What the information desk of a demo city has to do: invented people and matters, put in once."""

from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from alerts.tickets import NewTicket, Origin, receive
from alerts.tickets_model import Kind
from closedloop.reporting import Office
from kernel.db import Connection

#: Kind, minutes ago, and what was said. No telephone in China has these numbers.
ITEMS: tuple[tuple[Kind, int, dict[str, Any]], ...] = (
    (Kind.COMPLAINT, 50, {"category": "turned_back", "plate": "2345"}),
    (Kind.COMPLAINT, 20, {"category": "waiting", "phone": "+8637100000001"}),
    (Kind.HELP, 25, {"category": "medicine", "phone": "+8637100000002", "yes": ("frail",)}),
    (Kind.HELP, 15, {"category": "breakdown", "plate": "6789", "yes": ("cannot_move",)}),
    (Kind.HELP, 5, {"category": "meal"}),
    (Kind.SCREENING, 40, {"category": "arrival", "phone": "+8637100000003"}),
    (Kind.SCREENING, 35, {"category": "assist", "phone": "+8637100000004"}),
)
WORDS = "演示事项（示例）"


async def seed_desk(conn: Connection, office: Office, now: datetime) -> None:
    """What is there is kept: an item is the same whenever the city is seeded."""
    district = await conn.fetchval("SELECT min(code) FROM registry.district")
    for number, (kind, minutes, about) in enumerate(ITEMS):
        ticket_id = uuid5(NAMESPACE_URL, f"demo item {number}")
        known = await conn.fetchval("SELECT 1 FROM alerts.ticket WHERE id = $1", ticket_id)
        if known is None:
            said = NewTicket(
                id=ticket_id, words=WORDS, name="示例人员", district=district or "", **about
            )
            when = now - timedelta(minutes=minutes)
            await receive(conn, office, kind, said, Origin(source="phone"), None, when)
