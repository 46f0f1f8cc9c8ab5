"""How fresh each source of evidence is: a list that is too old can clear nobody (mission §4)."""

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, convert

from kernel.db import Connection
from kernel.i18n import current_locale
from registry.rules import Mode, RuleSet


class Heard(Struct, frozen=True, kw_only=True):
    """What a source has said last of one kind: complete up to `as_of`, come in at `imported_at`."""

    kind: str
    source: str
    as_of: datetime
    imported_at: datetime | None
    accepted: int
    refused: int


async def heard(conn: Connection) -> list[Heard]:
    rows = await conn.fetch(
        """
        SELECT s.kind, s.source, s.as_of, b.imported_at, coalesce(b.accepted, 0) AS accepted,
               coalesce(b.refused, 0) AS refused
          FROM registry.evidence_source s
          LEFT JOIN LATERAL (SELECT imported_at, accepted, refused FROM registry.evidence_batch b
                              WHERE b.kind = s.kind AND b.source = s.source
                              ORDER BY imported_at DESC LIMIT 1) b ON true
         ORDER BY s.kind, s.as_of DESC, s.source
        """
    )
    return [convert(dict(row), Heard) for row in rows]


def sources_shown(rules: RuleSet, told: list[Heard], now: datetime) -> list[dict[str, Any]]:
    """Each kind of the rule set with its sources; `stale` where the newest is too old for a list,
    and for a list of which nobody has ever said anything.
    """
    return [
        {
            "kind": kind.kind,
            "label": getattr(kind.label, current_locale()),
            "listed": kind.mode is Mode.LIST,
            "fresh_hours": kind.fresh_hours,
            "stale": is_stale(rules, kind.kind, _newest(told, kind.kind), now),
            "sources": [_source(each, now) for each in told if each.kind == kind.kind],
        }
        for kind in rules.evidence
    ]


def _newest(told: list[Heard], kind: str) -> datetime | None:
    return max((each.as_of for each in told if each.kind == kind), default=None)


def is_stale(rules: RuleSet, kind: str, as_of: datetime | None, now: datetime) -> bool:
    """As the rules have it: only of a list with an age at which it clears nobody."""
    known = rules.kind(kind)
    if known is None or known.mode is not Mode.LIST or known.fresh_hours is None:
        return False
    return as_of is None or now - as_of > timedelta(hours=known.fresh_hours)


def _source(each: Heard, now: datetime) -> dict[str, Any]:
    return {
        "source": each.source,
        "as_of": each.as_of,
        "hours": max(0, int((now - each.as_of).total_seconds() // 3600)),
        "accepted": each.accepted,
        "refused": each.refused,
    }
