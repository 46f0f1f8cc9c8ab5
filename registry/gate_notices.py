"""Closures and waiting times of checkpoints, told to drivers before they come (mission §8)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct, convert

from kernel.db import Connection
from kernel.errors import NotFound, Unprocessable
from kernel.i18n import t

LONGEST_REASON = 200
MOST_MINUTES = 1440


class Notice(Struct, frozen=True, kw_only=True):
    """`gate` is empty for the whole place; `until` None stands until somebody ends it."""

    id: UUID
    place_id: int
    gate: str
    kind: Literal["closed", "wait"]
    minutes: int | None
    reason: str
    until: datetime | None
    said_at: datetime


async def say(conn: Connection, notice: Notice, said_by: str) -> None:
    """The same id is the same notice; a newer one of the same kind and gate ends the older.

    Raises Unprocessable `notice_needs_minutes`, `notice_over`.
    """
    if (notice.kind == "wait") != (notice.minutes is not None):
        raise Unprocessable("notice_needs_minutes", most=MOST_MINUTES)
    if notice.minutes is not None and not 0 <= notice.minutes <= MOST_MINUTES:
        raise Unprocessable("notice_needs_minutes", most=MOST_MINUTES)
    if notice.until is not None and notice.until <= notice.said_at:
        raise Unprocessable("notice_over")
    made = await conn.fetchval(
        """
        INSERT INTO registry.gate_notice
               (id, place_id, gate, kind, minutes, reason, until, said_by, said_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING true
        """,
        notice.id,
        notice.place_id,
        notice.gate,
        notice.kind,
        notice.minutes,
        notice.reason[:LONGEST_REASON],
        notice.until,
        said_by,
        notice.said_at,
    )
    if made:
        await conn.execute(
            """
            UPDATE registry.gate_notice SET ended_at = $5
             WHERE place_id = $1 AND gate = $2 AND kind = $3 AND id <> $4 AND ended_at IS NULL
               AND said_at <= $5
            """,
            notice.place_id,
            notice.gate,
            notice.kind,
            notice.id,
            notice.said_at,
        )


async def end(conn: Connection, notice_id: UUID, place_id: int | None, now: datetime) -> None:
    """`place_id` confines whoever stands at a place. Raises NotFound `unknown_notice`."""
    found = await conn.fetchval(
        """
        UPDATE registry.gate_notice SET ended_at = coalesce(ended_at, $3)
         WHERE id = $1 AND ($2::bigint IS NULL OR place_id = $2) RETURNING true
        """,
        notice_id,
        place_id,
        now,
    )
    if found is None:
        raise NotFound("unknown_notice")


async def standing(conn: Connection, now: datetime, place_id: int | None = None) -> list[Notice]:
    """Of one place or of all; those whose hour has passed are over without anybody's doing."""
    rows = await conn.fetch(
        """
        SELECT id, place_id, gate, kind, minutes, reason, until, said_at
          FROM registry.gate_notice
         WHERE ended_at IS NULL AND (until IS NULL OR until > $1)
           AND ($2::bigint IS NULL OR place_id = $2)
         ORDER BY place_id, gate, kind
        """,
        now,
        place_id,
    )
    return [convert(dict(row), Notice) for row in rows]


class Past(Struct, frozen=True, kw_only=True):
    """A notice of the last hours, whether or not it still stands; `ended_at` None: nobody ended it,
    but its hour may have come.
    """

    place_id: int
    gate: str
    kind: Literal["closed", "wait"]
    minutes: int | None
    until: datetime | None
    said_at: datetime
    ended_at: datetime | None

    @property
    def over_at(self) -> datetime | None:
        return min((at for at in (self.until, self.ended_at) if at is not None), default=None)


async def stood_since(conn: Connection, places: Sequence[int], since: datetime) -> list[Past]:
    """Of these places, those that stood at any time since then."""
    rows = await conn.fetch(
        """
        SELECT place_id, gate, kind, minutes, until, said_at, ended_at FROM registry.gate_notice
         WHERE place_id = ANY($1) AND ended_at IS NULL AND (until IS NULL OR until > $2)
        UNION ALL
        SELECT place_id, gate, kind, minutes, until, said_at, ended_at FROM registry.gate_notice
         WHERE place_id = ANY($1) AND ended_at > $2 AND (until IS NULL OR until > $2)
         ORDER BY place_id, gate, said_at
        """,
        list(places),
        since,
    )
    return [convert(dict(row), Past) for row in rows]


def told(notice: Notice) -> str:
    """As drivers read it."""
    where = "" if not notice.gate else t("notice.gate", gate=notice.gate)
    said = t(f"notice.{notice.kind}", n=notice.minutes or 0)
    until = "" if notice.until is None else t("notice.until", at=notice.until)
    return f"{where}{said}{until}"
