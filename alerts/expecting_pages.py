"""Trucks that have a pass and are on their way to a firm: does it expect them?"""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from alerts.case_acts import number_typed
from alerts.desk_views import minutes_since, options
from alerts.expecting import ANSWERING, ANSWERS, LONGEST_NOTE, READING, Expected, answer
from alerts.expecting_queries import Expectation, expectations
from alerts.tickets_typed import local_moment
from closedloop.reporting import Office
from closedloop.watching import place_of
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused
from kernel.i18n import current_locale, t
from kernel.ids import uuid7
from kernel.web import Page, page
from registry.accounts import home_of, known_actor
from registry.model import PlaceKind, Role
from registry.plates import kind_shown
from registry.rules import RuleSet
from registry.scope import own_district
from registry.wording import error, navigation
from registry.world import World

AnyRequest = Request[Any, Any, Any]


class ExpectForm(Struct, frozen=True, kw_only=True):
    event_id: UUID
    answer: str = ""
    place: str = ""
    other: str = ""
    later_at: str = ""
    note: str = ""


@get("/expected", guards=[requires(*READING)])
async def expected_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    done: FromQuery[str] = "",
) -> Page:
    """A firm's own, those of a district, or all; unanswered ones first, the next to come first."""
    notice = t(f"ui.expected.done.{done}") if done in ANSWERS else None
    return await _show(tx, office, known_actor(request), clock.now(), notice=notice)


async def _show(
    conn: Connection,
    office: Office,
    actor: Actor,
    now: datetime,
    *,
    notice: str | None = None,
    told: tuple[int, dict[str, str]] | None = None,
    values: dict[str, str] | None = None,
) -> Page:
    world = await office.cache.now(conn)
    rules = world.rules_at(now)
    found = await expectations(
        conn,
        now,
        rules.information.expected_minutes,
        place_id=place_of(actor) if Role.FIRM in actor.roles else None,
        district=own_district(actor),
    )
    return page(
        "expected.html",
        http_status=422 if told else 200,
        trucks=[_line(each, rules, now) for each in found],
        answers=options("expected.answer", ANSWERS),
        others=_firms(world, actor),
        may_answer=bool(actor.roles & set(ANSWERING)),
        of_firm=Role.FIRM in actor.roles,
        asked=None if told is None else told[0],
        longest=LONGEST_NOTE,
        notice=notice,
        values=values or {},
        errors=[] if told is None else [told[1]],
        path="/expected",
        home_url=home_of(actor),
        nav=navigation(actor),
    )


def _line(each: Expectation, rules: RuleSet, now: datetime) -> dict[str, Any]:
    goods = {g.code: getattr(g.label, current_locale()) for g in rules.goods}
    late = not each.answer and each.due_at < now
    return {
        "movement_id": each.movement_id,
        "stop": each.stop,
        "place_id": each.place_id,
        "place": each.place,
        "plate": each.plate,
        "plate_kind": kind_shown(each.plate),
        "driver": each.driver,
        "origin": each.origin,
        "goods": goods.get(each.goods, each.goods),
        "state": each.state,
        "entry_at": each.expected_entry_at,
        "due_at": each.due_at,
        "late": late,
        "left_minutes": minutes_since(now, each.due_at),
        "answer": each.answer,
        "other": each.other_place,
        "later_at": each.later_at,
        "answered_at": each.answered_at,
        "after_entry": each.after_entry,
        "event_id": str(uuid7(now)),
    }


def _firms(world: World, actor: Actor) -> list[dict[str, Any]]:
    found = [
        place
        for place in world.places.values()
        if place.kind is PlaceKind.DESTINATION and place.active and place.id != actor.place_id
    ]
    return [{"value": each.id, "label": each.name} for each in sorted(found, key=lambda p: p.name)]


@post("/expected/{movement_id:int}", guards=[requires(*ANSWERING)], status_code=200)
async def expected_form(
    movement_id: FromPath[int],
    request: AnyRequest,
    data: URLEncodedBody[ExpectForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Yes, no, not us, or later. It is kept whenever it comes, and turns no truck back."""
    actor, now = known_actor(request), clock.now()
    values = {"answer": data.answer, "later_at": data.later_at, "note": data.note}
    try:
        said = Expected(
            id=data.event_id,
            answer=data.answer[:20],
            place_id=number_typed(data.place),
            other_place_id=number_typed(data.other) if data.answer == "not_us" else None,
            later_at=local_moment(data.later_at) if data.answer == "later" else None,
            note=data.note.replace("\0", "")[:LONGEST_NOTE],
        )
        async with tx.transaction():
            await answer(tx, office, movement_id, said, actor, now)
    except Refused as refused:
        if refused.kind == "not_found":
            raise
        told = (movement_id, error("", refused))
        return await _show(tx, office, actor, now, told=told, values=values)
    return Redirect(f"/expected?done={data.answer}", status_code=303)


HANDLERS: list[Any] = [expected_page, expected_form]
