"""The whole report on one page, for staff who type it for a driver: at the desk, at the hotline,
or from a sheet of paper after an outage.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from closedloop.drafting import USUAL
from closedloop.model import State
from closedloop.question_forms import read_typed, told
from closedloop.report_form import form_errors, hour_typed, moved_up, offered, read_form
from closedloop.reporting import Office, Reported, amend, report, situation_of
from closedloop.situation import check_in_district
from closedloop.watching import name_of, who
from kernel.audit import record_access
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Conflict, Malformed, NotFound
from kernel.i18n import current_locale
from kernel.ids import uuid7
from kernel.outbox import post_to_phone
from kernel.settings import Settings
from kernel.web import Page, page
from registry import holders
from registry.accounts import home_of
from registry.drivers import driver_of_movement
from registry.model import Role
from registry.passes import pass_number
from registry.people import check_phone
from registry.plates import kind_shown
from registry.posters import qr_svg
from registry.reports import view_key
from registry.submission import Submission, check_submission
from registry.wording import navigation
from registry.world import World

AnyRequest = Request[Any, Any, Any]
ASSISTANTS = (Role.DESK, Role.HOTLINE)
CHANNELS = ("counter", "phone", "paper")
#: Older sheets are no longer anybody's journey (mission §6, offline devices).
OLDEST_SHEET = timedelta(hours=72)


@get("/assist", guards=[requires(*ASSISTANTS)])
async def assist_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    movement: FromQuery[int | None] = None,
) -> Page:
    """An empty form, or that of a truck which stands at the barrier and never reported."""
    actor, world, now = who(request), await office.cache.now(tx), clock.now()
    known = {} if movement is None else await _of_truck(tx, movement, actor, world)
    return _form(actor, world, now, USUAL | {"channel": "counter"} | known, uuid7(now))


async def _of_truck(
    conn: Connection, movement_id: int, actor: Actor, world: World
) -> dict[str, str]:
    """What the lane knows of it. Raises Conflict `reported_already`."""
    situation = await situation_of(conn, movement_id)
    check_in_district(situation, actor, world)
    if situation.movement.channel != "unreported":
        raise Conflict("reported_already")
    entry = situation.loop.entry_place_id
    return {
        "movement": str(movement_id),
        "plate": situation.movement.plate,
        "entry_place_id": str(entry or ""),
    }


def _form(
    actor: Actor,
    world: World,
    now: datetime,
    typed: Mapping[str, str],
    event_id: UUID,
    errors: list[dict[str, str]] | None = None,
) -> Page:
    return page(
        "report.html",
        http_status=422 if errors else 200,
        path="/assist",
        action="/assist",
        mode="assist",
        channels=CHANNELS,
        values=dict(typed),
        errors=errors or [],
        event_id=str(event_id),
        home_url=home_of(actor),
        nav=navigation(actor),
        **offered(world, world.rules_at(now)),
    )


@post("/assist", guards=[requires(*ASSISTANTS)], status_code=200)
async def assist_form(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
) -> Page | Redirect:
    """Report for a driver. What is to be mended is told beside its field, nothing is lost."""
    actor, now = who(request), clock.now()
    typed = moved_up(await read_typed(request))
    world, event_id = await office.cache.now(tx), event_id_of(typed, now)
    said, said_at = read_form(typed, world.rules_at(now)), _sheet_hour(typed)
    errors = _errors(typed, said, said_at, world, now)
    if errors:
        return _form(actor, world, now, typed, event_id, errors)
    try:
        seen = await _reported(tx, office, typed, said, said_at, event_id, actor, now)
    except Conflict as conflict:
        if conflict.code != "event_id_taken":
            return _form(actor, world, now, typed, event_id, told("", conflict.code))
        # The same form was sent before with other answers: these are a report of their own.
        return _form(actor, world, now, typed, uuid7(now), told("", "event_id_taken"))
    await _tell_driver(tx, office, settings, seen, said, now)
    return Redirect(f"/assist/{seen.movement.movement_id}", status_code=303)


async def _reported(
    conn: Connection,
    office: Office,
    typed: Mapping[str, str],
    said: Submission,
    said_at: datetime | None,
    event_id: UUID,
    actor: Actor,
    now: datetime,
) -> Reported:
    """A movement of its own; of a truck at the barrier the movement that the lane has opened."""
    number = typed.get("movement", "")
    if not number:
        return await report(
            conn,
            office,
            event_id=event_id,
            said=said,
            channel=typed["channel"],
            actor=actor,
            now=now,
            said_at=said_at,
        )
    movement_id = int(number) if number.isascii() and number.isdecimal() else 0
    situation = await situation_of(conn, movement_id)
    check_in_district(situation, actor, await office.cache.now(conn))
    return await amend(
        conn,
        office,
        movement_id=movement_id,
        event_id=event_id,
        changes=msgspec.to_builtins(said),
        actor=actor,
        now=now,
    )


def event_id_of(typed: Mapping[str, str], now: datetime) -> UUID:
    """The id that the form was shown with. Raises Malformed("event_id_malformed")."""
    try:
        return UUID(typed["event_id"]) if typed.get("event_id") else uuid7(now)
    except ValueError as error:
        raise Malformed("event_id_malformed") from error


def _sheet_hour(typed: Mapping[str, str]) -> datetime | None:
    if typed.get("channel") != "paper":
        return None
    return hour_typed(typed.get("paper_at", ""))


def _errors(
    typed: Mapping[str, str],
    said: Submission,
    said_at: datetime | None,
    world: World,
    now: datetime,
) -> list[dict[str, str]]:
    errors = form_errors(check_submission(said, world, said_at or now).failures)
    if typed.get("channel") not in CHANNELS:
        return told("channel", "channel_unknown") + errors
    if typed["channel"] == "paper" and (
        said_at is None or not now - OLDEST_SHEET <= said_at <= now
    ):
        return told("paper_at", "paper_hour", hours=72) + errors
    return errors


async def _tell_driver(
    conn: Connection,
    office: Office,
    settings: Settings,
    seen: Reported,
    said: Submission,
    now: datetime,
) -> None:
    """The address of the pass goes to the phone that was reported, once."""
    movement_id = seen.movement.movement_id
    if not settings.sms or not seen.number:
        return
    key = view_key(movement_id, office.vault)
    await post_to_phone(
        conn,
        office.vault,
        to=check_phone(said.phone),
        kind="pass_issued",
        facts={"url": f"{settings.public_url}/d/{movement_id}-{key}"},
        key=f"{movement_id}:pass_issued",
        lang=current_locale(),
        now=now,
    )


@get("/assist/{movement_id:int}", guards=[requires(*ASSISTANTS)])
async def assisted_page(
    movement_id: FromPath[int],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
) -> Page:
    """The pass to read out, to print or to hand over."""
    actor = who(request)
    situation, world = await situation_of(tx, movement_id), await office.cache.now(tx)
    check_in_district(situation, actor, world)
    movement = situation.movement
    number = None if movement.blocked else pass_number(movement_id, office.vault)
    return page(
        "assisted.html",
        movement=movement,
        plate_kind=kind_shown(movement.plate),
        entry_place=name_of(world, movement.entry_place_id),
        number=number,
        qr_svg=None if number is None else qr_svg(number, error="q"),
        print_url=f"/api/v1/movements/{movement_id}/pass.pdf",
        may_verify=Role.DESK in actor.roles,
        at_desk=situation.loop.state is State.VERIFYING,
        home_url=home_of(actor),
        nav=navigation(actor),
    )


@post("/assist/{movement_id:int}/seen", guards=[requires(Role.DESK)], status_code=303)
async def document_seen(
    movement_id: FromPath[int],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Redirect:
    """The document was seen in person: guesses begin anew, and the phone of this report is the
    one with which the driver comes back.
    """
    actor, now = who(request), clock.now()
    situation = await situation_of(tx, movement_id)
    check_in_district(situation, actor, await office.cache.now(tx))
    person_id = await driver_of_movement(tx, movement_id)
    if person_id is None:
        raise NotFound("unknown_movement", movement_id=movement_id)
    await holders.document_seen(tx, office.vault, movement_id, person_id, now)
    await record_access(
        tx,
        actor,
        action="reset_guesses",
        subject_kind="person",
        subject=str(person_id),
        reason="document seen",
        now=now,
    )
    return Redirect(f"/assist/{movement_id}", status_code=303)


HANDLERS: list[Any] = [assist_page, assist_form, assisted_page, document_seen]
