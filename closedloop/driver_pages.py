"""Where a driver begins: a first report, the code sent to a phone, the last journey once more,
a report that somebody else has prepared.
"""

from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from closedloop import questions
from closedloop.code_pages import HANDLERS as CODES
from closedloop.code_pages import code_sent, last_four, refusal_of, to_again
from closedloop.drafting import USUAL, begin_again, begin_amendment
from closedloop.pass_pages import own_situation
from closedloop.question_forms import (
    device_cookie,
    device_token,
    page_url,
    read_typed,
    told,
)
from closedloop.reporting import EDITABLE, Office
from kernel.auth import public
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Conflict, Refused
from kernel.settings import Settings
from kernel.web import Page, page, safe_next, url_with
from registry.drafts import begin, linked_draft, take_link
from registry.drivers import Proof, prove, proven_person, remembers
from registry.people import check_phone

AnyRequest = Request[Any, Any, Any]


@get("/d/new", guards=[public])
async def first_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    entry_place_id: FromQuery[str] = "",
    first: FromQuery[str] = "",
) -> Page | Redirect:
    """The first question; on a device that has reported before, its last journey. A scanned
    poster has chosen the checkpoint already.
    """
    known = await remembers(tx, device_token(request))
    if known and not first:
        again = url_with("/d/again", entry_place_id=entry_place_id or None)
        return Redirect(again, status_code=303)
    return _first({"entry_place_id": entry_place_id}, known=known)


def _first(
    typed: questions.Typed, *, known: bool, errors: list[dict[str, str]] | None = None
) -> Page:
    return page(
        "question.html",
        http_status=422 if errors else 200,
        name="phone",
        action="/d/new",
        path="/d/new",
        back_url="/",
        step=1,
        steps=len(questions.ASKED),
        values=typed,
        errors=errors or [],
        again_url="/d/again" if known else None,
    )


@post("/d/new", guards=[public], status_code=200)
async def first_form(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
) -> Page | Redirect:
    """Begin a draft with a telephone number, and send it a code. Numbers that are known here
    and numbers that are not are answered alike.
    """
    now, said = clock.now(), await read_typed(request)
    typed = USUAL | {field: said.get(field, "") for field in ("phone", "entry_place_id")}
    try:
        check_phone(typed["phone"])
    except Refused as refused:
        known = await remembers(tx, device_token(request))
        return _first(typed, known=known, errors=told("phone", refused.code, **refused.facts))
    cookie = device_cookie(request, settings)
    draft_id, _ = await begin(
        tx,
        office.vault,
        token=cookie.value,
        typed=typed | await code_sent(tx, office, settings, typed, now),
        channel="driver",
        made_by="driver",
        now=now,
    )
    target = "code" if settings.sms else "person"
    return Redirect(page_url(draft_id, target), status_code=303, cookies=[cookie])


@get("/d/again", guards=[public])
async def again_page(request: AnyRequest) -> Page:
    """A driver who comes back on the same device: four characters, and the last journey stands
    there again.
    """
    asked = request.query_params
    target = asked.get("next", "")
    return last_four(
        "/d/again",
        "/",
        wanted=safe_next(target) if target else "",
        entry=asked.get("entry_place_id", "")[:20],
    )


@post("/d/again", guards=[public], status_code=200)
async def again_form(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page | Redirect:
    """A device that nobody knows and a wrong guess are answered in the same words."""
    now, said, token = clock.now(), await read_typed(request), device_token(request)
    wanted = safe_next(said["next"]) if said.get("next") else ""
    entry = said.get("entry_place_id", "")[:20]
    proof = await prove(tx, office.vault, token, said.get("last_four", ""), now)
    if proof is not Proof.RIGHT:
        code = refusal_of(proof)
        told_of = told("last_four", code)
        return last_four("/d/again", "/", errors=told_of, wanted=wanted, entry=entry)
    if wanted:
        return Redirect(wanted, status_code=303)
    person_id = await proven_person(tx, token, now)
    begun = person_id and await begin_again(tx, office, person_id, token, now, entry=entry)
    return to_again(begun) if begun else Redirect("/d/new?first=yes", status_code=303)


@get("/d/l/{link:str}", guards=[public])
async def link_page(
    link: FromPath[str],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
) -> Page:
    """A report that somebody has prepared. Looking changes nothing: messengers look as well."""
    now = clock.now()
    typed = await linked_draft(tx, office.vault, link, device_token(request), now)
    world = await office.cache.now(tx)
    shown = {f: typed.get(f, "") for f in ("plate", "stop_1", "expected_entry_at")}
    lines = questions.summary(shown, world, world.rules_at(now))
    return page("link.html", action=f"/d/l/{link}", path="/", lines=lines)


@post("/d/l/{link:str}", guards=[public], status_code=303)
async def link_form(
    link: FromPath[str],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
) -> Redirect:
    """The driver takes it up on this device."""
    cookie = device_cookie(request, settings)
    draft_id = await take_link(tx, link, cookie.value or "", clock.now())
    return Redirect(page_url(draft_id, "again"), status_code=303, cookies=[cookie])


@get("/d/{pass_ref:str}/edit", guards=[public])
async def edit_page(
    pass_ref: FromPath[str],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
) -> Redirect:
    """The report again, to be corrected up to the barrier. Raises Conflict
    `already_presented`.
    """
    situation = await own_situation(tx, office, pass_ref)
    if situation.loop.state not in EDITABLE:
        raise Conflict("already_presented", state=situation.loop.state)
    cookie = device_cookie(request, settings)
    movement_id = situation.movement.movement_id
    begun = await begin_amendment(tx, office, movement_id, cookie.value or "", clock.now())
    return Redirect(page_url(begun, "check"), status_code=303, cookies=[cookie])


HANDLERS: list[Any] = [
    first_page,
    first_form,
    *CODES,
    again_page,
    again_form,
    link_page,
    link_form,
    edit_page,
]
