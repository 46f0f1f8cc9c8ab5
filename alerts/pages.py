"""The duty officer's page: whoever has not arrived, grouped by whom one call can ask."""

from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.response import ServerSentEvent

from alerts.queries import Overdue, overdue
from closedloop.breaches import breaches_since, today
from closedloop.two_lanes import passes_in_two_lanes
from kernel.auth import Actor, actor_of, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.i18n import LOCAL_ZONE, current_locale, t
from kernel.live import Hub, stream
from kernel.web import Page, page
from registry.accounts import home_of
from registry.freshness import is_stale
from registry.model import Role
from registry.plates import kind_shown
from registry.scope import own_district
from registry.wording import navigation
from registry.world import WorldCache

AnyRequest = Request[Any, Any, Any]
WATCHERS = (Role.DUTY, Role.AUDITOR)
#: Minutes from which a band of age begins (docs/pages.md).
BANDS = (30, 120, 240)
#: An attempt against the rules stands on the page for a day.
SHOWN_FOR = timedelta(hours=24)


@get("/duty", guards=[requires(*WATCHERS)])
async def duty_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
) -> Page:
    """Overdue first; the list updates by itself."""
    actor, now = actor_of(request), clock.now()
    return page(
        "duty.html",
        groups=await _groups(tx, now, actor),
        stale=await _stale(tx, cache, now),
        **await _against_rules(tx, now, actor),
        nav=navigation(actor),
        home_url="/" if actor is None else home_of(actor),
    )


@get("/duty/rows", guards=[requires(*WATCHERS)])
async def duty_rows(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
) -> Page:
    """The list alone, for the page to renew."""
    actor, now = actor_of(request), clock.now()
    against = await _against_rules(tx, now, actor)
    stale = await _stale(tx, cache, now)
    return page("duty_rows.html", groups=await _groups(tx, now, actor), stale=stale, **against)


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


async def _groups(conn: Connection, now: datetime, actor: Actor | None) -> list[dict[str, Any]]:
    rows = await overdue(conn, now, district=own_district(actor))
    return [
        {
            "place_id": place_id,
            "name": name,
            "phone": None,
            "rows": [_row(row, now) for row in together],
        }
        for (place_id, name), together in groupby(rows, key=lambda row: (row.place_id, row.place))
    ]


def _row(row: Overdue, now: datetime) -> dict[str, Any]:
    minutes = max(0, int((now - row.due_at).total_seconds() // 60))
    return {
        "movement_id": row.movement_id,
        "stop": row.stop,
        "limb": row.limb,
        "plate": row.plate,
        "plate_kind": kind_shown(row.plate),
        "masked_name": row.driver,
        "passed_at": row.released_at,
        "due_at": row.due_at,
        "overdue_minutes": minutes,
        "band": sum(minutes >= start for start in BANDS),
        "step": t(f"limb.{row.limb}"),
    }


HANDLERS: list[Any] = [duty_page, duty_rows, duty_events]
