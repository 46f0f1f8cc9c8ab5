"""Which unit acts on a work item, and which items a reader may see."""

from collections.abc import Sequence

from msgspec import Struct

from alerts.tickets_model import DESK, Ticket
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Unprocessable
from registry.model import PlaceKind, Role
from registry.scope import covers, own_district
from registry.world import World

_KINDS = {PlaceKind.DESTINATION: "firm", PlaceKind.CHECKPOINT: "checkpoint"}


class Unit(Struct, frozen=True, kw_only=True):
    kind: str = ""
    district: str = ""
    place_id: int | None = None


class Scope(Struct, frozen=True, kw_only=True):
    """`desk`: sees what is of the district, or everything; else what was pushed to a `unit` of the
    district, or to the place.
    """

    desk: bool
    district: str | None
    unit: str
    place_id: int | None

    def arguments(self) -> tuple[object, ...]:
        return self.desk, self.district, self.unit, self.place_id


def scope_of(actor: Actor) -> Scope:
    unit = next((role for role in (Role.GRID, Role.POLICE) if role in actor.roles), None)
    return Scope(
        desk=bool(actor.roles & {*DESK, Role.AUDITOR}),
        district=own_district(actor),
        unit={Role.GRID: "district", Role.POLICE: "police"}.get(unit, "") if unit else "",
        place_id=actor.place_id if actor.roles & {Role.FIRM, Role.DESK} else None,
    )


def seen_by(first: int) -> str:
    """SQL: whether ticket `t` is in a scope whose arguments begin at parameter `first`."""
    desk, district, unit, place = (f"${first + n}" for n in range(4))
    return f"""
        (({desk}::boolean AND ({district}::text IS NULL OR t.district_code = {district}
                               OR t.unit_district = {district}))
         OR ({unit}::text <> '' AND t.unit_kind = {unit}
             AND ({district}::text IS NULL OR t.unit_district = {district}))
         OR ({place}::bigint IS NOT NULL AND t.unit_place_id = {place}))"""


def is_own(ticket: Ticket, actor: Actor) -> bool:
    """Whether the reader is the unit that was asked."""
    scope = scope_of(actor)
    if scope.place_id is not None:
        return ticket.unit_place_id == scope.place_id
    here = scope.district in {None, ticket.unit_district}
    return scope.unit != "" and ticket.unit_kind == scope.unit and here


def read_unit(text: str, world: World, districts: Sequence[str], actor: Actor | None) -> Unit:
    """`police:410221`, `district:410221` or `place:7`. Raises Unprocessable `unit_unknown`."""
    kind, _, which = text.partition(":")
    own = own_district(actor)
    if kind in {"police", "district"} and (which in districts or (kind == "police" and not which)):
        if own is None or covers(own, which):
            return Unit(kind=kind, district=which)
    elif kind == "place" and which.isascii() and which.isdigit() and len(which) < 19:
        place = world.places.get(int(which))
        if place is not None and place.kind in _KINDS and covers(own, place.district_code):
            return Unit(kind=_KINDS[place.kind], district=place.district_code, place_id=place.id)
    raise Unprocessable("unit_unknown")


async def districts(conn: Connection, actor: Actor | None) -> dict[str, str]:
    """Code → name, those that the actor's work covers."""
    own = own_district(actor)
    rows = await conn.fetch(
        """
        SELECT code, name FROM registry.district WHERE $1::text IS NULL OR code = $1 ORDER BY code
        """,
        own,
    )
    return {row["code"]: row["name"] for row in rows}


def told_to(unit: Unit) -> str:
    """The outbox's recipient."""
    if unit.place_id is not None:
        return f"place:{unit.place_id}"
    return {"police": "police", "district": "grid"}.get(unit.kind, "duty")
