"""Places as they stand in the record: the directory, their gates and codes, their contacts."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from kernel.audit import record_access
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, NotFound
from kernel.privacy import Vault, mask_name, mask_phone
from registry.model import PlaceKind
from registry.posters import new_code
from registry.scope import within

SECRET_BYTES = 20
SCANS_OF = timedelta(days=7)


class Listing(Struct, frozen=True, kw_only=True):
    """What anyone may know of a place."""

    id: int
    kind: PlaceKind
    category: str
    name: str
    district_code: str
    district: str
    road: str
    address: str


class Detail(Struct, frozen=True, kw_only=True):
    id: int
    kind: PlaceKind
    category: str
    name: str
    district_code: str
    district: str
    road: str
    address: str
    status: str
    status_reason: str
    suspended_until: datetime | None
    gates: tuple[str, ...]


class GateCode(Struct, frozen=True, kw_only=True):
    """The active code of a gate; `scans_7d` counts what was scanned there in seven days."""

    gate: str
    code: str
    issued_at: datetime
    scans_7d: int


class Contact(Struct, frozen=True, kw_only=True):
    """Masked, for the screen."""

    name: str
    phone: str


class NewPlace(Struct, frozen=True, kw_only=True):
    kind: str
    category: str
    name: str
    district_code: str
    address: str
    gates: Sequence[str]
    road: str = ""
    contact_sealed: bytes | None = None
    contact_phone_sealed: bytes | None = None
    contact_phone_blind: bytes | None = None
    source: str
    demo: bool = False
    #: The larger place in which a shop lies.
    within_id: int | None = None


async def districts(conn: Connection) -> list[tuple[str, str]]:
    """Code and name, without the city itself."""
    rows = await conn.fetch(
        "SELECT code, name FROM registry.district WHERE code NOT LIKE '%00' ORDER BY code"
    )
    return [(row["code"], row["name"]) for row in rows]


async def district_exists(conn: Connection, code: str) -> bool:
    known = "SELECT EXISTS (SELECT 1 FROM registry.district WHERE code = $1)"
    return await conn.fetchval(known, code)


async def regions(conn: Connection) -> list[tuple[str, str]]:
    """Code and name, the city first."""
    rows = await conn.fetch("SELECT code, name FROM registry.district ORDER BY code")
    return [(row["code"], row["name"]) for row in rows]


async def directory(conn: Connection, kind: str | None = None) -> list[Listing]:
    """Active places of one kind, or of all; not those that take over whoever is held."""
    rows = await conn.fetch(
        """
        SELECT p.id, p.kind, p.category, p.name, p.district_code, d.name AS district, p.road,
               p.address
          FROM registry.place p JOIN registry.district d ON d.code = p.district_code
         WHERE p.status = 'active' AND p.category <> 'receiving_body'
           AND ($1::text IS NULL OR p.kind = $1)
         ORDER BY p.district_code, p.id
        """,
        kind,
    )
    return [msgspec.convert(dict(row), Listing) for row in rows]


async def find_place(conn: Connection, place_id: int, district: str | None = None) -> Detail:
    """`district` is the actor's own. Raises NotFound `unknown_place`."""
    row = await conn.fetchrow(
        f"""
        SELECT p.id, p.kind, p.category, p.name, p.district_code, d.name AS district, p.road,
               p.address, p.status, p.status_reason, p.suspended_until,
               (SELECT coalesce(array_agg(g.gate ORDER BY g.gate), '{{}}')
                  FROM registry.gate g WHERE g.place_id = p.id) AS gates
          FROM registry.place p JOIN registry.district d ON d.code = p.district_code
         WHERE p.id = $1 AND {within("p.district_code", 2)}
        """,
        place_id,
        district,
    )
    if row is None:
        raise NotFound("unknown_place", place_id=place_id)
    return msgspec.convert(dict(row), Detail)


async def namesake(
    conn: Connection, kind: str, name: str, district_code: str, address: str
) -> int | None:
    """A place of the same kind, name and district. Shops of one name stand in many streets: of
    venues the address must be the same as well (seed 004: wholly the same particulars).
    """
    return await conn.fetchval(
        """
        SELECT id FROM registry.place
         WHERE kind = $1 AND lower(name) = lower($2) AND district_code = $3 AND status <> 'revoked'
               AND (kind <> 'venue' OR lower(address) = lower($4))
         ORDER BY id LIMIT 1
        """,
        kind,
        name,
        district_code,
        address,
    )


