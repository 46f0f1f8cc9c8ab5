"""The verification desk: yellow cards in order of issue, each settled with one form."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from checkpoint.desk import DESK, standing_verdict
from checkpoint.queries import desk_queue
from checkpoint.wording import spoken
from closedloop.acts import Act, propose
from closedloop.commit import append
from closedloop.reporting import Office, accepted
from closedloop.reveal_pages import people_shown
from closedloop.saying import one_line
from closedloop.situation import read_situations
from closedloop.watching import name_of, who
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused
from kernel.i18n import current_locale, t
from kernel.ids import uuid7
from kernel.web import Page, page
from registry.accounts import home_of
from registry.model import Card, Role
from registry.plates import kind_shown
from registry.reveal import REASONS
from registry.rules import Reason
from registry.scope import own_district
from registry.wording import error, navigation
from registry.world import World

AnyRequest = Request[Any, Any, Any]
OFFICERS = (Role.DESK, Role.LANE, Role.DUTY)


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
    notice = t(f"ui.desk.done.{done}") if done in {"release", "wait", "turn_back", "hold"} else None
    return await _show(tx, office, who(request), clock.now(), notice=notice)


async def _show(
    conn: Connection,
    office: Office,
    actor: Actor,
    now: datetime,
    *,
    notice: str | None = None,
    errors: Sequence[dict[str, str]] = (),
) -> Page:
    world = await office.cache.now(conn)
    rules = world.rules_at(now)
    return page(
        "desk.html",
        http_status=422 if errors else 200,
        path="/desk",
        place={"name": name_of(world, actor.place_id)},
        cases=await _cases(conn, world, actor, now),
        turn_back_reasons=_reasons(rules.turn_back_reasons),
        hold_reasons=_reasons(rules.hold_reasons),
        reveal_reasons=REASONS,
        notice=notice,
        errors=list(errors),
        home_url=home_of(actor),
        nav=navigation(actor),
    )


def _reasons(reasons: tuple[Reason, ...]) -> list[dict[str, str]]:
    locale = current_locale()
    return [{"code": each.code, "sentence": getattr(each.sentence, locale)} for each in reasons]


async def _cases(
    conn: Connection, world: World, actor: Actor, now: datetime
) -> list[dict[str, Any]]:
    queue = await desk_queue(conn, actor.place_id, own_district(actor))
    situations = (await read_situations(conn, [row["movement_id"] for row in queue])).situations
    return [
        _case(row, at := situations[row["movement_id"]], world, now)
        | {"people": people_shown(at, actor)}
        for row in queue
    ]


def _case(row: dict[str, Any], situation: Any, world: World, now: datetime) -> dict[str, Any]:  # noqa: ANN401
    since = situation.loop.state_since or now
    movement = situation.movement
    return {
        "movement_id": movement.movement_id,
        "plate": movement.plate,
        "plate_kind": kind_shown(movement.plate),
        "masked_name": row["driver"] or "",
        "from_place": movement.origin,
        "to_place": name_of(world, movement.stops[0] if movement.stops else None),
        "waiting_minutes": max(0, int((now - since).total_seconds() // 60)),
        "missing": spoken(row["card"] or {}, world, now),
        "compliant": standing_verdict(situation, world, now).card is Card.GREEN,
        "event_id": str(uuid7(now)),
    }


async def _decide(
    conn: Connection,
    office: Office,
    actor: Actor,
    movement_id: int,
    act: Act,
    now: datetime,
) -> Page | Redirect:
    try:
        proposal = propose(movement_id, act, actor, DESK)
        accepted(await append(conn, office.cache, [proposal], now))
    except Refused as refused:
        return await _show(conn, office, actor, now, errors=[error("", refused)])
    return Redirect(f"/desk?done={act.outcome}", status_code=303)


@post("/desk/{movement_id:int}/release", guards=[requires(*OFFICERS)], status_code=200)
async def release(
    movement_id: FromPath[int],
    request: AnyRequest,
    data: URLEncodedBody[DeskForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """The proof was seen: the truck goes on, and its clock starts."""
    act = Act(id=data.event_id, kind="desk", outcome="release", proof=one_line(data.proof))
    return await _decide(tx, office, who(request), movement_id, act, clock.now())


@post("/desk/{movement_id:int}/wait", guards=[requires(*OFFICERS)], status_code=200)
async def wait(
    movement_id: FromPath[int],
    request: AnyRequest,
    data: URLEncodedBody[DeskForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """A proof is on its way: the truck stays, and the desk's limit begins anew."""
    act = Act(id=data.event_id, kind="desk", outcome="wait")
    return await _decide(tx, office, who(request), movement_id, act, clock.now())


@post("/desk/{movement_id:int}/turn-back", guards=[requires(*OFFICERS)], status_code=200)
async def turn_back(
    movement_id: FromPath[int],
    request: AnyRequest,
    data: URLEncodedBody[DeskForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """No valid proof: one enumerated reason, and where to mend it."""
    act = Act(id=data.event_id, kind="desk", outcome="turn_back", reason=data.reason)
    return await _decide(tx, office, who(request), movement_id, act, clock.now())


@post("/desk/{movement_id:int}/hold", guards=[requires(*OFFICERS)], status_code=200)
async def hold(
    movement_id: FromPath[int],
    request: AnyRequest,
    data: URLEncodedBody[DeskForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Held on the spot, with the source record and the reason."""
    act = Act(
        id=data.event_id,
        kind="desk",
        outcome="hold",
        reason=data.reason,
        source=one_line(data.source),
    )
    return await _decide(tx, office, who(request), movement_id, act, clock.now())


HANDLERS: list[Any] = [desk_page, release, wait, turn_back, hold]
