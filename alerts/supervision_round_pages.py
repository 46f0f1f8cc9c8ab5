"""Street sweeps: the list, one round with its teams, and the telephone of a team."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from alerts.street_rounds import (
    MOST_TEAMS,
    NewRound,
    Stop,
    end_round,
    find_round,
    make_round,
    next_stops,
    rounds,
    teams_of,
)
from alerts.street_visits import LONGEST_NOTE, Trial, VisitSaid, record_visit
from alerts.supervision_photos import keep_photo, photo_named
from alerts.supervision_views import (
    READERS,
    WRITERS,
    AnyRequest,
    form_of,
    frame,
    moment_of,
    number,
    one,
    options,
    rules_now,
    sender_id,
)
from closedloop.photos import LARGEST_FORM, photo_of
from closedloop.reporting import Office
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused, Unprocessable
from kernel.ids import uuid7
from kernel.web import Page, page
from registry.accounts import known_actor
from registry.coverage import streets
from registry.inspections import RESULTS
from registry.model import Role
from registry.places import districts
from registry.scope import covers, own_district
from registry.world import WorldCache

PATH = "/supervision/rounds"
PLANNERS = (Role.REGISTRAR, Role.INSPECTOR, Role.GRID)
USUAL_TEAMS = "9"


@get(PATH, guards=[requires(*READERS)])
async def rounds_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    done: FromQuery[str] = "",
) -> Page:
    """Rounds with how far they are; a form for a new one."""
    return await _list(tx, known_actor(request), clock.now(), done=done)


async def _list(
    conn: Connection,
    actor: Actor,
    now: datetime,
    *,
    done: str = "",
    refused: Refused | None = None,
    values: Mapping[str, str] | None = None,
) -> Page:
    own = own_district(actor)
    return page(
        "street_rounds.html",
        rounds=[{"round": each, "url": f"{PATH}/{each.id}"} for each in await rounds(conn, own)],
        may_plan=bool(actor.roles & set(PLANNERS)),
        districts=[
            {"value": code, "label": name}
            for code, name in await districts(conn)
            if covers(own, code)
        ],
        streets=[{"value": street, "label": street} for street in await streets(conn, own)],
        values=values or {"teams": USUAL_TEAMS},
        event_id=str(uuid7(now)),
        **frame(actor, PATH, PATH, done=done, refused=refused),
    )


@post(PATH, guards=[requires(*PLANNERS)], status_code=200)
async def make_round_page(
    request: AnyRequest, tx: NamedDependency[Connection], clock: NamedDependency[Clock]
) -> Page | Redirect:
    """Deal the places out to the teams. Sent twice, it is one round."""
    actor, now, form = known_actor(request), clock.now(), await form_of(request)
    try:
        teams = number(one(form, "teams")) or 0
        if not 1 <= teams <= MOST_TEAMS:
            raise Unprocessable("teams_out_of_range", most=MOST_TEAMS)
        asked = NewRound(
            id=sender_id(form, now),
            name=one(form, "name"),
            district=one(form, "district"),
            teams=teams,
            street=one(form, "street"),
            only_missing=bool(one(form, "only_missing")),
        )
        async with tx.transaction():
            round_id = await make_round(tx, asked, actor, now)
    except Refused as refused:
        values = {name: given[0] for name, given in form.items()}
        return await _list(tx, actor, now, refused=refused, values=values)
    return Redirect(f"{PATH}/{round_id}?done=round", status_code=303)


@get("/supervision/rounds/{round_id:uuid}", guards=[requires(*READERS)])
async def round_page(
    request: AnyRequest,
    round_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    done: FromQuery[str] = "",
) -> Page:
    """How far each team is; where to begin as one of them."""
    actor = known_actor(request)
    found = await find_round(tx, round_id, own_district(actor))
    path = f"{PATH}/{round_id}"
    return page(
        "street_round.html",
        round=found,
        teams=[
            {"team": team, "url": f"{path}/teams/{team.team}"}
            for team in await teams_of(tx, round_id)
        ],
        may_plan=bool(actor.roles & set(PLANNERS)) and found.ended_at is None,
        end_url=f"{path}/end",
        **frame(actor, path, PATH, done=done),
    )


@post("/supervision/rounds/{round_id:uuid}/end", guards=[requires(*PLANNERS)], status_code=200)
async def end_round_page(
    request: AnyRequest,
    round_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Redirect:
    """The round is over; what was found stays."""
    await end_round(tx, round_id, known_actor(request), clock.now())
    return Redirect(f"{PATH}/{round_id}?done=round", status_code=303)


@get("/supervision/rounds/{round_id:uuid}/teams/{team:int}", guards=[requires(*WRITERS)])
async def team_page(
    request: AnyRequest,
    round_id: FromPath[UUID],
    team: FromPath[int],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
    done: FromQuery[str] = "",
) -> Page:
    """The team's next places, each with its form; without a network a tap is kept."""
    return await _team(tx, cache, known_actor(request), round_id, team, clock.now(), done=done)


