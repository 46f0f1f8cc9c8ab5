"""Presences written straight into the record, for the tests of tracing and for its bench."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from msgspec import Struct

from closedloop.tracing_model import Wanted
from kernel.auth import Actor
from kernel.db import Connection
from registry.model import Role

FIRST_MOVEMENT = 4_102_900_000_000


class Presence(Struct, frozen=True, kw_only=True):
    """`ride` is a number of the test's own; a visit has none, and names one person."""

    place_id: int
    gate: str
    at: datetime
    doubt_ms: int
    ride: int | None = None
    visitor: int | None = None
    kind: str = "entry"


class Day(Struct, frozen=True, kw_only=True):
    """`crews`: ride → people by number; person n is `people[n]`."""

    people: tuple[UUID, ...]
    crews: dict[int, tuple[int, ...]]
    presences: tuple[Presence, ...]


async def write_day(conn: Connection, day: Day) -> None:
    rides = sorted(day.crews)
    await conn.executemany(
        """
        INSERT INTO registry.movement (movement_id, version, plate, channel, actor, reported_at)
        VALUES ($1, 1, $2, 'driver', 'driver', now())
        """,
        [(FIRST_MOVEMENT + ride, f"豫B{ride:05d}") for ride in rides],
    )
    await conn.executemany(
        """
        INSERT INTO registry.movement_person
               (movement_id, ordinal, person_id, subject, masked_name, role)
        VALUES ($1, $2, $3, '', $4, 'driver')
        """,
        [
            (FIRST_MOVEMENT + ride, seat, day.people[person], f"某{person}")
            for ride in rides
            for seat, person in enumerate(day.crews[ride])
        ],
    )
    await conn.executemany(
        """
        INSERT INTO registry.event (movement_id, event_id, kind, occurred_at, received_at,
                                    uncertainty_ms, place_id, gate, actor, body)
        VALUES ($1, $2, $3, $4, $4, $5, $6, $7, 'x', '{}')
        """,
        [
            (FIRST_MOVEMENT + each.ride, uuid4(), each.kind, each.at, each.doubt_ms, each.place_id,
             each.gate)
            for each in day.presences
            if each.ride is not None
        ],
    )  # fmt: skip
    await conn.executemany(
        """
        INSERT INTO closedloop.visit (id, body_hash, place_id, gate, person_id, masked_name, way,
                                      shown, visited_at, received_at, uncertainty_ms, actor)
        VALUES ($1, '', $2, $3, $4, $5, 'scan', 'clear', $6, $6, $7, 'x')
        """,
        [
            (uuid4(), each.place_id, each.gate, day.people[each.visitor], f"某{each.visitor}",
             each.at, each.doubt_ms)
            for each in day.presences
            if each.visitor is not None
        ],
    )  # fmt: skip


class Told(Struct, frozen=True, kw_only=True):
    """What is known of one other person, by brute force; as a Meeting has it."""

    together: bool
    place_possible: int
    place_certain: int
    gate_possible: int | None
    gate_certain: int | None
    times: int


def brute_force(
    day: Day, subject: int, minutes: int, since: datetime, until: datetime
) -> dict[UUID, Told]:
    """Every pair of presences, one by one."""
    mine = [
        each
        for each in day.presences
        if subject in _who(day, each)
        and each.at + timedelta(milliseconds=each.doubt_ms) >= since
        and each.at - timedelta(milliseconds=each.doubt_ms) <= until
        and each.kind != "arrival"
    ]
    told: dict[UUID, Told] = {}
    for own in mine:
        for other in day.presences:
            if other.place_id != own.place_id or other.kind == "arrival":
                continue
            gap = abs((own.at - other.at) // timedelta(microseconds=1))
            doubt = 1000 * (own.doubt_ms + other.doubt_ms)
            if gap - doubt > minutes * 60_000_000:
                continue
            for person in set(_who(day, other)) - {subject}:
                key = day.people[person]
                told[key] = _joined(told.get(key), own, other, gap - doubt, gap + doubt)
    return told


def _who(day: Day, presence: Presence) -> tuple[int, ...]:
    if presence.ride is not None:
        return day.crews[presence.ride]
    return () if presence.visitor is None else (presence.visitor,)


def _joined(
    before: Told | None, own: Presence, other: Presence, possible: int, certain: int
) -> Told:
    gate = own.gate != "" and own.gate == other.gate
    together = own.ride is not None and own.ride == other.ride
    if before is None:
        return Told(
            together=together,
            place_possible=possible,
            place_certain=certain,
            gate_possible=possible if gate else None,
            gate_certain=certain if gate else None,
            times=1,
        )
    return Told(
        together=together or before.together,
        place_possible=min(possible, before.place_possible),
        place_certain=min(certain, before.place_certain),
        gate_possible=_least(before.gate_possible, possible if gate else None),
        gate_certain=_least(before.gate_certain, certain if gate else None),
        times=before.times + 1,
    )


def _least(*numbers: int | None) -> int | None:
    return min((each for each in numbers if each is not None), default=None)


def of_person(person_id: UUID, since: datetime, until: datetime, number: int = 1) -> Wanted:
    return Wanted(number=number, since=since, until=until, person_id=person_id)


def a_tracer(name: str = "tracer", roles: Sequence[str] = (Role.TRACER,)) -> Actor:
    return Actor(id=uuid4(), kind="account", name=name, roles=frozenset(roles))
