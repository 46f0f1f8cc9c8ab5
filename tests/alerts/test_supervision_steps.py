"""The ladders of supervision as a machine: every step from every standing has a defined result."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from alerts.supervision_steps import (
    CODES,
    Act,
    Refusal,
    Standing,
    fold,
    local_day,
    open_steps,
    taken,
    why_not,
)
from registry.model import Role
from registry.rules import read_scenario, shipped
from registry.stepladders import Mark, Need, OverStep, Stepladder, Supervision, supervision_faults
from tests.alerts.supervised import HENAN, NOON

ROLES = frozenset({"registrar", "inspector", "duty", "police", "grid"})
A, B = UUID(int=1), UUID(int=2)
WhyNot = Callable[[Stepladder, Standing, Act, frozenset[str]], Refusal | None]


def ladder(code: str) -> Stepladder:
    found = HENAN.ladder(code)
    assert found is not None
    return found


def full(step: OverStep, who: UUID, at, *, passed: bool = True) -> Act:
    return Act(
        step=step.code,
        actor_id=who,
        at=at,
        ground=step.grounds[0].code if step.grounds else "",
        reason="督查发现",
        evidence="照片",
        passed=passed if Need.RESULT in step.needs else None,
        deadline=at + timedelta(days=1) if Need.DEADLINE in step.needs else None,
        look_back=local_day(at) + timedelta(days=2) if Need.LOOK_BACK in step.needs else None,
    )


def climb(code: str, *steps: tuple[str, UUID, float] | tuple[str, UUID, float, bool]) -> Standing:
    """Days from noon; every step must be allowed."""
    chosen, standing = ladder(code), Standing()
    for name, who, days, *passed in steps:
        step = chosen.step(name)
        assert step is not None
        act = full(step, who, NOON + timedelta(days=days), passed=passed[0] if passed else True)
        assert why_not(chosen, standing, act, ROLES) is None, name
        standing = taken(chosen, standing, act)
    return standing


def refused(code: str, standing: Standing, name: str, who: UUID, days: float) -> str | None:
    step = ladder(code).step(name)
    assert step is not None
    found = why_not(ladder(code), standing, full(step, who, NOON + timedelta(days=days)), ROLES)
    return None if found is None else found.code


def test_a_yellow_notice_comes_down_only_when_mended_and_the_test_is_passed():
    steps = [("warn", A, 0), ("notice", A, 2), ("interview", A, 3)]
    standing = climb("mend", *steps)
    assert standing.mark is Mark.MEND_NOTICE
    assert refused("mend", standing, "removed", B, 4) == "step_too_early"
    failed = climb("mend", *steps, ("test", A, 4, False), ("mended", A, 4))
    assert refused("mend", failed, "removed", B, 5) == "step_too_early"
    # Nor does the case end beside the notice.
    assert refused("mend", failed, "settled", B, 5) == "step_mark_hangs"
    passed = climb("mend", *steps, ("test", A, 4, False), ("test", A, 5), ("mended", A, 5))
    assert refused("mend", passed, "removed", A, 6) == "step_needs_another"
    assert refused("mend", passed, "removed", B, 6) is None
    over = climb("mend", *steps, ("test", A, 5), ("mended", A, 5), ("removed", B, 6))
    assert (over.mark, over.over) == (None, True)
    assert refused("mend", over, "warn", A, 7) == "step_case_over"


def test_a_notice_waits_for_the_deadline_unless_it_is_not_the_first_time():
    warned = climb("mend", ("warn", A, 0))
    assert refused("mend", warned, "notice", A, 0.5) == "step_not_late"
    assert refused("mend", warned, "notice", A, 1.5) is None
    assert refused("mend", replace(warned, earlier=1), "notice", A, 0.5) is None


def test_a_black_plaque_comes_down_with_a_day_to_look_back_and_goes_up_again_if_that_fails():
    hung = climb("plaque", ("hang", A, 0), ("check", A, 1), ("mended", A, 1))
    assert hung.mark is Mark.BLACK_PLAQUE
    assert refused("plaque", hung, "check", B, 1.1) == "step_today"
    step = ladder("plaque").step("removed")
    assert step is not None
    undated = replace(full(step, B, NOON + timedelta(days=2)), look_back=None)
    assert why_not(ladder("plaque"), hung, undated, ROLES) == Refusal(
        "step_needs", {"needs": ["look_back"]}
    )
    steps = [("hang", A, 0), ("check", A, 1), ("mended", A, 1), ("removed", B, 2)]
    down = climb("plaque", *steps)
    assert (down.mark, down.over) == (None, False)
    assert refused("plaque", down, "look_back", A, 3) == "step_before_its_day"
    good = climb("plaque", *steps, ("look_back", A, 4))
    assert good.over
    bad = climb("plaque", *steps, ("look_back", A, 4, False))
    assert (bad.mark, bad.over, bad.look_back) == (Mark.BLACK_PLAQUE, False, None)
    assert refused("plaque", bad, "removed", B, 5) == "step_too_early"
    again = climb("plaque", *steps, ("look_back", A, 4, False), ("mended", A, 5), ("removed", B, 5))
    assert again.mark is None


def test_a_place_that_was_reminded_again_and_again_ends_with_the_law():
    over = climb(
        "remind",
        ("remind", A, 0),
        ("repeat", A, 2),
        ("repeat", A, 4),
        ("interview", A, 5),
        ("criticise", A, 6),
        ("law", A, 7),
    )
    assert over.over
    assert refused("remind", climb("remind", ("remind", A, 0)), "criticise", A, 5) == (
        "step_too_early"
    )


def test_a_pennant_is_given_and_taken_back():
    assert climb("praise", ("award", A, 0)).mark is Mark.PENNANT
    assert climb("praise", ("award", A, 0), ("withdrawn", A, 1)).over


def test_what_was_sent_back_is_mended_again():
    back = climb("mend", ("warn", A, 0), ("mended", A, 1), ("sent_back", B, 1))
    assert "mended" not in back.by
    assert refused("mend", back, "settled", B, 2) == "step_too_early"
    assert refused("mend", back, "mended", A, 2) is None


def test_only_the_roles_of_a_step_may_take_it():
    act = full(ladder("plaque").steps[0], A, NOON)
    assert why_not(ladder("plaque"), Standing(), act, frozenset({"grid"})) == Refusal(
        "step_not_yours"
    )


LADDERS = [each for path in shipped() for each in read_scenario(path).supervision.ladders]
WALK = st.lists(
    st.tuples(
        st.integers(0, 12),
        st.sampled_from([A, B]),
        st.floats(0, 3),
        st.booleans(),
        st.booleans(),
    ),
    max_size=25,
)


def breaches(judge: WhyNot, chosen: Stepladder, walk) -> list[str]:
    """Walks the ladder by chance: what is refused must be refused by a known code, and no mark may
    come down, no case end, against the conditions of the steps themselves.
    """
    found: list[str] = []
    standing, at, acts = Standing(), NOON, []
    for choice, who, days, passed, whole in walk:
        at += timedelta(days=days)
        # One more than there are: a step that no ladder has.
        known = [*chosen.steps, None]
        step = known[choice % len(known)]
        if step is None:
            act = Act(step="nothing", actor_id=who, at=at)
        else:
            act = (
                full(step, who, at, passed=passed)
                if whole
                else Act(step=step.code, actor_id=who, at=at)
            )
        refusal = judge(chosen, standing, act, ROLES)
        if refusal is not None:
            found += [refusal.code] if refusal.code not in CODES else []
            continue
        after = taken(chosen, standing, act)
        acts.append(act)
        if step is not None and standing.mark and not after.mark:
            found += [f"{step.code} without {c}" for c in step.after if c not in standing.by]
        if after.over and after.mark:
            found.append("over with its mark hanging")
        if standing.over:
            found.append("a step after the end")
        standing = after
    if fold(chosen, acts) != standing:
        found.append("the fold differs")
    return found


@settings(max_examples=150)
@given(walk=WALK, chosen=st.sampled_from(LADDERS))
def test_every_step_from_every_standing_has_a_defined_result(walk, chosen: Stepladder):
    assert breaches(why_not, chosen, walk) == []
    offered = open_steps(chosen, Standing(), uuid4(), ROLES, NOON)
    assert [step.code for step in offered] == [chosen.steps[0].code]


def test_a_machine_that_forgets_its_conditions_is_found():
    def careless(chosen: Stepladder, standing: Standing, act: Act, roles: frozenset[str]):
        refusal = why_not(chosen, standing, act, roles)
        return None if refusal and refusal.code == "step_too_early" else refusal

    warn, notice = ladder("mend").steps[0], ladder("mend").step("notice")
    removed = ladder("mend").step("removed")
    assert notice is not None
    assert removed is not None
    place = [ladder("mend").steps.index(each) for each in (warn, notice, removed)]
    walk = [(n, who, 2.0, True, True) for n, who in zip(place, (A, A, B), strict=True)]
    assert breaches(why_not, ladder("mend"), walk) == []
    assert breaches(careless, ladder("mend"), walk) == [
        "removed without mended",
        "removed without test",
    ]


def test_a_pack_whose_ladder_leads_nowhere_is_faulty():
    roles = frozenset(Role)
    assert list(supervision_faults(HENAN, roles)) == []
    first = HENAN.ladders[0]
    for wrong, where in (
        (replace(first, steps=first.steps[1:]), "steps"),
        (replace(first, steps=(replace(first.steps[0], roles=("king",)),)), "steps[0].roles"),
        (replace(first, steps=(*first.steps, first.steps[0])), "steps[0].code"),
    ):
        found = list(supervision_faults(Supervision(ladders=(wrong,)), roles))
        assert f"supervision.ladders[0].{where}" in found


@pytest.mark.parametrize("path", shipped(), ids=lambda path: path.stem)
def test_every_shipped_pack_can_supervise(path):
    supervision = read_scenario(path).supervision
    assert {"plaque", "remind", "praise"} <= {each.code for each in supervision.ladders}
    assert len(supervision.findings) >= 8
    assert len(supervision.parties) >= 3
