"""Somebody who is held says that it is wrong (mission §4): by the driver's own page, or by an
officer for a driver without one. What they write is sealed and kept apart from the ledger.
"""

from datetime import datetime
from uuid import UUID

from checkpoint.holds import GROUNDS, standing_hold
from closedloop.acts import just_after
from closedloop.commit import Outcome, Proposal, append
from closedloop.reporting import Office, accepted, actor_name, body_hash, check_movement_id
from closedloop.saying import one_line
from closedloop.situation import Situation
from kernel.audit import record_access
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, Unprocessable
from kernel.privacy import Vault
from registry.model import Event
from registry.world import World

FIELD = "appeal_note"
LONGEST_NOTE = 500


async def appeal(
    conn: Connection,
    office: Office,
    movement_id: int,
    hold_id: UUID,
    *,
    event_id: UUID,
    grounds: str,
    note: str,
    actor: Actor | None,
    now: datetime,
) -> Outcome:
    """Sent twice it is one appeal. Raises NotFound `unknown_hold`; Conflict `hold_ended`,
    `appeal_waits`; Unprocessable `grounds_needed`.
    """
    check_movement_id(movement_id)
    if grounds not in GROUNDS:
        raise Unprocessable("grounds_needed", known=list(GROUNDS))

    def decide(situation: Situation, _: World, at: datetime) -> Event:
        held = standing_hold(situation, hold_id)
        if held.appeal_waits:
            raise Conflict("appeal_waits", due_at=held.appeal_due)
        return Event(
            movement_id=movement_id,
            event_id=event_id,
            kind="hold_appealed",
            occurred_at=just_after(held.last_word, at),
            received_at=at,
            actor=actor_name(actor),
            body={"hold": str(hold_id), "grounds": grounds},
        )

    proposal = Proposal(
        event_id=event_id,
        movement_id=movement_id,
        body_hash=body_hash([movement_id, hold_id, "appeal", grounds, note]),
        decide=decide,
        said={"kind": "hold_appealed", "hold": str(hold_id), "grounds": grounds},
        actor=actor_name(actor),
    )
    (outcome,) = accepted(await append(conn, office.cache, [proposal], now))
    if note := one_line(note, LONGEST_NOTE):
        await _keep_note(conn, office.vault, movement_id, event_id, note)
    return outcome


async def _keep_note(
    conn: Connection, vault: Vault, movement_id: int, event_id: UUID, note: str
) -> None:
    await conn.execute(
        """
        INSERT INTO closedloop.appeal (movement_id, event_id, note_sealed)
        VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
        """,
        movement_id,
        event_id,
        vault.seal(note, field=FIELD),
    )


async def read_notes(
    conn: Connection, vault: Vault, movement_id: int, actor: Actor, now: datetime
) -> dict[UUID, str]:
    """Event id → what was written, where anything was. The reading leaves its audit row."""
    rows = await conn.fetch(
        "SELECT event_id, note_sealed FROM closedloop.appeal WHERE movement_id = $1", movement_id
    )
    if rows:
        await record_access(
            conn,
            actor,
            action="read_appeal",
            subject_kind="movement",
            subject=str(movement_id),
            reason="page",
            now=now,
        )
    return {row["event_id"]: vault.read(row["note_sealed"], field=FIELD) or "" for row in rows}
