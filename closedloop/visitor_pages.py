"""What a visitor sees who scans the code at a venue's door: a form, and a number to be shown.

The number proves nothing by itself: what was found stands on the venue's own screen. On a telephone
that was here before, the last four characters of the document are enough (seed 004, question 05).
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from litestar import Request, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import Struct

from closedloop.question_forms import Typed, device_cookie, device_token, read_typed
from closedloop.reporting import Office
from closedloop.visit_model import Came, Coming, number_of
from closedloop.visitor_form import First, answers_of, read_first, told_beside
from closedloop.visits import take_one
from kernel.auth import public, token_hash
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import NotFound, Refused, Unprocessable
from kernel.i18n import current_locale
from kernel.ids import uuid7
from kernel.settings import Settings
from kernel.web import Page, page
from registry.codes import read_code
from registry.drivers import Proof, prove, proven_person
from registry.model import Place, PlaceKind
from registry.people import ID_TYPES
from registry.rules import RuleSet
from registry.visitors import Said, file_people, remember, renew, said_at, take_as_own
from registry.wording import error
from registry.world import World

AnyRequest = Request[Any, Any, Any]
_CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{10}")
#: Everything, the last four characters, or these and the questions once more.
Mode = Literal["first", "again", "renew"]


class Door(Struct, frozen=True, kw_only=True):
    """What was scanned."""

    place: Place
    gate: str
    code: str


def door_of(world: World, code: str) -> Door | None:
    """None for what is no code of a venue that is in use."""
    found = world.codes.get(read_code(code))
    place = world.places.get(found[0]) if found else None
    if found is None or place is None or place.kind is not PlaceKind.VENUE or not place.active:
        return None
    return Door(place=place, gate=found[1], code=read_code(code))


async def show_visitor(
    conn: Connection,
    office: Office,
    request: AnyRequest,
    door: Door,
    now: datetime,
    *,
    mode: Mode | None = None,
    values: Typed | None = None,
    errors: Sequence[dict[str, str]] = (),
) -> Page:
    rules = (await office.cache.now(conn)).rules_at(now)
    if mode is None:
        wanted = request.query_params.get("first", "")
        mode = "first" if wanted else await _mode(conn, request, rules, now)
    return page(
        "visit.html",
        http_status=422 if errors else 200,
        path=f"/t/{door.code}",
        place={"name": door.place.name},
        gate=door.gate,
        code=door.code,
        mode=mode,
        questions=[
            {"value": each.code, "label": getattr(each.sentence, current_locale())}
            for each in rules.visitors.questions
        ],
        id_types=ID_TYPES,
        days=rules.visitors.ask_again_days,
        values=values or {},
        errors=list(errors),
        event_id=(values or {}).get("event_id") or str(uuid7(now)),
    )


async def _mode(conn: Connection, request: AnyRequest, rules: RuleSet, now: datetime) -> Mode:
    token = device_token(request)
    said = await said_at(conn, token_hash(token)) if token else None
    if said is None:
        return "first"
    fresh = now - said < timedelta(days=rules.visitors.ask_again_days)
    return "again" if fresh or not rules.visitors.questions else "renew"


@post("/t/{code:str}/visit", guards=[public], status_code=200)
async def visit_form(
    code: FromPath[str],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
) -> Page | Redirect:
    """A visitor signs in at a door. Sent twice, it is one visit with one number."""
    now, said = clock.now(), await read_typed(request)
    door = door_of(await office.cache.now(tx), code)
    if door is None and _CODE.fullmatch(read_code(code)):
        return Redirect(f"/t/{read_code(code)}", status_code=303)
    if door is None:
        raise NotFound("unknown_code")
    if said.get("mode") in {"again", "renew"}:
        mode: Mode = "renew" if said["mode"] == "renew" else "again"
        return await _again(tx, office, request, door, said, mode, now)
    return await _first(tx, office, request, door, said, now, settings)


async def _again(
    conn: Connection,
    office: Office,
    request: AnyRequest,
    door: Door,
    said: Typed,
    mode: Mode,
    now: datetime,
) -> Page:
    """Four characters; and the questions, where their days are over, whatever the form says. A
    device that has only reported trucks so far is asked everything once.
    """
    token, rules = device_token(request), (await office.cache.now(conn)).rules_at(now)
    proof = await prove(conn, office.vault, token, said.get("last_four", ""), now)
    person_id = await proven_person(conn, token, now) if proof is Proof.RIGHT else None
    if person_id is None:
        wrong = "visit_four_used_up" if proof is Proof.USED_UP else "last_four_wrong"
        told = error("last_four", Unprocessable(wrong))
    else:
        due = await _mode(conn, request, rules, now)
        mode = due if due != "again" else mode
        try:
            async with conn.transaction():
                return _done(door, await _signed_in(conn, office, door, said, person_id, mode, now))
        except Refused as refused:
            told = told_beside(refused, rules, said)
    return await show_visitor(
        conn, office, request, door, now, mode=mode, values=_kept(said), errors=[told]
    )


async def _signed_in(
    conn: Connection,
    office: Office,
    door: Door,
    said: Typed,
    person_id: UUID,
    mode: Mode,
    now: datetime,
) -> Came:
    if mode == "first":
        raise Unprocessable("visit_first")
    rules = (await office.cache.now(conn)).rules_at(now)
    declared = answers_of(said, rules) if mode == "renew" else None
    if declared is not None:
        await renew(conn, person_id, declared, now)
    coming = _coming(door, said, person_id, declared, now, own=True)
    return await take_one(conn, office, coming, now)


async def _first(
    conn: Connection,
    office: Office,
    request: AnyRequest,
    door: Door,
    said: Typed,
    now: datetime,
    settings: Settings,
) -> Page:
    rules = (await office.cache.now(conn)).rules_at(now)
    first, errors = read_first(office, said, rules, now)
    cookie = device_cookie(request, settings)
    if first is None:
        return await show_visitor(
            conn, office, request, door, now, mode="first", values=_kept(said), errors=errors
        )
    try:
        async with conn.transaction():
            came = await _taken(conn, office, door, said, first, cookie, now)
    except Refused as refused:
        return await show_visitor(
            conn, office, request, door, now, mode="first", values=_kept(said),
            errors=[told_beside(refused, rules, said)],
        )  # fmt: skip
    shown = _done(door, came)
    shown.cookies = [*shown.cookies, cookie]
    return shown


async def _taken(
    conn: Connection,
    office: Office,
    door: Door,
    said: Typed,
    first: First,
    cookie: Cookie,
    now: datetime,
) -> Came:
    """Whose record another device holds is written down all the same, and nothing else changes."""
    filed = await file_people(conn, office.vault, [first.document], now)
    person_id = filed[first.document.subject]
    own = await take_as_own(conn, cookie.value or "", person_id, now)
    if own:
        kept = Said(person_id=person_id, address=first.address, declared=first.declared)
        await remember(conn, office.vault, kept, held=True, now=now)
    coming = _coming(door, said, person_id, first.declared, now, own=own, address=first.address)
    return await take_one(conn, office, coming, now)


def _coming(
    door: Door,
    said: Typed,
    person_id: UUID,
    declared: dict[str, bool] | None,
    now: datetime,
    *,
    own: bool,
    address: str | None = None,
) -> Coming:
    return Coming(
        id=_id_of(said, now),
        place_id=door.place.id,
        gate=door.gate,
        way="scan",
        at=now,
        person_id=person_id,
        declared=declared,
        address=address,
        own=own,
        actor="visitor",
        digest=b"",
    )


def _id_of(said: Typed, now: datetime) -> UUID:
    try:
        return UUID(said.get("event_id", ""))
    except ValueError:
        return uuid7(now)


def _kept(said: Typed) -> Typed:
    """What the form shows again: everything but the four characters."""
    return {name: value for name, value in said.items() if name not in {"last_four", "_csrf_token"}}


def _done(door: Door, came: Came) -> Page:
    """The same for everybody, whatever the venue's screen says."""
    return page(
        "visit_done.html",
        path=f"/t/{door.code}",
        place={"name": door.place.name},
        gate=door.gate,
        number=number_of(came.id),
        at=came.at,
    )


HANDLERS: list[Any] = [visit_form]
