"""Everything that is erased when its time is over, floor by floor."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import alerts.erasing
import alerts.supervision_erasing
import closedloop.ending
import closedloop.tracing_erasing
import kernel.retention
import registry.camera_erasing
import registry.erasing
from kernel.db import Connection
from kernel.retention import Eraser


async def _erase_records(conn: Connection, keys: Sequence[Any], now: datetime) -> None:
    """From the top down: what was said about a journey goes before the journey."""
    await alerts.erasing.erase_alerts(conn, keys)
    await closedloop.ending.RECORDS.erase(conn, keys, now)


ERASERS: tuple[Eraser, ...] = (
    *kernel.retention.ERASERS,
    *registry.erasing.ERASERS,
    *registry.camera_erasing.ERASERS,
    *closedloop.ending.ERASERS,
    *closedloop.tracing_erasing.ERASERS,
    *alerts.supervision_erasing.ERASERS,
    *alerts.erasing.ERASERS,
    Eraser(name="records", due=closedloop.ending.RECORDS.due, erase=_erase_records),
)
