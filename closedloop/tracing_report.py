"""A case's report: every subject's places and times, and their contacts by class."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from closedloop.reporting import Office
from closedloop.tracing_clock import Mark, clock, marks_set
from closedloop.tracing_model import Case, Contact
from closedloop.tracing_queries import own_case, subjects_of
from closedloop.tracing_reading import (
    MOST_SECOND,
    Contacts,
    Looking,
    Traced,
    looking,
    read_contacts,
    read_second,
    read_trajectory,
)
from closedloop.tracing_team_queries import Task, tasks_of
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Unprocessable
from registry.rules import RuleSet


class Part(Struct, frozen=True, kw_only=True):
    """One subject. `unlisted` is why contacts of the second degree are not in it, or empty."""

    traced: Traced
    contacts: list[Contact]
    unlisted: str = ""


class Report(Struct, frozen=True, kw_only=True):
    case: Case
    rules: RuleSet
    marks: list[Mark]
    tasks: list[Task]
    parts: list[Part]
    made_at: datetime

    def counts(self) -> dict[str, int]:
        """Class → people and trucks, each once, in the gravest class that any subject gives it."""
        order = [each.code for each in self.rules.tracing.classes]
        best: dict[str, int] = {}
        for contact in (contact for part in self.parts for contact in part.contacts):
            rank = order.index(contact.code)
            best[contact.meeting.key] = min(rank, best.get(contact.meeting.key, rank))
        return {code: sum(each == n for each in best.values()) for n, code in enumerate(order)}


async def read_report(
    conn: Connection, office: Office, case_id: UUID, actor: Actor, now: datetime
) -> Report:
    """Everything in one reading; raises as `looking` does, and Unprocessable
    `trace_too_many_contacts`.
    """
    case = await own_case(conn, case_id, actor)
    rules = (await office.cache.now(conn)).rules_of(case.rules_version, case.opened_at)
    parts = [
        await _part(conn, await looking(conn, office, case_id, each.number, actor, now))
        for each in await subjects_of(conn, case_id)
    ]
    return Report(
        case=await own_case(conn, case_id, actor),
        rules=rules,
        marks=clock(rules.tracing.marks, case.opened_at, await marks_set(conn, case_id), now),
        tasks=await tasks_of(conn, case_id),
        parts=parts,
        made_at=now,
    )


async def _part(conn: Connection, at: Looking) -> Part:
    traced = await read_trajectory(conn, at)
    first = await read_contacts(conn, at, limit=MOST_SECOND)
    if first.cursor is not None:
        raise Unprocessable("trace_too_many_contacts", most=MOST_SECOND)
    try:
        second = await read_second(conn, at)
    except Unprocessable as refused:
        return Part(traced=traced, contacts=first.contacts, unlisted=refused.code)
    return Part(traced=traced, contacts=_joined(first, second))


def _joined(first: Contacts, second: Contacts) -> list[Contact]:
    """Whoever is found on both ways is told once, in the graver class."""
    order = [each.code for each in first.rules.tracing.classes]
    found = {each.meeting.key: each for each in first.contacts}
    for each in second.contacts:
        known = found.get(each.meeting.key)
        if known is None or order.index(each.code) < order.index(known.code):
            found[each.meeting.key] = each
    return sorted(
        found.values(), key=lambda c: (order.index(c.code), not c.certain, c.meeting.first_at)
    )
