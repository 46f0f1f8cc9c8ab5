"""A step as a form says it."""

from collections.abc import Mapping
from datetime import datetime

from alerts.supervision_cases import StepSaid
from alerts.supervision_views import day_of, number, one, sender_id


def step_said(form: Mapping[str, list[str]], now: datetime) -> StepSaid:
    """What is not there is left out; the ladder says what it needs."""
    passed = one(form, "passed")
    return StepSaid(
        id=sender_id(form, now),
        step=one(form, "step"),
        ground=one(form, "ground"),
        reason=one(form, "reason"),
        evidence=one(form, "evidence"),
        passed=passed == "yes" if passed in {"yes", "no"} else None,
        days=number(one(form, "days")),
        look_back=day_of(one(form, "look_back")),
    )
