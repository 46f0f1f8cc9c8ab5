"""What a firm's gatekeeper does besides one tap: many trucks at once, who has left, the screen with
the digits, and the list to take along.
"""

import asyncio
import base64
from pathlib import Path
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from closedloop.acts import ACTS, Act, propose
from closedloop.commit import Outcome, Proposal, append
from closedloop.firm_queries import trucks_of
from closedloop.reporting import Office
from closedloop.rolling import DIGITS, STEP_SECONDS, codes_of_shift, rolling_code
from closedloop.staff_pages import TODAY, show_firm
from closedloop.watching import place_of, who
from kernel.auth import Actor, public, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused
from kernel.i18n import local_time, t
from kernel.sheets import as_csv
from kernel.web import Page, page
from registry.accounts import home_of
from registry.model import Role
from registry.wording import error, navigation

AnyRequest = Request[Any, Any, Any]
MOST = 200
WORKER = Path(__file__).parent / "static" / "firm-worker.js"


class DepartedForm(Struct, frozen=True, kw_only=True):
    movement_id: int
    event_id: UUID


class Confirmed(Struct, frozen=True, kw_only=True):
    """One line of the result: `refusal` is empty where it has arrived."""

    movement_id: int
    plate: str
    refusal: str


@post("/firm/confirm", guards=[requires(Role.FIRM)], status_code=200)
async def confirm_many(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page:
    """Every truck that was ticked, each with a result of its own. One that cannot be confirmed
    spoils no other, and the form may be sent again.
    """
    actor, now = who(request), clock.now()
    form = await request.form()
    said = [value for name, value in form.multi_items() if name == "truck"][:MOST]
    read = [_read(value) for value in said if isinstance(value, str)]
    proposals = [_confirmation(number, event_id, actor) for number, event_id in filter(None, read)]
    shown = await trucks_of(tx, place_of(actor), now - TODAY)
    plates = {row["movement_id"]: row["plate"] for row in shown}
    outcomes = await append(tx, office.cache, proposals, now)
    results = [_told(each, plates) for each in outcomes]
    return await show_firm(tx, office, actor, now, results=results)


def _read(text: str) -> tuple[int, UUID] | None:
    """`movement:event`, as the page wrote it; what somebody else wrote is nothing."""
    number, _, event_id = text.partition(":")
    try:
        return (int(number), UUID(event_id)) if number.isascii() and number.isdigit() else None
    except ValueError:
        return None


def _confirmation(number: int, event_id: UUID, actor: Actor) -> Proposal:
    return propose(number, Act(id=event_id, kind="confirm"), actor, ACTS)


def _told(outcome: Outcome, plates: dict[int, str]) -> Confirmed:
    """A truck that was sent elsewhere meanwhile is named by what this firm's own list calls it."""
    refusal, loop = outcome.refusal, outcome.loop
    why = "" if refusal is None else t(f"error.{refusal.code}", **refusal.facts)
    if refusal is None and loop is not None and loop.discrepancy:
        why = t("ui.firm.discrepant")
    plate = outcome.plate or plates.get(outcome.movement_id, "")
    return Confirmed(movement_id=outcome.movement_id, plate=plate, refusal=why)


@post("/firm/departed", guards=[requires(Role.FIRM)], status_code=200)
async def departed(
    request: AnyRequest,
    data: URLEncodedBody[DepartedForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """It has left: the way to the next stop begins now."""
    actor, now = who(request), clock.now()
    try:
        proposal = propose(data.movement_id, Act(id=data.event_id, kind="departed"), actor, ACTS)
        (outcome,) = await append(tx, office.cache, [proposal], now)
    except Refused as refused:
        return await show_firm(tx, office, actor, now, errors=[error("", refused)])
    if outcome.refusal is not None:
        return await show_firm(tx, office, actor, now, errors=[error("", outcome.refusal)])
    return Redirect("/firm?done=departed", status_code=303)


@get("/firm/screen", guards=[requires(Role.FIRM)])
async def screen(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page:
    """The digits of the minute for the gate's own screen. The page goes on turning them without a
    network: it is the firm's device, and holds what the firm's device may hold.
    """
    actor, now = who(request), clock.now()
    place = (await office.cache.now(tx)).place(place_of(actor))
    code, until = rolling_code(place.screen_secret, now)
    return page(
        "firm_screen.html",
        place={"name": place.name},
        rolling={"code": code, "until": until},
        secret=base64.b64encode(place.screen_secret).decode(),
        codes=codes_of_shift(place.screen_secret, now),
        seconds=STEP_SECONDS,
        digits=DIGITS,
        now_ms=int(now.timestamp() * 1000),
        home_url=home_of(actor),
        nav=navigation(actor),
    )


@get("/firm/sw.js", guards=[public], include_in_schema=False, opt={"skip_session": True})
async def firm_worker() -> Response[str]:
    """What shows the kept list and screen where there is no network. `/firm` itself lies above the
    folder of this file, so that its scope has to be allowed.
    """
    return Response(
        await asyncio.to_thread(WORKER.read_text, "utf-8"),
        media_type="text/javascript",
        headers={"cache-control": "no-cache", "service-worker-allowed": "/firm"},
    )


@get("/firm/trucks.csv", guards=[requires(Role.FIRM)])
async def export(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
) -> Response[bytes]:
    """The firm's trucks of a day as a spreadsheet reads them (UTF-8 with its mark)."""
    actor, now = who(request), clock.now()
    rows = await trucks_of(tx, place_of(actor), now - TODAY)
    head = [t(f"ui.firm.csv.{name}") for name in COLUMNS]
    return as_csv("trucks.csv", [head, *(_cells(row) for row in rows)])


COLUMNS = ("movement", "plate", "gate", "released", "due", "arrived", "late", "state")


def _cells(row: dict[str, Any]) -> list[str]:
    return [
        str(row["movement_id"]),
        row["plate"],
        row["gate"],
        local_time(row["released_at"]),
        local_time(row["due_at"]),
        local_time(row["arrived_at"]),
        t("ui.firm.csv.yes") if row["late"] else "",
        t(f"state.{row['state']}"),
    ]


HANDLERS: list[Any] = [confirm_many, departed, screen, firm_worker, export]
