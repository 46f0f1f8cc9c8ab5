"""What a posted code leads to."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from checkpoint.intake import Answer, Intake, pass_said, take_one
from checkpoint.scans import Scan
from closedloop.model import Level
from closedloop.rolling import fits
from closedloop.visitor_pages import door_of, show_visitor
from kernel.attempts import check_not_locked, count_failure, forget_failures
from kernel.auth import Actor, actor_of, public
from kernel.db import Connection
from kernel.errors import NotFound, Refused, Unprocessable
from kernel.i18n import t
from kernel.ids import uuid7
from kernel.web import Page, page
from registry.codes import read_code, standing_of
from registry.framing import INSPECTING
from registry.inspection_pages import show_trial
from registry.model import Place, PlaceKind, Role
from registry.passes import pass_number
from registry.report_queries import find_movement
from registry.reports import view_key_fits
from registry.wording import error

AnyRequest = Request[Any, Any, Any]
LAST_PASS = "last_pass"  # noqa: S105 - the name of a cookie
#: Whoever scans with a phone of their own: no account, no rights but to claim an arrival.
DRIVER = Actor(
    id=uuid5(UUID(int=0), "driver"), kind="system", name="driver", roles=frozenset({Role.DRIVER})
)


class ArriveForm(Struct, frozen=True, kw_only=True):
    use: str = ""
    pass_number: str = ""
    code: str = ""
    event_id: UUID | None = None


@get("/t/{code:str}", guards=[public])
async def posted_code(
    code: FromPath[str],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    intake: NamedDependency[Intake],
) -> Page | Redirect:
    """A scan of a poster: at a checkpoint's it begins a report, at a firm's it claims an
    arrival, at a venue's a visitor signs in. None proves that anybody is there (mission §4 and §5).
    """
    staff = actor_of(request)
    if staff is not None and staff.roles & set(INSPECTING):
        standing = await standing_of(tx, read_code(code), staff.district)
        if standing is not None:
            return await show_trial(tx, standing, staff, intake.clock.now())
    place = await _posted(tx, intake, code)
    if isinstance(place, Page):
        return place
    if place.kind is PlaceKind.CHECKPOINT:
        return Redirect(f"/d/new?entry_place_id={place.id}", status_code=303)
    door = door_of(await intake.office.cache.now(tx), code)
    if door is not None:
        return await show_visitor(tx, intake.office, request, door, intake.clock.now())
    return await _arrive(tx, intake, request, place, code)


async def _posted(conn: Connection, intake: Intake, code: str) -> Place | Page:
    """The place, or the page that says why the code leads nowhere now and what to do next.

    Raises NotFound("unknown_code") for a code that was never ours.
    """
    world = await intake.office.cache.now(conn)
    found = world.codes.get(read_code(code))
    place = world.places.get(found[0]) if found else None
    if place is not None and place.active:
        return place
    standing = await standing_of(conn, read_code(code))
    if standing is None or not standing.ended:
        raise NotFound("unknown_code")
    return page("code_ended.html", http_status=404, standing=standing)


async def _arrive(
    conn: Connection,
    intake: Intake,
    request: AnyRequest,
    place: Place,
    code: str,
    *,
    outcome: str | None = None,
    errors: tuple[dict[str, str], ...] = (),
    values: dict[str, str] | None = None,
) -> Page:
    plate = await _last_plate(conn, _kept(request, intake))
    return page(
        "arrive.html",
        http_status=422 if errors else 200,
        place={"name": place.name},
        code=code,
        last={"plate": plate} if plate else None,
        outcome=outcome,
        errors=list(errors),
        values=values or {},
        event_id=str(uuid7(intake.clock.now())),
    )


def _kept(request: AnyRequest, intake: Intake) -> int | None:
    """The last pass made on this device. A cookie can be written by hand; its key cannot."""
    number, _, key = request.cookies.get(LAST_PASS, "").partition("-")
    if not (number.isascii() and number.isdigit() and len(number) == 13 and key.isascii()):
        return None
    return int(number) if view_key_fits(int(number), key, intake.office.vault) else None


async def _last_plate(conn: Connection, kept: int | None) -> str:
    if kept is None:
        return ""
    try:
        return (await find_movement(conn, kept)).plate
    except NotFound:
        return ""


@post("/t/{code:str}", guards=[public], status_code=200)
async def arrive_form(
    code: FromPath[str],
    request: AnyRequest,
    data: URLEncodedBody[ArriveForm],
    tx: NamedDependency[Connection],
    intake: NamedDependency[Intake],
) -> Page:
    """The driver says that the truck has arrived. With the digits on the firm's screen that is
    evidence (level B) and closes the stop; without them it is a claim (level C).
    """
    now = intake.clock.now()
    place = await _posted(tx, intake, code)
    if isinstance(place, Page):
        return place
    values = {"pass_number": data.pass_number, "use": data.use}
    door = door_of(await intake.office.cache.now(tx), code)
    if door is not None:
        told = [error("", Unprocessable("not_a_truck_code"))]
        return await show_visitor(tx, intake.office, request, door, now, errors=told)
    try:
        movement_id = await _movement_of(tx, request, data, intake)
        level = await _level(tx, place, movement_id, data.code, now)
        scan = Scan(
            id=data.event_id or uuid7(now),
            kind="arrival",
            place_id=place.id,
            occurred_at=now,
            pass_number=_number_of(intake, movement_id),
        )
        answer = await take_one(tx, intake, scan, DRIVER, level, now)
    except Refused as refused:
        field = (
            "code" if refused.code in {"screen_code_wrong", "too_many_attempts"} else "pass_number"
        )
        told = (_told(field, refused),)
        return await _arrive(tx, intake, request, place, code, errors=told, values=values)
    if answer.refusal is not None:
        told = (error("", answer.refusal),)
        return await _arrive(tx, intake, request, place, code, errors=told, values=values)
    outcome = "closed" if _closed(answer, place) else "claimed"
    return await _arrive(tx, intake, request, place, code, outcome=outcome)


def _told(field: str, refused: Refused) -> dict[str, str]:
    """Of what is no pass the driver is told what it is, and what to take instead."""
    if refused.code == "not_a_pass":
        return {"field": field, "message": t(f"arrive.wrong.{refused.facts['kind']}")}
    return error(field, refused)


def _closed(answer: Answer, place: Place) -> bool:
    """Whether the truck's stop here is settled: one that does not agree waits for the firm."""
    loop = None if answer.outcome is None else answer.outcome.loop
    return loop is not None and any(
        stop.closed and stop.place_id == place.id for stop in loop.stops
    )


async def _movement_of(
    conn: Connection, request: AnyRequest, data: ArriveForm, intake: Intake
) -> int:
    kept = _kept(request, intake)
    if data.use == "last" and kept is not None:
        return kept
    return await pass_said(conn, intake.office, data.pass_number)


def _number_of(intake: Intake, movement_id: int) -> str:
    return pass_number(movement_id, intake.office.vault)


async def _level(
    conn: Connection, place: Place, movement_id: int, said: str, now: datetime
) -> Level:
    """Raises Unprocessable("screen_code_wrong"), and TooMany after too many of them for a pass."""
    if not said.strip():
        return Level.C
    subject = b"screen:" + str(movement_id).encode()
    await check_not_locked(conn, subject, now)
    if fits(place.screen_secret, said, now):
        await forget_failures(conn, subject)
        return Level.B
    await count_failure(conn, subject, now)
    raise Unprocessable("screen_code_wrong")


HANDLERS: list[Any] = [posted_code, arrive_form]
