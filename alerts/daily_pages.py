"""The daily report as a page, on paper and as a file."""

from datetime import date, datetime, timedelta
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from alerts.board_queries import Day
from alerts.daily import Daily, daily
from alerts.daily_sheet import daily_drawing
from closedloop.reporting import Office
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.i18n import LOCAL_ZONE, local_time, t
from kernel.sheets import as_csv
from kernel.web import Page, page, url_with
from registry.accounts import home_of, known_actor
from registry.marks import shown
from registry.model import PlaceKind, Role
from registry.printing import pdf, pdf_headers, printed
from registry.scope import covers, own_district
from registry.wording import navigation

AnyRequest = Request[Any, Any, Any]
WATCHERS = (Role.DUTY, Role.AUDITOR)
#: Records older than this may have been erased.
MOST_DAYS = 30
COLUMNS = ("place", "entered", "closed", "percent", "open", "late", "unentered")


async def _read(
    conn: Connection, office: Office, actor: Actor, said: date | None, now: datetime
) -> Daily:
    """The day that was asked for, or today; never one to come."""
    today = now.astimezone(LOCAL_ZONE).date()
    day = min(max(said or today, today - timedelta(days=MOST_DAYS)), today)
    own, world = own_district(actor), await office.cache.now(conn)
    gates = [
        place.id
        for place in world.places.values()
        if place.kind is PlaceKind.CHECKPOINT and covers(own, place.district_code)
    ]
    return await daily(conn, day, gates, district=own)


@get("/duty/report", guards=[requires(*WATCHERS)])
async def report_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    day: FromQuery[date | None] = None,
) -> Page:
    """One day; the days before and after are a step away."""
    actor, now = known_actor(request), clock.now()
    found = await _read(tx, office, actor, day, now)
    today = now.astimezone(LOCAL_ZONE).date()
    return page(
        "daily.html",
        day=found.day.isoformat(),
        figures=figures(found),
        checkpoints=[_line(each) for each in found.checkpoints],
        firms=[_line(each) for each in found.firms],
        marks=[shown(each, whole=True) for each in found.marks],
        columns=COLUMNS,
        before=url_with("/duty/report", day=(found.day - timedelta(days=1)).isoformat()),
        after=(
            url_with("/duty/report", day=(found.day + timedelta(days=1)).isoformat())
            if found.day < today
            else None
        ),
        path="/duty/report",
        nav=navigation(actor),
        home_url=home_of(actor),
    )


def figures(found: Daily) -> list[dict[str, Any]]:
    """Label and number, in the order of a truck's day."""
    rate = f"{found.closed / found.entered:.1%}" if found.entered else "–"
    return [
        {"label": t("ui.board.funnel.reported"), "n": found.reported},
        *({"label": t(f"card.{card}"), "n": n} for card, n in found.cards.items()),
        {"label": t("ui.ledger.entered"), "n": found.entered},
        {"label": t("ui.ledger.closed"), "n": found.closed},
        {"label": t("ui.ledger.percent"), "n": rate},
        {"label": t("ui.ledger.late"), "n": found.late},
        {"label": t("ui.ledger.unentered"), "n": found.unentered},
        *({"label": f"{s} {t(f'step.{s}')}", "n": n} for s, n in found.steps.items()),
        *({"label": t(f"event.{kind}"), "n": n} for kind, n in found.done.items()),
        {"label": t("ui.daily.marks"), "n": len(found.marks)},
    ]


def _line(each: Day) -> dict[str, Any]:
    return {
        "place": each.place,
        "entered": each.entered,
        "closed": each.closed,
        "percent": "–" if each.rate is None else f"{each.rate:.1%}",
        "open": each.open,
        "late": each.late,
        "unentered": each.unentered,
    }


@get("/duty/report.csv", guards=[requires(*WATCHERS)])
async def report_file(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    day: FromQuery[date | None] = None,
) -> Response[bytes]:
    """Figures, then a line for each checkpoint and each firm."""
    found = await _read(tx, office, known_actor(request), day, clock.now())
    rows: list[list[str]] = [[t("ui.ledger.day"), found.day.isoformat()]]
    rows += [[each["label"], str(each["n"])] for each in figures(found)]
    for side, lines in (("checkpoint", found.checkpoints), ("firm", found.firms)):
        rows += [[], [t(f"ui.ledger.side.{side}")], [t(f"ui.ledger.{name}") for name in COLUMNS]]
        rows += [[str(_line(each)[name]) for name in COLUMNS] for each in lines]
    rows += [[], [t("ui.daily.marks")], *([each] for each in _marked(found))]
    return as_csv(f"report-{found.day}.csv", rows)


def _marked(found: Daily) -> list[str]:
    """A line for each mark: whom it is about, when, and what became of it; no plate is filed."""
    return [
        " · ".join(
            (
                each.place or t("ui.marks.of.carrier"),
                local_time(each.at),
                t(f"ui.marks.lifted.{each.lifted_by}" if each.lifted_by else "ui.marks.stands"),
            )
        )
        for each in found.marks
    ]


@get("/duty/report.pdf", guards=[requires(*WATCHERS)])
async def report_on_paper(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    day: FromQuery[date | None] = None,
) -> Response[bytes]:
    """The same on A4."""
    found = await _read(tx, office, known_actor(request), day, clock.now())
    head = [t(f"ui.ledger.{name}") for name in COLUMNS]
    parts = [
        (t(f"ui.ledger.side.{side}"), [[str(_line(each)[name]) for name in COLUMNS] for each in on])
        for side, on in (("checkpoint", found.checkpoints), ("firm", found.firms))
    ]
    told = [(each["label"], str(each["n"])) for each in figures(found)]
    title = f"{t('ui.daily.title')} {found.day.isoformat()}"
    pages = daily_drawing(title, told, head, parts)
    made = await printed(pdf, pages)
    return Response(made, media_type="application/pdf", headers=pdf_headers(f"report-{found.day}"))


HANDLERS: list[Any] = [report_page, report_file, report_on_paper]
