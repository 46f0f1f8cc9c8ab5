"""What was said about a journey's limits goes with the journey."""

from collections.abc import Sequence

from kernel.db import Connection


async def erase_alerts(conn: Connection, movement_ids: Sequence[int]) -> None:
    await conn.execute("DELETE FROM alerts.alert WHERE movement_id = ANY($1)", movement_ids)
