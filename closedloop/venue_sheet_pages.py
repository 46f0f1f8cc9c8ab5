"""A venue's hand register, entered later with its own hours; and codes on paper for whoever has no
telephone.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Struct

from closedloop.question_forms import read_typed
from closedloop.report_form import hour_typed
from closedloop.reporting import Office, actor_name
from closedloop.saying import one_line
from closedloop.venue_entries import LONGEST_GATE, LONGEST_NAME, event_of
from closedloop.venue_pages import venue_navigation
from closedloop.visit_model import Came, Coming, number_of
from closedloop.visit_queries import carded
from closedloop.visiting import document_of
from closedloop.visits import OLDEST, check_gate, moment, take_one, venue_of
from closedloop.watching import who
from kernel.audit import record_access
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Conflict, Refused, Unprocessable
from kernel.ids import uuid7
from kernel.web import Page, page
from registry.model import Place, Role
from registry.people import check_name
from registry.person_codes import issue
from registry.person_codes import written as digits_of
from registry.posters import qr_svg
from registry.signing_keys import ensure_signer, private_of
from registry.wording import error

AnyRequest = Request[Any, Any, Any]
LINES = 8
#: A card was held to the reader, or a document lay before the staff, no longer ago.
CODE_WITHIN = timedelta(minutes=30)
RESIDENT_DIGITS = 18


class Line(Struct, frozen=True, kw_only=True):
    """As it was typed."""

    event_id: str
    at: str = ""
    name: str = ""
    id_number: str = ""
    gate: str = ""

    @property
    def empty(self) -> bool:
        return not (self.at.strip() or self.name.strip() or self.id_number.strip())


@get("/venue/sheet", guards=[requires(Role.FIRM)])
async def sheet_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page:
    """Empty lines."""
    return await _show(tx, office, who(request), _blank(clock.now(), LINES))


def _blank(now: datetime, number: int) -> list[Line]:
    return [Line(event_id=str(uuid7(now + timedelta(milliseconds=n)))) for n in range(number)]


@post("/venue/sheet", guards=[requires(Role.FIRM)], status_code=200)
async def sheet_form(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page:
    """Every line gets its own answer; what is refused stays to be mended, and nothing is lost."""
    actor, now = who(request), clock.now()
    place = venue_of(actor, await office.cache.now(tx))
    kept: list[Line] = []
    errors: list[dict[str, str]] = []
    done: list[dict[str, Any]] = []
    for line in _lines(await read_typed(request), now):
        try:
            async with tx.transaction():
                came = await take_one(tx, office, _coming(office, place, line, actor, now), now)
        except Refused as refused:
            errors.append(error(f"id_number_{len(kept)}", refused))
            kept.append(line)
            continue
        done.append(_told(came))
    more = _blank(now, max(0, LINES - len(kept)))
    return await _show(tx, office, actor, [*kept, *more], done=done, errors=errors)


def _lines(typed: Mapping[str, str], now: datetime) -> list[Line]:
    found = [
        Line(
            event_id=typed.get(f"event_id_{n}", "") or str(uuid7(now)),
            at=typed.get(f"at_{n}", ""),
            name=one_line(typed.get(f"name_{n}", ""), LONGEST_NAME),
            id_number=one_line(typed.get(f"id_number_{n}", ""), LONGEST_NAME),
            gate=one_line(typed.get(f"gate_{n}", ""), LONGEST_GATE),
        )
        for n in range(LINES)
    ]
    return [line for line in found if not line.empty]


def _coming(office: Office, place: Place, line: Line, actor: Actor, now: datetime) -> Coming:
    """Raises Unprocessable `sheet_hour`, and what is wrong with name and number."""
    at = hour_typed(line.at)
    if at is None or not now - OLDEST <= at <= now:
        raise Unprocessable("sheet_hour", days=OLDEST.days)
    at, doubt = moment(at, now, offline=True)
    name = check_name(line.name)
    digits = "".join(line.id_number.split())
    id_type = "resident" if len(digits) in {15, RESIDENT_DIGITS} else "other"
    return Coming(
        id=event_of(line.event_id, now),
        place_id=place.id,
        gate=check_gate(place, line.gate),
        way="assisted",
        at=at,
        uncertainty_ms=doubt,
        offline=True,
        document=document_of(office.vault, id_type, digits, name, now),
        actor=actor_name(actor),
        digest=b"",
    )


def _told(came: Came) -> dict[str, Any]:
    return {
        "number": number_of(came.id),
        "masked_name": came.masked_name,
        "at": came.at,
        "shown": came.shown,
    }


async def _show(
    conn: Connection,
    office: Office,
    actor: Actor,
    lines: list[Line],
    *,
    done: list[dict[str, Any]] | None = None,
    errors: list[dict[str, str]] | None = None,
) -> Page:
    place = venue_of(actor, await office.cache.now(conn))
    return page(
        "venue_sheet.html",
        http_status=422 if errors else 200,
        path="/venue/sheet",
        place={"name": place.name},
        gates=list(place.gates),
        lines=lines,
        done=done or [],
        errors=errors or [],
        days=OLDEST.days,
        home_url="/venue",
        nav=venue_navigation(),
    )


@post("/venue/visits/{visit_id:uuid}/code", guards=[requires(Role.FIRM)], status_code=200)
async def code_form(
    visit_id: FromPath[UUID],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page:
    """A personal code to be printed, for a visitor whose document the staff have just seen. What
    they had before ends. Raises Conflict `no_code_for_visit`.
    """
    actor, now = who(request), clock.now()
    world = await office.cache.now(tx)
    place = venue_of(actor, world)
    person_id = await carded(tx, visit_id, place.id, now - CODE_WITHIN)
    if person_id is None:
        raise Conflict("no_code_for_visit")
    await record_access(
        tx,
        actor,
        action="issue_person_code",
        subject_kind="person",
        subject=str(person_id),
        reason="paper code",
        now=now,
    )
    number, until = await issue(tx, person_id, actor.id, now)
    key = await ensure_signer(tx, office.vault, world.signing_keys, now)
    digits = digits_of(number, until, key.kid, private_of(key, office.vault))
    return page(
        "person_code.html",
        qr_svg=qr_svg(digits),
        until=until,
        path="/venue",
        home_url="/venue",
        nav=venue_navigation(),
    )


HANDLERS: list[Any] = [sheet_page, sheet_form, code_form]
