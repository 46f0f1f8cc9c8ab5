"""Police and township grid: trucks that are looked for in the field (L4), and what was found."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from alerts.acting import reply
from alerts.case_acts import number_typed
from alerts.desk_views import codes, minutes_since
from alerts.model import Code
from alerts.reaching import movement_reached
from alerts.replies import LONGEST_NOTE, Reply
from alerts.watch_list import Wanted, wanted
from closedloop.reporting import Office, accepted
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused
from kernel.i18n import t
from kernel.ids import uuid7
from kernel.web import Page, page
from registry.accounts import home_of, known_actor
from registry.model import Role
from registry.plates import kind_shown
from registry.scope import own_district
from registry.wording import error, navigation

AnyRequest = Request[Any, Any, Any]
SEEKERS = (Role.POLICE, Role.GRID)
FOUND = (Code.ARRIVED, Code.ELSEWHERE, Code.BREAKDOWN, Code.LEFT, Code.REFUSES, Code.UNKNOWN_HERE)


class FieldForm(Struct, frozen=True, kw_only=True):
    event_id: UUID
    code: str = ""
    proof: str = ""
    note: str = ""


@get("/field", guards=[requires(*SEEKERS)])
async def field_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    done: FromQuery[str] = "",
) -> Page:
    """Plates to look for, the longest missing first."""
    notice = t("ui.field_list.done") if done == "reply" else None
    return await _show(tx, office, known_actor(request), clock.now(), notice=notice)


async def _show(
    conn: Connection,
    office: Office,
    actor: Actor,
    now: datetime,
    *,
    notice: str | None = None,
    told: dict[str, str] | None = None,
) -> Page:
    ladder = (await office.cache.now(conn)).rules_at(now).ladder
    found = await wanted(conn, ladder, district=own_district(actor))
    return page(
        "field.html",
        http_status=422 if told else 200,
        trucks=[_line(each, now) for each in found],
        codes=codes(FOUND),
        proving=Role.POLICE in actor.roles,
        longest=LONGEST_NOTE,
        notice=notice,
        errors=[told] if told else [],
        path="/field",
        home_url=home_of(actor),
        nav=navigation(actor),
    )


def _line(each: Wanted, now: datetime) -> dict[str, Any]:
    return {
        "movement_id": each.movement_id,
        "plate": each.plate,
        "plate_kind": kind_shown(each.plate),
        "trailer_plate": each.trailer_plate,
        "place": each.place,
        "entry_place": each.entry_place,
        "due_at": each.due_at,
        "minutes": minutes_since(each.due_at, now),
        "event_id": str(uuid7(now)),
    }


@post("/field/{movement_id:int}", guards=[requires(*SEEKERS)], status_code=200)
async def field_form(
    movement_id: FromPath[int],
    request: AnyRequest,
    data: URLEncodedBody[FieldForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """What was found. A police officer's own sighting is proof; the grid's is told to the desk."""
    actor, now = known_actor(request), clock.now()
    await movement_reached(tx, office, movement_id, actor)
    try:
        said = Reply(
            id=data.event_id,
            code=number_typed(data.code) or 0,
            proof=data.proof[:120],
            note=data.note[:LONGEST_NOTE],
        )
        accepted([await reply(tx, office, movement_id, said, actor, now)])
    except Refused as refused:
        return await _show(tx, office, actor, now, told=error("", refused))
    return Redirect("/field?done=reply", status_code=303)


HANDLERS: list[Any] = [field_page, field_form]
