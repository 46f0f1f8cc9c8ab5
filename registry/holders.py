"""Who may come back as a person: whoever typed the number of a document is not yet its owner.

The first who reports under a document holds its record: their phone is the one on record, their
device is remembered. Later reports are the person's own where they come from a device of the
holder, or after a code that was sent to the phone on record. Any other report is taken and gets
its pass like every other; but the device is not bound, the phone on record stays, and the journey
is shown to nobody as theirs, until staff have seen the document.
"""

from datetime import datetime
from uuid import UUID

from kernel.auth import token_hash
from kernel.db import Connection
from kernel.privacy import Vault
from registry.drivers import bind_device, forget_devices, reported_phone, reset_guesses


async def take_as_own(
    conn: Connection,
    vault: Vault,
    *,
    token: str,
    movement_id: int,
    person_id: UUID,
    phone: str,
    proved: bool,
    now: datetime,
) -> bool:
    """Whether this report is the person's own. `proved`: a code sent to `phone` was typed."""
    held = await is_held(conn, person_id)
    if held and not await _holds(conn, vault, token, person_id, phone, proved=proved):
        return False
    if not held:
        await forget_devices(conn, person_id, now)
    await _own(conn, movement_id)
    await _on_record(conn, vault, person_id, phone)
    await bind_device(conn, token, person_id, now)
    return True


async def document_seen(
    conn: Connection, vault: Vault, movement_id: int, person_id: UUID, now: datetime
) -> None:
    """Staff have the document and the person before them: what devices remembered ends, the phone
    of this report is the one on record, and guesses begin anew.
    """
    await reset_guesses(conn, person_id)
    await forget_devices(conn, person_id, now)
    await _own(conn, movement_id)
    await _on_record(conn, vault, person_id, await reported_phone(conn, vault, movement_id))
    await conn.execute("UPDATE registry.person SET verified_at = $2 WHERE id = $1", person_id, now)


async def is_held(conn: Connection, person_id: UUID) -> bool:
    """The person's row stays locked until the end: of two first reports one is the first."""
    return await conn.fetchval(
        """
        SELECT verified_at IS NOT NULL OR EXISTS (
                   SELECT 1 FROM registry.movement_person s WHERE s.person_id = p.id AND s.own)
               OR EXISTS (SELECT 1 FROM registry.visitor v WHERE v.person_id = p.id AND v.held)
          FROM registry.person p WHERE id = $1 FOR UPDATE
        """,
        person_id,
    )


async def _holds(
    conn: Connection, vault: Vault, token: str, person_id: UUID, phone: str, *, proved: bool
) -> bool:
    return await conn.fetchval(
        """
        SELECT EXISTS (SELECT 1 FROM registry.driver_device
                        WHERE token_hash = $2 AND person_id = $1 AND revoked_at IS NULL)
            OR ($4 AND EXISTS (SELECT 1 FROM registry.person
                                WHERE id = $1 AND phone_blind = ANY($3)))
        """,
        person_id,
        token_hash(token),
        vault.blinds(phone, field="phone") if phone else [],
        proved,
    )


async def _own(conn: Connection, movement_id: int) -> None:
    await conn.execute(
        "UPDATE registry.movement_person SET own = true WHERE movement_id = $1 AND ordinal = 0",
        movement_id,
    )


async def _on_record(conn: Connection, vault: Vault, person_id: UUID, phone: str) -> None:
    if phone:
        await conn.execute(
            "UPDATE registry.person SET phone_sealed = $2, phone_blind = $3 WHERE id = $1",
            person_id,
            vault.seal(phone, field="phone"),
            vault.blind(phone, field="phone"),
        )
