"""From what a caller names to what they may touch: an alert, a movement, in their own district."""

from alerts.model import AlertId, read_alert_id
from closedloop.reporting import Office, situation_of
from closedloop.situation import Situation, check_in_district
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import NotFound
from registry.model import Role


async def alert_named(
    conn: Connection, office: Office, text: str, actor: Actor
) -> tuple[AlertId, Situation]:
    """Raises NotFound `unknown_alert`, `unknown_movement`; a firm reaches its own trucks only."""
    alert = read_alert_id(text)
    known = await conn.fetchval(
        """
        SELECT EXISTS (SELECT 1 FROM closedloop.deadline
                        WHERE (movement_id, stop, limb, limit_no) = ($1, $2, $3, $4))
        """,
        alert.movement_id,
        alert.stop,
        alert.limb,
        alert.limit_no,
    )
    if not known:
        raise NotFound("unknown_alert")
    return alert, await movement_reached(conn, office, alert.movement_id, actor)


async def movement_reached(
    conn: Connection, office: Office, movement_id: int, actor: Actor
) -> Situation:
    """Raises NotFound `unknown_movement`."""
    situation = await situation_of(conn, movement_id)
    check_in_district(situation, actor, await office.cache.now(conn))
    if Role.FIRM in actor.roles and actor.place_id not in {
        stop.place_id for stop in situation.loop.stops
    }:
        raise NotFound("unknown_movement", movement_id=movement_id)
    return situation
