"""Drivers who come back: a device that remembers them, and the last four of their document.

The last four characters alone are worth little (reliability, finding 2), so they are asked only
of a device that holds a token of an earlier report, or after a code sent to the phone on record.
Wrong guesses are counted for life, ten a person (invariant I7); then staff look at the document.
"""

import hmac
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from kernel.auth import token_hash
from kernel.db import Connection
from kernel.errors import Refused
from kernel.privacy import Vault
from kernel.senders import Addressed, FindAddress, Waiting
from registry.people import check_phone
from registry.report_queries import read_submission
from registry.reports import view_key

#: The cookie in which a driver's device keeps its token.
COOKIE = "driver"
MOST_FAILURES = 10
#: So many on one device, and it must ask for a code again.
MOST_ON_DEVICE = 5
PROVED_FOR = timedelta(hours=1)
LAST_FOUR = 4


class Proof(StrEnum):
    """What came of the last four. `unknown` is said of a device that nobody knows, in the very
    words of `wrong`.
    """

    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN = "unknown"
    USED_UP = "used_up"


async def proven_person(conn: Connection, token: str, now: datetime) -> UUID | None:
    """The person whose device this is, once they have shown in this hour that it is they."""
    return await conn.fetchval(
        """
        SELECT person_id FROM registry.driver_device
         WHERE token_hash = $1 AND revoked_at IS NULL AND proved_until > $2
        """,
        token_hash(token),
        now,
    )


async def remembers(conn: Connection, token: str) -> bool:
    return await conn.fetchval(
        """
        SELECT EXISTS (SELECT 1 FROM registry.driver_device
                        WHERE token_hash = $1 AND revoked_at IS NULL)
        """,
        token_hash(token),
    )


async def bind_device(
    conn: Connection, token: str, person_id: UUID, now: datetime, *, proved: bool = False
) -> None:
    """The device now remembers this person, and no other."""
    await conn.execute(
        """
        INSERT INTO registry.driver_device AS d
               (token_hash, person_id, bound_at, seen_at, proved_until)
        VALUES ($1, $2, $3, $3, $4)
        ON CONFLICT (token_hash) DO UPDATE
           SET person_id = $2, seen_at = $3, failures = 0, revoked_at = NULL, proved_until = $4,
               bound_at = CASE WHEN d.person_id = $2 THEN d.bound_at ELSE $3 END
        """,
        token_hash(token),
        person_id,
        now,
        now + PROVED_FOR if proved else None,
    )


async def forget_devices(conn: Connection, person_id: UUID, now: datetime) -> None:
    await conn.execute(
        """
        UPDATE registry.driver_device SET revoked_at = $2, proved_until = NULL
         WHERE person_id = $1 AND revoked_at IS NULL
        """,
        person_id,
        now,
    )


async def person_of_phone(conn: Connection, vault: Vault, phone: str) -> UUID | None:
    """Whoever reported last with this number."""
    return await conn.fetchval(
        """
        SELECT id FROM registry.person WHERE phone_blind = ANY($1)
         ORDER BY updated_at DESC LIMIT 1
        """,
        vault.blinds(phone, field="phone"),
    )


async def driver_of_movement(conn: Connection, movement_id: int) -> UUID | None:
    return await conn.fetchval(
        """
        SELECT person_id FROM registry.movement_person
         WHERE movement_id = $1 AND ordinal = 0
        """,
        movement_id,
    )


async def prove(conn: Connection, vault: Vault, token: str, last_four: str, now: datetime) -> Proof:
    """Whether these are the last four of the document of the device's person.

    The person's row is held until the transaction ends: guesses sent side by side are counted
    one after the other. The caller must commit, whatever the result.
    """
    device = await conn.fetchrow(
        """
        SELECT person_id FROM registry.driver_device
         WHERE token_hash = $1 AND revoked_at IS NULL FOR UPDATE
        """,
        token_hash(token),
    )
    if device is None:
        return Proof.UNKNOWN
    proof = await guess(conn, vault, device["person_id"], last_four)
    await _note(conn, token, proof, now)
    return proof


async def guess(conn: Connection, vault: Vault, person_id: UUID, last_four: str) -> Proof:
    """One guess at a person's document; see `prove`."""
    failures = await conn.fetchval(
        """
        INSERT INTO registry.person_attempt AS a (person_id, failures) VALUES ($1, 0)
        ON CONFLICT (person_id) DO UPDATE SET failures = a.failures RETURNING failures
        """,
        person_id,
    )
    if failures >= MOST_FAILURES:
        return Proof.USED_UP
    sealed = await conn.fetchval("SELECT id_sealed FROM registry.person WHERE id = $1", person_id)
    number = vault.open(sealed, field="person_id") if sealed else ""
    said = "".join(last_four.split()).upper()
    right = number[-LAST_FOUR:].encode()
    if len(right) == LAST_FOUR and hmac.compare_digest(said.encode(), right):
        return Proof.RIGHT
    await conn.execute(
        "UPDATE registry.person_attempt SET failures = failures + 1 WHERE person_id = $1",
        person_id,
    )
    return Proof.WRONG


async def reset_guesses(conn: Connection, person_id: UUID) -> None:
    await conn.execute("DELETE FROM registry.person_attempt WHERE person_id = $1", person_id)


async def note_phone_proved(conn: Connection, person_id: UUID, now: datetime) -> None:
    await conn.execute(
        "UPDATE registry.person SET phone_proved_at = $2 WHERE id = $1", person_id, now
    )


async def last_movement(conn: Connection, person_id: UUID) -> int | None:
    """The last report of their own that this person drove."""
    return await conn.fetchval(
        """
        SELECT p.movement_id FROM registry.movement_person p
          JOIN registry.movement m ON m.movement_id = p.movement_id
         WHERE p.subject = (SELECT id_blind FROM registry.person WHERE id = $1)
           AND p.ordinal = 0 AND p.own AND m.submission_sealed IS NOT NULL
         ORDER BY m.reported_at DESC LIMIT 1
        """,
        person_id,
    )


async def _note(conn: Connection, token: str, proof: Proof, now: datetime) -> None:
    right = proof is Proof.RIGHT
    await conn.execute(
        """
        UPDATE registry.driver_device
           SET seen_at = $2::timestamptz,
               failures = CASE WHEN $3::boolean THEN 0 ELSE failures + 1 END,
               proved_until = CASE WHEN $3 THEN $4::timestamptz ELSE proved_until END,
               revoked_at = CASE WHEN $3 OR failures + 1 < $5::int THEN NULL
                                 ELSE $2::timestamptz END
         WHERE token_hash = $1
        """,
        token_hash(token),
        now,
        right,
        now + PROVED_FOR,
        MOST_ON_DEVICE,
    )


async def reported_phone(conn: Connection, vault: Vault, movement_id: int) -> str:
    """The number that was reported with a movement, in E.164; empty where there is none."""
    said = await read_submission(conn, vault, movement_id)
    try:
        return check_phone(said.phone)
    except Refused:
        return ""


def phone_of(vault: Vault, public_url: str) -> FindAddress:
    """For messages to the driver of a movement; `url` among the facts is the page of its pass."""

    async def find(conn: Connection, waiting: Waiting) -> Addressed | None:
        movement_id = int(waiting.recipient.partition(":")[2])
        to = await reported_phone(conn, vault, movement_id)
        url = f"{public_url}/d/{movement_id}-{view_key(movement_id, vault)}"
        return Addressed(to=to, facts=waiting.facts | {"url": url}) if to else None

    return find
