"""Lanes of a checkpoint: which way each leads, for whom, and where trucks go first (seed 002).

What is said of a lane is advice: no truck is turned away for the lane in which it stands.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct, convert

from kernel.audit import record_access
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import NotFound, Unprocessable
from registry.model import Lane, Place

Way = Literal["in", "out"]


class Advice(Struct, frozen=True, kw_only=True):
    """`code` has its sentence under `console.lane.<code>`; `gates` where to go instead."""

    code: str
    gates: tuple[str, ...] = ()


def advice(place: Place, gate: str, way: Way, *, priority: bool) -> Advice | None:
    """What the officer tells the driver of the lane; `static/console/lanes.js` says the same."""
    here = next((lane for lane in place.lanes if lane.gate == gate), None)
    if here is None:
        return None
    if here.direction not in {way, "both"}:
        return Advice(code="other_way", gates=_leading(place.lanes, way, dedicated=False))
    if here.serves == "cars":
        return Advice(code="for_cars", gates=_leading(place.lanes, way, dedicated=False))
    first = _leading(place.lanes, way, dedicated=True)
    if priority and first and not here.dedicated:
        return Advice(code="go_first", gates=first)
    return Advice(code="kept_free") if here.dedicated and not priority else None


def _leading(lanes: Sequence[Lane], way: Way, *, dedicated: bool) -> tuple[str, ...]:
    """Lanes for trucks that lead that way."""
    return tuple(
        lane.gate
        for lane in lanes
        if lane.direction in {way, "both"} and lane.serves != "cars" and lane.dedicated is dedicated
    )


async def lanes_of(conn: Connection, place_id: int) -> list[Lane]:
    rows = await conn.fetch(
        """
        SELECT gate, direction, serves, dedicated FROM registry.gate
         WHERE place_id = $1 ORDER BY gate
        """,
        place_id,
    )
    return [convert(dict(row), Lane) for row in rows]


async def set_lanes(
    conn: Connection, place_id: int, lanes: Sequence[Lane], actor: Actor, now: datetime
) -> None:
    """The gates that are named; others stay as they are.

    Raises NotFound `unknown_gate`; Unprocessable `dedicated_for_cars`.
    """
    for lane in lanes:
        if lane.dedicated and lane.serves == "cars":
            raise Unprocessable("dedicated_for_cars", gate=lane.gate)
        found = await conn.fetchval(
            """
            UPDATE registry.gate SET direction = $3, serves = $4, dedicated = $5
             WHERE place_id = $1 AND gate = $2 RETURNING true
            """,
            place_id,
            lane.gate,
            lane.direction,
            lane.serves,
            lane.dedicated,
        )
        if found is None:
            raise NotFound("unknown_gate", gate=lane.gate)
    await record_access(
        conn,
        actor,
        action="set_lanes",
        subject_kind="place",
        subject=str(place_id),
        reason="administration",
        now=now,
    )
