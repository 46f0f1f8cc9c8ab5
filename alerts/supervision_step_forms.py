"""A step as a form says it."""

from collections.abc import Mapping
from datetime import datetime

from alerts.supervision_cases import StepSaid
from alerts.supervision_photos import photo_named
from alerts.supervision_views import day_of, number, one, sender_id


def step_said(form: Mapping[str, list[str]], now: datetime, photo: bytes = b"") -> StepSaid:
    """What is not there is left out; the ladder says what it needs."""
    step_id, passed = sender_id(form, now), one(form, "passed")
    return StepSaid(
        id=step_id,
        step=one(form, "step"),
        ground=one(form, "ground"),
        reason=one(form, "reason"),
        evidence=one(form, "evidence"),
        photo=photo_named(step_id, photo),
        passed=passed == "yes" if passed in {"yes", "no"} else None,
        days=number(one(form, "days")),
        look_back=day_of(one(form, "look_back")),
    )
