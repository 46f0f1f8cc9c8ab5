"""One person of a movement, shown unmasked to an officer who says why."""

from datetime import datetime
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, URLEncodedBody
from msgspec import Struct

from closedloop.reporting import Office, situation_of
from closedloop.situation import Situation, check_in_district
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Forbidden, NotFound, Refused, TooMany
from kernel.i18n import t
from kernel.problems import answer
from kernel.web import Page, page
from registry.accounts import home_of, known_actor
from registry.model import Role, Subject
from registry.plates import kind_shown
from registry.reveal import REASONS, REVEALERS, Revealed, count_refused, reveal
from registry.wording import error, navigation

AnyRequest = Request[Any, Any, Any]
MAY = requires(*REVEALERS)


class RevealForm(Struct, frozen=True, kw_only=True):
    reason: str = ""
    note: str = ""


def driver_shown(situation: Situation) -> str:
    """The masked name; a word in its place where it was erased, nothing where nobody is known."""
    return (situation.people[0].masked_name or t("ui.erased")) if situation.people else ""


def people_shown(situation: Situation, actor: Actor) -> list[dict[str, Any]]:
    """Those of a movement whom this officer may ask to see; none for whoever may not."""
    if not actor.roles & set(REVEALERS):
        return []
    return [_masked(each) for each in situation.people]


def _masked(person: Subject) -> dict[str, Any]:
    return {"ordinal": person.ordinal, "role": person.role, "masked_name": person.masked_name}


async def _own(
    conn: Connection, office: Office, actor: Actor, movement_id: int, ordinal: int
) -> Situation:
    """A desk sees the people of its own checkpoint; those without a place those of their district.

    Raises NotFound `unknown_movement`, `unknown_person`; Forbidden `not_your_place`.
    """
    situation = await situation_of(conn, movement_id)
    check_in_district(situation, actor, await office.cache.now(conn))
    entry = situation.loop.entry_place_id or situation.movement.entry_place_id
    if actor.place_id is not None and entry not in {None, actor.place_id}:
        raise Forbidden("not_your_place", place_id=entry)
    if ordinal not in {person.ordinal for person in situation.people}:
        raise NotFound("unknown_person", movement_id=movement_id, ordinal=ordinal)
    return situation


@get("/loops/{movement_id:int}/people/{ordinal:int}/reveal", guards=[MAY])
async def reveal_page(
    movement_id: FromPath[int],
    ordinal: FromPath[int],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
) -> Page:
    """The question why; nothing is shown yet."""
    actor = known_actor(request)
    return _page(actor, await _own(tx, office, actor, movement_id, ordinal), ordinal, RevealForm())


@post("/loops/{movement_id:int}/people/{ordinal:int}/reveal", guards=[MAY], status_code=200)
async def reveal_form(
    movement_id: FromPath[int],
    ordinal: FromPath[int],
    request: AnyRequest,
    data: URLEncodedBody[RevealForm],
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page:
    """Show name, number and telephone once. The page is not kept by any cache."""
    actor, now = known_actor(request), clock.now()
    situation = await _own(tx, office, actor, movement_id, ordinal)
    try:
        shown = await _reveal(tx, office, actor, movement_id, ordinal, data, now)
    except Refused as refused:
        if isinstance(refused, TooMany):
            await count_refused(tx, actor.id, now)
        return _page(actor, situation, ordinal, data, refused=refused)
    return _page(actor, situation, ordinal, data, shown=shown)


async def _reveal(
    conn: Connection,
    office: Office,
    actor: Actor,
    movement_id: int,
    ordinal: int,
    said: RevealForm,
    now: datetime,
) -> Revealed:
    """In a transaction of its own: a refusal that is told on a page undoes what was begun."""
    async with conn.transaction():
        return await reveal(
            conn,
            office.vault,
            actor,
            movement_id=movement_id,
            ordinal=ordinal,
            reason=said.reason,
            note=said.note,
            now=now,
        )


def _page(
    actor: Actor,
    situation: Situation,
    ordinal: int,
    said: RevealForm,
    *,
    shown: Revealed | None = None,
    refused: Refused | None = None,
) -> Page:
    movement = situation.movement
    person = next(each for each in situation.people if each.ordinal == ordinal)
    status = 200 if refused is None else 429 if isinstance(refused, TooMany) else 422
    return page(
        "reveal.html",
        http_status=status,
        movement={
            "movement_id": movement.movement_id,
            "plate": movement.plate,
            "plate_kind": kind_shown(movement.plate),
        },
        person=_masked(person),
        shown=shown,
        reasons=REASONS,
        values={"reason": said.reason, "note": said.note},
        errors=[] if refused is None else [error(_field(refused), refused)],
        may_read_history=Role.HOTLINE not in actor.roles,
        home_url=home_of(actor),
        nav=navigation(actor),
    )


def _field(refused: Refused) -> str:
    return {"reveal_reason_unknown": "reason", "reveal_note_needed": "note"}.get(refused.code, "")


@post("/movements/{movement_id:int}/people/{ordinal:int}/reveal", guards=[MAY], status_code=200)
async def reveal_person(
    movement_id: FromPath[int],
    ordinal: FromPath[int],
    data: JSONBody[RevealForm],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Response[Any]:
    """Name, document and telephone of one person, for a reason that the person can read."""
    actor, now = known_actor(request), clock.now()
    await _own(tx, office, actor, movement_id, ordinal)
    try:
        return Response(await _reveal(tx, office, actor, movement_id, ordinal, data, now))
    except TooMany as refused:
        await count_refused(tx, actor.id, now)
        return answer(request, refused)


HANDLERS: list[Any] = [reveal_page, reveal_form]
API: list[Any] = [reveal_person]
