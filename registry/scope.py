"""Which part of the city a person's work covers: one district, or the whole of it."""

from collections.abc import Iterable

from kernel.auth import Actor
from kernel.errors import Forbidden, NotFound
from registry.model import Movement
from registry.world import World

WHOLE_CITY = "00"


def within(column: str, parameter: int) -> str:
    """SQL: the place's district is the actor's, or in the actor's city, or the actor has none.

    `parameter` is the number of a text parameter; a code that ends in 00 is a whole city.
    """
    own = f"${parameter}::text"
    return (
        f"({own} IS NULL OR {column} = {own} "
        f"OR (right({own}, 2) = '00' AND left({column}, 4) = left({own}, 4)))"
    )


def covers(district: str | None, code: str) -> bool:
    """The same, in the program."""
    if district is None or district == code:
        return True
    return district.endswith("00") and district[:4] == code[:4]


def own_district(actor: Actor | None) -> str | None:
    """The district to which a reader is confined, if to one.

    Whoever stands at a place is confined by that place instead, where places confine.
    """
    if actor is None or actor.place_id is not None or actor.district is None:
        return None
    return None if actor.district.endswith(WHOLE_CITY) else actor.district


def touches_district(parameter: str) -> str:
    """SQL: whether the movement `m` with its loop `l` has a place in the district `parameter`.

    True for all where the parameter is NULL.
    """
    return f"""
        ({parameter}::text IS NULL OR EXISTS (
            SELECT 1 FROM registry.place AS touched
             WHERE touched.id = ANY(m.stops || m.entry_place_id || l.entry_place_id
                                    || l.next_place_id)
               AND touched.district_code = {parameter}))"""


def check_movement_in_scope(
    actor: Actor | None, movement: Movement, places: Iterable[int | None], world: World
) -> None:
    """Outside one's district a movement does not exist. Raises NotFound `unknown_movement`.

    `places` are those that its events have added to the ones that were reported.
    """
    district = own_district(actor)
    if district is None:
        return
    touched = {movement.entry_place_id, *movement.stops, *places}
    known = (world.places.get(place_id) for place_id in touched if place_id is not None)
    if not any(covers(district, place.district_code) for place in known if place):
        raise NotFound("unknown_movement", movement_id=movement.movement_id)


def check_whole_city(actor: Actor | None) -> None:
    """For what cannot be divided by district. Raises Forbidden `whole_city_only`."""
    if own_district(actor) is not None:
        raise Forbidden("whole_city_only")
