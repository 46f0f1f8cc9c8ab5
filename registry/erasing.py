"""What the record forgets, and how: drafts, codes and devices by their own clock, reports and
people when the floor above says that their journeys are over.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from kernel.db import Connection
from kernel.retention import Cut, Eraser


async def _drafts_due(conn: Connection, cut: Cut, limit: int | None) -> Sequence[UUID]:
    """A link that was sent to a driver may be open for longer than its last word is old."""
    rows = await conn.fetch(
        """
        SELECT id FROM registry.draft WHERE updated_at < $1 AND expires_at < $2
         ORDER BY expires_at LIMIT $3 FOR UPDATE SKIP LOCKED
        """,
        cut.before,
        cut.now,
        limit,
    )
    return [row["id"] for row in rows]


async def _erase_drafts(conn: Connection, keys: Sequence[Any], _: datetime) -> None:
    await conn.execute("DELETE FROM registry.draft WHERE id = ANY($1)", keys)


async def _codes_due(conn: Connection, cut: Cut, limit: int | None) -> Sequence[bytes]:
    rows = await conn.fetch(
        """
        SELECT phone_blind FROM registry.phone_code WHERE sent_since < $1 AND expires_at < $2
         LIMIT $3 FOR UPDATE SKIP LOCKED
        """,
        cut.before,
        cut.now,
        limit,
    )
    return [row["phone_blind"] for row in rows]


async def _erase_codes(conn: Connection, keys: Sequence[Any], _: datetime) -> None:
    await conn.execute("DELETE FROM registry.phone_code WHERE phone_blind = ANY($1)", keys)


async def _devices_due(conn: Connection, cut: Cut, limit: int | None) -> Sequence[bytes]:
    rows = await conn.fetch(
        """
        SELECT token_hash FROM registry.driver_device WHERE seen_at < $1
         ORDER BY seen_at LIMIT $2 FOR UPDATE SKIP LOCKED
        """,
        cut.before,
        limit,
    )
    return [row["token_hash"] for row in rows]


async def _erase_devices(conn: Connection, keys: Sequence[Any], _: datetime) -> None:
    await conn.execute("DELETE FROM registry.driver_device WHERE token_hash = ANY($1)", keys)


async def _evidence_due(conn: Connection, cut: Cut, limit: int | None) -> Sequence[Any]:
    """By the import that brought it; what an open journey needs was copied onto its people."""
    rows = await conn.fetch(
        """
        SELECT e.ctid AS key FROM registry.evidence e
          JOIN registry.evidence_batch b ON b.id = e.batch_id
         WHERE greatest(b.imported_at, e.taken_at, e.valid_until) < $1
         LIMIT $2 FOR UPDATE OF e SKIP LOCKED
        """,
        cut.before,
        limit,
    )
    return [row["key"] for row in rows]


async def _erase_evidence(conn: Connection, keys: Sequence[Any], _: datetime) -> None:
    await conn.execute("DELETE FROM registry.evidence WHERE ctid = ANY($1::tid[])", keys)


async def _transport_due(conn: Connection, cut: Cut, limit: int | None) -> Sequence[str]:
    rows = await conn.fetch(
        """
        SELECT number FROM registry.transport_pass WHERE valid_until < $1
         ORDER BY valid_until LIMIT $2 FOR UPDATE SKIP LOCKED
        """,
        cut.before,
        limit,
    )
    return [row["number"] for row in rows]


async def _erase_transport(conn: Connection, keys: Sequence[Any], _: datetime) -> None:
    await conn.execute("DELETE FROM registry.transport_pass WHERE number = ANY($1)", keys)


async def _applications_due(conn: Connection, cut: Cut, limit: int | None) -> Sequence[UUID]:
    """Reviewed long ago: the contact of an approved one lives on with the place."""
    rows = await conn.fetch(
        """
        SELECT id FROM registry.application
         WHERE contact_sealed IS NOT NULL AND state <> 'pending' AND reviewed_at < $1
         ORDER BY reviewed_at LIMIT $2 FOR UPDATE SKIP LOCKED
        """,
        cut.before,
        limit,
    )
    return [row["id"] for row in rows]


async def _erase_contacts(conn: Connection, keys: Sequence[Any], _: datetime) -> None:
    await conn.execute(
        """
        UPDATE registry.application
           SET contact_sealed = NULL, contact_phone_sealed = NULL, contact_phone_blind = NULL
         WHERE id = ANY($1)
        """,
        keys,
    )


async def erase_submissions(conn: Connection, movement_ids: Sequence[int], _: datetime) -> None:
    await conn.execute(
        "UPDATE registry.movement SET submission_sealed = NULL WHERE movement_id = ANY($1)",
        movement_ids,
    )


async def erase_health(conn: Connection, movement_ids: Sequence[int], _: datetime) -> None:
    await conn.execute(
        """
        UPDATE registry.movement_person SET declared = '{}', evidence = '{}'
         WHERE movement_id = ANY($1)
        """,
        movement_ids,
    )


async def erase_masks(conn: Connection, movement_ids: Sequence[int], _: datetime) -> None:
    await conn.execute(
        """
        UPDATE registry.movement_person SET masked_name = '', subject = ''
         WHERE movement_id = ANY($1)
        """,
        movement_ids,
    )


async def erase_people(conn: Connection, person_ids: Sequence[UUID], now: datetime) -> None:
    """Of a person the id stays, for the ledger; look-ups, devices and drafts go as well."""
    await conn.execute(
        """
        UPDATE registry.person
           SET id_blind = NULL, id_sealed = NULL, name_sealed = NULL, phone_sealed = NULL,
               phone_blind = NULL, erased_at = $2, updated_at = $2
         WHERE id = ANY($1)
        """,
        person_ids,
        now,
    )
    await conn.execute(
        "UPDATE registry.movement_person SET subject = '' WHERE person_id = ANY($1)", person_ids
    )
    await conn.execute("DELETE FROM registry.driver_device WHERE person_id = ANY($1)", person_ids)
    await conn.execute("DELETE FROM registry.person_attempt WHERE person_id = ANY($1)", person_ids)
    await conn.execute("DELETE FROM registry.visitor WHERE person_id = ANY($1)", person_ids)
    await conn.execute("DELETE FROM registry.person_code WHERE person_id = ANY($1)", person_ids)


async def erase_records(conn: Connection, movement_ids: Sequence[int], _: datetime) -> None:
    """The journey itself, and plates that no other journey has. Its receipts stay, which are
    hashes: an event's id is one for ever.
    """
    await conn.execute(
        """
        WITH gone AS (DELETE FROM registry.plate_lookup WHERE movement_id = ANY($1)
                      RETURNING plate)
        DELETE FROM registry.vehicle v USING gone
         WHERE v.plate = gone.plate
           AND NOT EXISTS (SELECT 1 FROM registry.plate_lookup l
                            WHERE l.plate = v.plate AND l.movement_id <> ALL($1))
        """,
        movement_ids,
    )
    for table in (
        "registry.event",
        "registry.conflict",
        "registry.movement_person",
        "registry.movement_version",
        "registry.movement",
    ):
        await conn.execute(f"DELETE FROM {table} WHERE movement_id = ANY($1)", movement_ids)


ERASERS = (
    Eraser(name="drafts", due=_drafts_due, erase=_erase_drafts),
    Eraser(name="phone_codes", due=_codes_due, erase=_erase_codes),
    Eraser(name="devices", due=_devices_due, erase=_erase_devices),
    Eraser(name="evidence", due=_evidence_due, erase=_erase_evidence),
    Eraser(name="transport_passes", due=_transport_due, erase=_erase_transport),
    Eraser(name="contacts", due=_applications_due, erase=_erase_contacts),
)
