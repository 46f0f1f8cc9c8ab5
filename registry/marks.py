"""Marks of trucks that were never found, as pages of any floor show them.

They are made, and known, higher up; whoever puts the service together gives these pages the way to
ask for a firm's. A mark is never taken away: what the record learns later lifts it.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from kernel.db import Connection
from registry.plates import kind_shown, masked_plate

#: So far back marks count.
COUNTED = timedelta(days=90)


class Mark(Struct, frozen=True, kw_only=True):
    """Of a `firm` (`place_id`, `place`) or a `carrier`, who is known by the plate. `found_at`: what
    was waited for came after all; `ended_at`: the journey is over, with proof or by two officers.
    """

    movement_id: int
    about: str
    place_id: int | None
    place: str
    plate: str
    at: datetime
    found_at: datetime | None
    ended_at: datetime | None

    @property
    def lifted_by(self) -> str:
        """`arrival`, `proof`, or nothing while it stands. Evidence goes before clicks."""
        if self.found_at is not None:
            return "arrival"
        return "" if self.ended_at is None else "proof"

    @property
    def lifted_at(self) -> datetime | None:
        return self.found_at or self.ended_at


Find = Callable[[Connection, int, datetime], Awaitable[list[Mark]]]


class Marks:
    """Those of a firm since some time, the newest first."""

    def __init__(self, find: Find) -> None:
        self._find = find

    async def of(self, conn: Connection, place_id: int, now: datetime) -> list[Mark]:
        return await self._find(conn, place_id, now - COUNTED)


def shown(mark: Mark, *, whole: bool) -> dict[str, Any]:
    """`whole`: for whoever may look into the journey; others see a part of the plate."""
    return {
        "movement_id": mark.movement_id if whole else None,
        "plate": mark.plate if whole else masked_plate(mark.plate),
        "plate_kind": kind_shown(mark.plate),
        "about": mark.about,
        "place": mark.place,
        "at": mark.at,
        "lifted_by": mark.lifted_by,
        "lifted_at": mark.lifted_at,
    }
