"""Coverage as its office sees it: figures by district, street and trade, each a way to its rows."""

from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from alerts import (
    supervision_case_pages,
    supervision_more_pages,
    supervision_place_pages,
    supervision_problem_pages,
    supervision_report_pages,
    supervision_round_pages,
)
from alerts.supervision_case_list import marks_of
from alerts.supervision_figures import (
    MOST_ROWS,
    WHATS,
    Line,
    Which,
    figures,
    moment,
    rows_of,
    what_of,
)
from alerts.supervision_flags import flags
from alerts.supervision_steps import local_day
from alerts.supervision_views import READERS, AnyRequest, chosen, flag_shown, frame, rules_now
from kernel.auth import requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.web import COMPRESSED, Page, page, url_with
from registry.accounts import known_actor
from registry.coverage import OWN_SOURCE, Source, sources
from registry.places import districts
from registry.world import WorldCache

MOST_FLAGS = 8


@get("/supervision", guards=[requires(*READERS)], middleware=COMPRESSED)
async def supervision_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
    district: FromQuery[str] = "",
) -> Page:
    """What is due, set up, in use and scanned today; what hangs unused; what was missed."""
    actor, now = known_actor(request), clock.now()
    supervision = await rules_now(tx, cache, now)
    where = chosen(actor, district)
    lines = await figures(tx, moment(local_day(now), now, supervision.idle_days), where)
    missed = await flags(tx, supervision, now, where)
    return page(
        "supervision.html",
        whole=_line(lines[0]) if lines else None,
        parts=[
            {"level": level, "rows": [_line(line) for line in lines if line.level == level]}
            for level in ("district", "street", "trade")
        ],
        sources=[_source(each) for each in await sources(tx, where)],
        flags=[flag_shown(flag) for flag in missed[:MOST_FLAGS]],
        flags_left=max(len(missed) - MOST_FLAGS, 0),
        whats=WHATS,
        idle_days=supervision.idle_days,
        as_of=now,
        **frame(actor, "/supervision", "/supervision"),
    )


def _line(line: Line) -> dict[str, Any]:
    said = {
        "district": line.district_code or None,
        "street": line.street if line.level == "street" else None,
        "trade": line.trade if line.level == "trade" else None,
    }
    numbers = {what: getattr(line, what) for what in WHATS}
    return {
        "name": {"district": line.district, "street": line.street, "trade": line.trade}.get(
            line.level, ""
        ),
        "above": line.district if line.level == "street" else "",
        "rate": f"{line.set_up / line.due:.1%}" if line.due else "–",
        "numbers": [
            {"what": what, "n": n, "url": url_with("/supervision/rows", said, what=what)}
            for what, n in numbers.items()
        ],
    }


def _source(each: Source) -> dict[str, Any]:
    return {
        "own": each.source == OWN_SOURCE,
        "source": each.source,
        "office": each.office,
        "as_of": each.as_of.isoformat(),
        "imported_at": each.imported_at,
        "rows": each.rows,
        "refused": each.refused,
    }


@get("/supervision/rows", guards=[requires(*READERS)], middleware=COMPRESSED)
async def rows_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
    what: FromQuery[str] = "due",
    district: FromQuery[str] = "",
    street: FromQuery[str | None] = None,
    trade: FromQuery[str | None] = None,
    q: FromQuery[str] = "",
    after: FromQuery[int] = 0,
) -> Page:
    """The rows behind a number, a page at a time."""
    actor, now = known_actor(request), clock.now()
    supervision = await rules_now(tx, cache, now)
    which = Which(
        what=what_of(what),
        district=chosen(actor, district),
        street=street,
        trade=trade,
        name=q.replace("\0", "").strip(),
    )
    at = moment(local_day(now), now, supervision.idle_days)
    found = await rows_of(tx, at, which, after=max(after, 0), limit=MOST_ROWS + 1)
    shown, more = found[:MOST_ROWS], found[MOST_ROWS:]
    marks = await marks_of(tx, [row.id for row in shown])
    asked = {"what": which.what, "district": district or None, "street": street, "trade": trade}
    return page(
        "supervision_rows.html",
        rows=[
            {"row": row, "marks": marks.get(row.id, []), "url": f"/supervision/places/{row.id}"}
            for row in shown
        ],
        what=which.what,
        whats=WHATS,
        street=street,
        trade=trade,
        values={"q": q, "district": district, "what": which.what},
        districts=[{"value": c, "label": n} for c, n in await districts(tx)],
        next_url=(
            url_with("/supervision/rows", asked, q=q or None, after=shown[-1].id) if more else None
        ),
        **frame(actor, "/supervision/rows", "/supervision"),
    )


HANDLERS: list[Any] = [
    supervision_page,
    rows_page,
    *supervision_place_pages.HANDLERS,
    *supervision_case_pages.HANDLERS,
    *supervision_problem_pages.HANDLERS,
    *supervision_more_pages.HANDLERS,
    *supervision_round_pages.HANDLERS,
    *supervision_report_pages.HANDLERS,
]
