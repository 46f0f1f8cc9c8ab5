"""Everything that is stored about one person, collected from the floors for that person."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import closedloop.subjects
import registry.subjects
from closedloop.reporting import Office
from kernel.audit import accesses, record_access
from kernel.auth import Actor
from kernel.db import Connection
from kernel.retention import kept
from registry.model import Role
from registry.people import check_name, check_phone
from registry.reveal import REASONS

#: Classes that concern a driver, in the order in which they are told.
CLASSES = (
    "people",
    "submissions",
    "health",
    "evidence",
    "visits",
    "drafts",
    "devices",
    "phone_codes",
    "messages",
    "masked_names",
    "records",
    "audit",
)


def oneself(person_id: UUID) -> Actor:
    return Actor(id=person_id, kind="system", name="driver", roles=frozenset({Role.DRIVER}))


async def everything(
    conn: Connection, office: Office, person_id: UUID, now: datetime, *, action: str
) -> dict[str, Any]:
    """What the floors hold, who looked, and how long it is kept. The reading is audited."""
    await record_access(
        conn,
        oneself(person_id),
        action=action,
        subject_kind="person",
        subject=str(person_id),
        reason="own data",
        now=now,
    )
    stored = await registry.subjects.subject_data(conn, office.vault, person_id)
    stored |= await closedloop.subjects.subject_data(conn, person_id, now)
    journeys = [each["movement_id"] for each in stored["journeys"]]
    classes = await kept(conn)
    return stored | {
        "looked": await _looked(conn, person_id, journeys),
        "kept_days": {name: classes[name].amount for name in CLASSES},
    }


async def _looked(
    conn: Connection, person_id: UUID, movement_ids: Sequence[int]
) -> list[dict[str, Any]]:
    """Role and office of whoever looked, never a name; one's own readings are left out."""
    subjects = [("person", str(person_id)), *(("movement", str(each)) for each in movement_ids)]
    found = [each for each in await accesses(conn, subjects) if each.actor_id != person_id]
    offices = await registry.subjects.offices_of(conn, {each.actor_id for each in found})
    nobody = registry.subjects.Office(roles=(), office="")
    return [
        {
            "at": each.at,
            "roles": offices.get(each.actor_id, nobody).roles,
            "office": offices.get(each.actor_id, nobody).office,
            "action": each.action,
            "reason": _reason(each.reason),
        }
        for each in found
    ]


def _reason(kept_reason: str) -> str:
    """The note may speak of others: the reason that was chosen is what the person is told."""
    chosen = kept_reason.partition(":")[0]
    return chosen if chosen in REASONS else ""


async def correct(
    conn: Connection, office: Office, person_id: UUID, *, name: str, phone: str, now: datetime
) -> None:
    """Raises Unprocessable: those of `check_name` and `check_phone`."""
    name, phone = check_name(name), check_phone(phone)
    changes: dict[str, object] = {"name": name, "phone": phone}
    await closedloop.subjects.correct_open(conn, office, person_id, changes, now)
    await registry.subjects.correct(conn, office.vault, person_id, name=name, phone=phone, now=now)
    await _acted(conn, person_id, "correct_own", now)


async def withdraw(conn: Connection, office: Office, person_id: UUID, now: datetime) -> int:
    """PIPL 47: returns how many reports were cancelled. What is under way stays until it ends."""
    cancelled = await closedloop.subjects.cancel_unpresented(conn, office, person_id, now)
    await registry.subjects.withdraw(conn, person_id, now)
    await _acted(conn, person_id, "withdraw", now)
    return cancelled


async def _acted(conn: Connection, person_id: UUID, action: str, now: datetime) -> None:
    await record_access(
        conn,
        oneself(person_id),
        action=action,
        subject_kind="person",
        subject=str(person_id),
        reason="own data",
        now=now,
    )
