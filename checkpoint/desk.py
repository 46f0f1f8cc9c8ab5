"""The desk (its author is at work)."""

from closedloop.acts import Check

DESK: dict[str, Check] = {}
