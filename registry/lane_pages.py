"""The lanes of a checkpoint: which way, for whom, and which is kept free."""

from typing import Any

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Malformed, Refused
from kernel.i18n import t
from kernel.web import Page, page
from registry.accounts import known_actor
from registry.framing import REGISTRARS, framing
from registry.lanes import lanes_of, set_lanes
from registry.model import Lane
from registry.office_views import fields_of
from registry.places import Detail, find_place
from registry.scope import own_district
from registry.wording import error

AnyRequest = Request[Any, Any, Any]
DIRECTIONS = ("in", "out", "both")
SERVES = ("all", "trucks", "cars")


@get("/reg/places/{place_id:int}/lanes", guards=[requires(*REGISTRARS)])
async def lanes_page(
    request: AnyRequest, place_id: FromPath[int], tx: NamedDependency[Connection]
) -> Page:
    """Each lane with what it is for."""
    actor = known_actor(request)
    place = await find_place(tx, place_id, own_district(actor))
    return _show(actor, place, await lanes_of(tx, place.id))


def _show(
    actor: Actor, place: Detail, lanes: list[Lane], told: dict[str, str] | None = None
) -> Page:
    return page(
        "lanes.html",
        http_status=422 if told else 200,
        place=place,
        lanes=lanes,
        directions=[{"value": each, "label": t(f"ui.lanes.{each}")} for each in DIRECTIONS],
        serves=[{"value": each, "label": t(f"ui.lanes.{each}")} for each in SERVES],
        errors=[told] if told else [],
        **framing(actor, f"/reg/places/{place.id}/lanes"),
    )


@post("/reg/places/{place_id:int}/lanes", guards=[requires(*REGISTRARS)], status_code=200)
async def lanes_form(
    request: AnyRequest,
    place_id: FromPath[int],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """All lanes of the place at once."""
    actor = known_actor(request)
    place = await find_place(tx, place_id, own_district(actor))
    fields, _ = await fields_of(request)
    known = await lanes_of(tx, place.id)
    try:
        said = [_read(fields, number, lane) for number, lane in enumerate(known)]
        async with tx.transaction():
            await set_lanes(tx, place.id, said, actor, clock.now())
    except Refused as refused:
        return _show(actor, place, known, error("", refused))
    return Redirect(f"/reg/places/{place.id}", status_code=303)


def _read(fields: dict[str, str], number: int, lane: Lane) -> Lane:
    """By the lane's place in the list: names of gates are anybody's words."""
    said = {
        "gate": lane.gate,
        "direction": fields.get(f"direction_{number}", lane.direction),
        "serves": fields.get(f"serves_{number}", lane.serves),
        "dedicated": bool(fields.get(f"dedicated_{number}")),
    }
    try:
        return msgspec.convert(said, Lane)
    except msgspec.ValidationError as error_:
        raise Malformed("malformed") from error_


HANDLERS: list[Any] = [lanes_page, lanes_form]
