"""The pages of a draft: one question each, what was typed kept at every step, back always works."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec.structs import replace

from closedloop import question_times, questions
from closedloop.drafting import Reading, read, send
from closedloop.pass_pages import HOTLINE
from closedloop.question_forms import (
    answer_to,
    device_token,
    page_url,
    read_typed,
    sent_already,
    shown_values,
    to_pass,
)
from closedloop.questions import ASKED, FIELDS, Typed
from closedloop.report_form import MOST_CREW, MOST_STOPS
from closedloop.reporting import Office
from closedloop.watching import name_of
from kernel.auth import public
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import NotFound
from kernel.settings import Settings
from kernel.web import Page, page
from registry.drafts import Draft, keep_typed, owned_draft
from registry.gate_notices import standing, told
from registry.model import PlaceKind
from registry.people import ID_TYPES
from registry.rules import RuleSet
from registry.wording import labelled
from registry.world import World

AnyRequest = Request[Any, Any, Any]
#: Buttons that ask the same in another way.
ASKS_OTHERWISE = frozenset({"find", "exact", "near"})
#: What is shown and not asked.
TOLD = frozenset({"check", "care", "again"})


@get("/d/r/{draft_id:uuid}/{name:str}", guards=[public])
async def question_page(
    draft_id: FromPath[UUID],
    name: FromPath[str],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
) -> Page | Redirect:
    """One question, or what there is to check. A draft that was sent leads to its pass."""
    now = clock.now()
    draft = await owned_draft(tx, office.vault, draft_id, device_token(request), now)
    if done := sent_already(office, draft, settings):
        return done
    if name not in FIELDS and name not in TOLD:
        raise NotFound("not_found")
    world = await office.cache.now(tx)
    return show(draft, name, world, now, notices=await _notices(tx, name, world, now))


async def _notices(conn: Connection, name: str, world: World, now: datetime) -> list[str]:
    """What checkpoints say of themselves, where one is chosen."""
    if name != "way":
        return []
    said = await standing(conn, now)
    return [f"{name_of(world, each.place_id)} · {told(each)}" for each in said]


@post("/d/r/{draft_id:uuid}/{name:str}", guards=[public], status_code=200)
async def question_form(
    draft_id: FromPath[UUID],
    name: FromPath[str],
    request: AnyRequest,
    tx: NamedDependency[Connection],
    office: NamedDependency[Office],
    clock: NamedDependency[Clock],
    settings: NamedDependency[Settings],
) -> Page | Redirect:
    """The answer to one question. What is wrong is told beside its field; all is kept."""
    now, token = clock.now(), device_token(request)
    draft = await owned_draft(tx, office.vault, draft_id, token, now)
    if done := sent_already(office, draft, settings):
        return done
    world, said = await office.cache.now(tx), await read_typed(request)
    if name in {"check", "again"}:
        return await _send(tx, office, settings, draft, name, token, said, world, now)
    if name not in FIELDS:
        raise NotFound("not_found")
    rules = world.rules_at(now)
    typed = answer_to(name, draft, said, rules)
    await keep_typed(tx, office.vault, draft_id, typed, now)
    notices = await _notices(tx, name, world, now)
    return _after(replace(draft, typed=typed), name, said, world, now, notices)


def _after(
    draft: Draft, name: str, said: Typed, world: World, now: datetime, notices: list[str]
) -> Page | Redirect:
    rules, reading = world.rules_at(now), read(draft.typed, world, now)
    if said.keys() & ASKS_OTHERWISE:
        return show(draft, name, world, now, looked_for=said, notices=notices)
    errors = questions.errors_of(name, reading.checked.failures, rules)
    if errors and "remove" not in said:
        return show(draft, name, world, now, errors=errors, looked_for=said, notices=notices)
    if name == "declare" and questions.declared_yes(draft.typed, rules):
        return Redirect(page_url(draft.id, "care"), status_code=303)
    target = questions.next_page(reading.checked.failures, rules)
    return Redirect(page_url(draft.id, target), status_code=303)


async def _send(
    conn: Connection,
    office: Office,
    settings: Settings,
    draft: Draft,
    name: str,
    token: str,
    said: Typed,
    world: World,
    now: datetime,
) -> Page | Redirect:
    rules = world.rules_at(now)
    if name == "again":
        typed = questions.answered("declare", draft.typed, said, rules, masked=False)
        draft = replace(draft, typed=typed)
        await keep_typed(conn, office.vault, draft.id, draft.typed, now)
    movement_id = await send(conn, office, draft, token, now)
    if movement_id is not None:
        return to_pass(office, movement_id, settings)
    reading = read(draft.typed, world, now)
    errors = questions.errors_of("declare", reading.checked.failures, rules)
    if name == "again" and errors:
        return show(draft, name, world, now, errors=errors)
    target = questions.next_page(reading.checked.failures, rules)
    return Redirect(page_url(draft.id, target), status_code=303)


def show(
    draft: Draft,
    name: str,
    world: World,
    now: datetime,
    *,
    errors: Sequence[dict[str, str]] = (),
    looked_for: Typed | None = None,
    notices: Sequence[str] = (),
) -> Page:
    rules, reading = world.rules_at(now), read(draft.typed, world, now)
    before = questions.page_before(name, complete=reading.complete)
    offered = _offered(draft, name, world, rules, reading, now, looked_for or {})
    return page(
        "told.html" if name in TOLD else "question.html",
        http_status=422 if errors else 200,
        name=name,
        action=page_url(draft.id, name),
        path=page_url(draft.id, name),
        back_url=page_url(draft.id, before) if before and before != name else None,
        step=ASKED.index(name) + 1 if name in ASKED and not reading.complete else None,
        steps=len(ASKED),
        values=shown_values(draft),
        errors=question_times.placed(errors, exact=bool(offered.get("exact"))),
        amending=draft.kind == "amendment",
        linked=draft.linked,
        notices=list(notices),
        **offered,
    )


def _offered(
    draft: Draft,
    name: str,
    world: World,
    rules: RuleSet,
    reading: Reading,
    now: datetime,
    said: Typed,
) -> dict[str, Any]:
    """What the page besides its fields is made of."""
    typed = draft.typed
    if name in TOLD:
        target = questions.next_page(reading.checked.failures, rules)
        return {
            "lines": questions.summary(shown_values(draft, masked=draft.masked), world, rules),
            "next_url": page_url(draft.id, target),
            "urls": {each: page_url(draft.id, each) for each in FIELDS},
            "questions": labelled(rules.questions, "sentence"),
            "hotline": HOTLINE,
            "more_stops": questions.free_place(typed, "stop", MOST_STOPS),
            "more_crew": questions.free_place(typed, "crew", MOST_CREW),
        }
    return {
        "id_types": ID_TYPES,
        "spoken": rules.spoken,
        "questions": labelled(rules.questions, "sentence"),
        "goods": labelled(rules.goods, "label"),
        "checkpoints": _places(world, PlaceKind.CHECKPOINT, typed, "entry_place_id", said),
        "destinations": _places(
            world,
            PlaceKind.DESTINATION,
            typed,
            name if name.startswith("stop_") else "stop_1",
            said,
        ),
        "masked": shown_values(draft, masked=True) if draft.masked else None,
        "number": name.rpartition("_")[2],
        **question_times.offered(
            question_times.chosen(typed), said, now, rules.limits.report_ahead_days
        ),
    }


def _places(world: World, kind: PlaceKind, typed: Typed, field: str, said: Typed) -> dict[str, Any]:
    return questions.places(world, kind, typed.get(field, ""), said.get(f"find_{field}", ""))


HANDLERS: list[Any] = [question_page, question_form]
