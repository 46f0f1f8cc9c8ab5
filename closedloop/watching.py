"""Who is asking, and what of the loops they may see."""

from typing import Any

from litestar import Request

from kernel.auth import Actor, actor_of
from kernel.errors import Forbidden, Unauthenticated
from registry.model import Role
from registry.world import World

AnyRequest = Request[Any, Any, Any]
WATCHERS = (Role.DUTY, Role.DESK, Role.LANE, Role.AUDITOR, Role.TRACER)


def who(request: AnyRequest) -> Actor:
    """Whoever a guard has let in."""
    actor = actor_of(request)
    if actor is None:
        raise Unauthenticated("log_in_first")
    return actor


def place_of(actor: Actor) -> int:
    if actor.place_id is None:
        raise Forbidden("no_place_of_yours")
    return actor.place_id


def own_place(actor: Actor) -> int | None:
    """The place to which a reader is confined, if to one."""
    return None if actor.roles & set(WATCHERS) else place_of(actor)


def name_of(world: World, place_id: int | None) -> str:
    place = world.places.get(place_id or 0)
    return "" if place is None else place.name
