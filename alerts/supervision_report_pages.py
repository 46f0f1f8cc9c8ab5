"""The day's report, tally and bulletin as a page, on paper and as a file."""

from datetime import date, datetime, timedelta
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from alerts.daily_sheet import daily_drawing
from alerts.supervision_figures import Line, worst
from alerts.supervision_report import MOST_DAYS, DayReport, Frozen, correct, report_of
from alerts.supervision_steps import local_day
from alerts.supervision_views import (
    READERS,
    AnyRequest,
    chosen,
    flag_shown,
    frame,
    ladder_word,
    rules_now,
    step_word,
)
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import NotFound, Refused
from kernel.i18n import t
from kernel.sheets import as_csv
from kernel.web import Page, page, url_with
from registry.accounts import known_actor
from registry.model import Role
from registry.printing import pdf, pdf_headers, printed
from registry.stepladders import Supervision
from registry.world import WorldCache

PATH = "/supervision/report"
CORRECTORS = (Role.REGISTRAR, Role.DUTY)
COLUMNS = ("unit", "due", "set_up", "missing", "in_use", "today", "idle")


class CorrectionForm(Struct, frozen=True, kw_only=True):
    day: date | None = None
    version: int | None = None
    reason: str = ""


class _Read(Struct, frozen=True, kw_only=True):
    supervision: Supervision
    frozen: Frozen


async def _read(
    conn: Connection,
    cache: WorldCache,
    actor: Actor,
    said: date | None,
    now: datetime,
    version: int | None,
) -> _Read:
    """The day that was asked for, or today; never one to come."""
    supervision, today = await rules_now(conn, cache, now), local_day(now)
    day = min(max(said or today, today - timedelta(days=MOST_DAYS)), today)
    where = chosen(actor, "")
    return _Read(
        supervision=supervision,
        frozen=await report_of(conn, supervision, day, now, where, version),
    )


@get(PATH, guards=[requires(*READERS)])
async def report_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
    day: FromQuery[date | None] = None,
    version: FromQuery[int | None] = None,
    done: FromQuery[str] = "",
) -> Page:
    """Today's figures move; a day that is over stands as it was sent up."""
    actor, now = known_actor(request), clock.now()
    return await _show(tx, cache, actor, day, now, version=version, done=done)


async def _show(
    conn: Connection,
    cache: WorldCache,
    actor: Actor,
    day: date | None,
    now: datetime,
    *,
    version: int | None = None,
    done: str = "",
    refused: Refused | None = None,
) -> Page:
    read = await _read(conn, cache, actor, day, now, version)
    report, today = read.frozen.report, local_day(now)
    step = timedelta(days=1)
    return page(
        "supervision_report.html",
        day=report.day.isoformat(),
        frozen=read.frozen,
        figures=figures_told(report, read.supervision),
        parts=_parts(report),
        columns=COLUMNS,
        units=report.units,
        worst=[
            {"name": line.street or line.trade, "n": line.missing}
            for level in ("street", "trade")
            for line in worst(report.lines, level, 5)
        ],
        named=[flag_shown(flag) for flag in report.named],
        before=url_with(PATH, day=(report.day - step).isoformat()),
        after=url_with(PATH, day=(report.day + step).isoformat()) if report.day < today else None,
        versions=[
            {"n": n, "url": url_with(PATH, day=report.day.isoformat(), version=n)}
            for n in read.frozen.versions
        ],
        may_correct=bool(actor.roles & set(CORRECTORS)) and report.day < today,
        values={},
        **frame(actor, PATH, PATH, done=done, refused=refused),
    )


def figures_told(report: DayReport, supervision: Supervision) -> list[dict[str, Any]]:
    """Label and number: coverage, what was done, what hangs."""
    whole = next((line for line in report.lines if line.level == "all"), None)
    numbers = _numbers(whole) if whole else dict.fromkeys(COLUMNS[1:], 0)
    told = [{"label": t(f"ui.supervision.{name}"), "n": n} for name, n in numbers.items()]
    told += [{"label": t(f"ui.supervision.did.{kind}"), "n": n} for kind, n in report.done.items()]
    for key, n in report.steps.items():
        ladder, _, step = key.partition(".")
        word = step_word(supervision.ladder(ladder), step)
        told.append({"label": f"{ladder_word(supervision, ladder)} · {word}", "n": n})
    return told + [{"label": t(f"mark.{mark}"), "n": n} for mark, n in report.marks.items()]


