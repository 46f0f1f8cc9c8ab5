"""Showing one person unmasked: an act of its own, with a reason, a quota and a row of the audit.

Everywhere else names, numbers and telephones are masked. Who looked is told to the person.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from kernel.audit import record_access
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, NotFound, TooMany, Unprocessable
from kernel.privacy import Vault, without_numbers
from kernel.retention import REVEAL_QUOTA
from registry.model import Role
from registry.submission import LOCAL

#: Who may need it: everybody else works with what is masked.
REVEALERS = (Role.DESK, Role.DUTY, Role.TRACER, Role.HOTLINE)
REASONS = ("identity", "call", "missing", "tracing", "incident", "request", "other")
ACTION = "reveal"
LONGEST_NOTE = 200


class Revealed(Struct, frozen=True, kw_only=True):
    """In full. `phone` is empty where none was given."""

    name: str
    id_type: str
    id_number: str
    phone: str
    role: str

    def __repr__(self) -> str:
        return f"Revealed({self.role})"


def reason_kept(reason: str, note: str) -> str:
    """Raises Unprocessable `reveal_reason_unknown`, `reveal_note_needed`.

    Numbers that belong to a person stay out of the note: the audit holds none.
    """
    if reason not in REASONS:
        raise Unprocessable("reveal_reason_unknown", known=list(REASONS))
    kept = " ".join("".join(c for c in note if c.isprintable() or c.isspace()).split())
    if reason == "other" and not kept:
        raise Unprocessable("reveal_note_needed")
    kept = without_numbers(kept)[:LONGEST_NOTE]
    return f"{reason}: {kept}" if kept else reason


async def reveal(
    conn: Connection,
    vault: Vault,
    actor: Actor,
    *,
    movement_id: int,
    ordinal: int,
    reason: str,
    note: str,
    now: datetime,
) -> Revealed:
    """One person of one movement. Raises NotFound `unknown_person`, Conflict `erased`,
    TooMany `reveal_quota_used` (to be counted: `count_refused`), and those of `reason_kept`.
    """
    kept = reason_kept(reason, note)
    return await _opened(conn, vault, actor, await _person(conn, movement_id, ordinal), kept, now)


async def reveal_by_id(
    conn: Connection,
    vault: Vault,
    actor: Actor,
    *,
    person_id: UUID,
    reason: str,
    note: str,
    now: datetime,
) -> Revealed:
    """Somebody who was seen without a journey; the caller has made sure that they may be asked
    about. Raises as `reveal` does.
    """
    kept = reason_kept(reason, note)
    row = await conn.fetchrow(
        """
        SELECT id AS person_id, '' AS role, id_type, id_sealed, name_sealed, phone_sealed
          FROM registry.person WHERE id = $1
        """,
        person_id,
    )
    if row is None:
        raise NotFound("unknown_person")
    return await _opened(conn, vault, actor, dict(row), kept, now)


async def _opened(
    conn: Connection, vault: Vault, actor: Actor, row: dict[str, Any], kept: str, now: datetime
) -> Revealed:
    await within_quota(conn, actor, now)
    await record_access(
        conn,
        actor,
        action=ACTION,
        subject_kind="person",
        subject=str(row["person_id"]),
        reason=kept,
        now=now,
    )
    name = vault.read(row["name_sealed"], field="person_name")
    number = vault.read(row["id_sealed"], field="person_id")
    if name is None or number is None:
        raise Conflict("erased")
    phone = vault.read(row["phone_sealed"], field="phone")
    return Revealed(
        name=name, id_type=row["id_type"], id_number=number, phone=phone or "", role=row["role"]
    )


async def _person(conn: Connection, movement_id: int, ordinal: int) -> dict[str, Any]:
    row = await conn.fetchrow(
        """
        SELECT p.id AS person_id, s.role, p.id_type, p.id_sealed, p.name_sealed, p.phone_sealed
          FROM registry.movement_person s JOIN registry.person p ON p.id = s.person_id
         WHERE s.movement_id = $1 AND s.ordinal = $2
        """,
        movement_id,
        ordinal,
    )
    if row is None:
        raise NotFound("unknown_person", movement_id=movement_id, ordinal=ordinal)
    return dict(row)


async def within_quota(conn: Connection, actor: Actor, now: datetime) -> None:
    """The row of the officer's day is held until the end, so that none slips by another."""
    most = await conn.fetchval("SELECT amount FROM kernel.retention WHERE class = $1", REVEAL_QUOTA)
    used = await conn.fetchval(
        """
        INSERT INTO registry.reveal_count AS c (actor_id, day, used) VALUES ($1, $2, 1)
        ON CONFLICT (actor_id, day) DO UPDATE SET used = c.used + 1 WHERE c.used < $3
        RETURNING used
        """,
        actor.id,
        now.astimezone(LOCAL).date(),
        most,
    )
    if used is None:
        raise TooMany("reveal_quota_used", most=most)


async def count_refused(conn: Connection, actor_id: UUID, now: datetime) -> None:
    """The caller answers with a returned response, so that the count stays."""
    await conn.execute(
        """
        INSERT INTO registry.reveal_count AS c (actor_id, day, refused) VALUES ($1, $2, 1)
        ON CONFLICT (actor_id, day) DO UPDATE SET refused = c.refused + 1
        """,
        actor_id,
        now.astimezone(LOCAL).date(),
    )
