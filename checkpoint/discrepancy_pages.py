"""A truck that does not agree with its report, and a photo of what is seen."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.response import Redirect
from msgspec import Struct

from checkpoint.intake import Intake, take_one
from checkpoint.queries import movement_by_plate
from checkpoint.scans import Scan
from closedloop.acts import ACTS, Act, propose
from closedloop.commit import append
from closedloop.model import Level
from closedloop.photos import LARGEST_FORM, add_beside, form_of
from closedloop.reporting import accepted, opened_id, situation_of
from closedloop.saying import one_line
from closedloop.staff_pages import show_firm
from closedloop.watching import place_of, who
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused, Unprocessable
from kernel.ids import uuid7
from kernel.web import Page
from registry.ledger import receipts_of
from registry.model import Role
from registry.plates import parse
from registry.wording import error

AnyRequest = Request[Any, Any, Any]
#: What a firm may find not to agree (docs/pages.md).
REASONS = frozenset({"wrong_firm", "wrong_plate", "wrong_person", "not_reported"})


class DiscrepancyForm(Struct, frozen=True, kw_only=True):
    plate: str = ""
    reason: str = ""
    note: str = ""
    event_id: UUID | None = None


@post(
    "/firm/discrepancy",
    guards=[requires(Role.FIRM)],
    status_code=200,
    request_max_body_size=LARGEST_FORM,
)
async def report_discrepancy(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    intake: NamedDependency[Intake],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """A truck that does not agree with its report; one that nobody reported gets a movement of
    its own, which says that it arrived without entry; one that is bound for another firm was
    seen at the wrong place.
    """
    actor, now = who(request), clock.now()
    form = await form_of(request)
    data = form.read_as(DiscrepancyForm)
    try:
        async with tx.transaction():  # what was said and its photo stand or fall together
            event_id = data.event_id or uuid7(now)
            movement_id = await _discrepancy(tx, intake, actor, data, event_id, now)
            vault = intake.office.vault
            await add_beside(tx, vault, movement_id, event_id, form.photo, actor, now)
    except Refused as refused:
        told = [error(_field_of(refused.code), refused)]
        return await show_firm(tx, intake.office, actor, now, errors=told, values=form.said)
    return Redirect("/firm?done=discrepancy", status_code=303)


def _field_of(code: str) -> str:
    return next((name for name in ("plate", "photo") if code.startswith(name)), "reason")


async def _discrepancy(
    conn: Connection,
    intake: Intake,
    actor: Actor,
    data: DiscrepancyForm,
    event_id: UUID,
    now: datetime,
) -> int:
    """The movement that it was said of."""
    if data.reason not in REASONS:
        raise Unprocessable("reason_needed")
    plate, place_id = parse(data.plate).text, place_of(actor)
    found = await movement_by_plate(conn, plate, "arrival", place_id, now)
    opened = await receipts_of(conn, [opened_id(event_id)])
    if found is None or opened or not await _bound_for(conn, found, place_id):
        scan = Scan(id=event_id, kind="arrival", place_id=place_id, occurred_at=now, plate=plate)
        answer = await take_one(conn, intake, scan, actor, Level.A, now)
        if answer.refusal is not None or answer.outcome is None:
            raise answer.refusal or Unprocessable("reason_needed")
        return answer.outcome.movement_id
    act = Act(id=event_id, kind="discrepancy", reason=data.reason, note=one_line(data.note))
    accepted(await append(conn, intake.office.cache, [propose(found, act, actor, ACTS)], now))
    return found


async def _bound_for(conn: Connection, movement_id: int, place_id: int) -> bool:
    loop = (await situation_of(conn, movement_id)).loop
    return any(stop.place_id == place_id for stop in loop.stops)


HANDLERS: list[Any] = [report_discrepancy]
