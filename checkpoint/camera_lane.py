"""What the lane sees of its cameras: the trucks that came by just now, and the plate that goes with
a scan.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from checkpoint.camera_matching import LEAST_CONFIDENCE, candidates
from checkpoint.intake import pass_said
from closedloop.reporting import Office
from kernel.db import Connection
from kernel.errors import Refused
from registry.camera_reads import Sighting, lately_at
from registry.model import Place
from registry.plates import kind_shown, one_character_off
from registry.report_queries import find_movement

#: A truck that was read stands at the barrier for so long, or has gone.
AT_THE_BARRIER = timedelta(seconds=90)
SHOWN_FOR = timedelta(minutes=10)
MOST_SHOWN = 5


async def seen_at(conn: Connection, place: Place, gate: str, now: datetime) -> list[dict[str, Any]]:
    """The last trucks at a lane, the newest first, with those that an unclear plate may be."""
    found = await lately_at(conn, place.id, gate, now - SHOWN_FOR, MOST_SHOWN)
    unclear = {read.plate for read in found if read.outcome in {"candidate", "doubtful"}} - {""}
    close = await candidates(conn, unclear, place, now)
    return [
        {
            "row": f"{read.device_id}:{read.id}",
            "plate": read.plate,
            "plate_kind": kind_shown(read.plate),
            "outcome": read.outcome,
            "gate": read.gate,
            "taken_at": read.taken_at,
            "clock_wrong": read.clock_wrong,
            "candidates": [
                {"plate": each.plate, "plate_kind": kind_shown(each.plate)}
                for each in close.get(read.plate, ())
            ],
        }
        for read in found
    ]


async def plate_for(
    conn: Connection, office: Office, place_id: int, gate: str, said: str, now: datetime
) -> str:
    """The plate that goes with a scan of the pass `said`, where nobody typed one: the truck's own
    if the lane's camera read it just now, else the one that stands there. Empty where no camera
    looks, where it was not sure, and where it may have misread the truck's own.
    """
    if not gate or not said:
        return ""
    reads = await lately_at(conn, place_id, gate, now - AT_THE_BARRIER, MOST_SHOWN)
    sure = [read for read in reads if _sure(read)]
    if not sure:
        return ""
    try:
        movement = await find_movement(conn, await pass_said(conn, office, said))
    except Refused:
        return ""  # the scan itself says what is wrong with it
    return chosen([read.plate for read in sure], {movement.plate, movement.trailer_plate} - {""})


def _sure(read: Sighting) -> bool:
    return read.outcome != "doubtful" and read.confidence >= LEAST_CONFIDENCE and read.plate != ""


def chosen(seen: Collection[str], own: Collection[str]) -> str:
    """`seen`: the newest first. Pure."""
    for plate in seen:
        if plate in own:
            return plate
    newest = next(iter(seen), "")
    return "" if any(one_character_off(newest, plate) for plate in own) else newest
