"""Receiving bodies: who takes over somebody who is held, such as a clinic or an authority.

Places of their own category, without gates and codes; drivers find none of them in the directory.
"""

from datetime import datetime

import msgspec
from msgspec import Struct

from kernel.audit import record_access
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Malformed, Refused
from kernel.privacy import Vault
from registry.model import PlaceKind
from registry.particulars import Fault, check_address, check_place_name
from registry.people import check_name, check_phone
from registry.places import NewPlace, create_place
from registry.scope import covers, own_district, within

RECEIVING = "receiving_body"


class Body(Struct, frozen=True, kw_only=True):
    id: int
    name: str
    district_code: str
    district: str
    address: str
    status: str
    #: Log-ins that may acknowledge for it.
    receivers: int


class NewBody(Struct, frozen=True, kw_only=True):
    """As it was typed."""

    name: str = ""
    district: str = ""
    address: str = ""
    contact_name: str = ""
    contact_phone: str = ""


async def is_body(conn: Connection, place_id: int) -> bool:
    return await conn.fetchval(
        """
        SELECT EXISTS (SELECT 1 FROM registry.place
                        WHERE id = $1 AND category = $2 AND status = 'active')
        """,
        place_id,
        RECEIVING,
    )


async def bodies(conn: Connection, *, district: str | None = None) -> list[Body]:
    """Those in use first. Of one district, or of all."""
    rows = await conn.fetch(
        f"""
        SELECT p.id, p.name, p.district_code, d.name AS district, p.address, p.status,
               (SELECT count(*) FROM registry.account a
                 WHERE a.place_id = p.id AND 'receiver' = ANY(a.roles)
                   AND a.disabled_at IS NULL) AS receivers
          FROM registry.place p JOIN registry.district d ON d.code = p.district_code
         WHERE p.category = $1 AND {within("p.district_code", 2)}
         ORDER BY p.status, p.district_code, p.name, p.id LIMIT 500
        """,
        RECEIVING,
        district,
    )
    return [msgspec.convert(dict(row), Body) for row in rows]


def check_body(said: NewBody) -> tuple[NewBody, list[Fault]]:
    """Put in order, and everything that is wrong with it."""
    faults: list[Fault] = []
    checks = {
        "name": check_place_name,
        "address": check_address,
        "contact_name": check_name,
        "contact_phone": check_phone,
    }
    checked = {"district": said.district.strip()}
    for field, check in checks.items():
        try:
            checked[field] = check(getattr(said, field))
        except Refused as refused:
            faults.append(Fault(field, refused))
    return NewBody(**checked), faults


async def register_body(
    conn: Connection, vault: Vault, checked: NewBody, actor: Actor, now: datetime
) -> int:
    """Its id. Raises Malformed `district_unknown`; Conflict `duplicate_place`."""
    if not await _is_own_district(conn, checked.district, actor):
        raise Malformed("district_unknown")
    place = NewPlace(
        kind=PlaceKind.VENUE,
        category=RECEIVING,
        name=checked.name,
        district_code=checked.district,
        address=checked.address,
        gates=(),
        contact_sealed=vault.seal(checked.contact_name, field="contact_name"),
        contact_phone_sealed=vault.seal(checked.contact_phone, field="contact_phone"),
        contact_phone_blind=vault.blind(checked.contact_phone, field="contact_phone"),
        source=f"account:{actor.id}",
    )
    place_id = await create_place(conn, place, now)
    await record_access(
        conn,
        actor,
        action="register_body",
        subject_kind="place",
        subject=str(place_id),
        reason="administration",
        now=now,
    )
    return place_id


async def _is_own_district(conn: Connection, code: str, actor: Actor) -> bool:
    known = await conn.fetchval("SELECT 1 FROM registry.district WHERE code = $1", code)
    return known is not None and covers(own_district(actor), code)
