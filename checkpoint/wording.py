"""The failed rules of a card, in the reader's words."""

from datetime import datetime
from typing import Any

import msgspec

from closedloop.views import failure_views
from kernel.i18n import local_time, t
from registry.lanes import Way, advice
from registry.model import Card, Event, Failure
from registry.world import World

WAYS: dict[str, Way] = {"entry": "in", "exit": "out"}


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


def goes_first(event: Event) -> bool:
    return bool(event.body.get("priority"))


def lane_advice(event: Event, world: World) -> str | None:
    """What to tell the driver of the lane, in the reader's language. A truck that is not let
    through is told of its reasons only.
    """
    place = world.places.get(event.place_id or 0)
    if place is None or event.kind not in WAYS or event.body.get("card", Card.GREEN) != Card.GREEN:
        return None
    found = advice(place, event.gate, WAYS[event.kind], priority=goes_first(event))
    if found is None:
        return None
    return t(f"console.lane.{found.code}", gates=t("console.lane.between").join(found.gates) or "–")
