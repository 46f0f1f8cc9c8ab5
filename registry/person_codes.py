"""A personal code on paper: for whoever has no telephone. Signed, digits alone, without a name.

    version 1 byte (2) · key 1 byte · number of the code 8 · valid until 4 (Unix seconds)
    · signature 64 (ES256: r and s)

Written as the offline pass is (`offline_pass`), under a context of its own, so that neither can be
taken for the other; and shorter than any pass. The number is random and leads to a person only in
the record: who finds the paper learns nothing.
"""

import re
import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from kernel.db import Connection
from kernel.errors import Conflict, Unprocessable
from registry.offline_pass import PublicKeys, digits_of, is_canonical, is_signed, signed

VERSION = 2
CONTEXT = b"checkpoint person code\0"
LASTS = timedelta(days=90)
_BYTES = 14 + 64
#: So many digits has every number of that many bytes that begins with the version; no pass has so
#: few.
DIGITS = 186
_DIGITS = re.compile(r"[1-9][0-9]*")


def may_be_person_code(text: str) -> bool:
    return len(text) == DIGITS and _DIGITS.fullmatch(text) is not None


def written(number: int, until: datetime, kid: int, key: EllipticCurvePrivateKey) -> str:
    payload = bytes((VERSION, kid)) + number.to_bytes(8) + int(until.timestamp()).to_bytes(4)
    return digits_of(payload + signed(payload, key, CONTEXT))


def read(digits: str, keys: PublicKeys, now: datetime) -> int:
    """Raises Unprocessable `person_code_malformed`, `person_code_forged`, `person_code_ended`."""
    if not may_be_person_code(digits):
        raise Unprocessable("person_code_malformed")
    data = int(digits).to_bytes(_BYTES)
    payload, signature = data[:14], data[14:]
    if payload[0] != VERSION:
        raise Unprocessable("person_code_malformed")
    key = keys.get(payload[1])
    if key is None or not is_canonical(signature):
        raise Unprocessable("person_code_forged")
    if not is_signed(payload, signature, key, CONTEXT):
        raise Unprocessable("person_code_forged")
    if datetime.fromtimestamp(int.from_bytes(payload[10:14]), UTC) <= now:
        raise Unprocessable("person_code_ended")
    return int.from_bytes(payload[2:10])


async def issue(
    conn: Connection, person_id: UUID, issued_by: UUID, now: datetime
) -> tuple[int, datetime]:
    """A new number, and until when it holds. What the person had before ends."""
    await revoke(conn, person_id, now)
    number, until = secrets.randbits(62) + 1, now + LASTS
    made = await conn.fetchval(
        """
        INSERT INTO registry.person_code (id, person_id, issued_at, issued_by, valid_until)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING RETURNING true
        """,
        number,
        person_id,
        now,
        issued_by,
        until,
    )
    if not made:
        raise Conflict("try_again")
    return number, until


async def revoke(conn: Connection, person_id: UUID, now: datetime) -> None:
    await conn.execute(
        """
        UPDATE registry.person_code SET revoked_at = $2
         WHERE person_id = $1 AND revoked_at IS NULL
        """,
        person_id,
        now,
    )


async def owner(conn: Connection, number: int, now: datetime) -> UUID:
    """Raises Unprocessable `person_code_ended` for one that was withdrawn, or whose person is
    erased.
    """
    found = await conn.fetchval(
        """
        SELECT c.person_id FROM registry.person_code c JOIN registry.person p ON p.id = c.person_id
         WHERE c.id = $1 AND c.revoked_at IS NULL AND c.valid_until > $2 AND p.erased_at IS NULL
        """,
        number,
        now,
    )
    if found is None:
        raise Unprocessable("person_code_ended")
    return found
