"""What each process does for the ladder every few seconds: raise, look into, refer."""

from datetime import datetime

import structlog
from msgspec import Struct

from alerts.extensions import apply_extensions
from alerts.overdue import SETTLING, database_time, sweep_all
from alerts.reconcile import reconcile
from alerts.referring import refer_exhausted
from closedloop.reporting import Office
from kernel.clock import Clock, SystemClock
from kernel.db import Connection
from registry.ladder import LADDER

log = structlog.get_logger()


class Climbed(Struct, frozen=True, kw_only=True):
    raised: int
    looked_into: int
    referred: int
    extended: int


async def sweep_time(conn: Connection, clock: Clock) -> datetime:
    """The database's own time where time is real: schedulers whose clocks differ or jump agree on
    it. Behind by as long as an arrival may take to its commit.
    """
    now = await database_time(conn) if isinstance(clock, SystemClock) else clock.now()
    return now - SETTLING


async def climb(conn: Connection, office: Office, now: datetime) -> Climbed:
    """Safe to run anywhere at any time; what is due is done once."""
    world = await office.cache.now(conn)
    ladder = world.rules_at(now).ladder if world.rule_sets else LADDER
    extended = await apply_extensions(conn, office, now)
    raised = await sweep_all(conn, now, ladder)
    looked_into = await reconcile(conn, now)
    referred = await refer_exhausted(conn, office, ladder, now)
    if raised or extended:
        log.info("ladder_climbed", raised=raised, referred=referred, extended=extended)
    return Climbed(raised=raised, looked_into=looked_into, referred=referred, extended=extended)