async def _team(
    conn: Connection,
    cache: WorldCache,
    actor: Actor,
    round_id: UUID,
    team: int,
    now: datetime,
    *,
    done: str = "",
    refused: Refused | None = None,
    values: Mapping[str, str] | None = None,
) -> Page:
    found = await find_round(conn, round_id, own_district(actor))
    supervision = await rules_now(conn, cache, now)
    path = f"{PATH}/{round_id}/teams/{team}"
    teams = await teams_of(conn, round_id)
    mine = next((each for each in teams if each.team == team), None)
    return page(
        "street_team.html",
        round=found,
        team=team,
        stops=mine.stops if mine else 0,
        visited=mine.visited if mine else 0,
        next=[_stop(stop, now) for stop in await next_stops(conn, round_id, team)],
        findings=options(each for each in supervision.findings if not each.by_loop),
        results=RESULTS,
        post_url=f"{PATH}/{round_id}/visits",
        round_url=f"{PATH}/{round_id}",
        longest=LONGEST_NOTE,
        refused_at=number((values or {}).get("due_id", "")) if refused else None,
        **frame(actor, path, PATH, done=done, refused=refused),
    )


def _stop(stop: Stop, now: datetime) -> dict[str, Any]:
    return {"stop": stop, "event_id": str(uuid7(now)), "gates": stop.gates}


@post(
    "/supervision/rounds/{round_id:uuid}/visits",
    guards=[requires(*WRITERS)],
    status_code=200,
    request_max_body_size=LARGEST_FORM,
)
async def visit_page(
    request: AnyRequest,
    round_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    office: NamedDependency[Office],
) -> Page | Redirect:
    """What was found at one place, with a photo or without. Sent twice, it is recorded once."""
    actor, now, form = known_actor(request), clock.now(), await form_of(request)
    team, photo, cache = number(one(form, "team")) or 1, await photo_of(request), office.cache
    asked = _visit(form, round_id, photo, now)
    try:
        async with tx.transaction():
            await record_visit(tx, await rules_now(tx, cache, now), asked, actor, now)
            if photo:
                await keep_photo(tx, office.vault, asked.due_id, asked.id, photo, actor, now)
    except Refused as refused:
        values = {name: given[0] for name, given in form.items()}
        return await _team(tx, cache, actor, round_id, team, now, refused=refused, values=values)
    return Redirect(f"{PATH}/{round_id}/teams/{team}?done=visit", status_code=303)


def _visit(form: Mapping[str, list[str]], round_id: UUID, photo: bytes, now: datetime) -> VisitSaid:
    """`visited_at` is the telephone's hour where it kept the visit for want of a network."""
    visit_id, result = sender_id(form, now), one(form, "result")
    return VisitSaid(
        id=visit_id,
        round_id=round_id,
        due_id=number(one(form, "due_id")) or 0,
        findings=tuple(form.get("finding", [])),
        note=one(form, "note"),
        photo=photo_named(visit_id, photo),
        test=Trial(gate=one(form, "gate"), result=result) if result else None,
        visited_at=moment_of(one(form, "visited_at")),
    )


HANDLERS: list[Any] = [
    rounds_page,
    make_round_page,
    round_page,
    end_round_page,
    team_page,
    visit_page,
]
