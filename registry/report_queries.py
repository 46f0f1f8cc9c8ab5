"""The questions and statements of a report: one movement, its people, its vehicles."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
from msgspec import Struct

from kernel.db import Connection
from kernel.errors import NotFound, Unavailable
from kernel.privacy import Vault, mask_name
from registry.model import Movement, Proof
from registry.passes import new_movement_id
from registry.plates import parse
from registry.submission import Checked, Person, Submission

TRIES = 5
#: Evidence by its kind.
Proofs = dict[str, Proof]


class Filed(Struct, frozen=True, kw_only=True):
    """One person as the movement knows them."""

    person_id: UUID
    subject: bytes
    person: Person
    evidence: dict[str, Proof]


async def find_movement(conn: Connection, movement_id: int) -> Movement:
    row = await conn.fetchrow(
        """
        SELECT movement_id, version, plate, trailer_plate, origin, goods, entry_place_id, stops,
               expected_entry_at, expected_exit_at, window_from, window_to, failures, channel,
               reported_at, vehicle
          FROM registry.movement WHERE movement_id = $1
        """,
        movement_id,
    )
    if row is None:
        raise NotFound("unknown_movement", movement_id=movement_id)
    return msgspec.convert(dict(row), Movement)


async def read_submission(conn: Connection, vault: Vault, movement_id: int) -> Submission:
    """What was said, opened; empty where it was erased. The caller writes the audit row."""
    sealed = await conn.fetchval(
        "SELECT submission_sealed FROM registry.movement WHERE movement_id = $1",
        movement_id,
    )
    said = vault.read(sealed, field="submission")
    return Submission() if said is None else msgspec.json.decode(said, type=Submission)


async def file_person(
    conn: Connection, vault: Vault, person: Person, subject: bytes, now: datetime
) -> UUID:
    """A phone that is on record stays: whoever reports may be anybody (see `holders`)."""
    return await conn.fetchval(
        """
        INSERT INTO registry.person AS p
               (id, id_type, id_blind, id_sealed, name_sealed, phone_sealed, phone_blind,
                created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
        ON CONFLICT ON CONSTRAINT person_id_once DO UPDATE
           SET name_sealed = excluded.name_sealed,
               phone_sealed = coalesce(p.phone_sealed, excluded.phone_sealed),
               phone_blind = coalesce(p.phone_blind, excluded.phone_blind),
               updated_at = excluded.updated_at
        RETURNING id
        """,
        uuid4(),
        person.id_type,
        subject,
        vault.seal(person.id_number, field="person_id"),
        vault.seal(person.name, field="person_name"),
        vault.seal(person.phone, field="phone") if person.phone else None,
        vault.blind(person.phone, field="phone") if person.phone else None,
        now,
    )


def _values(checked: Checked, vehicle: Proofs) -> list[Any]:
    return [
        checked.plate,
        checked.trailer_plate,
        checked.origin,
        checked.goods,
        checked.entry_place_id,
        list(checked.stops),
        checked.expected_entry_at,
        checked.expected_exit_at,
        checked.window_from,
        checked.window_to,
        msgspec.to_builtins(checked.failures),
        msgspec.to_builtins(vehicle),
    ]


async def insert_movement(
    conn: Connection,
    city: str,
    checked: Checked,
    vehicle: Proofs,
    channel: str,
    actor: str,
    sealed: bytes | None,
    now: datetime,
) -> int:
    for _ in range(TRIES):
        movement_id = await conn.fetchval(
            """
            INSERT INTO registry.movement
                   (movement_id, version, plate, trailer_plate, origin, goods, entry_place_id,
                    stops, expected_entry_at, expected_exit_at, window_from, window_to, failures,
                    vehicle, submission_sealed, channel, actor, reported_at)
            VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
            ON CONFLICT (movement_id) DO NOTHING RETURNING movement_id
            """,
            new_movement_id(city),
            *_values(checked, vehicle),
            sealed,
            channel,
            actor,
            now,
        )
        if movement_id is not None:
            return movement_id
    raise Unavailable("busy")


async def update_movement(
    conn: Connection, movement_id: int, checked: Checked, vehicle: Proofs, sealed: bytes
) -> int:
    return await conn.fetchval(
        """
        UPDATE registry.movement
           SET version = version + 1, plate = $2, trailer_plate = $3, origin = $4, goods = $5,
               entry_place_id = $6, stops = $7, expected_entry_at = $8, expected_exit_at = $9,
               window_from = $10, window_to = $11, failures = $12, vehicle = $13,
               submission_sealed = $14,
               channel = CASE WHEN channel = 'unreported' THEN 'desk' ELSE channel END
         WHERE movement_id = $1 RETURNING version
        """,
        movement_id,
        *_values(checked, vehicle),
        sealed,
    )


async def attach(
    conn: Connection,
    movement_id: int,
    checked: Checked,
    filed: Sequence[Filed],
    now: datetime,
) -> None:
    await conn.executemany(
        """
        INSERT INTO registry.movement_person
               (movement_id, ordinal, person_id, subject, masked_name, role, declared, evidence,
                attached_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        [
            (
                movement_id,
                ordinal,
                each.person_id,
                each.subject,
                mask_name(each.person.name),
                each.person.role,
                each.person.declared,
                msgspec.to_builtins(each.evidence),
                now,
            )
            for ordinal, each in enumerate(filed)
        ],
    )
    for plate in {checked.plate, checked.trailer_plate} - {""}:
        await conn.execute(
            """
            INSERT INTO registry.vehicle (plate, kind, first_seen_at) VALUES ($1, $2, $3)
            ON CONFLICT DO NOTHING
            """,
            plate,
            parse(plate).kind,
            now,
        )
        await conn.execute(
            """
            INSERT INTO registry.plate_lookup (plate, movement_id) VALUES ($1, $2)
            ON CONFLICT DO NOTHING
            """,
            plate,
            movement_id,
        )
