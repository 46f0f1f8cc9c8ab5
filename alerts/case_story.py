"""What happened in a case, in words: the ladder of each limit, and the movement's story."""

from datetime import datetime
from typing import Any

from alerts.case_queries import Limit, Rung, steps_taken
from alerts.desk_views import ladder
from alerts.notes import read_notes
from closedloop.history_pages import what_happened
from closedloop.order import in_order
from closedloop.reporting import Office
from closedloop.situation import Situation
from closedloop.watching import name_of
from kernel.auth import Actor
from kernel.db import Connection
from kernel.i18n import current_locale, local_time, t
from registry.learned import learned_version
from registry.model import Event, Role
from registry.rules import RuleSet
from registry.world import World


async def limit_shown(
    conn: Connection, movement_id: int, limit: Limit, rules: RuleSet
) -> dict[str, Any]:
    rungs = sorted(
        (
            Rung(step=rung.step, minutes=rung.minutes)
            for rung in rules.ladder
            if limit.limb in rung.limbs
        ),
        key=lambda rung: rung.minutes,
    )
    taken = await steps_taken(conn, movement_id, limit)
    return {
        "what": t(f"limb.{limit.limb}"),
        "due_at": limit.due_at,
        "ladder": ladder(rungs, taken, limit.flag_at, limit.next_at),
    }


async def why_this_limit(conn: Connection, at: Situation, world: World, now: datetime) -> str:
    """How the limit that the truck runs against came about, in one sentence."""
    number = at.loop.next_stop
    if number is None or at.loop.released_at is None:
        return ""
    stop = at.loop.stops[number]
    before = at.loop.stops[number - 1].place_id if number else at.loop.entry_place_id
    found = await learned_version(conn, before or 0, stop.place_id, stop.learned)
    if found is not None:
        return t(
            "limit.learned",
            n=stop.limit_minutes,
            samples=found.samples,
            percent=found.percent,
            within=found.within_minutes,
            version=found.version,
            day=local_time(found.learned_at),
        )
    limits = world.rules_at(now).limits
    return t(
        "limit.fixed",
        n=stop.limit_minutes,
        road=stop.road_minutes,
        factor=limits.arrival_factor,
        extra=limits.arrival_extra_minutes,
    )


async def story(
    conn: Connection, office: Office, at: Situation, world: World, actor: Actor, now: datetime
) -> list[dict[str, Any]]:
    """The newest first. Notes are shown to duty officers, and their reading is audited."""
    notes = {}
    if Role.DUTY in actor.roles:
        notes = await read_notes(conn, office.vault, at.movement.movement_id, actor, now)
    questions = _questions(world.rules_at(now))
    return [
        {
            "at": event.occurred_at,
            "what": what_happened(event),
            "place": name_of(world, event.place_id),
            "proof": event.body.get("proof") or event.body.get("claimed") or "",
            "unproved": bool(event.body.get("claimed")),
            "answers": _answers(event, questions),
            "note": notes.get(event.event_id, ""),
        }
        for event in reversed(in_order(at.events))
    ]


def _questions(rules: RuleSet) -> dict[str, str]:
    return {each.code: getattr(each.sentence, current_locale()) for each in rules.call_questions}


def _answers(event: Event, questions: dict[str, str]) -> list[dict[str, str]]:
    said: dict[str, str] = event.body.get("answers") or {} if event.kind == "call" else {}
    return [
        {"question": questions.get(code, code), "answer": t(f"ui.case.answer.{answer}")}
        for code, answer in said.items()
    ]
