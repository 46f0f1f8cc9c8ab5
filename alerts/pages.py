"""The duty officer's page: whoever has not arrived, grouped by whom one call can ask."""

from datetime import datetime, timedelta
from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect, ServerSentEvent
from msgspec import Struct

from alerts import (
    board_pages,
    case_pages,
    claims,
    daily_pages,
    extension_pages,
    field_pages,
    find_pages,
    mark_pages,
    photo_pages,
    reply_pages,
    supervision_pages,
    tickets_pages,
)
from alerts.camera_watch import strangers, wanted_seen
from alerts.case_acts import colleague
from alerts.case_pages import DONE
from alerts.desk_views import groups, people, referred_row
from alerts.expecting_queries import refusals
from alerts.queries import overdue, referred
from alerts.watching import WATCHED, standing_still
from closedloop.breaches import breaches_since, today
from closedloop.two_lanes import passes_in_two_lanes
from kernel.auth import Actor, actor_of, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused
from kernel.i18n import LOCAL_ZONE, current_locale, t
from kernel.ids import uuid7
from kernel.live import Hub, stream
from kernel.web import COMPRESSED, Page, page
from registry.accounts import home_of, known_actor
from registry.freshness import is_stale
from registry.model import Role
from registry.plates import kind_shown
from registry.scope import own_district
from registry.wording import error, navigation
from registry.world import WorldCache

AnyRequest = Request[Any, Any, Any]
WATCHERS = (Role.DUTY, Role.AUDITOR)
#: An attempt against the rules stands on the page for a day.
SHOWN_FOR = timedelta(hours=24)


class HandoverForm(Struct, frozen=True, kw_only=True):
    to: str = ""


@get("/duty", guards=[requires(*WATCHERS)], middleware=COMPRESSED)
async def duty_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
    done: FromQuery[str] = "",
) -> Page:
    """Overdue first; the list updates by itself."""
    notice = t(f"ui.case.done.{done}") if done in DONE else None
    return await _duty(tx, cache, known_actor(request), clock.now(), notice=notice)


async def _duty(
    conn: Connection,
    cache: WorldCache,
    actor: Actor,
    now: datetime,
    *,
    notice: str | None = None,
    told: dict[str, str] | None = None,
) -> Page:
    return page(
        "duty.html",
        http_status=422 if told else 200,
        stale=await _stale(conn, cache, now),
        **await _late(conn, now, actor),
        **await _against_rules(conn, now, actor),
        **await _by_camera(conn, cache, now, actor),
        colleagues=people(await claims.colleagues(conn, actor)),
        event_id=str(uuid7(now)),
        notice=notice,
        errors=[told] if told else [],
        path="/duty",
        nav=navigation(actor),
        home_url=home_of(actor),
    )


@get("/duty/rows", guards=[requires(*WATCHERS)], middleware=COMPRESSED)
async def duty_rows(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
) -> Page:
    """The list alone, for the page to renew."""
    actor, now = actor_of(request), clock.now()
    return page(
        "duty_rows.html",
        stale=await _stale(tx, cache, now),
        **await _late(tx, now, actor),
        **await _against_rules(tx, now, actor),
        **await _by_camera(tx, cache, now, actor),
    )


async def _stale(conn: Connection, cache: WorldCache, now: datetime) -> str:
    """The lists that clear nobody any more, in words."""
    world = await cache.now(conn)
    if not world.rule_sets:  # a service that is being set up
        return ""
    rules = world.rules_at(now)
    names = [
        getattr(kind.label, current_locale())
        for kind in rules.evidence
        if is_stale(rules, kind.kind, world.sources.get(kind.kind), now)
    ]
    return " · ".join(names)


@get("/duty/events", guards=[requires(*WATCHERS)])
async def duty_events(hub: NamedDependency[Hub]) -> ServerSentEvent:
    """A knock whenever the list may have changed."""
    return stream(hub, "duty")


async def _against_rules(conn: Connection, now: datetime, actor: Actor | None) -> dict[str, Any]:
    """Who was turned back today; what was tried against the rules, and refused (seed 002)."""
    midnight = now.astimezone(LOCAL_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    found = await breaches_since(conn, now - SHOWN_FOR, district=own_district(actor))
    return {
        "today": await today(conn, midnight, district=own_district(actor)),
        "not_expected": await refusals(conn, district=own_district(actor)),
        "two_lanes": await passes_in_two_lanes(conn, now - SHOWN_FOR, district=own_district(actor)),
        "breaches": [
            {
                "movement_id": each.movement_id,
                "event_id": each.event_id,
                "plate": each.plate,
                "plate_kind": kind_shown(each.plate),
                "what": t(f"ui.duty.breach.{each.code}"),
                "place": each.place,
                "at": each.tried_at,
            }
            for each in found
        ],
    }


async def _by_camera(
    conn: Connection, cache: WorldCache, now: datetime, actor: Actor | None
) -> dict[str, Any]:
    """Trucks that nobody reported, and trucks that are looked for, as cameras saw them."""
    world, own = await cache.now(conn), own_district(actor)
    ladder = world.rules_at(now).ladder if world.rule_sets else ()
    return {
        "strangers": [
            {"seen": each, "plate_kind": kind_shown(each.plate)}
            for each in await strangers(conn, now, district=own)
        ],
        "wanted_seen": await wanted_seen(conn, ladder, now, district=own),
    }


async def _late(conn: Connection, now: datetime, actor: Actor | None) -> dict[str, Any]:
    """Who has not arrived, and who is with the police."""
    own = own_district(actor)
    return {
        "groups": groups(await overdue(conn, now, district=own), actor, now),
        "referred": [referred_row(row) for row in await referred(conn, district=own)],
        "still": [t(f"job.{name}") for name in await standing_still(conn, WATCHED, now)],
        "may_claim": actor is not None and Role.DUTY in actor.roles,
    }


@post("/duty/handover", guards=[requires(Role.DUTY)], status_code=200)
async def hand_over(
    request: AnyRequest,
    data: URLEncodedBody[HandoverForm],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
) -> Page | Redirect:
    """All that one has claimed goes to a colleague at the end of the shift."""
    actor, now = known_actor(request), clock.now()
    try:
        await claims.hand_over(tx, actor, colleague(data.to), now)
    except Refused as refused:
        return await _duty(tx, cache, actor, now, told=error("to", refused))
    return Redirect("/duty?done=handover", status_code=303)


HANDLERS: list[Any] = [
    duty_page,
    duty_rows,
    duty_events,
    hand_over,
    *board_pages.HANDLERS,
    *find_pages.HANDLERS,
    *mark_pages.HANDLERS,
    *daily_pages.HANDLERS,
    *case_pages.HANDLERS,
    *extension_pages.HANDLERS,
    *field_pages.HANDLERS,
    *photo_pages.PAGES,
    *reply_pages.HANDLERS,
    *supervision_pages.HANDLERS,
    *tickets_pages.HANDLERS,
]
