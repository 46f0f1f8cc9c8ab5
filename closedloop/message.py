"""An intent for the outbox."""

from typing import Any

from msgspec import Struct


class Message(Struct, frozen=True, kw_only=True):
    """`key` makes one message of many tries; `recipient` is `place:ID`, `movement:ID` (its
    driver; whoever sends it looks the telephone number up) or a role.
    """

    key: str
    movement_id: int
    kind: str
    recipient: str
    facts: dict[str, Any]
