"""The board of the control room: what a glance has to tell, each figure with a table beside it."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency

from alerts.board_queries import (
    CardCount,
    Flow,
    ages,
    cards_by_hour,
    flows,
    funnel,
    yellow_under_way,
)
from alerts.charts import CARDS, Bar, Line, bars, mix, schematic, strip
from alerts.desk_views import BANDS, minutes_since
from alerts.gate_queues import WAIT_LIMIT, Queue, closed_now, queue_row, queues
from closedloop.reporting import Office
from closedloop.watching import name_of
from kernel.auth import Actor, actor_of, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.i18n import LOCAL_ZONE, current_locale, t
from kernel.lately import Lately
from kernel.web import COMPRESSED, Page, page
from registry.accounts import home_of, known_actor
from registry.gate_notices import stood_since
from registry.model import PlaceKind, Role
from registry.pulses import Pulse, pulses
from registry.scope import covers, own_district
from registry.wording import navigation
from registry.world import World

AnyRequest = Request[Any, Any, Any]
WATCHERS = (Role.DUTY, Role.AUDITOR)
HOURS = 24
MOST_LANES, MOST_FIRMS = 24, 12
#: A share of turned-back trucks above this is marked.
WHITE_LIMIT = 0.1
SILENT = timedelta(minutes=10)


@get("/duty/board", guards=[requires(*WATCHERS)], middleware=COMPRESSED)
async def board_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    lately: NamedDependency[Lately],
) -> Page:
    """Lanes, cards, loops, ages, devices; it renews itself."""
    actor = known_actor(request)
    shown = await _lately(tx, office, lately, actor, clock.now())
    return page(
        "board.html", **shown, path="/duty/board", nav=navigation(actor), home_url=home_of(actor)
    )


@get("/duty/board/parts", guards=[requires(*WATCHERS)], middleware=COMPRESSED)
async def board_parts(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    lately: NamedDependency[Lately],
) -> Page:
    """The board alone, for the page to renew."""
    shown = await _lately(tx, office, lately, actor_of(request), clock.now())
    return page("board_parts.html", **shown)


async def _lately(
    conn: Connection, office: Office, lately: Lately, actor: Actor | None, now: datetime
) -> dict[str, Any]:
    """Drawn once for everybody of a district and language; the page says of when it is."""

    async def draw() -> dict[str, Any]:
        return await _shown(conn, office, actor, now)

    return await lately.get((own_district(actor), current_locale()), draw)


async def _shown(
    conn: Connection, office: Office, actor: Actor | None, now: datetime
) -> dict[str, Any]:
    world, own = await office.cache.now(conn), own_district(actor)
    first = (now - timedelta(hours=HOURS - 1)).replace(minute=0, second=0, microsecond=0)
    gates = [
        place.id
        for place in world.places.values()
        if place.kind is PlaceKind.CHECKPOINT and covers(own, place.district_code)
    ]
    counted = await cards_by_hour(conn, gates, first)
    found = queues(await stood_since(conn, gates, first), counted, world, first, now)
    yellow = await yellow_under_way(conn, district=own)
    return {
        "now": now,
        "cards": _cards(counted, first),
        "queues": [queue_row(each) for each in found[:MOST_LANES]],
        "wait_limit": WAIT_LIMIT,
        "more_queues": max(len(found) - MOST_LANES, 0),
        "lanes": _lanes(counted, world, first, found),
        "funnel": await _funnel(conn, now, own),
        "ages": await _ages(conn, now, own),
        "yellow": {
            "n": yellow.n,
            "minutes": minutes_since(yellow.since, now) if yellow.since else 0,
        },
        "devices": [_device(each, now) for each in await pulses(conn, district=own)],
        "map": _map(await flows(conn, now, district=own), world),
    }


def _cards(counted: list[CardCount], first: datetime) -> dict[str, Any]:
    hours: list[Counter[str]] = [Counter() for _ in range(HOURS)]
    for each in counted:
        hours[_hour(each.hour, first)][each.card] += each.n
    totals = {card: sum(hour[card] for hour in hours) for card in CARDS}
    judged = sum(totals[card] for card in ("green", "yellow", "white", "red"))
    share = totals["white"] / judged if judged else 0.0
    return {
        "svg": mix(t("ui.board.cards"), hours),
        "totals": [{"card": card, "n": totals[card]} for card in CARDS],
        "white_percent": round(share * 100, 1),
        "white_marked": share > WHITE_LIMIT,
        "rows": [
            {"hour": _clock(first, n), **{card: hours[n][card] for card in CARDS}}
            for n in range(HOURS)
            if hours[n]
        ],
    }


def _clock(first: datetime, hour: int) -> str:
    return f"{(first + timedelta(hours=hour)).astimezone(LOCAL_ZONE):%H:%M}"


def _hour(at: datetime, first: datetime) -> int:
    return min(max(int((at - first).total_seconds() // 3600), 0), HOURS - 1)


def _lanes(
    counted: list[CardCount], world: World, first: datetime, found: list[Queue]
) -> list[dict[str, Any]]:
    """The busiest first; a lane that stands still within this hour though it was busy is marked,
    unless it is closed.
    """
    shut = closed_now(found)
    cells: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0] * HOURS)
    for each in (each for each in counted if not each.desk):
        cells[each.place_id, each.gate][_hour(each.hour, first)] += each.n
    busiest = sorted(cells.items(), key=lambda item: (-sum(item[1]), item[0]))[:MOST_LANES]
    return [
        {
            "name": name_of(world, place_id),
            "gate": gate,
            "total": sum(hours),
            "last": hours[-1],
            "still": (still := _still(hours) and not shut & {(place_id, gate), (place_id, "")}),
            "svg": strip(t("ui.board.lane", gate=gate or "–"), hours, still=still),
        }
        for (place_id, gate), hours in busiest
    ]


def _still(hours: list[int]) -> bool:
    """Nothing within this hour, after three trucks or more within the three hours before."""
    return hours[-1] == 0 and sum(hours[-4:-1]) >= 3


async def _funnel(conn: Connection, now: datetime, own: str | None) -> dict[str, Any]:
    found = await funnel(conn, now - timedelta(hours=HOURS), district=own)
    steps = [
        (name, getattr(found, name))
        for name in ("reported", "presented", "released", "arrived", "closed")
    ]
    whole = found.reported or 1
    rows = [
        Bar(label=t(f"ui.board.funnel.{name}"), value=value, share=value / whole)
        for name, value in steps
    ]
    return {"svg": bars(t("ui.board.funnel"), rows), "rows": rows}


async def _ages(conn: Connection, now: datetime, own: str | None) -> dict[str, Any]:
    found = await ages(conn, now, BANDS, district=own)
    by_band = {band: [each for each in found if each.band == band] for band in range(4)}
    total = sum(each.n for each in found) or 1
    rows = [
        Bar(
            label=f"{mark} {t(f'ui.duty.band.{band}')}",
            value=(value := sum(each.n for each in by_band[band])),
            share=value / total,
            second=sum(each.n for each in by_band[band] if each.claimed),
        )
        for band, mark in enumerate("○△◇■")
    ]
    return {"svg": bars(t("ui.board.ages"), rows), "rows": rows}


def _device(each: Pulse, now: datetime) -> dict[str, Any]:
    silent = each.seen_at is None or now - each.seen_at > SILENT
    return {
        "name": each.name,
        "place": each.place,
        "seen_at": each.seen_at,
        "waiting": each.waiting,
        "silent": silent,
    }


def _map(found: list[Flow], world: World) -> dict[str, Any]:
    firms = _most([(flow.place_id, flow.n) for flow in found])
    gates = _most([(flow.entry_place_id, flow.n) for flow in found])
    drawn = [flow for flow in found if flow.place_id in firms and flow.entry_place_id in gates]
    lines = [
        Line(
            left=gates.index(flow.entry_place_id),
            right=firms.index(flow.place_id),
            n=flow.n,
            late=flow.late,
        )
        for flow in drawn
    ]
    return {
        "svg": schematic(
            t("ui.board.map"),
            [name_of(world, gate) for gate in gates],
            [_with_count(world, firm, drawn) for firm in firms],
            lines,
        ),
        "rows": [
            {
                "gate": name_of(world, flow.entry_place_id),
                "firm": name_of(world, flow.place_id),
                "n": flow.n,
                "late": flow.late,
            }
            for flow in drawn
        ],
    }


def _most(found: list[tuple[int, int]]) -> list[int]:
    """The places with the most trucks, and no more than fit."""
    counts: dict[int, int] = defaultdict(int)
    for place, n in found:
        counts[place] += n
    return sorted(counts, key=lambda place: (-counts[place], place))[:MOST_FIRMS]


def _with_count(world: World, firm: int, drawn: list[Flow]) -> str:
    late = sum(flow.late for flow in drawn if flow.place_id == firm)
    n = sum(flow.n for flow in drawn if flow.place_id == firm)
    return f"{'■ ' if late else ''}{name_of(world, firm)} {n}" + (f" / {late}" if late else "")


HANDLERS: list[Any] = [board_page, board_parts]
