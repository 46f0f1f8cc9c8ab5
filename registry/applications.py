"""Applying for dedicated codes and reviewing the applications (seed 004, seed 001)."""

from collections.abc import Iterable
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any, Literal
from uuid import UUID, uuid4

import msgspec
from asyncpg import UniqueViolationError
from msgspec import Struct

from kernel.audit import record_access
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, Malformed, NotFound, Unprocessable
from kernel.privacy import Vault
from registry.model import PlaceKind
from registry.particulars import Application, check_application
from registry.places import Contact, Listing, NewPlace, create_place, namesake, open_contact

MOST_SHOWN = 100
ALIKE = 0.6


class Filed(Struct, frozen=True, kw_only=True):
    """An application as its applicant may see it."""

    id: UUID
    kind: PlaceKind
    category: str
    name: str
    district_code: str
    district: str
    address: str
    gates: tuple[str, ...]
    state: Literal["pending", "approved", "rejected"]
    reason: str | None
    applied_at: datetime
    place_id: int | None


class Pending(Struct, frozen=True, kw_only=True):
    filed: Filed
    contact: Contact


class Reviewed(Struct, frozen=True, kw_only=True):
    id: UUID
    state: Literal["approved", "rejected"]
    place_id: int | None = None


async def apply(conn: Connection, vault: Vault, application: Application, now: datetime) -> UUID:
    """Raises what `check_application` finds first; Unprocessable `district_unknown`; Conflict
    `duplicate_place`, with `place_id` if the place exists already.
    """
    checked, faults = check_application(application)
    if faults:
        raise faults[0].refused
    if not await _district_exists(conn, checked.district):
        raise Unprocessable("district_unknown")
    known = await namesake(conn, checked.kind, checked.name, checked.district)
    if known is not None:
        raise Conflict("duplicate_place", place_id=known)
    return await _insert(conn, vault, checked, now)


async def _district_exists(conn: Connection, code: str) -> bool:
    return await conn.fetchval(
        "SELECT EXISTS (SELECT 1 FROM registry.district WHERE code = $1)", code
    )


async def _insert(conn: Connection, vault: Vault, checked: Application, now: datetime) -> UUID:
    try:
        # A savepoint: the page that tells of the refusal is still read from the database.
        async with conn.transaction():
            return await conn.fetchval(
                """
                INSERT INTO registry.application
                       (id, kind, category, name, district_code, address, gates, contact_sealed,
                        contact_phone_sealed, applied_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id
                """,
                uuid4(),
                checked.kind,
                checked.category,
                checked.name,
                checked.district,
                checked.address,
                list(checked.gates),
                vault.seal(checked.contact_name, field="contact_name"),
                vault.seal(checked.contact_phone, field="contact_phone"),
                now,
            )
    except UniqueViolationError as error:
        if error.constraint_name != "application_one_per_place":
            raise
        raise Conflict("duplicate_place") from error


_FILED = """
    SELECT a.id, a.kind, a.category, a.name, a.district_code, d.name AS district, a.address,
           a.gates, a.state, a.reason, a.applied_at, a.place_id, a.contact_sealed,
           a.contact_phone_sealed
      FROM registry.application a JOIN registry.district d ON d.code = a.district_code
"""


async def find_application(conn: Connection, application_id: UUID) -> Filed:
    """Raises NotFound `unknown_application`."""
    row = await conn.fetchrow(f"{_FILED} WHERE a.id = $1", application_id)
    if row is None:
        raise NotFound("unknown_application")
    return msgspec.convert(dict(row), Filed)


async def pending(conn: Connection, vault: Vault, actor: Actor, now: datetime) -> list[Pending]:
    """The oldest first. Each contact that is shown leaves its audit row."""
    rows = await conn.fetch(
        f"{_FILED} WHERE a.state = 'pending' ORDER BY a.applied_at, a.id LIMIT $1", MOST_SHOWN
    )
    for row in rows:
        await record_access(
            conn,
            actor,
            action="read_contact",
            subject_kind="application",
            subject=str(row["id"]),
            reason="review",
            now=now,
        )
    return [
        Pending(
            filed=msgspec.convert(dict(row), Filed),
            contact=open_contact(vault, row["contact_sealed"], row["contact_phone_sealed"]),
        )
        for row in rows
    ]


def nearest(filed: Filed, places: Iterable[Listing]) -> Listing | None:
    """The existing place of that kind whose name is most like the one applied for, if it is."""
    alike = [
        (SequenceMatcher(None, filed.name, place.name).ratio(), -place.id, place)
        for place in places
        if place.kind is filed.kind
    ]
    best = max(alike, default=None)
    return best[2] if best is not None and best[0] >= ALIKE else None


async def review(
    conn: Connection,
    application_id: UUID,
    decision: str,
    reason: str | None,
    reviewer: Actor,
    now: datetime,
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
    row = await conn.fetchrow(f"{_FILED} WHERE a.id = $1 FOR UPDATE OF a", application_id)
    if row is None:
        raise NotFound("unknown_application")
    if row["state"] != "pending":
        raise Conflict("already_reviewed", state=row["state"])
    approved = decision == "approve"
    place_id = await create_place(conn, _place(dict(row)), now) if approved else None
    await conn.execute(
        """
        UPDATE registry.application
           SET state = $2, reason = $3, reviewed_at = $4, reviewed_by = $5, place_id = $6
         WHERE id = $1
        """,
        application_id,
        "approved" if approved else "rejected",
        said or None,
        now,
        reviewer.id,
        place_id,
    )
    state = "approved" if approved else "rejected"
    return Reviewed(id=application_id, state=state, place_id=place_id)


def _place(row: dict[str, Any]) -> NewPlace:
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
        source="application",
    )
