"""The life of a code and of its place: rotated, revoked, suspended, resumed.

Looking at a code and printing it never change it; each of these acts does, is warned of on a page
of its own, and leaves a row with who did it and why. Scans that were made stay what they were.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from kernel.audit import record_access
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, NotFound, Unprocessable
from registry.model import PlaceKind
from registry.places import insert_code
from registry.scope import within

LONGEST_REASON = 300


class Turn(StrEnum):
    ROTATE = "rotate_code"
    REVOKE_CODE = "revoke_code"
    SUSPEND = "suspend"
    RESUME = "resume"
    REVOKE = "revoke"


#: Those that concern one gate.
OF_A_GATE = frozenset({Turn.ROTATE, Turn.REVOKE_CODE})


class CodeAct(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`gate` is named where one gate is meant. `until` is what is announced: a suspended place
    stays suspended until somebody resumes it.
    """

    act: Turn
    reason: str = ""
    gate: str = ""
    until: datetime | None = None


class Acted(Struct, frozen=True, kw_only=True):
    """`code` is the gate's new code, after a rotation."""

    place_id: int
    status: str
    gate: str = ""
    code: str | None = None


class Standing(Struct, frozen=True, kw_only=True):
    """What a posted code is: `status` is its own, `place_status` that of its place."""

    code: str
    status: str
    issued_at: datetime
    ended_at: datetime | None
    gate: str
    place_id: int
    place: str
    kind: PlaceKind
    district: str
    address: str
    place_status: str
    suspended_until: datetime | None

    @property
    def ended(self) -> str:
        """Why it leads nowhere, as the code of a refusal; empty while it works."""
        if self.place_status == "revoked":
            return "place_revoked"
        if self.status != "active":
            return f"code_{self.status}"
        return "place_suspended" if self.place_status == "suspended" else ""


async def act_on_codes(
    conn: Connection,
    place_id: int,
    said: CodeAct,
    actor: Actor,
    now: datetime,
    *,
    district: str | None = None,
) -> Acted:
    """Raises NotFound `unknown_place`, `unknown_gate`; Unprocessable `reason_needed`,
    `reason_too_long`, `until_past`; Conflict `place_is_revoked`, `place_is_suspended`,
    `place_is_active`, `gate_without_code`.
    """
    reason = _reason(said, now)
    status = await _status(conn, place_id, district)
    if status == "revoked":
        raise Conflict("place_is_revoked")
    code = await _ACTS[said.act](conn, place_id, said, status, reason, now)
    await record_access(
        conn,
        actor,
        action=said.act.value,
        subject_kind="place",
        subject=str(place_id),
        reason=f"{said.gate}: {reason}" if said.act in OF_A_GATE else reason,
        now=now,
    )
    after = await _status(conn, place_id, None)
    return Acted(place_id=place_id, status=after, gate=said.gate, code=code)


def _reason(said: CodeAct, now: datetime) -> str:
    reason = " ".join(said.reason.split())
    if not reason:
        raise Unprocessable("reason_needed")
    if len(reason) > LONGEST_REASON:
        raise Unprocessable("reason_too_long", most=LONGEST_REASON)
    if said.until is not None and said.until <= now:
        raise Unprocessable("until_past")
    return reason


async def _status(conn: Connection, place_id: int, district: str | None) -> str:
    """The place's row is the lock: acts on one place come one after the other."""
    status = await conn.fetchval(
        f"""
        SELECT status FROM registry.place p
         WHERE id = $1 AND {within("p.district_code", 2)} FOR UPDATE
        """,
        place_id,
        district,
    )
    if status is None:
        raise NotFound("unknown_place", place_id=place_id)
    return status


async def _rotate(
    conn: Connection, place_id: int, said: CodeAct, _status: str, _reason: str, now: datetime
) -> str:
    found = await conn.fetchval(
        "SELECT true FROM registry.gate WHERE place_id = $1 AND gate = $2", place_id, said.gate
    )
    if found is None:
        raise NotFound("unknown_gate", place_id=place_id)
    await _end(conn, place_id, said.gate, "rotated", now)
    return await insert_code(conn, place_id, said.gate, now)


async def _revoke_code(
    conn: Connection, place_id: int, said: CodeAct, _status: str, _reason: str, now: datetime
) -> None:
    if not await _end(conn, place_id, said.gate, "revoked", now):
        raise Conflict("gate_without_code")


async def _suspend(
    conn: Connection, place_id: int, said: CodeAct, status: str, reason: str, _now: datetime
) -> None:
    if status == "suspended":
        raise Conflict("place_is_suspended")
    await _set(conn, place_id, "suspended", reason, said.until)


async def _resume(
    conn: Connection, place_id: int, _said: CodeAct, status: str, _reason: str, _now: datetime
) -> None:
    if status == "active":
        raise Conflict("place_is_active")
    await _set(conn, place_id, "active", "", None)


async def _revoke(
    conn: Connection, place_id: int, _said: CodeAct, _status: str, reason: str, now: datetime
) -> None:
    await _end(conn, place_id, None, "revoked", now)
    await _set(conn, place_id, "revoked", reason, None)


_ACTS: dict[Turn, Any] = {
    Turn.ROTATE: _rotate,
    Turn.REVOKE_CODE: _revoke_code,
    Turn.SUSPEND: _suspend,
    Turn.RESUME: _resume,
    Turn.REVOKE: _revoke,
}


async def _end(
    conn: Connection, place_id: int, gate: str | None, status: str, now: datetime
) -> int:
    """How many codes ended: of one gate, or of all."""
    rows = await conn.fetch(
        """
        UPDATE registry.code SET status = $3, ended_at = $4
         WHERE place_id = $1 AND ($2::text IS NULL OR gate = $2) AND status = 'active'
        RETURNING code
        """,
        place_id,
        gate,
        status,
        now,
    )
    return len(rows)


async def _set(
    conn: Connection, place_id: int, status: str, reason: str, until: datetime | None
) -> None:
    await conn.execute(
        """
        UPDATE registry.place SET status = $2, status_reason = $3, suspended_until = $4
         WHERE id = $1
        """,
        place_id,
        status,
        reason,
        until,
    )


async def standing_of(conn: Connection, code: str, district: str | None = None) -> Standing | None:
    """A code that was ever ours. `district` is the asker's own; None for anyone."""
    row = await conn.fetchrow(
        f"""
        SELECT c.code, c.status, c.issued_at, c.ended_at, c.gate, p.id AS place_id,
               p.name AS place, p.kind, d.name AS district, p.address,
               p.status AS place_status, p.suspended_until
          FROM registry.code c JOIN registry.place p ON p.id = c.place_id
          JOIN registry.district d ON d.code = p.district_code
         WHERE c.code = $1 AND {within("p.district_code", 2)}
        """,
        code,
        district,
    )
    if row is None:
        return None
    return msgspec.convert(dict(row), Standing)


def read_code(text: str) -> str:
    """As it may be typed: small letters, and the hyphen of the short number."""
    return text.upper().replace("-", "").replace("\0", "")
