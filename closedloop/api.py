"""Reports, loops and histories under /api/v1."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Struct

from closedloop.changes_api import HANDLERS as CHANGES
from closedloop.loops_api import HANDLERS as LOOPS
from closedloop.loops_api import READERS, own_situation
from closedloop.model import state_at
from closedloop.printouts import Size, printed, sheet_of
from closedloop.reporting import Office, Reported, amend, report
from closedloop.reveal_pages import API as REVEAL
from closedloop.tracing_api import HANDLERS as TRACING
from closedloop.views import FailureView, failure_views
from closedloop.visits_api import HANDLERS as VISITS
from kernel.auth import Actor, actor_of, public, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Forbidden
from kernel.ids import uuid7
from registry.model import Role
from registry.passes import pass_number
from registry.posters import pass_svg
from registry.reports import view_key, view_key_fits
from registry.rules import RuleSet
from registry.submission import Submission


class Report(Submission, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A submission with the id that its sender made: the same id is one report for ever."""

    id: UUID | None = None


class Amendment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: UUID
    changes: dict[str, Any]


class MovementView(Struct, frozen=True, kw_only=True):
    id: int
    state: str
    version: int
    pass_number: str | None
    plate: str
    stops: tuple[int, ...]
    entry_place_id: int | None
    window_from: datetime | None
    window_to: datetime | None
    released_at: datetime | None
    due_at: datetime | None
    flags: tuple[str, ...]
    failures: list[FailureView]
    #: Opens the driver's own page; given to whoever reported, and to nobody else.
    view_key: str | None = None


def _view(seen: Reported, rules: RuleSet, now: datetime, key: str | None) -> MovementView:
    movement, loop = seen.movement, seen.loop
    return MovementView(
        id=movement.movement_id,
        state=state_at(loop, now),
        version=movement.version,
        pass_number=seen.number or None,
        plate=movement.plate,
        stops=movement.stops,
        entry_place_id=movement.entry_place_id,
        window_from=movement.window_from,
        window_to=movement.window_to,
        released_at=loop.released_at,
        due_at=loop.due_at,
        flags=loop.flags,
        failures=failure_views(movement.failures, rules),
        view_key=key,
    )


@post("/movements", guards=[public], status_code=201)
async def report_movement(
    data: JSONBody[Report],
    request: Request[Any, Any, Any],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> MovementView:
    """Report a movement before travelling. An incomplete report is kept as a draft with its
    failures; a complete one has a pass number.
    """
    now = clock.now()
    fields = {name: getattr(data, name) for name in Submission.__struct_fields__}
    seen = await report(
        tx,
        office,
        event_id=data.id or uuid7(now),
        said=Submission(**fields),
        channel="api",
        actor=actor_of(request),
        now=now,
    )
    rules = (await office.cache.now(tx)).rules_at(now)
    return _view(seen, rules, now, view_key(seen.movement.movement_id, office.vault))


@patch("/movements/{movement_id:int}", guards=[public])
async def amend_movement(
    movement_id: FromPath[int],
    data: JSONBody[Amendment],
    request: Request[Any, Any, Any],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> MovementView:
    """Change a report, up to the barrier. The driver shows the key of the pass page in the
    header `X-View-Key`; staff act under their own name.
    """
    now, actor = clock.now(), actor_of(request)
    await _may_amend(tx, request, actor, movement_id, office)
    seen = await amend(
        tx,
        office,
        movement_id=movement_id,
        event_id=data.id,
        changes=data.changes,
        actor=actor,
        now=now,
    )
    return _view(seen, (await office.cache.now(tx)).rules_at(now), now, None)


async def _may_amend(
    conn: Connection,
    request: Request[Any, Any, Any],
    actor: Actor | None,
    movement_id: int,
    office: Office,
) -> None:
    if actor is not None and actor.roles & {Role.DESK, Role.DUTY}:
        await own_situation(conn, office, movement_id, actor)
        return
    key = request.headers.get("x-view-key", "")
    if not view_key_fits(movement_id, key, office.vault):
        raise Forbidden("view_key_needed")


@get("/movements/{movement_id:int}", guards=[requires(*READERS)])
async def read_movement(
    movement_id: FromPath[int],
    request: Request[Any, Any, Any],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> MovementView:
    """A movement as it stands now. A firm sees its own trucks only."""
    now = clock.now()
    situation = await own_situation(tx, office, movement_id, actor_of(request))
    movement = situation.movement
    number = "" if movement.blocked else pass_number(movement_id, office.vault)
    seen = Reported(movement=movement, loop=situation.loop, number=number)
    return _view(seen, (await office.cache.now(tx)).rules_at(now), now, None)


@get("/movements/{movement_id:int}/pass.svg", guards=[requires(*READERS)])
async def draw_pass(
    movement_id: FromPath[int],
    request: Request[Any, Any, Any],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Response[str]:
    """The pass to print: 24 digits and their QR code, with no personal data."""
    situation = await own_situation(tx, office, movement_id, actor_of(request))
    sheet = sheet_of(situation, await office.cache.now(tx), office, clock.now())
    return Response(pass_svg(sheet), media_type="image/svg+xml")


@get("/movements/{movement_id:int}/pass.pdf", guards=[requires(*READERS)])
async def print_pass(
    movement_id: FromPath[int],
    request: Request[Any, Any, Any],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    size: FromQuery[Size] = "a6",
) -> Response[bytes]:
    """The pass on paper, A6 or on a roll of 80 mm, with the offline code; no personal data."""
    situation = await own_situation(tx, office, movement_id, actor_of(request))
    made = await printed(tx, office, situation, size, clock.now())
    return Response(made, media_type="application/pdf")


HANDLERS = [
    report_movement,
    amend_movement,
    read_movement,
    draw_pass,
    print_pass,
    *LOOPS,
    *CHANGES,
    *REVEAL,
    *TRACING,
    *VISITS,
]
