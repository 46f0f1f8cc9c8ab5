"""What supervision does by the clock: yesterday's reports are frozen, and what was missed is told.

Both are as true without it: a report is frozen when it is first asked for, and pages read what was
missed off the clock.
"""

from datetime import datetime

from alerts.supervision_flags import raise_flags
from alerts.supervision_report import freeze_yesterday
from alerts.supervision_views import rules_now
from kernel.db import Connection
from registry.world import WorldCache


async def look_after(conn: Connection, cache: WorldCache, now: datetime) -> None:
    """However often it runs, and in however many processes, each is done once."""
    supervision = await rules_now(conn, cache, now)
    async with conn.transaction():
        await raise_flags(conn, supervision, now)
    await freeze_yesterday(conn, supervision, now)
