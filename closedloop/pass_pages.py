"""The driver's pass on its own page. No log-in: the key in its address, which only the reporter
was given, opens it.
"""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from closedloop.hold_words import told_to_driver
from closedloop.model import BEFORE_RELEASE, UNDER_WAY, Loop, State, state_at
from closedloop.pass_acts import CANCELLABLE, VOID_REASONS, cancel
from closedloop.printouts import (
    NOT_VALID,
    Size,
    offline_if_any,
    one_code,
    pictured,
    printed,
    sheet_of,
    stands,
)
from closedloop.reporting import EDITABLE, Office, situation_of
from closedloop.situation import Situation
from closedloop.views import failure_views
from kernel.auth import public
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Malformed, NotFound
from kernel.i18n import t
from kernel.ids import uuid7
from kernel.web import Page, page
from registry.gate_notices import standing, told
from registry.model import Movement
from registry.passes import pass_number
from registry.plates import kind_shown
from registry.posters import pass_svg, qr_svg
from registry.reports import view_key_fits
from registry.transport_queries import transport_of
from registry.world import World

HOTLINE = "12328"
CALLING = frozenset({State.OVERDUE, State.ENQUIRY, State.HELD, State.INCIDENT, State.VOIDED})
#: Nothing comes after; the telephone forgets the page that it kept.
ENDED = frozenset(
    {State.DISCHARGED, State.TRANSFERRED, State.CLOSED_BY_OFFICER, State.REFERRED} | NOT_VALID
)
#: How long a telephone keeps the page of a truck that is inside and has no hour of leaving.
KEPT_INSIDE = timedelta(hours=48)
WORKER = Path(__file__).parent / "static" / "pass-worker.js"

Code = Literal["short", "offline"]


class CancelForm(Struct, frozen=True, kw_only=True):
    event_id: str = ""


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
    good = number is not None and stands(movement, loop, now)
    signed = await offline_if_any(tx, office, movement, world, now) if good else ""
    return page(
        "pass.html",
        movement=_shown(situation, world, state, now),
        pass_number=number,
        qr_svg=qr_svg(number, error="q") if number is not None and good else None,
        offline_svg=qr_svg(signed) if signed else None,
        failures=failure_views(movement.failures, world.rules_at(now)),
        next_step=_next_step(loop, state),
        hold=told_to_driver(loop, world),
        reply_url=f"/d/{pass_ref}/reply" if loop.state in UNDER_WAY else None,
        replied=t(f"reply.{loop.last_reply}") if loop.last_reply else "",
        next_call=HOTLINE if state in CALLING else None,
        pass_url=f"/d/{pass_ref}",
        edit_url=f"/d/{pass_ref}/edit" if loop.state in EDITABLE else None,
        cancel_url=f"/d/{pass_ref}/cancel" if _may_cancel(loop, state) else None,
        again_url="/d/new" if state is State.CANCELLED else None,
        keep_until=_keep_until(movement, loop, state, now) if good else None,
        notices=await _notices(tx, situation, now),
        now=now,
    )


async def _notices(conn: Connection, situation: Situation, now: datetime) -> list[str]:
    """What the checkpoint says of itself, until the truck is through it."""
    place_id = situation.movement.entry_place_id
    if place_id is None or situation.loop.state not in BEFORE_RELEASE:
        return []
    return [told(notice) for notice in await standing(conn, now, place_id)]


def _shown(situation: Situation, world: World, state: State, now: datetime) -> dict[str, Any]:
    movement, loop = situation.movement, situation.loop
    entry = world.places.get(loop.entry_place_id or movement.entry_place_id or 0)
    return {
        "state": state,
        "plate": movement.plate,
        "plate_kind": kind_shown(movement.plate),
        "trailer_plate": movement.trailer_plate,
        "masked_name": situation.people[0].masked_name if situation.people else "",
        "window_from": movement.window_from,
        "window_until": movement.window_to,
        "entry_place": "" if entry is None else entry.name,
        "stops": _stops(loop, world),
        "transport": transport_of(situation.movement, world, now),
    }


def _next_step(loop: Loop, state: State) -> str:
    if state is State.VOIDED and loop.void_reason in VOID_REASONS:
        return t(f"void.reason.{loop.void_reason}") + " " + t("ui.pass.voided.next")
    return t(f"next.{state}")


def _may_cancel(loop: Loop, state: State) -> bool:
    return loop.state in CANCELLABLE and state is not State.LAPSED


