"""A venue's own screen: who came, what to do, and the ways in for whoever has no telephone.

Staff stand at a place of the kind venue in the role of a firm's gatekeeper: every right of that
role ends at the place, and trucks are bound for none of these places.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from closedloop.question_forms import Typed, read_typed
from closedloop.reporting import Office, actor_name
from closedloop.saying import one_line
from closedloop.venue_entries import entered
from closedloop.visit_model import RELATIONS, Came, number_of
from closedloop.visit_queries import SCREEN, Listed, on_screen
from closedloop.visits import check_gate, report_visit, reports_at_once, told, venue_of
from closedloop.watching import who
from kernel.audit import record_access
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused
from kernel.i18n import current_locale, t
from kernel.ids import uuid7
from kernel.web import Page, page
from registry.model import Place, Role
from registry.people import ID_TYPES
from registry.person_codes import may_be_person_code
from registry.rules import RuleSet
from registry.wording import error

AnyRequest = Request[Any, Any, Any]
LONGEST_GATE = 40
DONE = frozenset({"reported"})


@get("/venue", guards=[requires(Role.FIRM)])
async def venue_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    gate: FromQuery[str] = "",
    done: FromQuery[str] = "",
) -> Page:
    """The last visitors, each with a mark and what to do; of all doors, or of one. Opening it is
    on record: masked names are shown.
    """
    notice = t(f"ui.venue.done.{done}") if done in DONE else None
    return await show_venue(tx, office, who(request), clock.now(), gate=gate, notice=notice)


async def show_venue(
    conn: Connection,
    office: Office,
    actor: Actor,
    now: datetime,
    *,
    gate: str = "",
    latest: Came | None = None,
    printable: bool = False,
    notice: str | None = None,
    errors: Sequence[dict[str, str]] = (),
    values: Typed | None = None,
) -> Page:
    world = await office.cache.now(conn)
    place, rules = venue_of(actor, world), world.rules_at(now)
    gate = gate if gate in place.gates else ""
    await _looked(conn, actor, place, now)
    return page(
        "venue.html",
        http_status=422 if errors else 200,
        path="/venue",
        place={"name": place.name},
        gates=list(place.gates),
        gate=gate,
        visits=await _visits(conn, place, gate, rules, now),
        hours=int(SCREEN / timedelta(hours=1)),
        latest=None if latest is None else _came(latest, rules) | {"printable": printable},
        questions=[
            {"value": each.code, "label": getattr(each.sentence, current_locale())}
            for each in rules.visitors.questions
        ],
        id_types=ID_TYPES,
        relations=[{"value": each, "label": t(f"visit.relation.{each}")} for each in RELATIONS],
        notice=notice,
        errors=list(errors),
        values=values or {},
        event_id=(values or {}).get("event_id") or str(uuid7(now)),
        home_url="/venue",
        nav=venue_navigation(),
    )


def venue_navigation() -> list[dict[str, str]]:
    """Only what is a venue's: nobody here waits for a truck."""
    return [
        {"url": "/venue", "key": "ui.nav.venue"},
        {"url": "/venue/sheet", "key": "ui.nav.venue_sheet"},
    ]


async def _looked(conn: Connection, actor: Actor, place: Place, now: datetime) -> None:
    await record_access(
        conn,
        actor,
        action="read_visits",
        subject_kind="place",
        subject=str(place.id),
        reason="screen",
        now=now,
    )


async def _visits(
    conn: Connection, place: Place, gate: str, rules: RuleSet, now: datetime
) -> list[dict[str, Any]]:
    return [_row(each, rules) for each in await on_screen(conn, place.id, gate, now)]


def _row(each: Listed, rules: RuleSet) -> dict[str, Any]:
    reasons = told(each.reasons, rules, current_locale())
    return {
        "id": str(each.id),
        "number": number_of(each.id),
        "gate": each.gate,
        "masked_name": each.masked_name,
        "relation": each.relation,
        "way": each.way,
        "shown": each.shown,
        "reasons": reasons,
        "at": each.visited_at,
        "offline": each.offline,
        "report": each.shown == "stop" or reports_at_once(each.reasons, rules),
        "reported_at": each.reported_at,
    }


def _came(came: Came, rules: RuleSet) -> dict[str, Any]:
    return {
        "id": str(came.id),
        "number": number_of(came.id),
        "masked_name": came.masked_name,
        "shown": came.shown,
        "reasons": told(came.findings, rules, current_locale()),
        "at": came.at,
    }


@get("/venue/rows", guards=[requires(Role.FIRM)])
async def venue_rows(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    gate: FromQuery[str] = "",
) -> Page:
    """The list alone, for a page that is open."""
    world, now = await office.cache.now(tx), clock.now()
    place = venue_of(who(request), world)
    gate = gate if gate in place.gates else ""
    rows = await _visits(tx, place, gate, world.rules_at(now), now)
    return page("venue_rows.html", visits=rows, gate=gate)


@post("/venue/enter", guards=[requires(Role.FIRM)], status_code=200)
async def enter_form(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page:
    """Somebody without a telephone: a card that was held to the reader, a code on paper, or what
    the staff write for them. Sent twice, it is one visit.
    """
    actor, now, said = who(request), clock.now(), await read_typed(request)
    world = await office.cache.now(tx)
    place = venue_of(actor, world)
    gate = one_line(said.get("gate", ""), LONGEST_GATE)
    try:
        check_gate(place, gate)
        async with tx.transaction():
            came = await entered(tx, office, place, world.rules_at(now), said, actor, now)
    except Refused as refused:
        told_of = [told_beside(refused, said)]
        return await show_venue(
            tx, office, actor, now, gate=gate, errors=told_of, values=_kept(said)
        )
    # Whoever shows a code on paper has one, and a child has no document to print one for.
    seen = not said.get("relation") and not may_be_person_code(said.get("read", "").strip())
    return await show_venue(tx, office, actor, now, gate=gate, latest=came, printable=seen)


def told_beside(refused: Refused, said: Typed) -> dict[str, str]:
    """Of what is no visitor's the staff are told what it is, and the right way on."""
    if refused.code == "not_a_visitors":
        return {"field": "read", "message": t(f"visit.wrong.{refused.facts['kind']}")}
    return error(field_of(refused, said), refused)


def field_of(refused: Refused, said: Typed) -> str:
    """Where on the page a refusal is told: at the reader's field, or in the form by hand."""
    if "read" in said:
        return "read"
    if refused.code == "answer_missing":
        return ""
    for prefix, field in (("name", "name"), ("relation", "relation"), ("unknown_door", "")):
        if refused.code.startswith(prefix):
            return field
    return "id_number"


def _kept(said: Typed) -> Typed:
    """A number that was read off a card is not shown again."""
    return {name: value for name, value in said.items() if name not in {"read", "_csrf_token"}}


@post("/venue/visits/{visit_id:uuid}/report", guards=[requires(Role.FIRM)], status_code=200)
async def report_form(
    visit_id: FromPath[UUID],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """One tap: the district is told of a visitor who may not go in."""
    actor, now = who(request), clock.now()
    place = venue_of(actor, await office.cache.now(tx))
    try:
        await report_visit(tx, place, visit_id, actor_name(actor), now)
    except Refused as refused:
        if refused.code == "unknown_visit":
            raise
        return await show_venue(tx, office, actor, now, errors=[error("", refused)])
    return Redirect("/venue?done=reported", status_code=303)


HANDLERS: list[Any] = [venue_page, venue_rows, enter_form, report_form]
