"""The caller's own look at a work item: number and six digits open it, and guessing ends soon."""

from datetime import datetime
from hmac import compare_digest
from uuid import UUID

from alerts.tickets import pins_of
from alerts.tickets_model import Ticket
from alerts.tickets_queries import ticket_numbered
from kernel.attempts import check_not_locked, count_failure, forget_failures
from kernel.db import Connection
from kernel.ids import uuid7
from kernel.privacy import Vault


def normal_number(text: str) -> str:
    """`12328 20221127 0042`, as it is read out, is the number as well."""
    digits = "".join(c for c in text if c.isascii() and c.isdigit())
    return f"{digits[:5]}-{digits[5:13]}-{digits[13:]}"


async def own_ticket(
    conn: Connection, vault: Vault, number: str, pin: str, now: datetime
) -> Ticket | None:
    """None where either is wrong, which is counted: the caller must commit. An unknown number and
    wrong digits take alike. Raises TooMany `too_many_attempts`.
    """
    number, said = normal_number(number)[:40], "".join(pin.split())[:20]
    subject = vault.mac("ticket_guess", number.encode())
    await check_not_locked(conn, subject, now)
    found = await ticket_numbered(conn, number)
    pins = pins_of(vault, found.id if found else _nobodys(now))
    fits = [compare_digest(each.encode(), said.encode()) for each in pins]
    if found is None or not any(fits):
        await count_failure(conn, subject, now)
        return None
    await forget_failures(conn, subject)
    return found


def _nobodys(now: datetime) -> UUID:
    return uuid7(now)