async def is_venue_code(conn: Connection, code: str) -> bool:
    """Whether it stands, or stood, at a door of a venue that is in use."""
    return await conn.fetchval(
        """
        SELECT EXISTS (SELECT 1 FROM registry.code c JOIN registry.place p ON p.id = c.place_id
                        WHERE c.code = $1 AND p.kind = 'venue' AND p.status = 'active')
        """,
        code,
    )


async def place_of_code(conn: Connection, code: str) -> int | None:
    return await conn.fetchval("SELECT place_id FROM registry.code WHERE code = $1", code)


async def create_place(conn: Connection, place: NewPlace, now: datetime) -> int:
    """The place, its gates and one code for each. Raises Conflict `duplicate_place`."""
    # Two reviewers who approve the same place side by side: the second one waits and sees it.
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('place', 0))")
    known = await namesake(conn, place.kind, place.name, place.district_code, place.address)
    if known is not None:
        raise Conflict("duplicate_place", place_id=known)
    place_id = await _insert_place(conn, place, now)
    await conn.execute(
        "INSERT INTO registry.gate (place_id, gate) SELECT $1, unnest($2::text[])",
        place_id,
        list(place.gates),
    )
    for gate in place.gates:
        await insert_code(conn, place_id, gate, now)
    return place_id


async def _insert_place(conn: Connection, place: NewPlace, now: datetime) -> int:
    return await conn.fetchval(
        """
        INSERT INTO registry.place
               (kind, category, name, district_code, road, address, contact_sealed,
                contact_phone_sealed, screen_secret, source, demo, created_at,
                contact_phone_blind, within_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING id
        """,
        place.kind,
        place.category,
        place.name,
        place.district_code,
        place.road,
        place.address,
        place.contact_sealed,
        place.contact_phone_sealed,
        secrets.token_bytes(SECRET_BYTES),
        place.source,
        place.demo,
        now,
        place.contact_phone_blind,
        place.within_id,
    )


async def insert_code(conn: Connection, place_id: int, gate: str, now: datetime) -> str:
    return await conn.fetchval(
        """
        INSERT INTO registry.code (code, place_id, gate, issued_at)
        VALUES ($1, $2, $3, $4) RETURNING code
        """,
        new_code(),
        place_id,
        gate,
        now,
    )


async def codes_of(conn: Connection, place_id: int, now: datetime) -> list[GateCode]:
    rows = await conn.fetch(
        """
        SELECT c.gate, c.code, c.issued_at,
               (SELECT count(*) FROM registry.event e
                 WHERE e.place_id = c.place_id AND e.gate = c.gate AND e.occurred_at > $2)
               AS scans_7d
          FROM registry.code c WHERE c.place_id = $1 AND c.status = 'active' ORDER BY c.gate
        """,
        place_id,
        now - SCANS_OF,
    )
    return [msgspec.convert(dict(row), GateCode) for row in rows]


async def read_contact(
    conn: Connection, vault: Vault, place_id: int, *, actor: Actor, reason: str, now: datetime
) -> Contact:
    """Masked; empty where a place has none. The reading leaves its audit row."""
    row = await conn.fetchrow(
        "SELECT contact_sealed, contact_phone_sealed FROM registry.place WHERE id = $1", place_id
    )
    if row is None or row["contact_sealed"] is None:
        return Contact(name="", phone="")
    await record_access(
        conn,
        actor,
        action="read_contact",
        subject_kind="place",
        subject=str(place_id),
        reason=reason,
        now=now,
    )
    return open_contact(vault, row["contact_sealed"], row["contact_phone_sealed"])


def open_contact(vault: Vault, name: bytes | None, phone: bytes | None) -> Contact:
    """Empty where it was erased. The caller writes the audit row."""
    return Contact(
        name=mask_name(vault.read(name, field="contact_name") or ""),
        phone=mask_phone(vault.read(phone, field="contact_phone") or ""),
    )
