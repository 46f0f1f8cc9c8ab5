"""What the steps of the fold have in common: how a state is entered, and how bodies are read."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from closedloop.model import Loop, State, Stop
from registry.model import Event

POLICY = (
    "confirm_minutes", "desk_minutes", "exit_minutes", "stop_minutes", "ahead_minutes",
    "enquiry_minutes",
)  # fmt: skip


def policy_of(body: dict[str, Any]) -> dict[str, Any]:
    """The time limits in force when it was written, so that a new rule set changes no past."""
    policy = {name: int(body[name]) for name in POLICY if name in body}
    if "exit_scan" in body:
        policy["exit_scan"] = bool(body["exit_scan"])
    return policy


def stops_of(body: dict[str, Any], known: tuple[Stop, ...]) -> tuple[Stop, ...]:
    if "stops" not in body:
        return known
    return tuple(msgspec.convert(body["stops"], tuple[Stop, ...]))


def to(loop: Loop, state: State, event: Event) -> Loop:
    return replace(loop, state=state, state_since=event.occurred_at)


def time_of(text: str | None) -> datetime | None:
    return None if text is None else msgspec.convert(text, datetime)
