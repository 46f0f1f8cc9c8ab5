"""Storing a report: people, vehicle, movement. The event that tells of it is appended by the
floor above, which alone appends to the ledger.
"""

import hmac
from collections.abc import Sequence
from datetime import datetime

import msgspec

from kernel.db import Connection
from kernel.privacy import Vault, mask_name
from registry.evidence import evidence_about_truck, evidence_of
from registry.judge import judge
from registry.model import Failure, Movement, Subject
from registry.report_queries import (
    Filed,
    Proofs,
    attach,
    file_person,
    find_movement,
    insert_movement,
    update_movement,
)
from registry.submission import Checked, Person, Submission
from registry.world import World


async def create(
    conn: Connection,
    vault: Vault,
    world: World,
    *,
    city: str,
    said: Submission,
    checked: Checked,
    channel: str,
    actor: str,
    now: datetime,
) -> Movement:
    """A new movement. Raises Unavailable("busy") if no free number was found."""
    filed = await _file_people(conn, vault, checked.people, now)
    vehicle = await evidence_about_truck(conn, checked.plate)
    checked = _advised(checked, filed, vehicle, world, now)
    movement_id = await insert_movement(
        conn, city, checked, vehicle, channel, actor, _seal(vault, said), now
    )
    await attach(conn, movement_id, checked, filed, now)
    return await find_movement(conn, movement_id)


async def amend(
    conn: Connection,
    vault: Vault,
    world: World,
    *,
    movement_id: int,
    said: Submission,
    checked: Checked,
    changed: Sequence[str],
    actor: str,
    now: datetime,
) -> Movement:
    """The movement's next version. The caller has made sure that the lane has not seen it."""
    filed = await _file_people(conn, vault, checked.people, now)
    vehicle = await evidence_about_truck(conn, checked.plate)
    checked = _advised(checked, filed, vehicle, world, now)
    version = await update_movement(conn, movement_id, checked, vehicle, _seal(vault, said))
    await conn.execute(
        """
        INSERT INTO registry.movement_version (movement_id, version, at, actor, changed)
        VALUES ($1, $2, $3, $4, $5)
        """,
        movement_id,
        version,
        now,
        actor,
        list(changed),
    )
    await conn.execute("DELETE FROM registry.movement_person WHERE movement_id = $1", movement_id)
    await attach(conn, movement_id, checked, filed, now)
    return await find_movement(conn, movement_id)


async def open_unreported(
    conn: Connection, *, city: str, plate: str, stops: tuple[int, ...], actor: str, now: datetime
) -> int:
    """A movement for a truck that was seen and never reported: the event needs a home.

    Where it was seen at a firm, that firm is its stop, and may settle it.
    """
    failure = Failure(code="not_reported", blocks=True)
    checked = Checked(
        plate=plate,
        trailer_plate="",
        origin="",
        goods="other",
        entry_place_id=None,
        stops=stops,
        expected_entry_at=None,
        expected_exit_at=None,
        window_from=None,
        window_to=None,
        people=(),
        failures=(failure,),
    )
    vehicle = await evidence_about_truck(conn, plate)
    movement_id = await insert_movement(
        conn, city, checked, vehicle, "unreported", actor, None, now
    )
    await attach(conn, movement_id, checked, (), now)
    return movement_id


def _seal(vault: Vault, said: Submission) -> bytes:
    return vault.seal(msgspec.json.encode(said).decode(), field="submission")


def _advised(
    checked: Checked, filed: Sequence[Filed], vehicle: Proofs, world: World, now: datetime
) -> Checked:
    """Adds what the gate would say at the declared hour, so that the driver knows before."""
    if checked.failures or checked.expected_entry_at is None:
        return checked
    rules = world.rules_at(now)
    movement = Movement(
        movement_id=0,
        version=0,
        plate=checked.plate,
        trailer_plate=checked.trailer_plate,
        origin=checked.origin,
        goods=checked.goods,
        entry_place_id=checked.entry_place_id,
        stops=checked.stops,
        expected_entry_at=checked.expected_entry_at,
        expected_exit_at=checked.expected_exit_at,
        window_from=checked.window_from,
        window_to=checked.window_to,
        failures=(),
        channel="",
        reported_at=now,
        vehicle=vehicle,
    )
    verdict = judge(
        movement,
        tuple(_subject(n, each) for n, each in enumerate(filed)),
        rules,
        None,
        max(now, checked.expected_entry_at),
        # Whether a list will be fresh on the day is not the driver's to mend.
        sources={kind.kind: checked.expected_entry_at for kind in rules.evidence},
        areas=world.areas,
    )
    return msgspec.structs.replace(checked, failures=verdict.failures)


def _subject(ordinal: int, filed: Filed) -> Subject:
    return Subject(
        ordinal=ordinal,
        role=filed.person.role,
        masked_name=mask_name(filed.person.name),
        declared=filed.person.declared,
        evidence=filed.evidence,
    )


async def _file_people(
    conn: Connection, vault: Vault, people: Sequence[Person], now: datetime
) -> list[Filed]:
    subjects = [vault.blind(person.id_number, field="person_id") for person in people]
    evidence = await evidence_of(conn, subjects)
    return [
        Filed(
            person_id=await file_person(conn, vault, person, subject, now),
            subject=subject,
            person=person,
            evidence=evidence.get(subject, {}),
        )
        for person, subject in zip(people, subjects, strict=True)
    ]


def view_key(movement_id: int, vault: Vault) -> str:
    """Opens the driver's own page. Made from the master key, so it is stored nowhere."""
    return vault.mac("view", str(movement_id).encode()).hex()[:20]


def view_key_fits(movement_id: int, key: str, vault: Vault) -> bool:
    made = [mac.hex()[:20] for mac in vault.macs("view", str(movement_id).encode())]
    return any(hmac.compare_digest(one, key) for one in made)
