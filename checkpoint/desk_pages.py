"""The verification desk: yellow cards in order of issue, each settled with one form."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from alerts.expecting_queries import refusals
from checkpoint.desk import DESK, standing_place
from checkpoint.desk_views import case, file_of, reasons
from checkpoint.queries import desk_queue
from checkpoint.slips import slip_of
from closedloop.acts import Act, propose
from closedloop.commit import append
from closedloop.model import State
from closedloop.reporting import Office, accepted, situation_of
from closedloop.reveal_pages import people_shown
from closedloop.saying import one_line
from closedloop.situation import Situation, check_in_district, read_situations
from closedloop.watching import name_of, who
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import NotFound, Refused
from kernel.i18n import current_locale, other_locale, t
from kernel.web import Page, page, url_with
from registry.accounts import home_of
from registry.model import Role
from registry.printing import pdf_headers, printed, slip_pdf
from registry.reveal import REASONS
from registry.scope import own_district
from registry.wording import error, navigation
from registry.world import World

AnyRequest = Request[Any, Any, Any]
OFFICERS = (Role.DESK, Role.LANE, Role.DUTY)
#: The last part of an address → what it decides.
OUTCOMES = {
    "release": "release",
    "here": "here",
    "wait": "wait",
    "turn-back": "turn_back",
    "hold": "hold",
}


class DeskForm(Struct, frozen=True, kw_only=True):
    event_id: UUID
    reason: str = ""
    source: str = ""
    proof: str = ""


@get("/desk", guards=[requires(*OFFICERS)])
async def desk_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    done: FromQuery[str] = "",
) -> Page:
    """Trucks that wait for a decision."""
    actor, now = who(request), clock.now()
    world = await office.cache.now(tx)
    return page(
        "desk.html",
        path="/desk",
        place={"name": name_of(world, actor.place_id)},
        cases=await _cases(tx, world, actor, now),
        notice=_notice(done),
        **_offered(world, actor, now),
    )


def _notice(done: str) -> str | None:
    return t(f"ui.desk.done.{done}") if done in OUTCOMES.values() else None


def _offered(world: World, actor: Actor, now: datetime) -> dict[str, Any]:
    rules = world.rules_at(now)
    return {
        "turn_back_reasons": reasons(rules.turn_back_reasons),
        "hold_reasons": reasons(rules.hold_reasons),
        "reveal_reasons": REASONS,
        "may_register": Role.DESK in actor.roles,
        "home_url": home_of(actor),
        "nav": navigation(actor),
    }


async def _cases(
    conn: Connection, world: World, actor: Actor, now: datetime
) -> list[dict[str, Any]]:
    queue = await desk_queue(conn, actor.place_id, own_district(actor))
    situations = (await read_situations(conn, queue)).situations
    return [
        case(at := situations[movement_id], world, now) | {"people": people_shown(at, actor)}
        for movement_id in queue
    ]


@get("/desk/{movement_id:int}", guards=[requires(*OFFICERS)])
async def case_page(
    movement_id: FromPath[int],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    done: FromQuery[str] = "",
) -> Page:
    """One truck: what was declared beside what is verified, and what has happened to it."""
    actor, now = who(request), clock.now()
    situation = await _own(tx, office, movement_id, actor)
    return await _show(tx, office, situation, actor, now, notice=_notice(done))


async def _own(conn: Connection, office: Office, movement_id: int, actor: Actor) -> Situation:
    """Raises NotFound `unknown_movement`; Forbidden `not_your_place`."""
    situation = await situation_of(conn, movement_id)
    check_in_district(situation, actor, await office.cache.now(conn))
    standing_place(situation, actor)
    return situation


async def _show(
    conn: Connection,
    office: Office,
    situation: Situation,
    actor: Actor,
    now: datetime,
    *,
    notice: str | None = None,
    errors: Sequence[dict[str, str]] = (),
) -> Page:
    world = await office.cache.now(conn)
    path, state = f"/desk/{situation.movement.movement_id}", situation.loop.state
    return page(
        "desk_case.html",
        http_status=422 if errors else 200,
        path=path,
        other_locale_url=url_with(path, lang=other_locale(current_locale())),
        state=state,
        case=case(situation, world, now) | {"people": people_shown(situation, actor)},
        file=file_of(situation, world, now),
        not_expected=await refusals(conn, movement_id=situation.movement.movement_id),
        slip_url=f"{path}/slip.pdf" if state is State.TURNED_BACK else None,
        notice=notice,
        errors=list(errors),
        **_offered(world, actor, now),
    )


@post("/desk/{movement_id:int}/{outcome:str}", guards=[requires(*OFFICERS)], status_code=200)
async def decide(
    movement_id: FromPath[int],
    outcome: FromPath[str],
    request: AnyRequest,
    data: URLEncodedBody[DeskForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Release on a proof that was seen, wait for one, turn back for one enumerated reason, hold
    by a source and a reason; or: the truck has come to the desk.
    """
    actor, now = who(request), clock.now()
    if outcome not in OUTCOMES:
        raise NotFound("not_found")
    act = Act(
        id=data.event_id,
        kind="desk",
        outcome=OUTCOMES[outcome],
        reason=data.reason,
        source=one_line(data.source),
        proof=one_line(data.proof),
    )
    try:
        proposal = propose(movement_id, act, actor, DESK)
        accepted(await append(tx, office.cache, [proposal], now))
    except Refused as refused:
        situation = await _own(tx, office, movement_id, actor)
        return await _show(tx, office, situation, actor, now, errors=[error("", refused)])
    return Redirect(_after(act, movement_id), status_code=303)


def _after(act: Act, movement_id: int) -> str:
    """To the next truck; a truck that is turned back gets its slip, one that came its file."""
    if act.outcome in {"turn_back", "here"}:
        return f"/desk/{movement_id}?done={act.outcome}"
    return f"/desk?done={act.outcome}"


@get("/desk/{movement_id:int}/slip.pdf", guards=[requires(*OFFICERS)])
async def slip(
    movement_id: FromPath[int],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
) -> Response[bytes]:
    """What a truck that was turned back has to mend, and where, on a roll of 80 mm."""
    situation = await _own(tx, office, movement_id, who(request))
    sheet = slip_of(situation, await office.cache.now(tx), office.vault)
    made = await printed(slip_pdf, sheet)
    return Response(made, media_type="application/pdf", headers=pdf_headers("slip"))


HANDLERS: list[Any] = [desk_page, case_page, decide, slip]
