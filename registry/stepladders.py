"""How places are supervised, as data of a rule set: findings, offices, and ladders of steps.

Seed 001: warning, deadline, yellow notice, interview, test, taking down. Seed 004: reminders, then
interview and public criticism, then the law. Seed 003: the black plaque with a check each day, and
a look back after it is taken down. Marks are of places, and are neither a gate's cards nor codes.
"""

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from registry.bilingual import Text


class Mark(StrEnum):
    """What hangs at a place, for all to see."""

    PENNANT = "pennant"
    MEND_NOTICE = "mend_notice"
    BLACK_PLAQUE = "black_plaque"


class Need(StrEnum):
    """What a step asks of whoever takes it."""

    REASON = "reason"
    EVIDENCE = "evidence"
    GROUND = "ground"
    RESULT = "result"
    DEADLINE = "deadline"
    LOOK_BACK = "look_back"
    #: Another officer than the one of the step before.
    ANOTHER = "another"
    #: The deadline of an earlier step is over.
    LATE = "late"


class Again(StrEnum):
    """How often a step may be taken."""

    ONCE = "once"
    DAILY = "daily"
    ALWAYS = "always"


class Named(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: str
    label: Text


class Finding(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may be wrong at a place, and the days in which it is to be mended. `by_loop`: only the
    loop's own records show it, nobody who stands there.
    """

    code: str
    label: Text
    mend_days: int = 3
    by_loop: bool = False


class OverStep(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`after`: steps that must have been taken, and passed where they have a result; the officer of
    the first of them is the one whom `Need.ANOTHER` keeps out. `puts` hangs a mark, `lifts` takes
    it down; a step with a result hangs it where it fails. `forgets`: steps that count no longer
    once this one is taken, or has failed where it has a result. `ends` is a final step, where it
    has a result only if it passed. `days`: what is offered for a deadline or a look back.
    """

    code: str
    label: Text
    roles: tuple[str, ...]
    after: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    grounds: tuple[Named, ...] = ()
    again: Again = Again.ONCE
    puts: Mark | None = None
    lifts: bool = False
    ends: bool = False
    forgets: tuple[str, ...] = ()
    days: int = 0


class Stepladder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first step opens it."""

    code: str
    label: Text
    steps: tuple[OverStep, ...]

    def step(self, code: str) -> OverStep | None:
        return next((step for step in self.steps if step.code == code), None)


class Supervision(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`idle_days`: a code without a scan for so long hangs unused. `check_by_hour`: by then, local
    time, the day's check is expected. The last four: from how many on, in `look_days`, a firm's
    late confirmations, a checkpoint's releases without a reading, holes in its devices' numbers
    and attempts against the rules are proposed as problems.
    """

    ladders: tuple[Stepladder, ...] = ()
    findings: tuple[Finding, ...] = ()
    parties: tuple[Named, ...] = ()
    idle_days: int = 7
    check_by_hour: int = 18
    look_days: int = 7
    late_confirmations: int = 3
    unread_releases: int = 5
    holes: int = 1
    against_rules: int = 1

    def ladder(self, code: str) -> Stepladder | None:
        return next((each for each in self.ladders if each.code == code), None)

    def finding(self, code: str) -> Finding | None:
        return next((each for each in self.findings if each.code == code), None)


def supervision_faults(said: Supervision, roles: frozenset[str]) -> Iterator[str]:
    """Places as `supervision.ladders[1].steps[2].after`."""
    yield from _twice("ladders", [each.code for each in said.ladders])
    yield from _twice("findings", [each.code for each in said.findings])
    yield from _twice("parties", [each.code for each in said.parties])
    for number, ladder in enumerate(said.ladders):
        where = f"supervision.ladders[{number}]"
        yield from (f"{where}.{fault}" for fault in _ladder_faults(ladder, roles))
    if not 0 <= said.check_by_hour <= 23:
        yield "supervision.check_by_hour"


def _twice(where: str, names: list[str]) -> Iterator[str]:
    yield from (f"supervision.{where} ({n})" for n, times in Counter(names).items() if times > 1)


def _ladder_faults(ladder: Stepladder, roles: frozenset[str]) -> Iterator[str]:
    """A ladder begins with a step that needs no other, can end, and takes down what it puts up."""
    if not ladder.steps or ladder.steps[0].after or not any(s.ends for s in ladder.steps):
        yield "steps"
    if any(s.puts for s in ladder.steps) and not any(s.lifts for s in ladder.steps):
        yield "steps"
    known = {step.code for step in ladder.steps}
    for number, step in enumerate(ladder.steps):
        where = f"steps[{number}]"
        if len([s for s in ladder.steps if s.code == step.code]) > 1:
            yield f"{where}.code"
        if not step.roles or not set(step.roles) <= roles:
            yield f"{where}.roles"
        if not set(step.after) <= known - {step.code}:
            yield f"{where}.after"
        if not set(step.forgets) <= known:
            yield f"{where}.forgets"
        if (Need.GROUND in step.needs) != bool(step.grounds):
            yield f"{where}.grounds"
