"""Holds as cases: the list with its clocks, and one page for each."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from alerts.desk_views import options
from checkpoint.appeals import read_notes
from checkpoint.desk import standing_place
from checkpoint.hold_queries import holds_ended_since, movement_of_hold, names_of, standing_holds
from checkpoint.hold_views import case, ended_row, named, row, ways
from checkpoint.holds import DISMISSALS, HOLDS, RELEASES, find_hold
from closedloop.acts import Act, propose
from closedloop.commit import append
from closedloop.model import Hold
from closedloop.reporting import Office, accepted, situation_of
from closedloop.saying import one_line
from closedloop.situation import Situation, check_in_district
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import NotFound, Refused
from kernel.i18n import current_locale, other_locale, t
from kernel.ids import uuid7
from kernel.web import Page, page, url_with
from registry.accounts import home_of, known_actor
from registry.bodies import bodies
from registry.model import Role
from registry.office_views import place_number
from registry.plates import kind_shown
from registry.scope import own_district
from registry.wording import error, navigation

AnyRequest = Request[Any, Any, Any]
READERS = (Role.DUTY, Role.DESK, Role.AUDITOR)
ACTORS = (Role.DUTY, Role.DESK)
SHOWN_FOR = timedelta(hours=24)
DONE = {"approve", "release", "transfer", "dismiss"}


class HoldForm(Struct, frozen=True, kw_only=True):
    event_id: UUID
    reason: str = ""
    proof: str = ""
    receiver: str = ""


@get("/holds", guards=[requires(*READERS)])
async def holds_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page:
    """Who is held, since when and until when; what ended within a day."""
    actor, now = known_actor(request), clock.now()
    world, own = await office.cache.now(tx), own_district(actor)
    standing = await standing_holds(tx, place_id=actor.place_id, district=own)
    ended = await holds_ended_since(tx, now - SHOWN_FOR, place_id=actor.place_id, district=own)
    return page(
        "holds.html",
        holds=[row(each, world, now) for each in standing],
        ended=[ended_row(each) for each in ended],
        home_url=home_of(actor),
        nav=navigation(actor),
    )


@get("/holds/{hold_id:uuid}", guards=[requires(*READERS)])
async def hold_page(
    hold_id: FromPath[UUID],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    done: FromQuery[str] = "",
) -> Page:
    """One hold: on whose word, what has become of it, and what is to be done."""
    notice = t(f"ui.hold.done.{done}") if done in DONE else None
    return await _show(tx, office, known_actor(request), hold_id, clock.now(), notice=notice)


async def _found(
    conn: Connection, office: Office, hold_id: UUID, actor: Actor
) -> tuple[Situation, Hold]:
    """Raises NotFound `unknown_hold`, `unknown_movement`; Forbidden `not_your_place`."""
    movement_id = await movement_of_hold(conn, hold_id)
    if movement_id is None:
        raise NotFound("unknown_hold")
    situation = await situation_of(conn, movement_id)
    check_in_district(situation, actor, await office.cache.now(conn))
    standing_place(situation, actor)
    held = find_hold(situation.loop, hold_id)
    if held is None:
        raise NotFound("unknown_hold")
    return situation, held


async def _show(
    conn: Connection,
    office: Office,
    actor: Actor,
    hold_id: UUID,
    now: datetime,
    *,
    notice: str | None = None,
    told: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
) -> Page:
    situation, held = await _found(conn, office, hold_id, actor)
    movement, loop = situation.movement, situation.loop
    names = await names_of(conn, {held.by, held.approved_by, held.ended_by})
    people = tuple(each.masked_name for each in situation.people)
    path = f"/holds/{hold_id}"
    return page(
        "hold.html",
        http_status=422 if told else 200,
        hold=case(
            loop,
            held,
            await office.cache.now(conn),
            names,
            await _note(conn, office, situation, actor, now),
            now,
        ),
        plate=movement.plate,
        plate_kind=kind_shown(movement.plate),
        people=named(people, held),
        ways=ways(loop, held, actor),
        receivers=await _receivers(conn, actor),
        releases=options("hold.release", RELEASES),
        dismissals=options("hold.stands", DISMISSALS),
        event_id=str(uuid7(now)),
        notice=notice,
        errors=[told] if told else [],
        values=values or {},
        path=path,
        other_locale_url=url_with(path, lang=other_locale(current_locale())),
        home_url=home_of(actor),
        nav=navigation(actor),
    )


async def _note(
    conn: Connection, office: Office, at: Situation, actor: Actor, now: datetime
) -> str:
    """What the last appeal said in its own words, for whoever may answer it."""
    asked = [event for event in at.events if event.kind == "hold_appealed"]
    if not asked or Role.DUTY not in actor.roles:
        return ""
    notes = await read_notes(conn, office.vault, at.movement.movement_id, actor, now)
    last = max(asked, key=lambda event: event.occurred_at)
    return notes.get(last.event_id, "")


async def _receivers(conn: Connection, actor: Actor) -> list[dict[str, Any]]:
    """Of the whole city: a district may have none of its own."""
    found = await bodies(conn)
    own = own_district(actor)
    near_first = sorted(found, key=lambda body: body.district_code != own)
    return [
        {"value": body.id, "label": f"{body.name} · {body.district}"}
        for body in near_first
        if body.status == "active"
    ]


async def _decide(
    request: AnyRequest,
    conn: Connection,
    office: Office,
    hold_id: UUID,
    act: Act,
    now: datetime,
) -> Page | Redirect:
    actor = known_actor(request)
    situation, _ = await _found(conn, office, hold_id, actor)
    try:
        proposal = propose(situation.movement.movement_id, act, actor, HOLDS)
        accepted(await append(conn, office.cache, [proposal], now))
    except Refused as refused:
        told = error(FIELDS.get(refused.code, ""), refused)
        values = {"proof": act.proof, "reason": act.reason}
        return await _show(conn, office, actor, hold_id, now, told=told, values=values)
    done = act.kind.partition("_")[0]
    return Redirect(f"/holds/{hold_id}?done={done}", status_code=303)


FIELDS = {"receiver_unknown": "receiver"}


@post("/holds/{hold_id:uuid}/approve", guards=[requires(Role.DUTY)], status_code=200)
async def approve(
    hold_id: FromPath[UUID],
    request: AnyRequest,
    data: URLEncodedBody[HoldForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """A second person has looked at it and agrees."""
    act = Act(id=data.event_id, kind="approve_hold", hold_id=hold_id)
    return await _decide(request, tx, office, hold_id, act, clock.now())


@post("/holds/{hold_id:uuid}/release", guards=[requires(*ACTORS)], status_code=200)
async def release(
    hold_id: FromPath[UUID],
    request: AnyRequest,
    data: URLEncodedBody[HoldForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """The truck goes on, and its clock starts."""
    act = Act(
        id=data.event_id,
        kind="release_hold",
        hold_id=hold_id,
        reason=data.reason,
        proof=one_line(data.proof),
    )
    return await _decide(request, tx, office, hold_id, act, clock.now())


@post("/holds/{hold_id:uuid}/transfer", guards=[requires(*ACTORS)], status_code=200)
async def transfer(
    hold_id: FromPath[UUID],
    request: AnyRequest,
    data: URLEncodedBody[HoldForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Ask a receiving body to take over."""
    try:
        place_id = place_number(data.receiver)
    except Refused:
        place_id = None
    act = Act(id=data.event_id, kind="transfer_hold", hold_id=hold_id, place_id=place_id)
    return await _decide(request, tx, office, hold_id, act, clock.now())


@post("/holds/{hold_id:uuid}/dismiss", guards=[requires(Role.DUTY)], status_code=200)
async def dismiss(
    hold_id: FromPath[UUID],
    request: AnyRequest,
    data: URLEncodedBody[HoldForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """The appeal is answered, and the hold stands."""
    act = Act(id=data.event_id, kind="dismiss_appeal", hold_id=hold_id, reason=data.reason)
    return await _decide(request, tx, office, hold_id, act, clock.now())


HANDLERS: list[Any] = [holds_page, hold_page, approve, release, transfer, dismiss]
