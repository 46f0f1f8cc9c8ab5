"""A road is closed, a site is down: more time for all trucks under way there, by two officers."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from alerts.case_acts import number_typed
from alerts.extensions import (
    MOST_MINUTES,
    Extension,
    decide_extension,
    extensions_since,
    propose_extension,
)
from closedloop.reporting import Office
from closedloop.watching import name_of
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import NotFound, Refused
from kernel.i18n import t
from kernel.ids import uuid7
from kernel.web import Page, page
from registry.accounts import home_of, known_actor
from registry.model import PlaceKind, Role
from registry.scope import covers, own_district
from registry.wording import error, navigation
from registry.world import World

AnyRequest = Request[Any, Any, Any]
SHOWN_FOR = timedelta(days=7)
SIDES = ("to", "from")
DONE = {"proposed", "approve", "refuse"}
FIELDS = {
    "unknown_place": "place",
    "minutes_out_of_range": "minutes",
    "number_malformed": "minutes",
    "reason_needed": "reason",
    "extension_side_unknown": "side",
}


class ExtensionForm(Struct, frozen=True, kw_only=True):
    event_id: UUID
    place: str = ""
    side: str = ""
    minutes: str = ""
    reason: str = ""


@get("/duty/extend", guards=[requires(Role.DUTY)])
async def extensions_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    done: FromQuery[str] = "",
) -> Page:
    """What waits for a second officer, what was decided within a week, and the form."""
    notice = t(f"ui.extend.done.{done}") if done in DONE else None
    return await _show(tx, office, known_actor(request), clock.now(), notice=notice)


async def _show(
    conn: Connection,
    office: Office,
    actor: Actor,
    now: datetime,
    *,
    notice: str | None = None,
    told: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
) -> Page:
    world = await office.cache.now(conn)
    found = await extensions_since(conn, now - SHOWN_FOR)
    return page(
        "extend.html",
        http_status=422 if told else 200,
        extensions=[_line(each, actor, world) for each in found],
        places=_places(world, actor),
        sides=[{"value": side, "label": t(f"ui.extend.side.{side}")} for side in SIDES],
        most=MOST_MINUTES,
        event_id=str(uuid7(now)),
        notice=notice,
        errors=[told] if told else [],
        values=values or {},
        path="/duty/extend",
        home_url=home_of(actor),
        nav=navigation(actor),
    )


def _line(each: Extension, actor: Actor, world: World) -> dict[str, Any]:
    return {
        "id": each.id,
        "what": t(f"ui.extend.said.{each.side}", place=name_of(world, each.place_id)),
        "minutes": each.minutes,
        "reason": each.reason,
        "proposer": each.proposer,
        "proposed_at": each.proposed_at,
        "decider": each.decider,
        "decided_at": each.decided_at,
        "approved": each.approved,
        "limits": each.limits,
        "mine": each.proposed_by == actor.id,
    }


def _places(world: World, actor: Actor) -> list[dict[str, Any]]:
    own = own_district(actor)
    found = [
        place
        for place in world.places.values()
        if place.kind in {PlaceKind.CHECKPOINT, PlaceKind.DESTINATION}
        and place.active
        and covers(own, place.district_code)
    ]
    named = sorted(found, key=lambda place: (place.kind, place.name))
    return [{"value": place.id, "label": place.name} for place in named]


@post("/duty/extend", guards=[requires(Role.DUTY)], status_code=200)
async def propose(
    request: AnyRequest,
    data: URLEncodedBody[ExtensionForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """One officer proposes; nothing moves yet."""
    actor, now = known_actor(request), clock.now()
    try:
        place_id = number_typed(data.place)
        if place_id is None:
            raise NotFound("unknown_place")
        await propose_extension(
            tx,
            await office.cache.now(tx),
            extension_id=data.event_id,
            place_id=place_id,
            side=data.side,
            minutes=number_typed(data.minutes) or 0,
            reason=data.reason,
            actor=actor,
            now=now,
        )
    except Refused as refused:
        told = error(FIELDS.get(refused.code, ""), refused)
        values = {
            "place": data.place,
            "side": data.side,
            "minutes": data.minutes,
            "reason": data.reason,
        }
        return await _show(tx, office, actor, now, told=told, values=values)
    return Redirect("/duty/extend?done=proposed", status_code=303)


@post(
    "/duty/extend/{extension_id:uuid}/{decision:str}",
    guards=[requires(Role.DUTY)],
    status_code=200,
)
async def decide(
    extension_id: FromPath[UUID],
    decision: FromPath[str],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """`decision`: approve (by another officer) or refuse. The limits move within seconds."""
    actor, now = known_actor(request), clock.now()
    if decision not in {"approve", "refuse"}:
        raise NotFound("not_found")
    try:
        world = await office.cache.now(tx)
        await decide_extension(tx, world, extension_id, actor, now, yes=decision == "approve")
    except Refused as refused:
        return await _show(tx, office, actor, now, told=error("", refused))
    return Redirect(f"/duty/extend?done={decision}", status_code=303)


HANDLERS: list[Any] = [extensions_page, propose, decide]
