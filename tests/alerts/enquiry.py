"""Trucks that do not arrive, and who looks for them, for the tests of the enquiry."""

from datetime import datetime, timedelta
from uuid import UUID

from alerts.climbing import Climbed, climb
from alerts.extensions import propose_extension
from kernel.auth import Actor
from kernel.db import Connection
from kernel.ids import uuid7
from registry.ladder import LADDER, Does
from tests.city import City
from tests.conftest import NOON

#: Half an hour of road: the limit of a truck that is let in at noon.
DUE = NOON + timedelta(minutes=75)
#: The first rung alone, for tests that are about limits and not about what follows.
FLAGS = tuple(rung for rung in LADDER if rung.does is Does.FLAG)
MINUTE = timedelta(minutes=1)


def after(minutes: float) -> datetime:
    """So long after the limit, and a moment."""
    return DUE + minutes * MINUTE + timedelta(seconds=1)


async def climbed(conn: Connection, city: City, minutes: float) -> Climbed:
    return await climb(conn, city.office, after(minutes))


async def climb_up(conn: Connection, city: City, until: float) -> None:
    """As a scheduler would: every five minutes from an hour before the limit on."""
    at = -60.0
    while at < until:
        await climbed(conn, city, at)
        at += 5
    await climbed(conn, city, until)


async def steps(conn: Connection, movement_id: int) -> list[tuple[str, int]]:
    """Steps of the arrival with the minutes from the limit at which they came."""
    rows = await conn.fetch(
        """
        SELECT step, raised_at - due_at AS after FROM alerts.alert
         WHERE movement_id = $1 AND limb = 'arrival' ORDER BY raised_at, step
        """,
        movement_id,
    )
    return [(row["step"], round(row["after"].total_seconds() / 60)) for row in rows]


async def officer(conn: Connection, name: str, *roles: str) -> Actor:
    """With an account, so that its name can be shown."""
    account_id = uuid7(NOON)
    await conn.execute(
        """
        INSERT INTO registry.account (id, login, password_hash, name, roles, created_at)
        VALUES ($1, $2, '', $2, $3, $4)
        """,
        account_id,
        name,
        list(roles or ("duty",)),
        NOON,
    )
    return Actor(id=account_id, kind="account", name=name, roles=frozenset(roles or ("duty",)))


def alert_of(movement_id: int, limit_no: int = 1) -> str:
    return f"{movement_id}-0-arrival-{limit_no}"


def new_id() -> UUID:
    return uuid7(NOON)


async def add_extension(conn: Connection, city: City, now: datetime) -> UUID:
    """One that waits for its second officer."""
    extension_id = uuid7(now)
    proposer = await officer(conn, f"proposer {extension_id}")
    await propose_extension(
        conn,
        await city.office.cache.now(conn),
        extension_id=extension_id,
        place_id=city.mill,
        side="to",
        minutes=30,
        reason="道路封闭",
        actor=proposer,
        now=now,
    )
    return extension_id
