"""The code sent to a phone, and the last four characters of a document."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from closedloop import questions
from closedloop.drafting import begin_again, number_of, phone_proved, read
from closedloop.question_forms import device_token, page_url, read_typed, sent_already, told
from closedloop.reporting import Office
from kernel.auth import public
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import TooMany
from kernel.i18n import current_locale
from kernel.settings import Settings
from kernel.web import Page, page, url_with
from registry.drafts import Draft, keep_typed, owned_draft
from registry.drivers import Proof, bind_device, guess, person_of_phone
from registry.phone_codes import code_fits, send_code
from registry.world import World

AnyRequest = Request[Any, Any, Any]


def refusal_of(proof: Proof) -> str:
    """A device that nobody knows is told what a wrong guess is told."""
    return "last_four_used_up" if proof is Proof.USED_UP else "last_four_wrong"


async def code_sent(
    conn: Connection, office: Office, settings: Settings, typed: questions.Typed, now: datetime
) -> questions.Typed:
    """Says whether no more codes can be sent to that number; then the way leads on without."""
    if not settings.sms:
        return {"code_used_up": ""}
    try:
        await send_code(conn, office.vault, number_of(typed), lang=current_locale(), now=now)
    except TooMany:
        return {"code_used_up": "yes"}
    return {"code_used_up": ""}


async def _draft(
    conn: Connection, office: Office, draft_id: UUID, request: AnyRequest, now: datetime
) -> Draft:
    return await owned_draft(conn, office.vault, draft_id, device_token(request), now)


@get("/d/r/{draft_id:uuid}/code", guards=[public])
async def code_page(
    draft_id: FromPath[UUID],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
) -> Page | Redirect:
    """The six digits of a text message. A draft that was sent leads to its pass."""
    draft = await _draft(tx, office, draft_id, request, clock.now())
    return sent_already(office, draft, settings) or _code(draft)


def _code(draft: Draft, errors: list[dict[str, str]] | None = None) -> Page:
    return page(
        "phone_code.html",
        http_status=422 if errors else 200,
        action=page_url(draft.id, "code"),
        path=page_url(draft.id, "code"),
        back_url=page_url(draft.id, "phone"),
        phone=draft.typed.get("phone", ""),
        used_up=draft.typed.get("code_used_up") == "yes",
        values={},
        errors=errors or [],
    )


@post("/d/r/{draft_id:uuid}/code", guards=[public], status_code=200)
async def code_form(
    draft_id: FromPath[UUID],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
) -> Page | Redirect:
    """A code that fits proves the phone; without one the report says that it was not proved."""
    now, said = clock.now(), await read_typed(request)
    draft = await _draft(tx, office, draft_id, request, now)
    if done := sent_already(office, draft, settings):
        return done
    world = await office.cache.now(tx)
    if "skip" in said:
        return _on(draft, world, now)
    if "again" in said:
        state = await code_sent(tx, office, settings, draft.typed, now)
        await keep_typed(tx, office.vault, draft_id, draft.typed | state, now)
        return Redirect(page_url(draft_id, "code"), status_code=303)
    number = number_of(draft.typed)
    if not number or not await code_fits(tx, office.vault, number, said.get("code", ""), now):
        return _code(draft, told("code", "phone_code_wrong"))
    await keep_typed(tx, office.vault, draft_id, draft.typed | {"phone_proved": number}, now)
    if await person_of_phone(tx, office.vault, number) is not None:
        return Redirect(page_url(draft_id, "known"), status_code=303)
    return _on(draft, world, now)


def _on(draft: Draft, world: World, now: datetime) -> Redirect:
    failures = read(draft.typed, world, now).checked.failures
    return Redirect(
        page_url(draft.id, questions.next_page(failures, world.rules_at(now))), status_code=303
    )


@get("/d/r/{draft_id:uuid}/known", guards=[public])
async def known_page(
    draft_id: FromPath[UUID],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
) -> Page | Redirect:
    """This phone has reported before: the last four characters bring the last journey back."""
    now = clock.now()
    draft = await _draft(tx, office, draft_id, request, now)
    if done := sent_already(office, draft, settings):
        return done
    if not phone_proved(draft.typed):
        return _on(draft, await office.cache.now(tx), now)
    return last_four(page_url(draft_id, "known"), page_url(draft_id, "phone"), skips=True)


def last_four(
    action: str,
    back_url: str,
    *,
    skips: bool = False,
    errors: list[dict[str, str]] | None = None,
    wanted: str = "",
    entry: str = "",
) -> Page:
    return page(
        "again.html",
        http_status=422 if errors else 200,
        action=action,
        path=action,
        back_url=back_url,
        skips=skips,
        next=wanted,
        entry_place_id=entry,
        first_url=url_with("/d/new", first="yes", entry_place_id=entry or None),
        values={},
        errors=errors or [],
    )


@post("/d/r/{draft_id:uuid}/known", guards=[public], status_code=200)
async def known_form(
    draft_id: FromPath[UUID],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
) -> Page | Redirect:
    """A new phone of a known driver; wrong guesses are counted for life."""
    now, said, token = clock.now(), await read_typed(request), device_token(request)
    draft = await _draft(tx, office, draft_id, request, now)
    if done := sent_already(office, draft, settings):
        return done
    world = await office.cache.now(tx)
    person_id = await person_of_phone(tx, office.vault, number_of(draft.typed))
    if "skip" in said or person_id is None or not phone_proved(draft.typed):
        return _on(draft, world, now)
    proof = await guess(tx, office.vault, person_id, said.get("last_four", ""))
    if proof is not Proof.RIGHT:
        code = refusal_of(proof)
        here, back = page_url(draft_id, "known"), page_url(draft_id, "phone")
        return last_four(here, back, skips=True, errors=told("last_four", code))
    await bind_device(tx, token, person_id, now, proved=True)
    begun = await begin_again(tx, office, person_id, token, now)
    return _on(draft, world, now) if begun is None else to_again(begun)


def to_again(draft_id: UUID) -> Redirect:
    return Redirect(page_url(draft_id, "again"), status_code=303)


HANDLERS: list[Any] = [code_page, code_form, known_page, known_form]
