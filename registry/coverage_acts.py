"""What an officer does with a row of the ledger: each with a reason, kept for ever.

A place that comes to another district takes its history along: figures follow it from then on, and
what was reported for a day stays as it was reported.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, NotFound, Unprocessable
from registry.coverage import DueRow, due_row
from registry.coverage_rows import LONGEST, key_of
from registry.scope import covers, own_district

LONGEST_REASON = 200
ACTS = ("link", "unlink", "move", "units", "strike", "restore")
_KINDS = {
    "link": "linked", "unlink": "unlinked", "move": "moved", "units": "units", "strike": "struck",
    "restore": "restored",
}  # fmt: skip


class DueAct(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`id` is the sender's. `place_id` of a link, `district` of a move, `street` and `trade` of the
    units that answer for it.
    """

    id: UUID
    act: str
    reason: str
    place_id: int | None = None
    district: str = ""
    street: str = ""
    trade: str = ""


class DueActed(Struct, frozen=True, kw_only=True):
    id: UUID
    result: Literal["recorded", "repeated"]


async def act_on_due(
    conn: Connection, due_id: int, said: DueAct, actor: Actor, now: datetime
) -> DueActed:
    """Raises NotFound `unknown_due`, `unknown_place`; Unprocessable `due_act_unknown`,
    `reason_needed`, `reason_too_long`, `district_unknown`, `due_too_long`; Conflict
    `due_act_taken`, `place_has_row`, `due_row_exists`.
    """
    if said.act not in ACTS:
        raise Unprocessable("due_act_unknown", known=list(ACTS))
    reason = " ".join(said.reason.replace("\0", "").split())
    if not reason:
        raise Unprocessable("reason_needed")
    if len(reason) > LONGEST_REASON:
        raise Unprocessable("reason_too_long", most=LONGEST_REASON)
    await conn.execute("SELECT 1 FROM registry.due_place WHERE id = $1 FOR UPDATE", due_id)
    known = await conn.fetchrow(
        "SELECT due_id, kind FROM registry.due_change WHERE id = $1", said.id
    )
    if known is not None:
        if tuple(known) != (due_id, _KINDS[said.act]):
            raise Conflict("due_act_taken")
        return DueActed(id=said.id, result="repeated")
    row = await due_row(conn, due_id, own_district(actor))
    before, after = await _do(conn, row, said, actor, now)
    await conn.execute(
        """
        INSERT INTO registry.due_change (id, due_id, kind, before, after, reason, actor_id, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        said.id,
        due_id,
        _KINDS[said.act],
        before,
        after,
        reason,
        actor.id,
        now,
    )
    return DueActed(id=said.id, result="recorded")


async def _do(
    conn: Connection, row: DueRow, said: DueAct, actor: Actor, now: datetime
) -> tuple[str, str]:
    """What it was before, and after."""
    match said.act:
        case "link":
            return row.place, await _link(conn, row, said.place_id, actor)
        case "unlink":
            await _set_place(conn, row.id, None, "")
            return row.place, ""
        case "move":
            return row.district, await _move(conn, row, said.district)
        case "units":
            return f"{row.street} / {row.trade}", await _units(conn, row, said)
        case _:
            struck = now if said.act == "strike" else None
            await conn.execute(
                "UPDATE registry.due_place SET struck_at = $2 WHERE id = $1", row.id, struck
            )
            return row.name, row.name


async def _link(conn: Connection, row: DueRow, place_id: int | None, actor: Actor) -> str:
    place = await conn.fetchrow(
        """
        SELECT p.name, p.district_code, o.id AS row FROM registry.place p
          LEFT JOIN registry.due_place o ON o.place_id = p.id
         WHERE p.id = $1 AND p.status <> 'revoked'
        """,
        place_id,
    )
    if place is None or not covers(own_district(actor), place["district_code"]):
        raise NotFound("unknown_place", place_id=place_id)
    if place["row"] not in {None, row.id}:
        raise Conflict("place_has_row", due_id=place["row"])
    await _set_place(conn, row.id, place_id, "officer")
    await conn.execute(
        """
        UPDATE registry.place SET credit_code = $2
         WHERE id = $1 AND credit_code = '' AND $2 <> ''
        """,
        place_id,
        row.credit_code,
    )
    return place["name"]


async def _set_place(conn: Connection, due_id: int, place_id: int | None, by: str) -> None:
    await conn.execute(
        "UPDATE registry.due_place SET place_id = $2, matched_by = $3 WHERE id = $1",
        due_id,
        place_id,
        by,
    )


async def _move(conn: Connection, row: DueRow, code: str) -> str:
    """The registered place goes along."""
    name = await conn.fetchval(
        "SELECT name FROM registry.district WHERE code = $1 AND code NOT LIKE '%00'", code
    )
    if name is None:
        raise Unprocessable("district_unknown")
    key = key_of(row.credit_code, code, row.name, row.address)
    other = await conn.fetchval(
        "SELECT id FROM registry.due_place WHERE key = $1 AND id <> $2", key, row.id
    )
    if other is not None:
        raise Conflict("due_row_exists", due_id=other)
    await conn.execute(
        "UPDATE registry.due_place SET district_code = $2, key = $3 WHERE id = $1",
        row.id,
        code,
        key,
    )
    if row.place_id is not None:
        await conn.execute(
            "UPDATE registry.place SET district_code = $2 WHERE id = $1", row.place_id, code
        )
    return name


async def _units(conn: Connection, row: DueRow, said: DueAct) -> str:
    street, trade = (" ".join(text.split()) for text in (said.street, said.trade))
    if len(street) > LONGEST["street"] or len(trade) > LONGEST["trade"]:
        raise Unprocessable("due_too_long", column="street", most=LONGEST["street"])
    await conn.execute(
        "UPDATE registry.due_place SET street = $2, trade = $3 WHERE id = $1",
        row.id,
        street,
        trade,
    )
    return f"{street} / {trade}"
