"""Reviewing applications: what waits, what it looks like, what was decided before."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from kernel.audit import record_access
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, Malformed, NotFound, Unprocessable
from kernel.privacy import Vault
from registry.applications import FILED, Filed, masked_contact
from registry.lookalikes import Candidate, lookalikes_of_waiting
from registry.places import Contact, NewPlace, create_place, place_of_code
from registry.scope import within

MOST_SHOWN = 100


class Review(Struct, frozen=True, kw_only=True):
    application_id: UUID
    decision: Literal["approved", "rejected"]
    reason: str
    reviewer_name: str
    reviewed_at: datetime


class Pending(Struct, frozen=True, kw_only=True):
    """`history` is the earlier reviews, the oldest first."""

    filed: Filed
    contact: Contact
    alike: tuple[Candidate, ...]
    history: tuple[Review, ...]


class Reviewed(Struct, frozen=True, kw_only=True):
    id: UUID
    state: Literal["approved", "rejected"]
    place_id: int | None = None


async def pending(
    conn: Connection, vault: Vault, actor: Actor, now: datetime, *, district: str | None = None
) -> list[Pending]:
    """The oldest first. Each contact that is shown, masked, leaves its audit row."""
    rows = await conn.fetch(
        f"""
        {FILED} WHERE a.state = 'pending' AND {within("a.district_code", 2)}
        ORDER BY a.applied_at, a.id LIMIT $1
        """,
        MOST_SHOWN,
        district,
    )
    ids = [row["id"] for row in rows]
    for each in ids:
        await _seen(conn, actor, each, now)
    alike, before = await lookalikes_of_waiting(conn, ids), await _histories(conn, ids)
    return [
        Pending(
            filed=msgspec.convert(dict(row), Filed),
            contact=masked_contact(vault, dict(row)),
            alike=tuple(alike.get(row["id"], ())),
            history=tuple(before.get(row["id"], ())),
        )
        for row in rows
    ]


async def _seen(conn: Connection, actor: Actor, application_id: UUID, now: datetime) -> None:
    await record_access(
        conn,
        actor,
        action="read_contact",
        subject_kind="application",
        subject=str(application_id),
        reason="review",
        now=now,
    )


async def history_of(conn: Connection, application_id: UUID) -> list[Review]:
    return (await _histories(conn, [application_id])).get(application_id, [])


async def _histories(conn: Connection, ids: Sequence[UUID]) -> dict[UUID, list[Review]]:
    rows = await conn.fetch(
        """
        SELECT application_id, decision, reason, reviewer_name, reviewed_at
          FROM registry.application_review WHERE application_id = ANY ($1::uuid[])
         ORDER BY application_id, number
        """,
        list(ids),
    )
    found: dict[UUID, list[Review]] = {}
    for row in rows:
        found.setdefault(row["application_id"], []).append(msgspec.convert(dict(row), Review))
    return found


async def review(
    conn: Connection,
    application_id: UUID,
    decision: str,
    reason: str | None,
    reviewer: Actor,
    now: datetime,
    *,
    district: str | None = None,
) -> Reviewed:
    """`decision` is approve or reject. Raises Malformed `unknown_decision`; Unprocessable
    `reason_needed`; NotFound `unknown_application`; Conflict `already_reviewed`,
    `duplicate_place`.
    """
    if decision not in {"approve", "reject"}:
        raise Malformed("unknown_decision", known=["approve", "reject"])
    said = (reason or "").strip()
    if decision == "reject" and not said:
        raise Unprocessable("reason_needed")
    row = await _waiting(conn, application_id, district)
    state = "approved" if decision == "approve" else "rejected"
    place_id = None
    if state == "approved":
        within_id = await place_of_code(conn, row["within_code"]) if row["within_code"] else None
        place_id = await create_place(conn, _place(row, within_id), now)
    await _decide(conn, application_id, state, said, reviewer, now, place_id)
    return Reviewed(id=application_id, state=state, place_id=place_id)


async def _waiting(conn: Connection, application_id: UUID, district: str | None) -> dict[str, Any]:
    row = await conn.fetchrow(
        f"{FILED} WHERE a.id = $1 AND {within('a.district_code', 2)} FOR UPDATE OF a",
        application_id,
        district,
    )
    if row is None:
        raise NotFound("unknown_application")
    if row["state"] != "pending":
        raise Conflict("already_reviewed", state=row["state"])
    return dict(row)


async def _decide(
    conn: Connection,
    application_id: UUID,
    state: str,
    said: str,
    reviewer: Actor,
    now: datetime,
    place_id: int | None,
) -> None:
    await conn.execute(
        """
        WITH kept AS (
            INSERT INTO registry.application_review
                   (application_id, number, decision, reason, reviewer, reviewer_name, reviewed_at)
            SELECT $1, count(*) + 1, $2, $3, $5, $6, $4
              FROM registry.application_review WHERE application_id = $1
        )
        UPDATE registry.application
           SET state = $2, reason = nullif($3, ''), reviewed_at = $4, reviewed_by = $5,
               place_id = $7
         WHERE id = $1
        """,
        application_id,
        state,
        said,
        now,
        reviewer.id,
        reviewer.name,
        place_id,
    )


def _place(row: dict[str, Any], within_id: int | None) -> NewPlace:
    """The contacts move as they are sealed: the fields have the same names."""
    return NewPlace(
        kind=row["kind"],
        category=row["category"],
        name=row["name"],
        district_code=row["district_code"],
        address=row["address"],
        gates=row["gates"],
        contact_sealed=row["contact_sealed"],
        contact_phone_sealed=row["contact_phone_sealed"],
        contact_phone_blind=row["contact_phone_blind"],
        source="application",
        within_id=within_id,
    )
