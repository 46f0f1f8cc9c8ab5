"""What a decision about a movement may look at, read in one go for many movements."""

from collections.abc import Sequence
from functools import cached_property

import msgspec
from msgspec import Struct

from closedloop.fold import fold
from closedloop.model import Loop
from kernel.auth import Actor
from kernel.db import Connection
from registry.model import Event, Movement, Subject
from registry.scope import check_movement_in_scope
from registry.world import World


class Situation(Struct, frozen=True, kw_only=True, dict=True):
    """A movement as it stands: the report, its people with their evidence, its events."""

    movement: Movement
    people: tuple[Subject, ...]
    events: tuple[Event, ...]
    #: Version of the stored loop, 0 where there is none yet.
    version: int

    @cached_property
    def loop(self) -> Loop:
        return fold(self.movement.movement_id, self.events)


def check_in_district(situation: Situation, actor: Actor | None, world: World) -> None:
    """Raises NotFound `unknown_movement` outside the actor's district, if they have one."""
    loop = situation.loop
    added = (loop.entry_place_id, loop.next_place_id, *(stop.place_id for stop in loop.stops))
    check_movement_in_scope(actor, situation.movement, added, world)


class Reading(Struct, frozen=True, kw_only=True):
    epoch: int
    situations: dict[int, Situation]


_MOVEMENT = msgspec.json.Decoder(Movement)
_PEOPLE = msgspec.json.Decoder(tuple[Subject, ...])
_EVENTS = msgspec.json.Decoder(tuple[Event, ...])


async def read_situations(conn: Connection, movement_ids: Sequence[int]) -> Reading:
    """One statement for the whole batch; the epoch comes with it (architecture, the hot path)."""
    rows = await conn.fetch(
        """
        SELECT e.number AS epoch, m.movement_id, coalesce(l.version, 0) AS version,
               CASE WHEN m.movement_id IS NULL THEN NULL ELSE json_build_object(
                   'movement_id', m.movement_id, 'version', m.version, 'plate', m.plate,
                   'trailer_plate', m.trailer_plate, 'origin', m.origin, 'goods', m.goods,
                   'entry_place_id', m.entry_place_id, 'stops', m.stops,
                   'expected_entry_at', m.expected_entry_at, 'expected_exit_at', m.expected_exit_at,
                   'window_from', m.window_from, 'window_to', m.window_to, 'failures', m.failures,
                   'channel', m.channel, 'reported_at', m.reported_at,
                   'vehicle', m.vehicle)::text END AS movement,
               (SELECT json_agg(json_build_object(
                           'ordinal', p.ordinal, 'role', p.role, 'masked_name', p.masked_name,
                           'declared', p.declared, 'evidence', p.evidence) ORDER BY p.ordinal)::text
                  FROM registry.movement_person p WHERE p.movement_id = m.movement_id) AS people,
               (SELECT json_agg(json_build_object(
                           'movement_id', v.movement_id, 'event_id', v.event_id, 'kind', v.kind,
                           'occurred_at', v.occurred_at, 'received_at', v.received_at,
                           'uncertainty_ms', v.uncertainty_ms, 'place_id', v.place_id,
                           'gate', v.gate,
                           'device_id', v.device_id, 'sequence', v.sequence, 'offline', v.offline,
                           'actor', v.actor, 'body', v.body))::text
                  FROM registry.event v WHERE v.movement_id = m.movement_id) AS events
          FROM registry.epoch e
          LEFT JOIN registry.movement m ON m.movement_id = ANY($1)
          LEFT JOIN closedloop.loop l ON l.movement_id = m.movement_id
        """,
        movement_ids,
    )
    situations = {
        row["movement_id"]: Situation(
            movement=_MOVEMENT.decode(row["movement"]),
            people=_PEOPLE.decode(row["people"] or "[]"),
            events=_EVENTS.decode(row["events"] or "[]"),
            version=row["version"],
        )
        for row in rows
        if row["movement_id"] is not None
    }
    return Reading(epoch=rows[0]["epoch"], situations=situations)
