"""A contact shown whole, to whoever says what for; the row about it goes with the showing."""

from datetime import datetime

from msgspec import Struct

from kernel.audit import record_access
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import NotFound, Unprocessable
from kernel.privacy import Vault
from registry.scope import within

LONGEST_REASON = 300
_TABLES = {
    "application": ("registry.application", "id::text"),
    "place": ("registry.place", "id::text"),
}


class WholeContact(Struct, frozen=True, kw_only=True):
    name: str
    phone: str


async def reveal_contact(
    conn: Connection,
    vault: Vault,
    kind: str,
    subject: str,
    *,
    reason: str,
    actor: Actor,
    now: datetime,
    district: str | None = None,
) -> WholeContact:
    """`kind` is application or place, `subject` its id.

    Raises Unprocessable `reason_needed`, `reason_too_long`; NotFound `unknown_application`,
    `unknown_place`.
    """
    said = " ".join(reason.split())
    if not said:
        raise Unprocessable("reason_needed")
    if len(said) > LONGEST_REASON:
        raise Unprocessable("reason_too_long", most=LONGEST_REASON)
    table, key = _TABLES[kind]
    row = await conn.fetchrow(
        f"""
        SELECT contact_sealed, contact_phone_sealed FROM {table} t
         WHERE {key} = $1 AND {within("t.district_code", 2)}
        """,
        subject,
        district,
    )
    if row is None:
        raise NotFound("unknown_application" if kind == "application" else "unknown_place")
    await record_access(
        conn,
        actor,
        action="reveal_contact",
        subject_kind=kind,
        subject=subject,
        reason=said,
        now=now,
    )
    return WholeContact(
        name=_opened(vault, row["contact_sealed"], "contact_name"),
        phone=_opened(vault, row["contact_phone_sealed"], "contact_phone"),
    )


def _opened(vault: Vault, sealed: bytes | None, field: str) -> str:
    return vault.open(sealed, field=field) if sealed else ""
