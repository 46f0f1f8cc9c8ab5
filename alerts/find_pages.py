"""A plate to its movements in two steps, and the ledger of what came in and what arrived."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any, Literal

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, URLEncodedBody
from msgspec import Struct

from alerts.board_queries import Day, Found, by_plate, ledger
from alerts.marks import marks_between, standing_by_firm
from kernel.audit import record_access
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused, Unprocessable
from kernel.i18n import t
from kernel.sheets import as_csv
from kernel.web import Page, page
from registry.accounts import home_of, known_actor
from registry.marks import COUNTED
from registry.model import Role
from registry.plates import kind_shown, normalise
from registry.scope import own_district
from registry.wording import error, navigation

AnyRequest = Request[Any, Any, Any]
WATCHERS = (Role.DUTY, Role.AUDITOR)
SHORTEST = 4
DAYS = 7
Side = Literal["checkpoint", "firm"]


class FindForm(Struct, frozen=True, kw_only=True):
    plate: str = ""


@get("/duty/find", guards=[requires(*WATCHERS)])
async def find_page(request: AnyRequest) -> Page:
    """The question; a plate never stands in an address."""
    return _find(known_actor(request), "", [])


@post("/duty/find", guards=[requires(*WATCHERS)], status_code=200)
async def find_form(
    request: AnyRequest,
    data: URLEncodedBody[FindForm],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Page:
    """A plate or its last characters, from four on. The search leaves an audit row."""
    actor, now, said = known_actor(request), clock.now(), normalise(data.plate)
    try:
        if len(said) < SHORTEST:
            raise Unprocessable("plate_too_short", least=SHORTEST)
    except Refused as refused:
        return _find(actor, data.plate[:20], [], told=error("plate", refused))
    await record_access(
        tx,
        actor,
        action="find_plate",
        subject_kind="movement",
        subject="",
        reason="page",
        now=now,
    )
    found = await by_plate(tx, said, now, district=own_district(actor))
    return _find(actor, data.plate[:20], [_line(each) for each in found])


def _line(each: Found) -> dict[str, Any]:
    return {
        "movement_id": each.movement_id,
        "plate": each.plate,
        "plate_kind": kind_shown(each.plate),
        "state": each.state,
        "place": each.place,
        "changed_at": each.changed_at,
        "url": f"/duty/{each.movement_id}" if each.overdue else f"/loops/{each.movement_id}",
    }


def _find(
    actor: Actor, said: str, rows: list[dict[str, Any]], told: dict[str, str] | None = None
) -> Page:
    return page(
        "find.html",
        http_status=422 if told else 200,
        rows=rows,
        asked=bool(said) and not told,
        values={"plate": said},
        errors=[told] if told else [],
        path="/duty/find",
        nav=navigation(actor),
        home_url=home_of(actor),
    )


@get("/duty/ledger", guards=[requires(*WATCHERS)])
async def ledger_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    side: FromQuery[Side] = "checkpoint",
) -> Page:
    """Entries without arrival and arrivals without entry, by checkpoint or by firm, day by day."""
    actor = known_actor(request)
    now = clock.now()
    rows = await _days(tx, actor, side, now)
    marks: Counter[int] = Counter()
    if side == "firm":
        found = await marks_between(tx, now - COUNTED, now, district=own_district(actor))
        marks = standing_by_firm(found)
    return page(
        "ledger.html",
        side=side,
        rows=[_told(each) | {"place_id": each.place_id} for each in rows],
        marks=marks,
        path="/duty/ledger",
        nav=navigation(actor),
        home_url=home_of(actor),
    )


async def _days(conn: Connection, actor: Actor, side: str, now: datetime) -> list[Day]:
    since = now - timedelta(days=DAYS)
    return await ledger(conn, since, side, district=own_district(actor))


def _told(each: Day) -> dict[str, Any]:
    return {
        "day": each.day.isoformat(),
        "place": each.place,
        "entered": each.entered,
        "closed": each.closed,
        "open": each.open,
        "late": each.late,
        "unentered": each.unentered,
        "percent": None if each.rate is None else round(each.rate * 100, 1),
    }


COLUMNS = ("day", "place", "entered", "closed", "open", "late", "unentered", "percent")


@get("/duty/ledger.csv", guards=[requires(*WATCHERS)])
async def ledger_file(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    side: FromQuery[Side] = "checkpoint",
) -> Response[bytes]:
    """The same as a spreadsheet reads it (UTF-8 with its mark)."""
    rows = await _days(tx, known_actor(request), side, clock.now())
    told = [_told(each) for each in rows]
    lines = [[str(row[name]) for name in COLUMNS] for row in told]
    return as_csv("ledger.csv", [[t(f"ui.ledger.{name}") for name in COLUMNS], *lines])


HANDLERS: list[Any] = [find_page, find_form, ledger_page, ledger_file]