def _keep_until(movement: Movement, loop: Loop, state: State, now: datetime) -> datetime | None:
    """Until when a telephone may show its copy without asking; None where nothing is to come."""
    if state in ENDED or movement.window_to is None:
        return None
    if loop.state in BEFORE_RELEASE:
        return movement.window_to
    return max(movement.expected_exit_at or now, now) + KEPT_INSIDE


def _stops(loop: Loop, world: World) -> list[dict[str, Any]]:
    return [
        {"name": world.places[stop.place_id].name, "due_at": stop.due_at}
        for stop in loop.stops
        if stop.place_id in world.places
    ]


@get("/d/{pass_ref:str}/full", guards=[public])
async def full_page(
    pass_ref: FromPath[str],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    code: FromQuery[Code] = "short",
) -> Page:
    """One code as large as the screen, on white, with the plate and the digits."""
    situation = await own_situation(tx, office, pass_ref)
    sheet = await one_code(tx, office, situation, clock.now(), offline=code == "offline")
    return page(
        "pass_full.html",
        plate=sheet.plate,
        trailer_plate=sheet.trailer_plate,
        pass_number=sheet.number,
        offline=bool(sheet.offline),
        qr_svg=qr_svg(sheet.offline) if sheet.offline else qr_svg(sheet.number, error="q"),
        pass_url=f"/d/{pass_ref}",
    )


@get("/d/{pass_ref:str}/pass.svg", guards=[public])
async def pass_to_print(
    pass_ref: FromPath[str],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Response[str]:
    """The pass on A4."""
    situation = await own_situation(tx, office, pass_ref)
    sheet = sheet_of(situation, await office.cache.now(tx), office, clock.now())
    return Response(pass_svg(sheet), media_type="image/svg+xml")


@get("/d/{pass_ref:str}/pass.pdf", guards=[public])
async def pass_on_paper(
    pass_ref: FromPath[str],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    size: FromQuery[Size] = "a6",
) -> Response[bytes]:
    """The pass for a printer: A6, or a roll of 80 mm; both codes."""
    situation = await own_situation(tx, office, pass_ref)
    made = await printed(tx, office, situation, size, clock.now())
    return Response(made, media_type="application/pdf")


@get("/d/{pass_ref:str}/pass.png", guards=[public])
async def pass_as_picture(
    pass_ref: FromPath[str],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    code: FromQuery[Code] = "short",
) -> Response[bytes]:
    """The pass to keep among the telephone's pictures."""
    situation = await own_situation(tx, office, pass_ref)
    made = await pictured(tx, office, situation, clock.now(), offline=code == "offline")
    return Response(made, media_type="image/png")


@get("/d/{pass_ref:str}/cancel", guards=[public])
async def cancel_page(
    pass_ref: FromPath[str],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Asks once more before a report is cancelled."""
    now = clock.now()
    situation = await own_situation(tx, office, pass_ref)
    if situation.loop.state not in CANCELLABLE:
        return Redirect(f"/d/{pass_ref}", status_code=303)
    movement = situation.movement
    return page(
        "pass_cancel.html",
        plate=movement.plate,
        plate_kind=kind_shown(movement.plate),
        pass_url=f"/d/{pass_ref}",
        event_id=str(uuid7(now)),
    )


@post("/d/{pass_ref:str}/cancel", guards=[public], status_code=303)
async def cancel_form(
    pass_ref: FromPath[str],
    data: URLEncodedBody[CancelForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Redirect:
    """The driver does not come. A form sent twice cancels once."""
    now = clock.now()
    situation = await own_situation(tx, office, pass_ref)
    if situation.loop.state is not State.CANCELLED:
        event_id = event_id_in(data.event_id, now)
        await cancel(tx, office, situation.movement.movement_id, event_id, now)
    return Redirect(f"/d/{pass_ref}", status_code=303)


def event_id_in(text: str, now: datetime) -> UUID:
    """Raises Malformed("event_id_malformed")."""
    try:
        return UUID(text) if text else uuid7(now)
    except ValueError as error:
        raise Malformed("event_id_malformed") from error


@get("/d/sw.js", guards=[public], include_in_schema=False, opt={"skip_session": True})
async def pass_worker() -> Response[str]:
    """What shows a kept pass where there is no network; it may look at pages below /d/ only."""
    return Response(
        await asyncio.to_thread(WORKER.read_text, "utf-8"),
        media_type="text/javascript",
        headers={"cache-control": "no-cache"},
    )


HANDLERS: list[Any] = [
    pass_page,
    full_page,
    pass_to_print,
    pass_on_paper,
    pass_as_picture,
    cancel_page,
    cancel_form,
    pass_worker,
]
