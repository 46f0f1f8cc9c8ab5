"""The information desk as data: what people ask for and complain of, how urgent it is, which unit
answers within what time, and what is asked on the telephone (seeds 002 and 003).
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from registry.bilingual import Text

SHIPPED = Path(__file__).with_name("desk_rules.json")
KINDS = ("screening", "complaint", "help")
UNITS = ("", "district", "police", "firm", "checkpoint")
#: What follows a call: it is made again, it is over, or the local unit takes it on.
AFTER = ("again", "close", "push")
LOWEST = 4


class Clocks(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Minutes for each step: to push it on, for the unit's answer, to review that, to tell it."""

    push_minutes: int
    unit_minutes: int
    review_minutes: int
    tell_minutes: int


class Category(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`unit` is the one that answers as a rule; `minutes` its time, where it has one of its own;
    `priority` from 1, the most urgent, to 4.
    """

    code: str
    label: Text
    unit: str = ""
    minutes: int | None = None
    priority: int = 3


class Triage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question whose “yes” makes a request as urgent as this, if it was less."""

    code: str
    sentence: Text
    priority: int


class Answer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: str
    label: Text


class Asked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question read off the screen; without answers of its own it is yes, no or unknown."""

    code: str
    sentence: Text
    answers: tuple[Answer, ...] = ()


class CallResult(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: str
    label: Text
    after: str


class DeskRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    screening: Clocks
    complaint: Clocks
    help: Clocks
    screenings: tuple[Category, ...]
    complaints: tuple[Category, ...]
    needs: tuple[Category, ...]
    triage: tuple[Triage, ...]
    #: Minutes in which help is to be given, by priority.
    help_minutes: tuple[int, ...]
    #: A request that waits so long is taken as one step more urgent.
    ageing_minutes: int
    #: More within an hour from one telephone are taken, and stand behind others as urgent.
    per_sender_hour: int
    #: Desks of the telephone room, for the board.
    seats: int
    claim_minutes: int
    call_results: tuple[CallResult, ...]
    #: Calls without an answer before the local unit is asked to go there.
    call_tries: int
    call_again_minutes: int
    #: A firm that was told of a truck answers within so many minutes.
    expected_minutes: int
    reopen_days: int

    def clocks(self, kind: str) -> Clocks:
        return {"screening": self.screening, "complaint": self.complaint, "help": self.help}[kind]

    def categories(self, kind: str) -> tuple[Category, ...]:
        known = {"screening": self.screenings, "complaint": self.complaints, "help": self.needs}
        return known[kind]

    def category(self, kind: str, code: str) -> Category | None:
        if kind not in KINDS:
            return None
        return next((each for each in self.categories(kind) if each.code == code), None)

    def unit_minutes(self, kind: str, code: str, priority: int) -> int:
        """Help is given by its urgency, everything else answered by its category."""
        if kind == "help":
            return self.help_minutes[priority - 1]
        category = self.category(kind, code)
        own = None if category is None else category.minutes
        return self.clocks(kind).unit_minutes if own is None else own


@cache
def shipped_desk() -> DeskRules:
    """What counts where a rule set says nothing of the desk."""
    return msgspec.json.decode(SHIPPED.read_bytes(), type=DeskRules)


def desk_faults(desk: DeskRules) -> Iterator[str]:
    """Places as `desk.needs[3].priority`."""
    for name in ("screenings", "complaints", "needs"):
        listed: tuple[Category, ...] = getattr(desk, name)
        yield from _twice(f"desk.{name}", [each.code for each in listed])
        if not listed:
            yield f"desk.{name}"
        for number, each in enumerate(listed):
            if each.unit not in UNITS:
                yield f"desk.{name}[{number}].unit"
            if not 1 <= each.priority <= LOWEST:
                yield f"desk.{name}[{number}].priority"
            if each.minutes is not None and each.minutes < 1:
                yield f"desk.{name}[{number}].minutes"
    yield from _twice("desk.triage", [each.code for each in desk.triage])
    yield from _twice("desk.call_results", [each.code for each in desk.call_results])
    for number, each in enumerate(desk.triage):
        if not 1 <= each.priority <= LOWEST:
            yield f"desk.triage[{number}].priority"
    yield from _wrong_calls(desk)
    if len(desk.help_minutes) != LOWEST or min(desk.help_minutes, default=0) < 1:
        yield "desk.help_minutes"
    yield from (f"desk.{name}" for name, amount in _amounts(desk) if amount < 1)


def _wrong_calls(desk: DeskRules) -> Iterator[str]:
    """Without a result that ends it a call would be made for ever."""
    for number, each in enumerate(desk.call_results):
        if each.after not in AFTER:
            yield f"desk.call_results[{number}].after"
    if not {"close", "push"} & {each.after for each in desk.call_results}:
        yield "desk.call_results"


def _amounts(desk: DeskRules) -> Iterator[tuple[str, int]]:
    for name in DeskRules.__struct_fields__:
        value = getattr(desk, name)
        if isinstance(value, int):
            yield name, value
        elif isinstance(value, Clocks):
            steps = Clocks.__struct_fields__
            yield from ((f"{name}.{step}", getattr(value, step)) for step in steps)


def _twice(where: str, names: list[str]) -> Iterator[str]:
    yield from (f"{where} ({name})" for name in sorted({n for n in names if names.count(n) > 1}))
