"""The failed rules of a card, in the reader's words."""

from datetime import datetime
from typing import Any

import msgspec

from closedloop.views import failure_views
from kernel.i18n import local_time, t
from registry.model import Failure
from registry.world import World


def spoken(body: dict[str, Any], world: World, now: datetime) -> list[dict[str, Any]]:
    """The failed rules of a card in the reader's words, the worst first."""
    failures = msgspec.convert(body.get("reasons", ()), tuple[Failure, ...])
    views = failure_views(failures, world.rules_of(body.get("rules_version", 0), now))
    return [
        {
            "code": view.code,
            "sentence": _machine_reason(view.code, view.facts) or view.sentence,
            "mend": view.mend,
        }
        for view in views
    ]


def _machine_reason(code: str, facts: dict[str, Any]) -> str:
    """Reasons of the machine itself, which no rule set words."""
    if code == "duplicate":
        at = msgspec.convert(facts["at"], datetime)
        return t("reason.duplicate", gate=facts.get("gate") or "–", at=local_time(at))
    return t("reason.under_hold") if code == "under_hold" else ""
