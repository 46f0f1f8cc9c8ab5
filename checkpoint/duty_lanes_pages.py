"""The lanes as the duty desk sees them: closures and queues told to drivers, and hand-overs."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from closedloop.report_form import hour_typed
from closedloop.reporting import Office
from closedloop.saying import one_line
from closedloop.watching import name_of, who
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import NotFound, Refused, Unprocessable
from kernel.i18n import t
from kernel.ids import uuid7
from kernel.web import Page, page
from registry import gate_notices
from registry.accounts import home_of
from registry.gate_notices import Notice
from registry.handovers import CARDS, handovers_since
from registry.model import Place, PlaceKind, Role
from registry.office_views import place_number
from registry.scope import covers, own_district
from registry.wording import error, navigation
from registry.world import World

AnyRequest = Request[Any, Any, Any]
PATH = "/duty/lanes"
SHOWN_FOR = timedelta(hours=24)
LONGEST_GATE, LONGEST_REASON, MOST_DIGITS = 40, 200, 4
_FIELDS = {
    "unknown_place_chosen": "place",
    "notice_kind_needed": "kind",
    "notice_needs_minutes": "minutes",
    "notice_over": "until",
    "unknown_gate": "gate",
}


class NoticeForm(Struct, frozen=True, kw_only=True):
    event_id: UUID | None = None
    place: str = ""
    gate: str = ""
    kind: str = ""
    minutes: str = ""
    until: str = ""
    reason: str = ""


@get(PATH, guards=[requires(Role.DUTY, Role.AUDITOR)])
async def lanes_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    done: FromQuery[str] = "",
) -> Page:
    """What drivers are told of each checkpoint, and who handed which lane over to whom."""
    notice = t(f"ui.duty.lanes.done.{done}") if done in {"said", "ended"} else None
    return await _show(tx, office, who(request), clock.now(), notice=notice)


@post(PATH, guards=[requires(Role.DUTY)], status_code=200)
async def say_form(
    request: AnyRequest,
    data: URLEncodedBody[NoticeForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Tell drivers of a closure or a queue; a form sent twice is one notice."""
    actor, now = who(request), clock.now()
    world = await office.cache.now(tx)
    try:
        notice = _read(data, world, actor, now)
        await gate_notices.say(tx, notice, f"{actor.kind}:{actor.id}")
    except Refused as refused:
        told = error(_FIELDS.get(refused.code, ""), refused)
        return await _show(tx, office, actor, now, said=data, told=told)
    return Redirect(f"{PATH}?done=said", status_code=303)


def _read(data: NoticeForm, world: World, actor: Actor, now: datetime) -> Notice:
    """Raises Malformed `unknown_place_chosen`; Unprocessable `notice_kind_needed`,
    `unknown_gate`, `notice_over`.
    """
    place = world.places.get(place_number(data.place) or 0)
    if place is None or place not in _own(world, actor):
        raise Unprocessable("unknown_place_chosen")
    gate = one_line(data.gate, LONGEST_GATE)
    if gate and gate not in place.gates:
        raise Unprocessable("unknown_gate")
    if data.kind not in {"closed", "wait"}:
        raise Unprocessable("notice_kind_needed")
    typed = data.minutes.strip()
    number = typed.isascii() and typed.isdecimal() and len(typed) <= MOST_DIGITS
    return Notice(
        id=data.event_id or uuid7(now),
        place_id=place.id,
        gate=gate,
        kind="wait" if data.kind == "wait" else "closed",
        minutes=int(typed) if number and data.kind == "wait" else None,
        reason=one_line(data.reason, LONGEST_REASON),
        until=_hour(data.until),
        said_at=now,
    )


def _hour(text: str) -> datetime | None:
    if text.strip() and hour_typed(text) is None:
        raise Unprocessable("notice_over")
    return hour_typed(text)


def _own(world: World, actor: Actor) -> list[Place]:
    own = own_district(actor)
    return [
        place
        for place in world.places.values()
        if place.kind is PlaceKind.CHECKPOINT and place.active and covers(own, place.district_code)
    ]


@post(PATH + "/{notice_id:uuid}/end", guards=[requires(Role.DUTY)], status_code=303)
async def end_form(
    notice_id: FromPath[UUID],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Redirect:
    """The lane is open again, or the queue is gone."""
    own = {place.id for place in _own(await office.cache.now(tx), who(request))}
    standing = {each.id: each for each in await gate_notices.standing(tx, clock.now())}
    if notice_id in standing and standing[notice_id].place_id not in own:
        raise NotFound("unknown_notice")
    await gate_notices.end(tx, notice_id, None, clock.now())
    return Redirect(f"{PATH}?done=ended", status_code=303)


async def _show(
    conn: Connection,
    office: Office,
    actor: Actor,
    now: datetime,
    *,
    notice: str | None = None,
    said: NoticeForm | None = None,
    told: dict[str, str] | None = None,
) -> Page:
    world, typed = await office.cache.now(conn), said or NoticeForm()
    own = sorted(_own(world, actor), key=lambda place: (place.district_code, place.name))
    known = {place.id for place in own}
    fields = [name for name in NoticeForm.__struct_fields__ if name != "event_id"]
    since = now - SHOWN_FOR
    return page(
        "duty_lanes.html",
        http_status=422 if told else 200,
        notices=[
            {
                "id": each.id,
                "place": name_of(world, each.place_id),
                "said": gate_notices.told(each),
                "reason": each.reason,
                "said_at": each.said_at,
            }
            for each in await gate_notices.standing(conn, now)
            if each.place_id in known
        ],
        handovers=await handovers_since(conn, since, district=own_district(actor)),
        cards=CARDS,
        places=[{"value": place.id, "label": place.name} for place in own],
        may_say=Role.DUTY in actor.roles,
        event_id=str(typed.event_id or uuid7(now)),
        notice=notice,
        values={name: getattr(typed, name) for name in fields},
        errors=[told] if told else [],
        path=PATH,
        home_url=home_of(actor),
        nav=navigation(actor),
    )


HANDLERS: list[Any] = [lanes_page, say_form, end_form]
