"""Places on a ladder: the list with what was missed, and one case with the steps it may take."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from alerts.supervision_case_list import Case, Told, case_of, open_cases, told_of
from alerts.supervision_cases import take_step
from alerts.supervision_flags import flags_of
from alerts.supervision_photos import keep_photo
from alerts.supervision_step_forms import step_said
from alerts.supervision_steps import local_day, open_steps
from alerts.supervision_views import (
    READERS,
    WRITERS,
    AnyRequest,
    flag_shown,
    form_of,
    frame,
    ladder_word,
    rules_now,
    said,
    step_form,
    step_word,
)
from closedloop.photos import LARGEST_FORM, photo_of
from closedloop.reporting import Office
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused
from kernel.web import Page, page
from registry.accounts import known_actor
from registry.scope import own_district
from registry.stepladders import Stepladder, Supervision
from registry.world import WorldCache


@get("/supervision/cases", guards=[requires(*READERS)])
async def cases_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
) -> Page:
    """What is open, and what should have been done there."""
    actor, now = known_actor(request), clock.now()
    supervision = await rules_now(tx, cache, now)
    cases = await open_cases(tx, supervision, own_district(actor))
    return page(
        "supervision_cases.html",
        flags=[flag_shown(flag) for flag in flags_of(supervision, cases, now)],
        cases=[_row(supervision, case) for case in cases],
        **frame(actor, "/supervision/cases", "/supervision/cases"),
    )


def _row(supervision: Supervision, case: Case) -> dict[str, Any]:
    return {
        "url": f"/supervision/cases/{case.id}",
        "name": case.name,
        "street": case.street,
        "trade": case.trade,
        "ladder": ladder_word(supervision, case.ladder),
        "step": step_word(supervision.ladder(case.ladder), case.standing.step),
        "mark": case.standing.mark,
        "deadline": case.standing.deadline,
        "look_back": case.standing.look_back,
        "opened_at": case.opened_at,
    }


@get("/supervision/cases/{oversight_id:uuid}", guards=[requires(*READERS)])
async def case_page(
    request: AnyRequest,
    oversight_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
    done: FromQuery[str] = "",
) -> Page:
    """What was done, and the steps that are open to whoever looks."""
    return await _show(tx, cache, known_actor(request), oversight_id, clock.now(), done=done)


async def _show(
    conn: Connection,
    cache: WorldCache,
    actor: Actor,
    oversight_id: UUID,
    now: datetime,
    *,
    done: str = "",
    refused: Refused | None = None,
    values: Mapping[str, str] | None = None,
) -> Page:
    supervision = await rules_now(conn, cache, now)
    case = await case_of(conn, supervision, oversight_id, own_district(actor))
    ladder = supervision.ladder(case.ladder)
    steps = open_steps(ladder, case.standing, actor.id, actor.roles, now) if ladder else []
    path = f"/supervision/cases/{oversight_id}"
    return page(
        "supervision_case.html",
        case=_row(supervision, case)
        | {
            "over": case.standing.over,
            "post_url": f"{path}/step",
            "place_url": f"/supervision/places/{case.due_id}",
        },
        acts=[_told(ladder, told) for told in await told_of(conn, oversight_id)],
        steps=[step_form(step, now) for step in steps],
        ladder_steps=_ways(ladder, case),
        flags=[flag_shown(flag) for flag in flags_of(supervision, [case], now)],
        look_back=(local_day(now) + timedelta(days=7)).isoformat(),
        chosen=(values or {}).get("step", ""),
        values=values or {},
        **frame(actor, path, "/supervision/cases", done=done, refused=refused),
    )


def _ways(ladder: Stepladder | None, case: Case) -> list[dict[str, Any]]:
    """The whole ladder, with what counts as taken."""
    steps = ladder.steps if ladder else ()
    return [{"label": said(step.label), "taken": step.code in case.standing.by} for step in steps]


def _told(ladder: Stepladder | None, told: Told) -> dict[str, Any]:
    step = ladder.step(told.step) if ladder else None
    grounds = {each.code: said(each.label) for each in step.grounds} if step else {}
    return {
        "step": step_word(ladder, told.step),
        "ground": grounds.get(told.ground, told.ground),
        "told": told,
    }


@post(
    "/supervision/cases/{oversight_id:uuid}/step",
    guards=[requires(*WRITERS)],
    status_code=200,
    request_max_body_size=LARGEST_FORM,
)
async def step_page(
    request: AnyRequest,
    oversight_id: FromPath[UUID],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    office: NamedDependency[Office],
) -> Page | Redirect:
    """Take a step, with a photo as its evidence or without. Sent twice, it is taken once."""
    actor, now, form = known_actor(request), clock.now(), await form_of(request)
    photo, cache = await photo_of(request), office.cache
    said = step_said(form, now, photo)
    try:
        async with tx.transaction():
            supervision = await rules_now(tx, cache, now)
            await take_step(tx, supervision, oversight_id, said, actor, now)
            if photo:
                case = await case_of(tx, supervision, oversight_id, own_district(actor))
                await keep_photo(tx, office.vault, case.due_id, said.id, photo, actor, now)
    except Refused as refused:
        values = {name: given[0] for name, given in form.items()}
        return await _show(tx, cache, actor, oversight_id, now, refused=refused, values=values)
    return Redirect(f"/supervision/cases/{oversight_id}?done=step", status_code=303)


HANDLERS: list[Any] = [cases_page, case_page, step_page]
