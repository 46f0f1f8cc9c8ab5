"""Pages of the firm's gatekeeper, and the loops and histories for those who watch them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from closedloop.acts import ACTS, Act, propose
from closedloop.commit import append
from closedloop.history_pages import HANDLERS as HISTORY
from closedloop.model import State
from closedloop.queries import (
    MOST_COUNTED,
    Arrived,
    Expected,
    LoopQuery,
    LoopRow,
    arrived_at,
    count_expected,
    expected_at,
    loops,
)
from closedloop.reporting import Office
from closedloop.rolling import rolling_code
from closedloop.watching import WATCHERS, name_of, own_place, place_of, who
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.i18n import t
from kernel.ids import uuid7
from kernel.web import Page, page, url_with
from registry.accounts import home_of
from registry.marks import Mark, Marks, shown
from registry.model import Role
from registry.plates import kind_shown
from registry.scope import own_district
from registry.sheets import HOTLINE
from registry.wording import error, navigation
from registry.world import World

AnyRequest = Request[Any, Any, Any]
PER_PAGE = 100
#: No movement's number is higher.
LAST_ID = 10**13
TODAY = timedelta(hours=24)
DONE = {"arrived", "discrepancy", "reply", "departed"}


class ArrivedForm(Struct, frozen=True, kw_only=True):
    movement_id: int
    event_id: UUID
    stop: str = ""


@get("/firm", guards=[requires(Role.FIRM)])
async def firm_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    marks: NamedDependency[Marks],
    done: FromQuery[str] = "",
    skip: FromQuery[int] = 0,
) -> Page:
    """Today's trucks, the next due first, each with one button; trucks that were never found."""
    notice = t(f"ui.firm.done.{done}") if done in DONE else None
    skip, actor, now = min(max(skip, 0), LAST_ID), who(request), clock.now()
    marked = await marks.of(tx, place_of(actor), now)
    return await show_firm(tx, office, actor, now, notice=notice, skip=skip, marked=marked)


async def show_firm(
    conn: Connection,
    office: Office,
    actor: Actor,
    now: datetime,
    *,
    notice: str | None = None,
    errors: Sequence[dict[str, str]] = (),
    values: dict[str, str] | None = None,
    skip: int = 0,
    results: Sequence[Any] = (),
    marked: Sequence[Mark] = (),
) -> Page:
    world = await office.cache.now(conn)
    place = world.place(place_of(actor))
    code, until = rolling_code(place.screen_secret, now)
    found = await expected_at(conn, place.id, now, skip=skip, limit=PER_PAGE + 1)
    expected = found[:PER_PAGE]
    arrived = await arrived_at(conn, place.id, now - TODAY)
    number = await count_expected(conn, place.id)
    return page(
        "firm.html",
        http_status=422 if errors else 200,
        path="/firm",
        now=now,
        place={"name": place.name},
        expected=[_expected(each, now) for each in expected],
        expected_number=f"{number}+" if number == MOST_COUNTED else str(number),
        next_url=url_with("/firm", skip=skip + PER_PAGE) if len(found) > PER_PAGE else None,
        arrived=[_arrived(each, now) for each in arrived[:PER_PAGE]],
        arrived_number=len(arrived),
        rolling={"code": code, "until": until},
        marks=[shown(each, whole=True) for each in marked],
        hotline=HOTLINE,
        results=list(results),
        refused_number=sum(bool(each.refusal) for each in results),
        notice=notice,
        errors=list(errors),
        values=values or {},
        event_id=str(uuid7(now)),
        home_url=home_of(actor),
        nav=navigation(actor),
    )


def _expected(each: Expected, now: datetime) -> dict[str, Any]:
    return {
        "movement_id": each.movement_id,
        "stop": 1,
        "plate": each.plate,
        "plate_kind": kind_shown(each.plate),
        "from_gate": each.entry_place,
        "released_at": each.released_at,
        "due_at": each.due_at,
        "state": each.state,
        "event_id": str(uuid7(now)),
    }


def _arrived(each: Arrived, now: datetime) -> dict[str, Any]:
    return {
        "movement_id": each.movement_id,
        "event_id": str(uuid7(now)),
        "goes_on": each.goes_on,
        "late": each.late,
        "plate": each.plate,
        "plate_kind": kind_shown(each.plate),
        "arrived_at": each.arrived_at,
        "state": State.CONFIRMED,
    }


@post("/firm/arrived", guards=[requires(Role.FIRM)], status_code=200)
async def confirm_arrival(
    request: AnyRequest,
    data: URLEncodedBody[ArrivedForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """It has arrived: evidence of level A. Tapping twice is one arrival."""
    actor, now = who(request), clock.now()
    act = Act(id=data.event_id, kind="confirm")
    proposal = propose(data.movement_id, act, actor, ACTS)
    outcome = (await append(tx, office.cache, [proposal], now))[0]
    if outcome.refusal is not None:
        return await show_firm(tx, office, actor, now, errors=[error("", outcome.refusal)])
    return Redirect("/firm?done=arrived", status_code=303)


@get("/loops", guards=[requires(*WATCHERS, Role.FIRM)])
async def loops_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    after: FromQuery[int] = 0,
) -> Page:
    """All loops, or those in one state; a firm's are its own."""
    actor, now = who(request), clock.now()
    asked = request.query_params.get("state", "")
    state = asked if asked in set(State) else ""
    query = LoopQuery(
        states=(state,) if state else (),
        own=own_place(actor),
        own_district=own_district(actor),
        cursor=min(after, LAST_ID),
        limit=PER_PAGE,
    )
    found = await loops(tx, query, now)
    world = await office.cache.now(tx)
    more = url_with("/loops", state=state or None, after=found[-1].movement_id if found else None)
    return page(
        "loops.html",
        states=[str(each) for each in State],
        state=state,
        loops=[_line(row, world) for row in found],
        next_url=more if len(found) == PER_PAGE else None,
        home_url=home_of(actor),
        nav=navigation(actor),
    )


def _line(row: LoopRow, world: World) -> dict[str, Any]:
    return {
        "movement_id": row.movement_id,
        "plate": row.plate,
        "plate_kind": kind_shown(row.plate),
        "state": row.state,
        "masked_name": row.driver,
        "from_gate": name_of(world, row.entry_place_id),
        "to_place": name_of(world, row.next_place_id or (row.stops[-1] if row.stops else None)),
        "due_at": row.due_at,
        "changed_at": row.updated_at,
    }


HANDLERS: list[Any] = [firm_page, confirm_arrival, loops_page, *HISTORY]
