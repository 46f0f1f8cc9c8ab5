"""Test scans: what a registrar or an inspector found where a code is posted.

No driver's scan: it makes no event and has no movement. Repeating it with the sender's id is safe.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, NotFound, Unprocessable
from registry.scope import within

RESULTS = ("works", "damaged", "wrong_place", "not_found", "hidden")
LONGEST_NOTE = 500
MOST_SHOWN = 100
LAST_SCANS = 5


class TrialScan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`id` is the sender's; `code` the one that was read, if one was."""

    id: UUID
    gate: str
    result: str
    note: str = ""
    code: str | None = None


class TrialScanned(Struct, frozen=True, kw_only=True):
    id: UUID
    place_id: int
    gate: str
    code: str | None
    result: str
    note: str
    actor_name: str
    at: datetime


class TrialReceipt(Struct, frozen=True, kw_only=True):
    id: UUID
    result: Literal["recorded", "repeated"]


class LastScan(Struct, frozen=True, kw_only=True):
    kind: str
    occurred_at: datetime


async def record_test_scan(
    conn: Connection,
    place_id: int,
    said: TrialScan,
    actor: Actor,
    now: datetime,
    *,
    district: str | None = None,
) -> TrialReceipt:
    """Raises Unprocessable `test_result_needed`, `note_too_long`; NotFound `unknown_place`,
    `unknown_gate`, `code_of_other_gate`; Conflict `test_scan_id_taken` for the same id with other
    content.
    """
    if said.result not in RESULTS:
        raise Unprocessable("test_result_needed", known=list(RESULTS))
    note = " ".join(said.note.replace("\0", "").split())
    if len(note) > LONGEST_NOTE:
        raise Unprocessable("note_too_long", most=LONGEST_NOTE)
    await _check_gate(conn, place_id, said, district)
    fresh = await conn.fetchval(
        """
        INSERT INTO registry.test_scan
               (id, place_id, gate, code, result, note, actor_id, actor_name, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (id) DO NOTHING RETURNING true
        """,
        said.id,
        place_id,
        said.gate,
        said.code,
        said.result,
        note,
        actor.id,
        actor.name,
        now,
    )
    if fresh:
        return TrialReceipt(id=said.id, result="recorded")
    await _check_same(conn, place_id, said, note, actor)
    return TrialReceipt(id=said.id, result="repeated")


async def _check_gate(
    conn: Connection, place_id: int, said: TrialScan, district: str | None
) -> None:
    row = await conn.fetchrow(
        f"""
        SELECT EXISTS (SELECT 1 FROM registry.gate g
                        WHERE g.place_id = p.id AND g.gate = $2) AS gate,
               EXISTS (SELECT 1 FROM registry.code c
                        WHERE c.place_id = p.id AND c.gate = $2 AND c.code = $3) AS code
          FROM registry.place p WHERE p.id = $1 AND {within("p.district_code", 4)}
        """,
        place_id,
        said.gate,
        said.code,
        district,
    )
    if row is None:
        raise NotFound("unknown_place", place_id=place_id)
    if not row["gate"]:
        raise NotFound("unknown_gate", place_id=place_id)
    if said.code is not None and not row["code"]:
        raise NotFound("code_of_other_gate")


async def _check_same(
    conn: Connection, place_id: int, said: TrialScan, note: str, actor: Actor
) -> None:
    same = await conn.fetchval(
        """
        SELECT place_id = $2 AND gate = $3 AND code IS NOT DISTINCT FROM $4 AND result = $5
               AND note = $6 AND actor_id = $7
          FROM registry.test_scan WHERE id = $1
        """,
        said.id,
        place_id,
        said.gate,
        said.code,
        said.result,
        note,
        actor.id,
    )
    if not same:
        raise Conflict("test_scan_id_taken")


async def trials_of(conn: Connection, place_id: int) -> list[TrialScanned]:
    """The newest first."""
    rows = await conn.fetch(
        """
        SELECT id, place_id, gate, code, result, note, actor_name, at
          FROM registry.test_scan WHERE place_id = $1 ORDER BY at DESC, id DESC LIMIT $2
        """,
        place_id,
        MOST_SHOWN,
    )
    return [msgspec.convert(dict(row), TrialScanned) for row in rows]


async def last_scans(conn: Connection, place_id: int, gate: str) -> list[LastScan]:
    """When drivers' scans came in at a gate; nothing of whom."""
    rows = await conn.fetch(
        """
        SELECT kind, occurred_at FROM registry.event
         WHERE place_id = $1 AND gate = $2 ORDER BY occurred_at DESC LIMIT $3
        """,
        place_id,
        gate,
        LAST_SCANS,
    )
    return [msgspec.convert(dict(row), LastScan) for row in rows]
