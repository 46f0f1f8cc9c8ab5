"""Pages (their author is at work)."""

from typing import Any

HANDLERS: list[Any] = []
