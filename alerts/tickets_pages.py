"""The information desk: what is open, late steps first, and who has it in hand."""

from datetime import datetime
from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import ServerSentEvent

from alerts import expecting_pages, hotline_pages, tickets_case_pages, tickets_public_pages
from alerts.tickets_model import DESK, READERS, Kind, State
from alerts.tickets_queries import Asked, load, queue, seats_taken
from alerts.tickets_units import scope_of
from alerts.tickets_views import BANDS, UNITS, row, strip
from closedloop.reporting import Office
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.i18n import t
from kernel.ids import uuid7
from kernel.live import Hub, stream
from kernel.web import COMPRESSED, Page, page, url_with
from registry.accounts import home_of, known_actor
from registry.model import Role
from registry.wording import navigation

AnyRequest = Request[Any, Any, Any]
PER_PAGE = 100
LAST = 10**6
DONE = {"received", "closed", "claim", "release"}


@get("/infodesk", guards=[requires(*READERS)], middleware=COMPRESSED)
async def desk_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    kind: FromQuery[str] = "",
    done: FromQuery[str] = "",
    skip: FromQuery[int] = 0,
) -> Page:
    """Everything that is open and that the reader may see; the list renews itself."""
    actor, now = known_actor(request), clock.now()
    kind = kind if kind in set(Kind) else ""
    shown = await _shown(tx, office, actor, now, kind, min(max(skip, 0), LAST))
    return page(
        "infodesk.html",
        **shown,
        kinds=[{"value": each, "label": t(f"ticket.kind.{each}")} for each in Kind],
        fragment=url_with("/infodesk/rows", kind=kind or None, skip=skip or None),
        event_id=str(uuid7(now)),
        notice=t(f"ui.infodesk.done.{done}") if done in DONE else None,
        path="/infodesk",
        home_url=home_of(actor),
        nav=navigation(actor),
    )


@get("/infodesk/rows", guards=[requires(*READERS)], middleware=COMPRESSED)
async def desk_rows(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    kind: FromQuery[str] = "",
    skip: FromQuery[int] = 0,
) -> Page:
    """The list alone, for the page to renew."""
    kind = kind if kind in set(Kind) else ""
    skip = min(max(skip, 0), LAST)
    shown = await _shown(tx, office, known_actor(request), clock.now(), kind, skip)
    return page("infodesk_rows.html", **shown)


async def _shown(
    conn: Connection, office: Office, actor: Actor, now: datetime, kind: str, skip: int
) -> dict[str, Any]:
    desk, scope = (await office.cache.now(conn)).rules_at(now).information, scope_of(actor)
    asked = Asked(kind=kind)
    found = await queue(
        conn, scope, now, desk.ageing_minutes, asked=asked, limit=PER_PAGE + 1, skip=skip
    )
    more = url_with("/infodesk", kind=kind or None, skip=skip + PER_PAGE)
    return {
        "kind": kind,
        "rows": [row(each, desk, actor, now) for each in found[:PER_PAGE]],
        "next_url": more if len(found) > PER_PAGE else None,
        "strip": strip(await load(conn, scope, now, BANDS)),
        "bands": BANDS,
        "seats": {"taken": await seats_taken(conn, now), "of": desk.seats},
        "may_claim": bool(actor.roles & DESK),
        "may_receive": bool(actor.roles & DESK),
        "may_call": Role.HOTLINE in actor.roles or Role.DUTY in actor.roles,
        "units": UNITS,
        "states": [str(each) for each in State],
    }


@get("/infodesk/events", guards=[requires(*READERS)])
async def desk_events(hub: NamedDependency[Hub]) -> ServerSentEvent:
    """A knock whenever the list may have changed."""
    return stream(hub, "infodesk")


HANDLERS: list[Any] = [
    desk_page,
    desk_rows,
    desk_events,
    *tickets_case_pages.HANDLERS,
    *hotline_pages.HANDLERS,
    *tickets_public_pages.HANDLERS,
    *expecting_pages.HANDLERS,
]
