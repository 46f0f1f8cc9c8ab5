"""The driver's own pages: report, pass, correction. No log-in: the key in the pass's address,
which only the reporter was given, opens them.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from closedloop.pass_pages import HANDLERS as PASSES
from closedloop.pass_pages import own_situation
from closedloop.report_form import (
    differences,
    form_errors,
    moved_up,
    offered,
    read_form,
    typed_from,
    with_the_rest,
)
from closedloop.reporting import EDITABLE, Office, amend, report
from closedloop.reveal_pages import HANDLERS as REVEAL
from closedloop.staff_pages import HANDLERS as STAFF
from kernel.auth import public
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Conflict, Malformed
from kernel.i18n import t
from kernel.ids import uuid7
from kernel.web import Page, page
from registry.report_queries import read_submission
from registry.reports import view_key
from registry.submission import check_submission
from registry.world import World

AnyRequest = Request[Any, Any, Any]
#: The cookie in which a driver's device keeps its last pass (registry's home page reads it).
LAST_PASS = "last_pass"  # noqa: S105 - the name of a cookie
KEPT_SECONDS = 14 * 24 * 3600
#: What nearly every driver would choose.
USUAL = {"id_type": "resident", "goods": "daily"}


@get("/d/new", guards=[public])
async def report_page(
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    entry_place_id: FromQuery[str] = "",
) -> Page:
    """The form with which a driver reports before travelling."""
    world, now = await office.cache.now(tx), clock.now()
    return _form(world, now, {"entry_place_id": entry_place_id} | USUAL, uuid7(now))


@post("/d/new", guards=[public], status_code=200)
async def report_form(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Report. What is to be mended is told beside its field, and nothing typed is lost."""
    typed, now = await read_typed(request), clock.now()
    world, event_id = await office.cache.now(tx), event_id_of(typed, now)
    said = read_form(typed, world.rules_at(now))
    errors = form_errors(check_submission(said, world, now).failures)
    if errors:
        return _form(world, now, typed, event_id, errors)
    try:
        seen = await report(
            tx, office, event_id=event_id, said=said, channel="driver", actor=None, now=now
        )
    except Conflict:
        # The same form was sent before with other answers: these are a report of their own.
        return _form(world, now, typed, uuid7(now), _told("", "event_id_taken"))
    return _to_pass(office, seen.movement.movement_id)


def _form(
    world: World,
    now: datetime,
    typed: Mapping[str, str],
    event_id: UUID,
    errors: list[dict[str, str]] | None = None,
    **more: object,
) -> Page:
    return page(
        "report.html",
        http_status=422 if errors else 200,
        values=dict(typed),
        errors=errors or [],
        event_id=str(event_id),
        **offered(world, world.rules_at(now)),
        **more,
    )


def _told(field: str, code: str, **facts: object) -> list[dict[str, str]]:
    return [{"field": field, "message": t(f"error.{code}", **facts)}]


async def read_typed(request: AnyRequest) -> dict[str, str]:
    """The fields of a form as text; files and repetitions are left out."""
    form = await request.form()
    return moved_up({name: value for name, value in form.items() if isinstance(value, str)})


def event_id_of(typed: Mapping[str, str], now: datetime) -> UUID:
    """The id that the form was shown with. Raises Malformed("event_id_malformed")."""
    try:
        return UUID(typed["event_id"]) if typed.get("event_id") else uuid7(now)
    except ValueError as error:
        raise Malformed("event_id_malformed") from error


def _to_pass(office: Office, movement_id: int) -> Redirect:
    reference = f"{movement_id}-{view_key(movement_id, office.vault)}"
    kept = Cookie(
        key=LAST_PASS, value=reference, max_age=KEPT_SECONDS, httponly=True, samesite="lax"
    )
    return Redirect(f"/d/{reference}", status_code=303, cookies=[kept])


@get("/d/{pass_ref:str}/edit", guards=[public])
async def edit_page(
    pass_ref: FromPath[str],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page:
    """The report again, to be corrected; up to the barrier."""
    now = clock.now()
    situation = await own_situation(tx, office, pass_ref)
    if situation.loop.state not in EDITABLE:
        raise Conflict("already_presented", state=situation.loop.state)
    world = await office.cache.now(tx)
    said = await read_submission(tx, office.vault, situation.movement.movement_id)
    return _form(world, now, typed_from(said), uuid7(now), action=f"/d/{pass_ref}/edit")


@post("/d/{pass_ref:str}/edit", guards=[public], status_code=200)
async def edit_form(
    pass_ref: FromPath[str],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """Correct the report: its next version, under the same pass number."""
    typed, now = await read_typed(request), clock.now()
    situation = await own_situation(tx, office, pass_ref)
    world = await office.cache.now(tx)
    movement_id = situation.movement.movement_id
    before = await read_submission(tx, office.vault, movement_id)
    said = with_the_rest(read_form(typed, world.rules_at(now)), before)
    errors = form_errors(check_submission(said, world, now).failures)
    if errors:
        again = f"/d/{pass_ref}/edit"
        return _form(world, now, typed, event_id_of(typed, now), errors, action=again)
    # A form sent twice has nothing left to change.
    if changes := differences(before, said):
        await amend(
            tx,
            office,
            movement_id=movement_id,
            event_id=event_id_of(typed, now),
            changes=changes,
            actor=None,
            now=now,
        )
    return _to_pass(office, movement_id)


HANDLERS: list[Any] = [
    report_page,
    report_form,
    *PASSES,
    edit_page,
    edit_form,
    *STAFF,
    *REVEAL,
]