def _numbers(line: Line) -> dict[str, int]:
    return {name: getattr(line, name) for name in COLUMNS[1:]}


def _name(line: Line) -> str:
    name = {"district": line.district, "street": line.street, "trade": line.trade}[line.level]
    return name or t("ui.supervision.unnamed")


def _parts(report: DayReport) -> list[dict[str, Any]]:
    return [
        {
            "level": level,
            "rows": [
                {"unit": _name(line)} | _numbers(line)
                for line in report.lines
                if line.level == level
            ],
        }
        for level in ("district", "street", "trade")
    ]


@post(PATH, guards=[requires(*CORRECTORS)], status_code=200)
async def correct_page(
    request: AnyRequest,
    data: URLEncodedBody[CorrectionForm],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
) -> Page | Redirect:
    """A new version of a day that is over; the older ones stay."""
    actor, now = known_actor(request), clock.now()
    day = data.day or local_day(now)
    try:
        async with tx.transaction():
            supervision = await rules_now(tx, cache, now)
            where = chosen(actor, "")
            await correct(tx, supervision, day, data.reason, actor, now, where, data.version)
    except NotFound:
        raise
    except Refused as refused:
        return await _show(tx, cache, actor, day, now, refused=refused)
    return Redirect(url_with(PATH, day=day.isoformat(), done="report"), status_code=303)


@get("/supervision/report.csv", guards=[requires(*READERS)])
async def report_file(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
    day: FromQuery[date | None] = None,
    version: FromQuery[int | None] = None,
) -> Response[bytes]:
    """Figures, then the units, then who is named."""
    read = await _read(tx, cache, known_actor(request), day, clock.now(), version)
    report = read.frozen.report
    rows: list[list[str]] = [
        [t("ui.supervision.report.title"), report.day.isoformat()],
        [t("ui.supervision.report.version"), str(read.frozen.version), read.frozen.reason],
    ]
    rows += [[each["label"], str(each["n"])] for each in figures_told(report, read.supervision)]
    for title, head, lines in _tables(report):
        rows += [[], [title], head, *lines]
    return as_csv(f"supervision-{report.day}.csv", rows)


def _tables(report: DayReport) -> list[tuple[str, list[str], list[list[str]]]]:
    head = [t(f"ui.supervision.{name}") for name in COLUMNS]
    tables = [
        (
            t(f"ui.supervision.by.{part['level']}"),
            head,
            [[str(row[name]) for name in COLUMNS] for row in part["rows"]],
        )
        for part in _parts(report)
    ]
    names = ("street", "trade", "open", "late")
    units = [[str(getattr(unit, name)) for name in names] for unit in report.units]
    tables.append(
        (t("ui.supervision.tally"), [t(f"ui.supervision.{name}") for name in names], units)
    )
    told = [flag_shown(flag) for flag in report.named]
    named = [[each["name"], each["street"], each["trade"], each["word"]] for each in told]
    head = [t(f"ui.supervision.{name}") for name in ("place", "street", "trade", "missed")]
    return [*tables, (t("ui.supervision.bulletin"), head, named)]


@get("/supervision/report.pdf", guards=[requires(*READERS)])
async def report_on_paper(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
    day: FromQuery[date | None] = None,
    version: FromQuery[int | None] = None,
) -> Response[bytes]:
    """The same on A4."""
    read = await _read(tx, cache, known_actor(request), day, clock.now(), version)
    report = read.frozen.report
    tables = _tables(report)
    told = [(each["label"], str(each["n"])) for each in figures_told(report, read.supervision)]
    title = f"{t('ui.supervision.report.title')} {report.day.isoformat()}"
    heads = {name: head for name, head, _ in tables}
    parts = [(name, lines) for name, _, lines in tables]
    made = await printed(pdf, daily_drawing(title, told, tables[0][1], parts, heads))
    headers = pdf_headers(f"supervision-{report.day}")
    return Response(made, media_type="application/pdf", headers=headers)


HANDLERS: list[Any] = [report_page, correct_page, report_file, report_on_paper]
