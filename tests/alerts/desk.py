"""Work items and who works on them, for the tests of the information desk."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from alerts.tickets import NewTicket, Origin, Taken, receive
from alerts.tickets_acts import Done, do
from alerts.tickets_changes import Doing
from alerts.tickets_model import Kind, TicketAct
from kernel.auth import Actor
from kernel.db import Connection
from kernel.ids import uuid7
from registry.desk_rules import shipped_desk
from tests.city import City
from tests.conftest import NOON

RULES = shipped_desk()
PHONE = "13800138000"


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


async def taken(
    conn: Connection,
    city: City,
    kind: Kind = Kind.COMPLAINT,
    when: datetime = NOON,
    *,
    source: str = "phone",
    actor: Actor | None = None,
    **said: Any,
) -> Taken:
    fields: dict[str, Any] = {
        "id": uuid7(when),
        "category": {"complaint": "turned_back", "help": "fuel", "screening": "arrival"}[kind],
        "words": "在北卡口被劝返，没有说明原因",
        "phone": PHONE,
        "name": "王小明",
    }
    new = NewTicket(**fields | said)
    return await receive(conn, city.office, kind, new, Origin(source=source), actor, when)


async def did(
    conn: Connection,
    city: City,
    ticket_id: UUID,
    act: TicketAct,
    actor: Actor | None,
    when: datetime = NOON,
    **said: Any,
) -> Done:
    doing = Doing(id=said.pop("id", None) or uuid4(), act=act, **said)
    return await do(conn, city.office, ticket_id, doing, actor, when)


async def somebody(
    conn: Connection, role: str, *, place_id: int | None = None, district: str | None = None
) -> Actor:
    """With an account, so that its name can be shown."""
    account_id = uuid4()
    await conn.execute(
        """
        INSERT INTO registry.account (id, login, password_hash, name, roles, created_at)
        VALUES ($1, $2, '', $3, $4, $5)
        """,
        account_id,
        account_id.hex,
        f"{role} {account_id.hex[:4]}",
        [role],
        NOON,
    )
    return Actor(
        id=account_id,
        kind="account",
        name=f"{role} {account_id.hex[:4]}",
        roles=frozenset({role}),
        place_id=place_id,
        district=district,
    )


async def pushed_to(conn: Connection, city: City, unit: str, when: datetime, **about: Any) -> UUID:
    """An item that a unit is asked about; `about` names its caller as a report would."""
    caller = {name: about[name] for name in ("name", "phone") if name in about}
    desk = await somebody(conn, "hotline")
    ticket_id = (await taken(conn, city, when=when, district="410221", **caller)).id
    await did(conn, city, ticket_id, TicketAct.PUSH, desk, when, unit=unit)
    return ticket_id
