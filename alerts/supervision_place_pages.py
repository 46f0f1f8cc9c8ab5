"""One place of the ledger: where its row is from, what hangs there, and what can be begun."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from alerts.joint_tasks import NewTask, ask_for_task, tasks
from alerts.supervision_case_list import Case, cases_of, marks_of
from alerts.supervision_cases import open_case
from alerts.supervision_photos import photos_of_place
from alerts.supervision_problem_list import Sought, problems
from alerts.supervision_problems import NewProblem, open_problem
from alerts.supervision_step_forms import step_said
from alerts.supervision_views import (
    READERS,
    WRITERS,
    AnyRequest,
    form_of,
    frame,
    ladder_word,
    number,
    one,
    options,
    party_words,
    problem_shown,
    rules_now,
    said,
    sender_id,
    step_form,
    step_word,
)
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused
from kernel.i18n import LOCAL_ZONE
from kernel.ids import uuid7
from kernel.web import Page, page
from registry.accounts import known_actor
from registry.coverage import MOST_CANDIDATES, OWN_SOURCE, candidates, changes_of, due_row
from registry.coverage_acts import DueAct, act_on_due
from registry.model import Role
from registry.places import districts
from registry.scope import own_district
from registry.stepladders import Supervision
from registry.world import WorldCache

#: Who keeps the ledger in order.
KEEPERS = (Role.REGISTRAR, Role.INSPECTOR)
#: Each form of the page has an id of its own, and each candidate.
FORMS = (
    *("problem", "joint", "units", "move", "strike", "unlink"),
    *(f"link-{n}" for n in range(MOST_CANDIDATES)),
)
ASKERS = (Role.INSPECTOR, Role.REGISTRAR, Role.DUTY)


@get("/supervision/places/{due_id:int}", guards=[requires(*READERS)])
async def place_page(
    request: AnyRequest,
    due_id: FromPath[int],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
    done: FromQuery[str] = "",
) -> Page:
    """Everything about one row."""
    return await _show(tx, cache, known_actor(request), due_id, clock.now(), done=done)


async def _show(
    conn: Connection,
    cache: WorldCache,
    actor: Actor,
    due_id: int,
    now: datetime,
    *,
    done: str = "",
    refused: Refused | None = None,
    values: Mapping[str, str] | None = None,
) -> Page:
    row = await due_row(conn, due_id, own_district(actor))
    supervision = await rules_now(conn, cache, now)
    cases = await cases_of(conn, supervision, due_id)
    found = await problems(conn, Sought(due_id=due_id), now)
    path = f"/supervision/places/{due_id}"
    return page(
        "supervision_place.html",
        row=row,
        own=row.source == OWN_SOURCE,
        marks=(await marks_of(conn, [due_id])).get(due_id, []),
        alike=[] if row.place_id else await candidates(conn, due_id),
        cases=[_case(supervision, case) for case in cases],
        problems=[problem_shown(supervision, each) for each in found],
        tasks=[
            {"task": each, "parties": party_words(supervision, each.parties)}
            for each in await tasks(conn, own_district(actor), due_id)
        ],
        changes=await changes_of(conn, due_id),
        photos=await photos_of_place(conn, due_id),
        ladders=_ladders(supervision, cases, actor, now),
        findings=options(supervision.findings),
        parties=options(supervision.parties),
        districts=[{"value": code, "label": name} for code, name in await districts(conn)],
        may_keep=bool(actor.roles & set(KEEPERS)),
        may_ask=bool(actor.roles & set(ASKERS)),
        meets_at=(now.astimezone(LOCAL_ZONE) + timedelta(days=1)).strftime("%Y-%m-%dT10:00"),
        ids={name: str(uuid7(now)) for name in FORMS},
        values=values or {},
        **frame(actor, path, "/supervision", done=done, refused=refused),
    )


def _case(supervision: Supervision, case: Case) -> dict[str, Any]:
    return {
        "url": f"/supervision/cases/{case.id}",
        "ladder": ladder_word(supervision, case.ladder),
        "step": step_word(supervision.ladder(case.ladder), case.standing.step),
        "over": case.standing.over,
        "opened_at": case.opened_at,
        "deadline": case.standing.deadline,
    }


def _ladders(
    supervision: Supervision, cases: list[Case], actor: Actor, now: datetime
) -> list[dict[str, Any]]:
    """Those that are not open here, and whose first step this officer may take."""
    open_now = {case.ladder for case in cases if not case.standing.over}
    return [
        {"code": each.code, "label": said(each.label), "first": step_form(each.steps[0], now)}
        for each in supervision.ladders
        if each.code not in open_now and actor.roles & set(each.steps[0].roles)
    ]


@post("/supervision/places/{due_id:int}/act", guards=[requires(*KEEPERS)], status_code=200)
async def act_form(
    request: AnyRequest,
    due_id: FromPath[int],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
) -> Page | Redirect:
    """Link the row to a registered place, move it, name its units, strike it: with a reason."""
    actor, now, form = known_actor(request), clock.now(), await form_of(request)
    asked = DueAct(
        id=sender_id(form, now),
        act=one(form, "act"),
        reason=one(form, "reason"),
        place_id=number(one(form, "place_id")),
        district=one(form, "district"),
        street=one(form, "street"),
        trade=one(form, "trade"),
    )
    try:
        async with tx.transaction():
            await act_on_due(tx, due_id, asked, actor, now)
    except Refused as refused:
        return await _refused(tx, cache, actor, due_id, now, refused, form)
    return _back(due_id, "act")


@post("/supervision/places/{due_id:int}/case", guards=[requires(*WRITERS)], status_code=200)
async def case_form(
    request: AnyRequest,
    due_id: FromPath[int],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
) -> Page | Redirect:
    """Put the place on a ladder, by its first step."""
    actor, now, form = known_actor(request), clock.now(), await form_of(request)
    try:
        async with tx.transaction():
            supervision = await rules_now(tx, cache, now)
            asked = step_said(form, now)
            receipt = await open_case(
                tx, supervision, due_id, one(form, "ladder"), asked, actor, now
            )
    except Refused as refused:
        return await _refused(tx, cache, actor, due_id, now, refused, form)
    return Redirect(f"/supervision/cases/{receipt.case_id}?done=case", status_code=303)


@post("/supervision/places/{due_id:int}/problem", guards=[requires(*WRITERS)], status_code=200)
async def problem_form(
    request: AnyRequest,
    due_id: FromPath[int],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
) -> Page | Redirect:
    """Enter a problem by hand."""
    actor, now, form = known_actor(request), clock.now(), await form_of(request)
    asked = NewProblem(
        id=sender_id(form, now),
        due_id=due_id,
        finding=one(form, "finding"),
        note=one(form, "note"),
    )
    try:
        async with tx.transaction():
            await open_problem(tx, await rules_now(tx, cache, now), asked, actor, now)
    except Refused as refused:
        return await _refused(tx, cache, actor, due_id, now, refused, form)
    return _back(due_id, "problem")


@post("/supervision/places/{due_id:int}/joint", guards=[requires(*ASKERS)], status_code=200)
async def joint_form(
    request: AnyRequest,
    due_id: FromPath[int],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
) -> Page | Redirect:
    """Ask several offices to go there together."""
    actor, now, form = known_actor(request), clock.now(), await form_of(request)
    asked = NewTask(
        id=sender_id(form, now),
        due_id=due_id,
        parties=tuple(form.get("party", [])),
        purpose=one(form, "purpose"),
        meets_at=_hour(one(form, "meets_at"), now),
    )
    try:
        async with tx.transaction():
            await ask_for_task(tx, await rules_now(tx, cache, now), asked, actor, now)
    except Refused as refused:
        return await _refused(tx, cache, actor, due_id, now, refused, form)
    return _back(due_id, "joint")


def _hour(text: str, now: datetime) -> datetime:
    """As a field gives it, in Shanghai; tomorrow where it gives nothing."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return now + timedelta(days=1)
    return at if at.tzinfo else at.replace(tzinfo=LOCAL_ZONE)


async def _refused(
    conn: Connection,
    cache: WorldCache,
    actor: Actor,
    due_id: int,
    now: datetime,
    refused: Refused,
    form: Mapping[str, list[str]],
) -> Page:
    values = {name: said[0] for name, said in form.items()}
    return await _show(conn, cache, actor, due_id, now, refused=refused, values=values)


def _back(due_id: int, done: str) -> Redirect:
    return Redirect(f"/supervision/places/{due_id}?done={done}", status_code=303)


HANDLERS: list[Any] = [place_page, act_form, case_form, problem_form, joint_form]
