"""What the loop proposes as a problem, and what several offices enforce together."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect
from msgspec import Struct

from alerts.joint_tasks import tasks, tell_result
from alerts.supervision_place_pages import ASKERS
from alerts.supervision_proposals import accept, decline, proposals
from alerts.supervision_views import (
    READERS,
    WRITERS,
    AnyRequest,
    finding_word,
    frame,
    party_words,
    rules_now,
)
from kernel.auth import Actor, requires
from kernel.clock import Clock
from kernel.db import Connection
from kernel.errors import Refused
from kernel.ids import uuid7
from kernel.web import Page, page
from registry.accounts import known_actor
from registry.scope import own_district
from registry.world import WorldCache


class AnswerForm(Struct, frozen=True, kw_only=True):
    reference: str = ""
    answer: str = ""
    reason: str = ""
    event_id: UUID | None = None


class ResultForm(Struct, frozen=True, kw_only=True):
    evidence: str = ""


@get("/supervision/proposals", guards=[requires(*READERS)])
async def proposals_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
    done: FromQuery[str] = "",
) -> Page:
    """Derived as one looks."""
    return await _proposals(tx, cache, known_actor(request), clock.now(), done=done)


async def _proposals(
    conn: Connection,
    cache: WorldCache,
    actor: Actor,
    now: datetime,
    *,
    done: str = "",
    refused: Refused | None = None,
) -> Page:
    supervision = await rules_now(conn, cache, now)
    found = await proposals(conn, supervision, now, own_district(actor))
    path = "/supervision/proposals"
    return page(
        "supervision_proposals.html",
        proposals=[
            {
                "reference": each.reference,
                "finding": finding_word(supervision, each.finding),
                "name": each.name,
                "n": each.n,
                "days": each.days,
                "event_id": str(uuid7(now)),
            }
            for each in found
        ],
        may_answer=bool(actor.roles & set(ASKERS)),
        **frame(actor, path, path, done=done, refused=refused),
    )


@post("/supervision/proposals", guards=[requires(*ASKERS)], status_code=200)
async def answer_page(
    request: AnyRequest,
    data: URLEncodedBody[AnswerForm],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
) -> Page | Redirect:
    """Accepted it is a problem; declined it is gone for the week, and the reason stays."""
    actor, now = known_actor(request), clock.now()
    reference = data.reference.replace("\0", "")
    try:
        async with tx.transaction():
            supervision = await rules_now(tx, cache, now)
            if data.answer == "accept":
                event_id = data.event_id or uuid7(now)
                made = await accept(tx, supervision, reference, event_id, actor, now)
                url = f"/supervision/problems/{made.problem_id}?done=answer"
            else:
                await decline(tx, supervision, reference, data.reason, actor, now)
                url = "/supervision/proposals?done=answer"
    except Refused as refused:
        return await _proposals(tx, cache, actor, now, refused=refused)
    return Redirect(url, status_code=303)


@get("/supervision/joint", guards=[requires(*READERS)])
async def joint_page(
    request: AnyRequest,
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
    done: FromQuery[str] = "",
) -> Page:
    """Those without a result first."""
    return await _joint(tx, cache, known_actor(request), clock.now(), done=done)


async def _joint(
    conn: Connection,
    cache: WorldCache,
    actor: Actor,
    now: datetime,
    *,
    done: str = "",
    refused: Refused | None = None,
) -> Page:
    supervision = await rules_now(conn, cache, now)
    return page(
        "supervision_joint.html",
        tasks=[
            {"task": each, "parties": party_words(supervision, each.parties)}
            for each in await tasks(conn, own_district(actor))
        ],
        **frame(actor, "/supervision/joint", "/supervision/joint", done=done, refused=refused),
    )


@post("/supervision/joint/{task_id:uuid}/result", guards=[requires(*WRITERS)], status_code=200)
async def result_page(
    request: AnyRequest,
    task_id: FromPath[UUID],
    data: URLEncodedBody[ResultForm],
    tx: NamedDependency[Connection],
    clock: NamedDependency[Clock],
    cache: NamedDependency[WorldCache],
) -> Page | Redirect:
    """The first result stands."""
    actor, now = known_actor(request), clock.now()
    try:
        async with tx.transaction():
            await tell_result(tx, task_id, data.evidence, actor, now)
    except Refused as refused:
        return await _joint(tx, cache, actor, now, refused=refused)
    return Redirect("/supervision/joint?done=joint", status_code=303)


HANDLERS: list[Any] = [proposals_page, answer_page, joint_page, result_page]
