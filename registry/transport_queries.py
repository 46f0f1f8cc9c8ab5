"""Transport passes as they stand: by number, by plate, in words."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, convert

from kernel.db import Connection
from kernel.errors import NotFound
from kernel.i18n import current_locale
from registry.model import Movement, Role
from registry.rules import RuleSet
from registry.world import World

LISTED = 50
#: Whoever stands at a truck, and whoever issued or watches.
LOOKERS = (Role.REGISTRAR, Role.LANE, Role.DESK, Role.DUTY, Role.INSPECTOR, Role.AUDITOR)
NUMBER_DIGITS = 12
_COLUMNS = """
    t.number, t.kind, t.plate, t.goods, t.carrier, t.issued_at, t.valid_until, t.revoked_at,
    t.revoke_reason"""


class TransportPass(Struct, frozen=True, kw_only=True):
    number: str
    kind: str
    plate: str
    goods: str
    carrier: str
    issued_at: datetime
    valid_until: datetime
    revoked_at: datetime | None
    revoke_reason: str

    def standing(self, now: datetime) -> str:
        """valid, expired or revoked."""
        if self.revoked_at is not None:
            return "revoked"
        return "valid" if now < self.valid_until else "expired"


def grouped(number: str) -> str:
    """As people read it: region and serial."""
    return f"{number[:6]} {number[6:]}"


async def find_by_id(conn: Connection, pass_id: UUID) -> TransportPass | None:
    row = await conn.fetchrow(
        f"SELECT {_COLUMNS} FROM registry.transport_pass t WHERE t.id = $1", pass_id
    )
    return None if row is None else convert(dict(row), TransportPass)


async def find(conn: Connection, number: str) -> TransportPass:
    """By number, with or without its space. Raises NotFound `unknown_transport_pass`."""
    digits = "".join(number.replace("-", " ").split())
    row = None
    if digits.isascii() and digits.isdecimal() and len(digits) == NUMBER_DIGITS:
        row = await conn.fetchrow(
            f"SELECT {_COLUMNS} FROM registry.transport_pass t WHERE t.number = $1", digits
        )
    if row is None:
        raise NotFound("unknown_transport_pass")
    return convert(dict(row), TransportPass)


async def listed(
    conn: Connection, *, said: str = "", district: str | None = None
) -> list[TransportPass]:
    """The last ones; of a plate or a number, if one is said. Of one region, or of all."""
    rows = await conn.fetch(
        f"""
        SELECT {_COLUMNS} FROM registry.transport_pass t
         WHERE ($1 = '' OR t.plate = $1 OR t.number = $1)
           AND ($2::text IS NULL OR left(t.number, 6) = $2)
         ORDER BY t.issued_at DESC, t.number DESC LIMIT {LISTED}
        """,
        "".join(said.replace("-", " ").replace("·", " ").replace("\0", "").split()).upper(),
        district,
    )
    return [convert(dict(row), TransportPass) for row in rows]


def shown(one: TransportPass, rules: RuleSet, locale: str, now: datetime) -> dict[str, Any]:
    """In the reader's words."""
    kind, goods = rules.kind(one.kind), {each.code: each.label for each in rules.goods}
    label = goods.get(one.goods)
    return {
        "number": one.number,
        "grouped": grouped(one.number),
        "kind": one.kind if kind is None else getattr(kind.label, locale),
        "plate": one.plate,
        "goods": one.goods if label is None else getattr(label, locale),
        "carrier": one.carrier,
        "issued_at": one.issued_at,
        "valid_until": one.valid_until,
        "standing": one.standing(now),
        "revoked_at": one.revoked_at,
        "revoke_reason": one.revoke_reason,
    }


def transport_of(movement: Movement, world: World, now: datetime) -> dict[str, Any] | None:
    """The pass that this truck has now, as its driver reads it."""
    rules = world.rules_at(now)
    kind = None if rules.priority is None else rules.kind(rules.priority.issued)
    proof = None if kind is None else movement.vehicle.get(kind.kind)
    if kind is None or proof is None or proof.value != kind.values[0]:
        return None
    if proof.until is not None and now >= proof.until:
        return None
    label = getattr(kind.label, current_locale())
    return {"label": label, "number": grouped(proof.reference), "until": proof.until}
