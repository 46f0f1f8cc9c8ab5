"""What the record holds about one person, for that person; and what they may do about it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, to_builtins

from kernel.db import Connection
from kernel.errors import NotFound
from kernel.privacy import Vault
from registry.evidence import evidence_of
from registry.person_codes import revoke
from registry.report_queries import read_submission
from registry.visitors import visitor_data

#: What a report says about others than its driver.
OTHERS = ("crew",)


class Office(Struct, frozen=True, kw_only=True):
    """Whoever looked, without a name of their own."""

    roles: tuple[str, ...]
    office: str


async def subject_data(conn: Connection, vault: Vault, person_id: UUID) -> dict[str, Any]:
    """In full: it is their own. The caller has made sure of the person, and writes the audit row.

    Raises NotFound("unknown_person").
    """
    row = await conn.fetchrow(
        """
        SELECT id_type, id_blind, id_sealed, name_sealed, phone_sealed, created_at, updated_at,
               erase_asked_at, verified_at
          FROM registry.person WHERE id = $1 AND erased_at IS NULL
        """,
        person_id,
    )
    if row is None:
        raise NotFound("unknown_person")
    # What authorities say of a document is shown to whoever is known to own it.
    known = [row["id_blind"]] if row["verified_at"] else []
    proofs = await evidence_of(conn, known)
    return {
        "person": {
            "name": vault.read(row["name_sealed"], field="person_name"),
            "id_type": row["id_type"],
            "id_number": vault.read(row["id_sealed"], field="person_id"),
            "phone": vault.read(row["phone_sealed"], field="phone"),
            "created_at": row["created_at"],
            "updated_at": row["updated_at"],
            "erase_asked_at": row["erase_asked_at"],
            "verified_at": row["verified_at"],
        },
        "evidence": to_builtins(proofs.get(row["id_blind"], {})),
        "visitor": await visitor_data(conn, vault, person_id),
        "devices": await _devices(conn, person_id),
        "drafts": await _drafts(conn, person_id),
        "reports": await _reports(conn, vault, person_id),
    }


async def _devices(conn: Connection, person_id: UUID) -> list[dict[str, Any]]:
    rows = await conn.fetch(
        """
        SELECT bound_at, seen_at, revoked_at, failures FROM registry.driver_device
         WHERE person_id = $1 ORDER BY bound_at
        """,
        person_id,
    )
    return [dict(row) for row in rows]


async def _drafts(conn: Connection, person_id: UUID) -> list[dict[str, Any]]:
    """That there are drafts; their words are shown by the pages on which they are written."""
    rows = await conn.fetch(
        """
        SELECT d.kind, d.channel, d.created_at, d.updated_at, d.expires_at
          FROM registry.draft d
          JOIN registry.driver_device v ON v.token_hash = d.owner_hash
         WHERE v.person_id = $1 ORDER BY d.updated_at
        """,
        person_id,
    )
    return [dict(row) for row in rows]


async def _reports(conn: Connection, vault: Vault, person_id: UUID) -> list[dict[str, Any]]:
    """The newest first. What a driver said of others is theirs, and left out."""
    rows = await conn.fetch(
        """
        SELECT s.movement_id, s.ordinal, s.role, s.masked_name, s.declared, s.evidence,
               m.plate, m.trailer_plate, m.origin, m.goods, m.reported_at, m.channel
          FROM registry.movement_person s
          JOIN registry.movement m ON m.movement_id = s.movement_id
          JOIN registry.person p ON p.id = s.person_id
         WHERE s.person_id = $1 AND (s.own OR p.verified_at IS NOT NULL)
         ORDER BY m.reported_at DESC, s.movement_id
        """,
        person_id,
    )
    return [dict(row) | {"said": await _said(conn, vault, row)} for row in rows]


async def _said(conn: Connection, vault: Vault, row: Any) -> dict[str, Any]:  # noqa: ANN401 - a row
    if row["ordinal"] != 0:
        return {}
    said = to_builtins(await read_submission(conn, vault, row["movement_id"]))
    return {name: value for name, value in said.items() if name not in OTHERS}


async def offices_of(conn: Connection, actor_ids: Iterable[UUID]) -> dict[UUID, Office]:
    """Role and place of accounts and devices, as they are now."""
    rows = await conn.fetch(
        """
        SELECT a.id, a.roles, coalesce(p.name, d.name, '') AS office
          FROM registry.account a
          LEFT JOIN registry.place p ON p.id = a.place_id
          LEFT JOIN registry.district d ON d.code = a.district_code
         WHERE a.id = ANY($1)
         UNION ALL
        SELECT v.id, ARRAY[v.role], p.name FROM registry.device v
          JOIN registry.place p ON p.id = v.place_id WHERE v.id = ANY($1)
        """,
        list(actor_ids),
    )
    return {row["id"]: Office(roles=tuple(row["roles"]), office=row["office"]) for row in rows}


async def correct(
    conn: Connection, vault: Vault, person_id: UUID, *, name: str, phone: str, now: datetime
) -> None:
    """Both were checked. The document number is corrected at the desk, where it can be seen."""
    await conn.execute(
        """
        UPDATE registry.person
           SET name_sealed = $2, phone_sealed = $3, phone_blind = $4, updated_at = $5
         WHERE id = $1
        """,
        person_id,
        vault.seal(name, field="person_name"),
        vault.seal(phone, field="phone"),
        vault.blind(phone, field="phone"),
        now,
    )


async def withdraw(conn: Connection, person_id: UUID, now: datetime) -> None:
    """Devices are forgotten and the record is marked: it is erased when its time is over, and
    `updated_at` stays, so that asking does not lengthen it.
    """
    await conn.execute(
        """
        UPDATE registry.driver_device
           SET revoked_at = coalesce(revoked_at, $2), proved_until = NULL WHERE person_id = $1
        """,
        person_id,
        now,
    )
    await revoke(conn, person_id, now)
    await conn.execute(
        """
        UPDATE registry.person SET erase_asked_at = coalesce(erase_asked_at, $2) WHERE id = $1
        """,
        person_id,
        now,
    )
