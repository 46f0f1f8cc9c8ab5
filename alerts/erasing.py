"""What was said about a journey's limits goes with the journey."""

from collections.abc import Sequence

from kernel.db import Connection

TABLES = ("alert", "reconciliation", "mark", "claim", "snooze", "note")


async def erase_alerts(conn: Connection, movement_ids: Sequence[int]) -> None:
    for table in TABLES:
        await conn.execute(f"DELETE FROM alerts.{table} WHERE movement_id = ANY($1)", movement_ids)
