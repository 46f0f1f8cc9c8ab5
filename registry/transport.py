"""Transport passes (seed 002): issued to a truck for a class of goods, verified by number, revoked.

A pass is evidence about its truck like any other: what the lane reads is the truck's proof, so a
pass that another city issued and a file brought here counts the same.
"""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
from msgspec import Struct

from kernel.audit import record_access
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, NotFound, Unprocessable
from registry.evidence import Fact, project, refresh_source, store_facts, truck
from registry.plates import parse
from registry.rules import EvidenceKind, Priority, RuleSet
from registry.scope import covers, own_district
from registry.transport_queries import TransportPass, find, find_by_id, grouped

LONGEST_CARRIER = 80
#: Each has its words under `ui.transport.why.<code>`.
REVOCATIONS = ("lent", "misused", "details_wrong", "not_needed")


class Asked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`id` is the sender's, and is one pass for ever; `region` six digits, `days` from now."""

    id: UUID
    region: str = ""
    plate: str = ""
    goods: str = ""
    carrier: str = ""
    days: int = 1


def issued_kind(rules: RuleSet) -> tuple[Priority, EvidenceKind]:
    """Raises Conflict `no_transport_pass` where the rule set in force knows none."""
    priority = rules.priority
    kind = None if priority is None else rules.kind(priority.issued)
    if priority is None or kind is None:
        raise Conflict("no_transport_pass")
    return priority, kind


async def issue(
    conn: Connection, rules: RuleSet, asked: Asked, actor: Actor, now: datetime
) -> TransportPass:
    """The same id is the same pass. Raises Unprocessable `plate_malformed` and the like,
    `goods_not_first`, `days_out_of_range`, `region_unknown`; Conflict `transport_pass_stands`,
    `event_id_taken`, `serials_used_up`, `no_transport_pass`.
    """
    priority, kind = issued_kind(rules)
    plate = parse(asked.plate).text
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 1))", plate)
    if (known := await find_by_id(conn, asked.id)) is not None:
        if (known.plate, known.goods) != (plate, asked.goods):
            raise Conflict("event_id_taken", id=str(asked.id))
        return known
    if asked.goods not in priority.goods:
        raise Unprocessable("goods_not_first", known=list(priority.goods))
    if not 1 <= asked.days <= priority.most_days:
        raise Unprocessable("days_out_of_range", most=priority.most_days)
    if (stands := await _standing_of(conn, kind.kind, plate, now)) is not None:
        raise Conflict("transport_pass_stands", number=grouped(stands))
    number = await _next_number(conn, asked.region, actor)
    until = now + timedelta(days=asked.days)
    await _insert(conn, number, kind.kind, plate, asked, until, actor, now)
    await _prove(conn, kind, plate, number, "valid", until, actor, now)
    await _told(conn, actor, "issue_transport_pass", number, now)
    return await find(conn, number)


async def _standing_of(conn: Connection, kind: str, plate: str, now: datetime) -> str | None:
    return await conn.fetchval(
        """
        SELECT number FROM registry.transport_pass
         WHERE plate = $1 AND kind = $2 AND revoked_at IS NULL AND valid_until > $3 LIMIT 1
        """,
        plate,
        kind,
        now,
    )


async def _next_number(conn: Connection, region: str, actor: Actor) -> str:
    """Serials of a region come one after the other, without a gap that a refusal would leave."""
    if not covers(own_district(actor), region):
        raise Unprocessable("region_unknown")
    try:
        async with conn.transaction():
            serial = await conn.fetchval(
                """
                INSERT INTO registry.transport_serial AS s (region, last) VALUES ($1, 1)
                ON CONFLICT (region) DO UPDATE SET last = s.last + 1 RETURNING last
                """,
                region,
            )
    except asyncpg.ForeignKeyViolationError as error:
        raise Unprocessable("region_unknown") from error
    except asyncpg.CheckViolationError as error:
        raise Conflict("serials_used_up", region=region) from error
    return f"{region}{serial:06d}"


async def _insert(
    conn: Connection,
    number: str,
    kind: str,
    plate: str,
    asked: Asked,
    until: datetime,
    actor: Actor,
    now: datetime,
) -> None:
    await conn.execute(
        """
        INSERT INTO registry.transport_pass
               (number, id, kind, plate, goods, carrier, issued_at, issued_by, valid_until)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        number,
        asked.id,
        kind,
        plate,
        asked.goods,
        " ".join(asked.carrier.replace("\0", "").split())[:LONGEST_CARRIER],
        now,
        actor.id,
        until,
    )


async def _prove(
    conn: Connection,
    kind: EvidenceKind,
    plate: str,
    number: str,
    value: str,
    until: datetime,
    actor: Actor,
    now: datetime,
) -> None:
    """Onto the truck, and onto its open journeys."""
    batch_id, source = uuid4(), number[:6]
    await conn.execute(
        """
        INSERT INTO registry.evidence_batch
               (id, kind, source, as_of, actor_id, accepted, refused, imported_at)
        VALUES ($1, $2, $3, $4, $5, 1, 0, $4)
        """,
        batch_id,
        kind.kind,
        source,
        now,
        actor.id,
    )
    fact = Fact(
        line=1,
        subject=truck(plate),
        value=value,
        taken_at=now,
        reference=number,
        valid_until=until,
    )
    await store_facts(conn, kind.kind, source, batch_id, [fact])
    await project(conn, kind, [fact], now)
    await refresh_source(conn, kind.kind, source, now)


async def revoke(
    conn: Connection, rules: RuleSet, number: str, reason: str, actor: Actor, now: datetime
) -> TransportPass:
    """At once, on every open journey of the truck. Revoking twice changes nothing.

    Raises NotFound `unknown_transport_pass`; Unprocessable `reason_unknown`.
    """
    known = await find(conn, number)
    if not covers(own_district(actor), known.number[:6]):
        raise NotFound("unknown_transport_pass")
    if reason not in REVOCATIONS:
        raise Unprocessable("reason_unknown", known=list(REVOCATIONS))
    done = await conn.fetchval(
        """
        UPDATE registry.transport_pass SET revoked_at = $2, revoked_by = $3, revoke_reason = $4
         WHERE number = $1 AND revoked_at IS NULL RETURNING true
        """,
        known.number,
        now,
        actor.id,
        reason,
    )
    kind = rules.kind(known.kind)
    if done and kind is not None:
        await _prove(
            conn, kind, known.plate, known.number, "revoked", known.valid_until, actor, now
        )
    if done:
        await _told(conn, actor, "revoke_transport_pass", known.number, now)
    return await find(conn, known.number)


async def note_print(conn: Connection, actor: Actor, number: str, now: datetime) -> None:
    """Who printed it, the first time and again."""
    await _told(conn, actor, "print_transport_pass", number, now)


async def _told(conn: Connection, actor: Actor, action: str, number: str, now: datetime) -> None:
    await record_access(
        conn,
        actor,
        action=action,
        subject_kind="transport_pass",
        subject=number,
        reason="administration",
        now=now,
    )
