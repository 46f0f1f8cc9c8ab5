"""The enquiry's one-tap answers: the driver's on the page of the pass, the firm's on its own."""

from datetime import datetime
from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import Struct

from alerts.acting import reply
from alerts.case_acts import number_typed
from alerts.desk_views import codes
from alerts.model import DRIVERS, FIRMS, PURSUED
from alerts.reaching import movement_reached
from alerts.replies import LONGEST_NOTE, Reply
from closedloop.model import state_at
from closedloop.pass_pages import HOTLINE, event_id_in, own_situation
from closedloop.photos import (
    LARGEST_FORM,
    Form,
    add_beside,
    form_of,
    photos_shown,
)
from closedloop.reporting import Office, accepted
from closedloop.situation import Situation
from closedloop.watching import name_of
from kernel.auth import Actor, public, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import NotFound, Refused
from kernel.i18n import current_locale, other_locale
from kernel.web import Page, page, url_with
from registry.accounts import home_of, known_actor
from registry.model import PlaceKind, Role
from registry.plates import kind_shown
from registry.wording import error, navigation
from registry.world import World

AnyRequest = Request[Any, Any, Any]
FIELDS = {
    "reply_unknown": "code",
    "minutes_out_of_range": "minutes",
    "destination_unknown": "place",
    "number_malformed": "minutes",
    "photo_unreadable": "photo",
    "photo_too_large": "photo",
    "photos_too_many": "photo",
}
#: Of a delay, in minutes; what a hand on the wheel can choose from.
DELAYS = (15, 30, 45, 60)


class ReplyForm(Struct, frozen=True, kw_only=True):
    event_id: str = ""
    code: str = ""
    minutes: str = ""
    place: str = ""
    proof: str = ""
    note: str = ""


@get("/d/{pass_ref:str}/reply", guards=[public])
async def driver_page(
    pass_ref: FromPath[str],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Where is the truck? One tap."""
    situation = await own_situation(tx, office, pass_ref)
    return await _show(tx, office, situation, f"/d/{pass_ref}", None, clock.now(), ReplyForm())


@post(
    "/d/{pass_ref:str}/reply",
    guards=[public],
    status_code=200,
    request_max_body_size=LARGEST_FORM,
)
async def driver_form(
    pass_ref: FromPath[str],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """What the driver says is kept and shown to the duty desk; a delay moves the limit, once."""
    situation = await own_situation(tx, office, pass_ref)
    form = await form_of(request)
    return await _take(tx, office, situation, f"/d/{pass_ref}", None, form, clock.now())


@get("/firm/trucks/{movement_id:int}", guards=[requires(Role.FIRM)])
async def firm_page(
    movement_id: FromPath[int],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """What the firm knows of a truck that has not come."""
    actor = known_actor(request)
    situation = await movement_reached(tx, office, movement_id, actor)
    return await _show(tx, office, situation, "/firm", actor, clock.now(), ReplyForm())


@post(
    "/firm/trucks/{movement_id:int}",
    guards=[requires(Role.FIRM)],
    status_code=200,
    request_max_body_size=LARGEST_FORM,
)
async def firm_form(
    movement_id: FromPath[int],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """A coded reply of the firm; “arrived” is its confirmation."""
    actor = known_actor(request)
    situation = await movement_reached(tx, office, movement_id, actor)
    form = await form_of(request)
    return await _take(tx, office, situation, "/firm", actor, form, clock.now())


async def _take(
    conn: Connection,
    office: Office,
    situation: Situation,
    back: str,
    actor: Actor | None,
    form: Form,
    now: datetime,
) -> Page | Redirect:
    movement_id, data = situation.movement.movement_id, form.read_as(ReplyForm)
    try:
        said = Reply(
            id=event_id_in(data.event_id, now),
            code=number_typed(data.code) or 0,
            minutes=number_typed(data.minutes),
            place_id=number_typed(data.place),
            proof=data.proof[:120],
            note=data.note[:LONGEST_NOTE],
        )
        async with conn.transaction():  # what was said and its photo stand or fall together
            accepted([await reply(conn, office, movement_id, said, actor, now)])
            await add_beside(conn, office.vault, movement_id, said.id, form.photo, actor, now)
    except Refused as refused:
        told = error(FIELDS.get(refused.code, ""), refused)
        return await _show(conn, office, situation, back, actor, now, data, told)
    return Redirect(url_with(back, done="reply"), status_code=303)


async def _show(
    conn: Connection,
    office: Office,
    situation: Situation,
    back: str,
    actor: Actor | None,
    now: datetime,
    said: ReplyForm,
    told: dict[str, str] | None = None,
) -> Page | Redirect:
    loop = situation.loop
    if loop.state not in PURSUED:
        return Redirect(back, status_code=303)
    if actor is not None and actor.place_id is None:
        raise NotFound("unknown_movement", movement_id=loop.movement_id)
    world = await office.cache.now(conn)
    path = f"{back}/reply" if actor is None else f"/firm/trucks/{loop.movement_id}"
    framed = {} if actor is None else {"home_url": home_of(actor), "nav": navigation(actor)}
    return page(
        "reply.html",
        http_status=422 if told else 200,
        plate=situation.movement.plate,
        plate_kind=kind_shown(situation.movement.plate),
        state=state_at(loop, now),
        due_at=loop.due_at,
        to_place=name_of(world, loop.next_place_id),
        codes=codes(DRIVERS if actor is None else FIRMS),
        delays=[n for n in DELAYS if n <= world.rules_at(now).limits.delay_minutes],
        may_delay=not loop.extended,
        photos=[] if actor is None else await photos_shown(conn, loop.movement_id, actor.place_id),
        places=_destinations(world, loop.next_place_id) if actor is not None else [],
        firm=actor is not None,
        hotline=HOTLINE,
        longest=LONGEST_NOTE,
        back_url=back,
        event_id=said.event_id or str(event_id_in("", now)),
        values={
            "code": said.code,
            "minutes": said.minutes,
            "place": said.place,
            "proof": said.proof,
            "note": said.note,
        },
        errors=[told] if told else [],
        path=path,
        other_locale_url=url_with(path, lang=other_locale(current_locale())),
        **framed,
    )


def _destinations(world: World, but: int | None) -> list[dict[str, Any]]:
    """Registered firms to which a truck may be sent on."""
    found = [
        place
        for place in world.places.values()
        if place.kind is PlaceKind.DESTINATION and place.active and place.id != but
    ]
    return [{"value": each.id, "label": each.name} for each in sorted(found, key=lambda p: p.name)]


HANDLERS: list[Any] = [driver_page, driver_form, firm_page, firm_form]
