"""Why somebody is held, in words."""

from typing import Any

from closedloop.model import Hold, Loop, State
from kernel.i18n import current_locale, t
from registry.world import World


def reason_said(held: Hold, world: World) -> str:
    """In the words of the rule set in force when it began; a code that it has not, as it is."""
    sentence = world.rules_at(held.since).sentences().get(held.reason)
    return held.reason if sentence is None else getattr(sentence[0], current_locale())


def told_to_driver(loop: Loop, world: World) -> dict[str, Any] | None:
    """Why, and how it stands with the appeal. The source is somebody's record and stays with the
    officers.
    """
    held = loop.hold
    if loop.state is not State.HELD or held is None:
        return None
    return {
        "reason": reason_said(held, world),
        "since": held.since,
        "appeal_due": held.appeal_due,
        "stands": t(f"hold.stands.{held.dismissed_for}") if held.dismissed_at else "",
    }
