"""One missing truck on the duty desk: what is known, whom to call, what they say, how it ends."""

from datetime import datetime
from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from alerts import claims
from alerts.case_acts import ACTIONS, CaseForm, Doing
from alerts.case_queries import found_for, open_limits
from alerts.case_story import limit_shown, story, why_this_limit
from alerts.desk_views import codes, duty_row, findings, options, people
from alerts.marks import marks_of
from alerts.model import CLOSE_REASONS, PURSUED, SNOOZES, Code
from alerts.queries import overdue
from alerts.reaching import movement_reached
from alerts.replies import ANSWERS, LONGEST_NOTE, WHOM
from closedloop.model import UNDER_WAY, state_at
from closedloop.photos import LARGEST_FORM, add_beside, form_of, photos_shown
from closedloop.reporting import Office, actor_name
from closedloop.reveal_pages import driver_shown, people_shown
from closedloop.situation import Situation
from closedloop.watching import name_of
from kernel.audit import record_access
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import NotFound, Refused
from kernel.i18n import current_locale, other_locale, t
from kernel.ids import uuid7
from kernel.web import Page, page, url_with
from registry.accounts import home_of, known_actor
from registry.model import Role
from registry.plates import kind_shown
from registry.reveal import REASONS
from registry.wording import error, labelled, navigation

AnyRequest = Request[Any, Any, Any]
READERS = (Role.DUTY, Role.AUDITOR)
DONE = {
    "claim", "release", "snooze", "handover", "call", "propose", "approve", "refuse", "same-truck",
    "resume", "stranger_settled", "stranger_dismissed",
}  # fmt: skip
FIELDS = {
    "reply_unknown": "code", "minutes_out_of_range": "minutes", "destination_unknown": "place",
    "call_whom_needed": "whom", "close_reason_needed": "reason", "proof_needed": "proof",
    "unknown_colleague": "to", "photo_unreadable": "photo", "photo_too_large": "photo",
    "photos_too_many": "photo",
}  # fmt: skip


@get("/duty/{movement_id:int}", guards=[requires(*READERS)])
async def case_page(
    movement_id: FromPath[int],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    done: FromQuery[str] = "",
) -> Page:
    """Everything about one truck that is looked for. Reading it leaves an audit row."""
    notice = t(f"ui.case.done.{done}") if done in DONE else None
    return await _show(tx, office, known_actor(request), movement_id, clock.now(), notice=notice)


async def _show(
    conn: Connection,
    office: Office,
    actor: Actor,
    movement_id: int,
    now: datetime,
    *,
    notice: str | None = None,
    told: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
) -> Page:
    at = await movement_reached(conn, office, movement_id, actor)
    await record_access(
        conn,
        actor,
        action="read_case",
        subject_kind="movement",
        subject=str(movement_id),
        reason="page",
        now=now,
    )
    world = await office.cache.now(conn)
    rules, loop = world.rules_at(now), at.loop
    rows = await overdue(conn, now, movement_id=movement_id)
    limits = await open_limits(conn, movement_id)
    place_id = limits[0].place_id if limits else loop.next_place_id
    path = f"/duty/{movement_id}"
    return page(
        "case.html",
        http_status=422 if told else 200,
        movement=_movement(at, world, place_id, now),
        row=duty_row(rows[0], actor, now) if rows else None,
        limits=[await limit_shown(conn, movement_id, each, rules) for each in limits],
        findings=findings(await found_for(conn, movement_id) or (), world),
        looked=bool(rows),
        marks=await marks_of(conn, at.movement.plate, place_id),
        story=await story(conn, office, at, world, actor, now),
        photos=await photos_shown(conn, movement_id),
        why_limit=await why_this_limit(conn, at, world, now),
        closing=_closing(at, actor),
        may=_ways(at, actor, overdue=bool(rows)),
        people=people_shown(at, actor),
        reveal_reasons=REASONS,
        whom=options("ui.case.whom", WHOM),
        codes=codes(tuple(Code)),
        questions=labelled(rules.call_questions, "sentence"),
        answers=ANSWERS,
        most_minutes=rules.limits.delay_minutes,
        longest=LONGEST_NOTE,
        snoozes=SNOOZES,
        close_reasons=options("close.reason", CLOSE_REASONS),
        colleagues=people(await claims.colleagues(conn, actor)),
        event_id=str(uuid7(now)),
        notice=notice,
        errors=[told] if told else [],
        values=values or {},
        path=path,
        other_locale_url=url_with(path, lang=other_locale(current_locale())),
        home_url=home_of(actor),
        nav=navigation(actor),
    )


def _movement(at: Situation, world: Any, place_id: int | None, now: datetime) -> dict[str, Any]:  # noqa: ANN401
    loop = at.loop
    return {
        "movement_id": loop.movement_id,
        "plate": at.movement.plate,
        "plate_kind": kind_shown(at.movement.plate),
        "trailer_plate": at.movement.trailer_plate,
        "state": state_at(loop, now),
        "masked_name": driver_shown(at),
        "from_gate": name_of(world, loop.entry_place_id),
        "released_at": loop.released_at,
        "to_place": name_of(world, place_id),
        "place_id": place_id,
        "due_at": loop.due_at,
        "extended": loop.extended,
    }


def _closing(at: Situation, actor: Actor) -> dict[str, Any] | None:
    waits = at.loop.closing
    if waits is None or at.loop.state not in PURSUED:
        return None
    return {
        "reason": t(f"close.reason.{waits.reason}"),
        "proof": waits.proof,
        "at": waits.at,
        "mine": waits.by == actor_name(actor),
    }


def _ways(at: Situation, actor: Actor, *, overdue: bool) -> dict[str, bool]:
    """Which forms are offered; the same is checked when one is sent."""
    duty, pursued = Role.DUTY in actor.roles, at.loop.state in PURSUED
    return {
        "claim": duty and overdue,
        "trace": duty and pursued and bool(at.people),
        "call": duty and pursued,
        "close": duty and pursued,
        "resume": duty and at.loop.state in UNDER_WAY,
    }


@post(
    "/duty/{movement_id:int}/{what:str}",
    guards=[requires(Role.DUTY)],
    status_code=200,
    request_max_body_size=LARGEST_FORM,
)
async def act(
    movement_id: FromPath[int],
    what: FromPath[str],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """`what`: claim, release, snooze, handover, call, close, same-truck or resume. Sent twice, each
    is done once.
    """
    actor, now = known_actor(request), clock.now()
    do = ACTIONS.get(what)
    if do is None:
        raise NotFound("not_found")
    await movement_reached(tx, office, movement_id, actor)
    form = await form_of(request)
    said, data = form.said, form.read_as(CaseForm)
    try:
        async with tx.transaction():  # what was said and its photo stand or fall together
            await do(Doing(tx, office, movement_id, data, said, actor, now))
            await add_beside(tx, office.vault, movement_id, data.event_id, form.photo, actor, now)
    except Refused as refused:
        told = error(FIELDS.get(refused.code, ""), refused)
        return await _show(tx, office, actor, movement_id, now, told=told, values=said)
    done = data.decision if what == "close" else what
    back = "/duty" if said.get("back") == "list" else f"/duty/{movement_id}"
    return Redirect(url_with(back, done=done), status_code=303)


HANDLERS: list[Any] = [case_page, act]
