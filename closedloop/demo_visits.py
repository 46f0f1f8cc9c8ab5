"""Visitors of the demo city's venues in the last hour: nobody's names, nobody's numbers."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from closedloop.reporting import Office
from closedloop.visit_model import Coming, Way
from closedloop.visits import digest, take
from kernel.db import Connection
from kernel.ids import uuid7
from registry.people import check_character
from registry.visitors import Document

#: Name, minutes ago, way, and an answer that alarms.
VISITORS: tuple[tuple[str, int, Way, str], ...] = (
    ("安示例", 52, "scan", ""),
    ("白示例", 41, "id_card", ""),
    ("常示例", 33, "assisted", ""),
    ("邓示例", 21, "scan", "alarming"),
    ("方示例", 9, "paper", ""),
)


async def seed_visits(
    conn: Connection, office: Office, places: Sequence[int], now: datetime
) -> None:
    """Once in half a day, so that the screen of a demo that was started anew is not empty."""
    lately = await conn.fetchval(
        "SELECT EXISTS (SELECT 1 FROM closedloop.visit WHERE visited_at > $1)",
        now - timedelta(hours=12),
    )
    if lately or not places:
        return
    world = await office.cache.now(conn)
    questions = world.rules_at(now).visitors.questions
    coming = [
        _coming(office, places[0], n, now, {each.code: bool(alarming) for each in questions[:1]})
        for n, (_, _, _, alarming) in enumerate(VISITORS)
    ]
    await take(conn, office, coming, now)


def _coming(
    office: Office, place_id: int, number: int, now: datetime, declared: dict[str, bool]
) -> Coming:
    name, minutes, way, _ = VISITORS[number]
    digits = f"41022119010101{number:03d}"  # born when nobody alive was
    document = digits + check_character(digits)
    at = now - timedelta(minutes=minutes)
    made = Coming(
        id=uuid7(at),
        place_id=place_id,
        way=way,
        at=at,
        actor="demo",
        declared=declared,
        document=Document(
            subject=office.vault.blind(document, field="person_id"),
            id_type="resident",
            number=document,
            name=name,
        ),
        digest=b"",
    )
    return replace(made, digest=digest(made))
