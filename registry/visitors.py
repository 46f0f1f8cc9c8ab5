"""Visitors in the record: whoever showed or typed a document at a venue, and what they said first.

As of drivers (`holders`), whoever typed the number of a document is not yet its owner: the first
device under a document holds its record, and only what was said there speaks for later visits.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from msgspec import Struct

from kernel.db import Connection
from kernel.privacy import Vault
from registry.drivers import bind_device, forget_devices
from registry.holders import is_held


class Document(Struct, frozen=True, kw_only=True):
    """Checked. `subject` is its keyed hash; the name may be empty: a card reader types none."""

    subject: bytes
    id_type: str
    number: str
    name: str = ""


class Said(Struct, frozen=True, kw_only=True):
    """`declared`: question → whether its answer alarms."""

    person_id: UUID
    address: str
    declared: dict[str, bool]


async def file_people(
    conn: Connection, vault: Vault, documents: Sequence[Document], now: datetime
) -> dict[bytes, UUID]:
    """Subject → person. A name that is on record stays; a missing one is added."""
    once = {each.subject: each for each in documents}
    if not once:
        return {}
    given = [once[subject] for subject in sorted(once)]  # in one order, so that nobody deadlocks
    rows = await conn.fetch(
        """
        INSERT INTO registry.person AS p
               (id, id_type, id_blind, id_sealed, name_sealed, created_at, updated_at)
        SELECT said.id, said.id_type, said.subject, said.number, said.name, $6, $6
          FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::bytea[], $5::bytea[])
               AS said (id, id_type, subject, number, name)
        ON CONFLICT ON CONSTRAINT person_id_once DO UPDATE
           SET name_sealed = coalesce(p.name_sealed, excluded.name_sealed),
               updated_at = excluded.updated_at
        RETURNING id_blind, id
        """,
        [uuid4() for _ in given],
        [each.id_type for each in given],
        [each.subject for each in given],
        [vault.seal(each.number, field="person_id") for each in given],
        [vault.seal(each.name, field="person_name") if each.name else None for each in given],
        now,
    )
    return {row["id_blind"]: row["id"] for row in rows}


async def take_as_own(conn: Connection, token: str, person_id: UUID, now: datetime) -> bool:
    """Whether this device holds the person's record from now on, or did before."""
    held = await is_held(conn, person_id)
    mine = await conn.fetchval(
        """
        SELECT EXISTS (SELECT 1 FROM registry.driver_device
                        WHERE token_hash = sha256($2::bytea) AND person_id = $1
                          AND revoked_at IS NULL)
        """,
        person_id,
        token.encode(),
    )
    if held and not mine:
        return False
    if not held:
        await forget_devices(conn, person_id, now)
    await bind_device(conn, token, person_id, now)
    return True


async def remember(
    conn: Connection, vault: Vault, said: Said, *, held: bool, now: datetime
) -> None:
    """What was said elsewhere never takes the place of what the holder said."""
    await conn.execute(
        """
        INSERT INTO registry.visitor AS v
               (person_id, address_sealed, declared, declared_at, held)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (person_id) DO UPDATE
           SET address_sealed = excluded.address_sealed, declared = excluded.declared,
               declared_at = excluded.declared_at, held = v.held OR excluded.held
         WHERE excluded.held OR NOT v.held
        """,
        said.person_id,
        vault.seal(said.address, field="visitor_address"),
        said.declared,
        now,
        held,
    )


async def renew(
    conn: Connection, person_id: UUID, declared: dict[str, bool], now: datetime
) -> None:
    """The questions were answered anew."""
    await conn.execute(
        "UPDATE registry.visitor SET declared = $2, declared_at = $3 WHERE person_id = $1",
        person_id,
        declared,
        now,
    )


async def said_at(conn: Connection, token_hash: bytes) -> datetime | None:
    """When the holder of this device answered the questions; None for whoever never did."""
    return await conn.fetchval(
        """
        SELECT v.declared_at FROM registry.driver_device d
          JOIN registry.visitor v ON v.person_id = d.person_id AND v.held
         WHERE d.token_hash = $1 AND d.revoked_at IS NULL
        """,
        token_hash,
    )


async def visitor_data(conn: Connection, vault: Vault, person_id: UUID) -> dict[str, object]:
    """For that person; empty where nothing is kept."""
    row = await conn.fetchrow(
        """
        SELECT address_sealed, declared, declared_at FROM registry.visitor
         WHERE person_id = $1 AND held
        """,
        person_id,
    )
    if row is None:
        return {}
    address = vault.read(row["address_sealed"], field="visitor_address")
    return {"address": address, "declared": row["declared"], "declared_at": row["declared_at"]}
