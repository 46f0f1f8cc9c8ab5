"""The page of a receiving body: whom it is asked to take over, and that it has."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from checkpoint.hold_queries import movement_of_hold, standing_holds
from checkpoint.hold_views import row
from checkpoint.holds import HOLDS
from closedloop.acts import Act, propose
from closedloop.commit import append
from closedloop.reporting import Office, accepted
from closedloop.saying import one_line
from closedloop.watching import name_of, place_of
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import NotFound, Refused
from kernel.i18n import t
from kernel.ids import uuid7
from kernel.web import Page, page
from registry.accounts import home_of, known_actor
from registry.model import Role
from registry.wording import error, navigation

AnyRequest = Request[Any, Any, Any]


class TakenForm(Struct, frozen=True, kw_only=True):
    event_id: UUID
    reference: str = ""


@get("/receive", guards=[requires(Role.RECEIVER)])
async def receive_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    done: FromQuery[str] = "",
) -> Page:
    """Who is held and waits to be taken over, the longest held first."""
    notice = t("ui.receive.done") if done else None
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
    world, place_id = await office.cache.now(conn), place_of(actor)
    waiting = await standing_holds(conn, receiver_id=place_id)
    return page(
        "receive.html",
        http_status=422 if told else 200,
        place=name_of(world, place_id),
        holds=[
            row(each, world, now) | {"event_id": str(uuid7(now + timedelta(milliseconds=n)))}
            for n, each in enumerate(waiting)
        ],
        notice=notice,
        errors=[told] if told else [],
        path="/receive",
        home_url=home_of(actor),
        nav=navigation(actor),
    )


@post("/receive/{hold_id:uuid}", guards=[requires(Role.RECEIVER)], status_code=200)
async def taken_over(
    hold_id: FromPath[UUID],
    request: AnyRequest,
    data: URLEncodedBody[TakenForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """This body has taken over, under a number of its own."""
    actor, now = known_actor(request), clock.now()
    movement_id = await movement_of_hold(tx, hold_id)
    if movement_id is None:
        raise NotFound("unknown_hold")
    act = Act(
        id=data.event_id,
        kind="acknowledge_hold",
        hold_id=hold_id,
        proof=one_line(data.reference),
    )
    try:
        proposal = propose(movement_id, act, actor, HOLDS)
        accepted(await append(tx, office.cache, [proposal], now))
    except Refused as refused:
        return await _show(tx, office, actor, now, told=error("", refused))
    return Redirect("/receive?done=1", status_code=303)


HANDLERS: list[Any] = [receive_page, taken_over]
