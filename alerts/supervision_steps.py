"""The ladders of supervision as a machine: pure, and defined for every step in every standing.

What a place stands on is folded from the steps that were taken; a step is either taken, or refused
with one code. Nothing here knows a ladder: they are the rule set's.
"""

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from kernel.i18n import LOCAL_ZONE
from registry.stepladders import Again, Mark, Need, OverStep, Stepladder


class Act(Struct, frozen=True, kw_only=True):
    """One step as it was taken. `passed` is None where the step has no result."""

    step: str
    actor_id: UUID
    at: datetime
    ground: str = ""
    reason: str = ""
    evidence: str = ""
    passed: bool | None = None
    deadline: datetime | None = None
    look_back: date | None = None


class Standing(Struct, frozen=True, kw_only=True):
    """`by`: who took each step that counts. `last`: when each step was last taken, counting or not.
    `earlier`: cases of this ladder that this place had before.
    """

    by: dict[str, UUID] = {}
    last: dict[str, datetime] = {}
    step: str = ""
    mark: Mark | None = None
    mark_since: datetime | None = None
    deadline: datetime | None = None
    look_back: date | None = None
    over: bool = False
    earlier: int = 0


class Refusal(Struct, frozen=True):
    code: str
    facts: dict[str, object] = {}


#: Everything that `why_not` may say.
CODES = frozenset(
    {
        "step_unknown", "step_case_over", "step_not_yours", "step_taken", "step_today",
        "step_too_early", "step_not_late", "step_before_its_day", "step_needs_another",
        "step_mark_hangs", "step_needs",
    }
)  # fmt: skip


def local_day(at: datetime) -> date:
    return at.astimezone(LOCAL_ZONE).date()


def fold(ladder: Stepladder, acts: Iterable[Act], earlier: int = 0) -> Standing:
    """Acts of another ladder or of a step that a newer rule set has no more change nothing but
    what was taken last.
    """
    standing = Standing(earlier=earlier)
    for act in acts:
        standing = taken(ladder, standing, act)
    return standing


def taken(ladder: Stepladder, standing: Standing, act: Act) -> Standing:
    """What the place stands on after an act, which was allowed when it was taken."""
    step = ladder.step(act.step)
    if step is None:
        return replace(standing, last=standing.last | {act.step: act.at})
    failed = act.passed is False
    by = {code: who for code, who in standing.by.items() if code != step.code}
    if failed or Need.RESULT not in step.needs:
        by = {code: who for code, who in by.items() if code not in step.forgets}
    if not failed:
        by[step.code] = act.actor_id
    mark, since = _mark(step, standing, act, failed=failed)
    return Standing(
        by=by,
        last=standing.last | {step.code: act.at},
        step=step.code,
        mark=mark,
        mark_since=since,
        deadline=act.deadline if Need.DEADLINE in step.needs else standing.deadline,
        look_back=_look_back(step, standing, act, failed=failed),
        over=step.ends and not failed,
        earlier=standing.earlier,
    )


def _mark(
    step: OverStep, standing: Standing, act: Act, *, failed: bool
) -> tuple[Mark | None, datetime | None]:
    if step.lifts:
        return None, None
    hangs = step.puts is not None and (failed or Need.RESULT not in step.needs)
    return (step.puts, act.at) if hangs else (standing.mark, standing.mark_since)


def _look_back(step: OverStep, standing: Standing, act: Act, *, failed: bool) -> date | None:
    if Need.LOOK_BACK in step.needs:
        return act.look_back
    return None if failed and step.forgets else standing.look_back


def why_not(
    ladder: Stepladder, standing: Standing, act: Act, roles: frozenset[str]
) -> Refusal | None:
    """None where the step may be taken. What is wrong for good comes before what is missing."""
    step = ladder.step(act.step)
    if step is None:
        return Refusal("step_unknown", {"known": [each.code for each in ladder.steps]})
    return (
        _standing_in_the_way(ladder, step, standing)
        or _who(step, standing, act, roles)
        or _when(ladder, step, standing, act)
        or _missing(step, act)
    )


def open_steps(
    ladder: Stepladder, standing: Standing, actor_id: UUID, roles: frozenset[str], now: datetime
) -> list[OverStep]:
    """Those that this officer may take now, whatever they must still write for it."""
    acts = ((step, Act(step=step.code, actor_id=actor_id, at=now)) for step in ladder.steps)
    return [
        step
        for step, act in acts
        if not _standing_in_the_way(ladder, step, standing)
        and not _who(step, standing, act, roles)
        and not _when(ladder, step, standing, act)
    ]


def _standing_in_the_way(ladder: Stepladder, step: OverStep, standing: Standing) -> Refusal | None:
    if standing.over:
        return Refusal("step_case_over")
    if step.again is Again.ONCE and step.code in standing.by:
        return Refusal("step_taken")
    before = step.after or (() if step is ladder.steps[0] else (ladder.steps[0].code,))
    missing = [code for code in before if code not in standing.by]
    if missing:
        return Refusal("step_too_early", {"missing": missing})
    # A case that ended with its mark still hanging would leave it there for ever.
    if step.ends and standing.mark is not None and not step.lifts:
        return Refusal("step_mark_hangs")
    return None


def _who(step: OverStep, standing: Standing, act: Act, roles: frozenset[str]) -> Refusal | None:
    if not roles & set(step.roles):
        return Refusal("step_not_yours")
    if Need.ANOTHER in step.needs and standing.by.get(step.after[0]) == act.actor_id:
        return Refusal("step_needs_another")
    return None


def _when(ladder: Stepladder, step: OverStep, standing: Standing, act: Act) -> Refusal | None:
    last = standing.last.get(step.code)
    if step.again is Again.DAILY and last is not None and local_day(last) == local_day(act.at):
        return Refusal("step_today")
    late = standing.deadline is not None and act.at > standing.deadline
    if Need.LATE in step.needs and not late and not standing.earlier:
        return Refusal("step_not_late")
    dated = any(Need.LOOK_BACK in before.needs for before in map(ladder.step, step.after) if before)
    if dated and standing.look_back is not None and local_day(act.at) < standing.look_back:
        return Refusal("step_before_its_day", {"day": standing.look_back.isoformat()})
    return None


def _missing(step: OverStep, act: Act) -> Refusal | None:
    grounds = {ground.code for ground in step.grounds}
    given = {
        Need.REASON: bool(act.reason.strip()),
        Need.EVIDENCE: bool(act.evidence.strip()),
        Need.GROUND: act.ground in grounds,
        Need.RESULT: act.passed is not None,
        Need.DEADLINE: act.deadline is not None and act.deadline > act.at,
        Need.LOOK_BACK: act.look_back is not None and act.look_back > local_day(act.at),
    }
    missing = [need.value for need in step.needs if not given.get(need, True)]
    return Refusal("step_needs", {"needs": missing}) if missing else None
