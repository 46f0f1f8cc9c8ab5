"""Taking in a work item: from the telephone, a form, the API, a list or the loop itself.

Whatever the hour and however many come, each is taken, numbered and ordered; the number is read
out, and opens the item again together with six digits of its own.
"""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID, uuid5

from msgspec import Meta, Struct

from alerts.tickets_model import Kind, State, answer_by, due, triaged
from alerts.tickets_words import NAME, PHONE, Said, keep_words, plain
from closedloop.reporting import Office, actor_name, body_hash
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, Unprocessable
from kernel.i18n import current_locale
from kernel.privacy import Vault, mask_name, mask_phone
from registry.desk_rules import DeskRules
from registry.passes import read_pass
from registry.people import check_phone
from registry.plates import normalise
from registry.scope import own_district
from registry.world import World

LONGEST_NAME = 50
PIN_DIGITS = 6
HOUR = timedelta(hours=1)
Short = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00]*\Z")]
Long = Annotated[str, Meta(max_length=4000, pattern=r"^[^\x00]*\Z")]


class NewTicket(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody asks for or complains of. `yes`: questions of the triage that were answered so;
    `plate` may be its last characters; `phone` empty where nobody can be called back.
    """

    id: UUID
    category: Short
    words: Long = ""
    name: Short = ""
    phone: Short = ""
    plate: Short = ""
    seen_at: datetime | None = None
    pass_number: Short = ""
    district: Short = ""
    yes: tuple[str, ...] = ()


class Taken(Struct, frozen=True, kw_only=True):
    """`pin` opens the item again together with its number; it is said once, and can be said again
    only to whoever sends the same request again.
    """

    id: UUID
    number: str
    pin: str
    priority: int
    state: State
    answer_by: datetime
    repeated: bool = False


class Origin(Struct, frozen=True, kw_only=True):
    """Where it came from; the batch of a list, the movement of the loop."""

    source: str
    batch_id: UUID | None = None
    movement_id: int | None = None


class _Read(Struct, frozen=True, kw_only=True):
    phone: str
    plate: str
    movement_id: int | None
    priority: int
    district: str


async def receive(
    conn: Connection,
    office: Office,
    kind: Kind,
    said: NewTicket,
    origin: Origin,
    actor: Actor | None,
    now: datetime,
) -> Taken:
    """Sent twice it is one. Raises Unprocessable `ticket_category_unknown`, `words_needed`,
    `plate_too_short`, those of `check_phone` and `read_pass`; Conflict `event_id_taken`.
    """
    digest = body_hash([kind, said, origin.source])
    if (known := await _known(conn, office.vault, said.id, digest)) is not None:
        return known
    world = await office.cache.now(conn)
    desk = world.rules_at(now).information
    read = _check(kind, said, origin, world, desk, office, actor)
    blind = office.vault.blind(read.phone, field="phone") if read.phone else None
    crowded = blind is not None and await _crowds(conn, blind, desk, now)
    made = await _store(conn, office, kind, said, origin, read, (digest, blind, crowded), now)
    if made is None:  # the same was sent at the same moment, and was first
        return await _known(conn, office.vault, said.id, digest) or _lost(said.id)
    words = Said(words=plain(said.words), answers=dict.fromkeys(sorted(set(said.yes)), "yes"))
    await _begin(conn, office.vault, said.id, digest, words, actor, now)
    await conn.execute("SELECT pg_notify('infodesk', '')")
    return made


def _lost(ticket_id: UUID) -> Taken:
    raise Conflict("event_id_taken", id=str(ticket_id))


def _check(
    kind: Kind,
    said: NewTicket,
    origin: Origin,
    world: World,
    desk: DeskRules,
    office: Office,
    actor: Actor | None,
) -> _Read:
    if desk.category(kind, said.category) is None:
        known = [each.code for each in desk.categories(kind)]
        raise Unprocessable("ticket_category_unknown", known=known)
    if kind is Kind.COMPLAINT and not plain(said.words):
        raise Unprocessable("words_needed")
    plate = normalise(said.plate)[:20]
    if plate and len(plate) < 4:
        raise Unprocessable("plate_too_short", least=4)
    movement_id = origin.movement_id
    if said.pass_number.strip():
        movement_id = read_pass(said.pass_number, office.vault, office.city, world.pass_keys)
    return _Read(
        phone=check_phone(said.phone) if said.phone.strip() else "",
        plate=plate,
        movement_id=movement_id,
        priority=triaged(desk, kind, said.category, frozenset(said.yes)),
        district=own_district(actor) or plain(said.district, 6),
    )


async def _known(conn: Connection, vault: Vault, ticket_id: UUID, digest: bytes) -> Taken | None:
    """Raises Conflict `event_id_taken`."""
    row = await conn.fetchrow(
        "SELECT body_hash, number, priority, state, answer_by FROM alerts.ticket WHERE id = $1",
        ticket_id,
    )
    if row is None:
        return None
    if row["body_hash"] != digest:
        raise Conflict("event_id_taken", id=str(ticket_id))
    return Taken(
        id=ticket_id,
        number=row["number"],
        pin=pin_of(vault, ticket_id),
        priority=row["priority"],
        state=State(row["state"]),
        answer_by=row["answer_by"],
        repeated=True,
    )


async def _crowds(conn: Connection, blind: bytes, desk: DeskRules, now: datetime) -> bool:
    """Whether this telephone has sent its share of the hour. Nothing is turned away for that."""
    sent = await conn.fetchval(
        "SELECT count(*) FROM alerts.ticket WHERE phone_blind = $1 AND received_at > $2",
        blind,
        now - HOUR,
    )
    return sent >= desk.per_sender_hour


async def _store(
    conn: Connection,
    office: Office,
    kind: Kind,
    said: NewTicket,
    origin: Origin,
    read: _Read,
    held: tuple[bytes, bytes | None, bool],
    now: datetime,
) -> Taken | None:
    rules = (await office.cache.now(conn)).rules_at(now)
    clocks, (digest, blind, crowded) = rules.information.clocks(kind), held
    unit_minutes = rules.information.unit_minutes(kind, said.category, read.priority)
    promised, name = answer_by(clocks, unit_minutes, now), plain(said.name, LONGEST_NAME)
    number: str | None = await conn.fetchval(
        """
        INSERT INTO alerts.ticket
               (id, body_hash, number, kind, category, source, priority, crowded, state,
                rules_version, lang, received_at, since, due_at, answer_by, district_code, plate,
                seen_at, about_movement, caller_sealed, phone_sealed, phone_blind, masked_name,
                masked_phone, batch_id)
        VALUES ($1, $2, alerts.next_ticket_number($10), $3, $4, $5, $6, $7, 'received',
                $8, $9, $10, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
        ON CONFLICT (id) DO NOTHING RETURNING number
        """,
        said.id,
        digest,
        kind,
        said.category,
        origin.source,
        read.priority,
        crowded,
        rules.version,
        current_locale(),
        now,
        due(State.RECEIVED, clocks, unit_minutes, now),
        promised,
        read.district,
        read.plate,
        said.seen_at,
        read.movement_id,
        office.vault.seal(name, field=NAME) if name else None,
        office.vault.seal(read.phone, field=PHONE) if read.phone else None,
        blind,
        mask_name(name) if name else "",
        mask_phone(read.phone) if read.phone else "",
        origin.batch_id,
    )
    if number is None:
        return None
    return Taken(
        id=said.id,
        number=number,
        pin=pin_of(office.vault, said.id),
        priority=read.priority,
        state=State.RECEIVED,
        answer_by=promised,
    )


async def _begin(
    conn: Connection,
    vault: Vault,
    ticket_id: UUID,
    digest: bytes,
    said: Said,
    actor: Actor | None,
    now: datetime,
) -> None:
    """The first line of the history, under an id that is made of the item's."""
    event_id = uuid5(ticket_id, "received")
    await conn.execute(
        """
        INSERT INTO alerts.ticket_event
               (ticket_id, sequence, event_id, body_hash, act, state, due_at, actor, at)
        SELECT $1, 1, $2, $3, 'receive', 'received', due_at, $4, $5 FROM alerts.ticket WHERE id = $1
        """,
        ticket_id,
        event_id,
        digest,
        "caller" if actor is None else actor_name(actor),
        now,
    )
    await keep_words(conn, vault, ticket_id, event_id, said)


def pin_of(vault: Vault, ticket_id: UUID) -> str:
    """Six digits that nobody can reckon who has not the key: the same whenever they are asked for,
    so that an answer that was lost on its way can be given again.
    """
    return _digits(vault.mac("ticket_pin", ticket_id.bytes))


def pins_of(vault: Vault, ticket_id: UUID) -> list[str]:
    """Under every key of the ring."""
    return [_digits(mac) for mac in vault.macs("ticket_pin", ticket_id.bytes)]


def _digits(mac: bytes) -> str:
    return f"{int.from_bytes(mac[:8]) % 10**PIN_DIGITS:0{PIN_DIGITS}d}"
