"""The driver's pass on its own page. No log-in: the key in its address, which only the reporter
was given, opens it.
"""

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from closedloop.model import Loop, State, state_at
from closedloop.reporting import EDITABLE, Office, situation_of
from closedloop.situation import Situation
from closedloop.views import failure_views, pass_picture
from kernel.auth import public
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import NotFound
from kernel.i18n import t
from kernel.web import Page, page
from registry.passes import pass_number
from registry.plates import kind_shown
from registry.posters import qr_svg
from registry.reports import view_key_fits
from registry.world import World

HOTLINE = "12328"


async def own_situation(conn: Connection, office: Office, reference: str) -> Situation:
    """The movement that a pass's address opens. An unknown one and a wrong key answer alike."""
    number, _, key = reference.partition("-")
    if not (reference.isascii() and number.isdigit() and len(number) == 13):
        raise NotFound("unknown_pass_page")
    if not view_key_fits(int(number), key, office.vault):
        raise NotFound("unknown_pass_page")
    return await situation_of(conn, int(number))


@get("/d/{pass_ref:str}", guards=[public])
async def pass_page(
    pass_ref: FromPath[str],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page:
    """The driver's pass: one word, the code, and what to do next."""
    now = clock.now()
    situation = await own_situation(tx, office, pass_ref)
    world = await office.cache.now(tx)
    movement, loop = situation.movement, situation.loop
    state = state_at(loop, now)
    number = None if movement.blocked else pass_number(movement.movement_id, office.vault)
    entry = world.places.get(loop.entry_place_id or movement.entry_place_id or 0)
    return page(
        "pass.html",
        movement={
            "state": state,
            "plate": movement.plate,
            "plate_kind": kind_shown(movement.plate),
            "trailer_plate": movement.trailer_plate,
            "masked_name": situation.people[0].masked_name if situation.people else "",
            "window_from": movement.window_from,
            "window_until": movement.window_to,
            "entry_place": "" if entry is None else entry.name,
            "stops": _stops(loop, world),
        },
        pass_number=number,
        qr_svg=None if number is None else qr_svg(number, error="q"),
        failures=failure_views(movement.failures, world.rules_at(now)),
        next_step=t(f"next.{state}"),
        next_call=HOTLINE if state in {State.OVERDUE, State.HELD, State.INCIDENT} else None,
        edit_url=f"/d/{pass_ref}/edit" if loop.state in EDITABLE else None,
        print_url=None if number is None else f"/d/{pass_ref}/pass.svg",
        now=now,
    )


def _stops(loop: Loop, world: World) -> list[dict[str, Any]]:
    return [
        {"name": world.places[stop.place_id].name, "due_at": stop.due_at}
        for stop in loop.stops
        if stop.place_id in world.places
    ]


@get("/d/{pass_ref:str}/pass.svg", guards=[public])
async def pass_to_print(
    pass_ref: FromPath[str],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
) -> Response[bytes]:
    """The pass on paper."""
    situation = await own_situation(tx, office, pass_ref)
    drawn = pass_picture(situation, await office.cache.now(tx), office)
    return Response(drawn, media_type="image/svg+xml")


HANDLERS: list[Any] = [pass_page, pass_to_print]
