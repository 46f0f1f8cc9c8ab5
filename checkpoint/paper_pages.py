"""Paper forms of an outage, entered afterwards with their own times (mission §8).

Each line is a scan that happened without a network: it keeps its hour and the card that the officer
gave, and is safe to send again.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from msgspec import Struct

from checkpoint.intake import Answer, Intake, take_one
from checkpoint.scans import Scan
from closedloop.question_forms import read_typed
from closedloop.report_form import hour_typed
from closedloop.saying import one_line
from closedloop.watching import name_of, place_of, who
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused, Unprocessable
from kernel.i18n import t
from kernel.ids import uuid7
from kernel.web import Page, page
from registry.accounts import home_of
from registry.model import Role
from registry.passes import classify
from registry.wording import error, navigation

AnyRequest = Request[Any, Any, Any]
WRITERS = (Role.LANE, Role.DESK, Role.FIRM)
LINES = 8
#: Older sheets are no longer anybody's journey (mission §6, offline devices).
OLDEST = timedelta(hours=72)
CARDS = ("green", "yellow", "white", "red")
LONGEST_GATE = 40


class Line(Struct, frozen=True, kw_only=True):
    """As it was typed."""

    event_id: str
    at: str = ""
    truck: str = ""
    gate: str = ""
    card: str = ""

    @property
    def empty(self) -> bool:
        return not self.truck.strip() and not self.at.strip()


@get("/paper", guards=[requires(*WRITERS)])
async def paper_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    intake: NamedDependency[Intake],
    clock: NamedDependency[Clock],
) -> Page:
    """Empty lines."""
    return await _show(tx, intake, who(request), _blank(clock.now(), LINES))


def _blank(now: datetime, number: int) -> list[Line]:
    return [Line(event_id=str(uuid7(now + timedelta(milliseconds=n)))) for n in range(number)]


@post("/paper", guards=[requires(*WRITERS)], status_code=200)
async def paper_form(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    intake: NamedDependency[Intake],
    clock: NamedDependency[Clock],
) -> Page:
    """Every line gets its own answer; what is refused stays to be mended, and nothing is lost."""
    actor, now = who(request), clock.now()
    kept: list[Line] = []
    errors: list[dict[str, str]] = []
    done: list[dict[str, Any]] = []
    for line in _lines(await read_typed(request), now):
        try:
            answer = await _entered(tx, intake, line, actor, now)
        except Refused as refused:
            errors.append(error(f"truck_{len(kept)}", refused))
            kept.append(line)
            continue
        done.append({"truck": line.truck, "at": hour_typed(line.at), "card": answer.card})
    more = _blank(now, max(0, LINES - len(kept)))
    return await _show(tx, intake, actor, [*kept, *more], done=done, errors=errors)


def _lines(typed: Mapping[str, str], now: datetime) -> list[Line]:
    found = [
        Line(
            event_id=typed.get(f"event_id_{n}", "") or str(uuid7(now)),
            at=typed.get(f"at_{n}", ""),
            truck=one_line(typed.get(f"truck_{n}", "")),
            gate=one_line(typed.get(f"gate_{n}", ""), LONGEST_GATE),
            card=typed.get(f"card_{n}", ""),
        )
        for n in range(LINES)
    ]
    return [line for line in found if not line.empty]


async def _entered(
    conn: Connection, intake: Intake, line: Line, actor: Actor, now: datetime
) -> Answer:
    """In a transaction of its own: a line that is refused undoes nothing of the others."""
    scan = _scan(line, actor, now)
    async with conn.transaction():
        answer = await take_one(conn, intake, scan, actor, None, now, own_time=True)
        if answer.refusal is not None:
            raise answer.refusal
    return answer


def _scan(line: Line, actor: Actor, now: datetime) -> Scan:
    """Raises Unprocessable `paper_hour`, `card_needed`, `event_id_malformed`."""
    at = hour_typed(line.at)
    if at is None or not now - OLDEST <= at <= now:
        raise Unprocessable("paper_hour", hours=72)
    arrives = Role.FIRM in actor.roles
    if not arrives and line.card not in CARDS:
        raise Unprocessable("card_needed")
    is_pass = classify(line.truck) == "pass"
    return Scan(
        id=_id(line.event_id),
        kind="arrival" if arrives else "entry",
        place_id=place_of(actor),
        occurred_at=at,
        gate=line.gate,
        device="paper",
        pass_number=line.truck if is_pass else "",
        plate="" if is_pass else line.truck,
        offline=True,
        card_shown="" if arrives else line.card,
    )


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as wrong:
        raise Unprocessable("event_id_malformed") from wrong


async def _show(
    conn: Connection,
    intake: Intake,
    actor: Actor,
    lines: list[Line],
    *,
    done: list[dict[str, Any]] | None = None,
    errors: list[dict[str, str]] | None = None,
) -> Page:
    world, place_id = await intake.office.cache.now(conn), place_of(actor)
    return page(
        "paper.html",
        http_status=422 if errors else 200,
        path="/paper",
        place=name_of(world, place_id),
        gates=list(world.place(place_id).gates),
        arrives=Role.FIRM in actor.roles,
        cards=[{"value": card, "label": t(f"card.{card}")} for card in CARDS],
        lines=lines,
        done=done or [],
        errors=errors or [],
        home_url=home_of(actor),
        nav=navigation(actor),
    )


HANDLERS: list[Any] = [paper_page, paper_form]
