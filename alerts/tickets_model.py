"""A work item of the information desk: its states, what may be done in each, and its clocks. Pure.

Received, pushed to the unit that can act, reviewed, told to whoever asked (seed 003:
接收、推送、审核、反馈). The table is total: any act in any state has a defined result.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct

from kernel.errors import Conflict
from registry.desk_rules import LOWEST, Clocks, DeskRules
from registry.model import Role


class Kind(StrEnum):
    SCREENING = "screening"
    COMPLAINT = "complaint"
    HELP = "help"


class State(StrEnum):
    RECEIVED = "received"
    PUSHED = "pushed"
    REPLIED = "replied"
    REVIEWED = "reviewed"
    ANSWERED = "answered"
    CLOSED = "closed"


class TicketAct(StrEnum):
    PUSH = "push"
    REPLY = "reply"
    SEND_BACK = "send_back"
    ACCEPT = "accept"
    REJECT = "reject"
    ANSWER = "answer"
    CALL = "call"
    CLOSE = "close"
    REOPEN = "reopen"
    RATE = "rate"
    LINK = "link"
    NOTE = "note"


OPEN = (State.RECEIVED, State.PUSHED, State.REPLIED, State.REVIEWED)
FINISHED = (State.ANSWERED, State.CLOSED)
#: Who sits at the desk, and whoever is asked to act in the field or at a place.
DESK = frozenset({Role.HOTLINE, Role.DUTY})
UNITS = frozenset({Role.GRID, Role.POLICE, Role.FIRM, Role.DESK})
READERS = (*sorted(DESK), Role.AUDITOR, *sorted(UNITS))
BY_UNIT = frozenset({TicketAct.REPLY, TicketAct.SEND_BACK, TicketAct.NOTE})
BY_CALLER = frozenset({TicketAct.REOPEN, TicketAct.RATE, TicketAct.NOTE})
_NOTHING = frozenset[TicketAct]()
BY_DESK = frozenset(TicketAct) - {TicketAct.REPLY, TicketAct.SEND_BACK}
#: Why an item is given back to the desk, or ended without an answer; words in the catalogue.
SEND_BACK_REASONS = ("not_ours", "unclear", "no_means")
REJECT_REASONS = ("incomplete", "unproved", "not_answered")
CLOSE_REASONS = ("twice", "withdrawn", "no_matter")
REOPEN_REASONS = ("not_solved", "not_done", "new_facts")
REASONS = {
    TicketAct.SEND_BACK: SEND_BACK_REASONS,
    TicketAct.REJECT: REJECT_REASONS,
    TicketAct.CLOSE: CLOSE_REASONS,
    TicketAct.REOPEN: REOPEN_REASONS,
}
#: Acts that say nothing without words.
WORDY = frozenset({TicketAct.REPLY, TicketAct.ANSWER, TicketAct.NOTE})
RATINGS = (5, 4, 3, 2, 1)

#: What each act makes of each state. A call's result decides by itself (`after_call`), so that it
#: stands here with the state in which it is made.
_TABLE: dict[State, dict[TicketAct, State]] = {
    State.RECEIVED: {
        TicketAct.PUSH: State.PUSHED,
        TicketAct.ANSWER: State.ANSWERED,
        TicketAct.CALL: State.RECEIVED,
        TicketAct.CLOSE: State.CLOSED,
        TicketAct.LINK: State.RECEIVED,
        TicketAct.NOTE: State.RECEIVED,
    },
    State.PUSHED: {
        TicketAct.PUSH: State.PUSHED,
        TicketAct.REPLY: State.REPLIED,
        TicketAct.SEND_BACK: State.RECEIVED,
        TicketAct.CLOSE: State.CLOSED,
        TicketAct.LINK: State.PUSHED,
        TicketAct.NOTE: State.PUSHED,
    },
    State.REPLIED: {
        TicketAct.ACCEPT: State.REVIEWED,
        TicketAct.REJECT: State.PUSHED,
        TicketAct.LINK: State.REPLIED,
        TicketAct.NOTE: State.REPLIED,
    },
    State.REVIEWED: {
        TicketAct.ANSWER: State.ANSWERED,
        TicketAct.LINK: State.REVIEWED,
        TicketAct.NOTE: State.REVIEWED,
    },
    State.ANSWERED: {
        TicketAct.REOPEN: State.RECEIVED,
        TicketAct.RATE: State.ANSWERED,
        TicketAct.LINK: State.ANSWERED,
        TicketAct.NOTE: State.ANSWERED,
    },
    State.CLOSED: {
        TicketAct.REOPEN: State.RECEIVED,
        TicketAct.LINK: State.CLOSED,
        TicketAct.NOTE: State.CLOSED,
    },
}


def after(state: State, act: TicketAct, *, reopened: bool = False) -> State:
    """Raises Conflict `ticket_moved_on`; `ticket_reopened_before`: once is enough, then somebody
    else has to look at it.
    """
    found = _TABLE[state].get(act)
    if found is None:
        raise Conflict("ticket_moved_on", state=state)
    if act is TicketAct.REOPEN and reopened:
        raise Conflict("ticket_reopened_before")
    return found


def offered(state: State, roles: frozenset[str], *, own: bool, reopened: bool) -> list[TicketAct]:
    """What a reader may do now: the desk by its role, the unit where the item is its own."""
    may = (BY_DESK if roles & DESK else _NOTHING) | (BY_UNIT if own else _NOTHING)
    listed = [act for act in TicketAct if act in may and act in _TABLE[state]]
    return [act for act in listed if not (act is TicketAct.REOPEN and reopened)]


class Ticket(Struct, frozen=True, kw_only=True):
    """A row, without anything that is sealed. `masked_*` are empty where nobody is known."""

    id: UUID
    number: str
    kind: Kind
    category: str
    source: str
    priority: int
    crowded: bool
    state: State
    version: int
    rules_version: int
    lang: str
    received_at: datetime
    since: datetime
    due_at: datetime | None
    answer_by: datetime
    finished_at: datetime | None
    district_code: str
    unit_kind: str
    unit_district: str
    unit_place_id: int | None
    plate: str
    seen_at: datetime | None
    about_movement: int | None
    about_event: UUID | None
    masked_name: str
    masked_phone: str
    batch_id: UUID | None
    tries: int
    not_before: datetime | None
    claimed_by: UUID | None
    claimed_until: datetime | None
    reopened: bool
    rating: int | None


def is_late(due_at: datetime | None, now: datetime) -> bool:
    return due_at is not None and due_at < now


def urgency(priority: int, received_at: datetime, now: datetime, ageing_minutes: int) -> int:
    """One step more urgent for each so many minutes that it has waited: nothing starves."""
    waited = max(0, int((now - received_at).total_seconds() // (ageing_minutes * 60)))
    return max(1, priority - waited)


def queue_key(ticket: Ticket, now: datetime, ageing_minutes: int) -> tuple[Any, ...]:
    """The order of the list, as the database gives it: what is late, then by urgency and age."""
    urgent = urgency(ticket.priority, ticket.received_at, now, ageing_minutes)
    put_off = ticket.not_before is not None and ticket.not_before > now
    late = is_late(ticket.due_at, now)
    return put_off, not late, urgent, ticket.crowded, ticket.received_at, str(ticket.id)


def due(state: State, clocks: Clocks, unit_minutes: int, now: datetime) -> datetime | None:
    """The end of the step that begins now; None where nothing is left to do."""
    minutes = {
        State.RECEIVED: clocks.push_minutes,
        State.PUSHED: unit_minutes,
        State.REPLIED: clocks.review_minutes,
        State.REVIEWED: clocks.tell_minutes,
    }.get(state)
    return None if minutes is None else now + timedelta(minutes=minutes)


def answer_by(clocks: Clocks, unit_minutes: int, now: datetime) -> datetime:
    """What the caller is told: when every step takes its time."""
    steps = clocks.push_minutes + unit_minutes + clocks.review_minutes + clocks.tell_minutes
    return now + timedelta(minutes=steps)


def triaged(desk: DeskRules, kind: Kind, category: str, yes: frozenset[str]) -> int:
    """Priority from 1 to 4: that of the need, raised by what was answered with yes."""
    found = desk.category(kind, category)
    least = LOWEST if found is None else found.priority
    if kind is not Kind.HELP:
        return least
    raised = (each.priority for each in desk.triage if each.code in yes)
    return min(least, *raised, LOWEST)


def after_call(desk: DeskRules, result: str, tries: int) -> tuple[str, timedelta]:
    """What follows a call (`again`, `close`, `push`), and how long to wait before the next. Enough
    calls without an answer send the local unit. Raises KeyError for a result that is none.
    """
    what = {each.code: each.after for each in desk.call_results}[result]
    if what == "again" and tries + 1 >= desk.call_tries:
        what = "push"
    return what, timedelta(minutes=desk.call_again_minutes)
