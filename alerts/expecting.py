"""Asking the firm and its district about a truck before it comes: is it expected?

A “no” is advice for the desk and the duty officer. It makes no card: a truck that meets every rule
is let in whatever its firm says (seed 002).
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from alerts.tickets_words import plain
from closedloop.model import Loop
from closedloop.reporting import Office, actor_name, body_hash, situation_of
from closedloop.situation import Situation, check_in_district
from closedloop.watching import place_of
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, NotFound, Unprocessable
from kernel.outbox import post
from registry.model import PlaceKind, Role
from registry.scope import covers, own_district
from registry.world import World

ANSWERS = ("yes", "no", "not_us", "later")
REFUSALS = frozenset({"no", "not_us"})
ANSWERING = (Role.FIRM, Role.GRID, Role.DUTY, Role.HOTLINE)
READING = (*ANSWERING, Role.AUDITOR)
NOTE = "expectation_note"
LONGEST_NOTE = 500
#: So many in one statement.
MOST = 500
#: Seconds between two: a lane waits for the same database.
REST = 0.1
#: A change may be a moment from its commit while the run before looks; none takes so long.
MARGIN = timedelta(minutes=5)
EVER = datetime(1970, 1, 1, tzinfo=UTC)


class Expected(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`other_place_id` with “not us, but”, `later_at` with “later”."""

    id: UUID
    answer: Annotated[str, Meta(max_length=20)]
    place_id: Annotated[int, Meta(ge=1, le=2**63 - 1)] | None = None
    other_place_id: Annotated[int, Meta(ge=1, le=2**63 - 1)] | None = None
    later_at: datetime | None = None
    note: Annotated[str, Meta(max_length=LONGEST_NOTE, pattern=r"^[^\x00]*\Z")] = ""


class Told(Struct, frozen=True, kw_only=True):
    """`after_entry`: the truck was in when this was said; it is kept all the same."""

    id: UUID
    movement_id: int
    answer: str
    after_entry: bool
    repeated: bool = False


async def answer(
    conn: Connection,
    office: Office,
    movement_id: int,
    said: Expected,
    actor: Actor,
    now: datetime,
) -> Told:
    """Sent twice it is one; a second answer stands beside the first, and counts. Raises NotFound
    `unknown_movement`; Conflict `event_id_taken`; Unprocessable `expectation_unknown`,
    `later_needed`, `destination_unknown`.
    """
    situation, world = await situation_of(conn, movement_id), await office.cache.now(conn)
    check_in_district(situation, actor, world)
    stop, place_id = _stop(situation, said, actor, world)
    _check(said, world)
    digest, inside = body_hash([movement_id, said]), _is_in(situation.loop)
    known = await conn.fetchrow(
        """
        INSERT INTO alerts.expectation_answer AS a
               (movement_id, event_id, body_hash, stop, place_id, answer, other_place_id, later_at,
                note_sealed, after_entry, actor, answered_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (movement_id, event_id) DO NOTHING RETURNING event_id
        """,
        movement_id,
        said.id,
        digest,
        stop,
        place_id,
        said.answer,
        said.other_place_id,
        said.later_at,
        _sealed(office, said.note),
        inside,
        actor_name(actor),
        now,
    )
    if known is None:
        return await _again(conn, movement_id, said, digest)
    if said.answer in REFUSALS:
        await _warn(conn, movement_id, said, place_id, now)
    await conn.execute("SELECT pg_notify('duty', '')")
    return Told(id=said.id, movement_id=movement_id, answer=said.answer, after_entry=inside)


def _stop(situation: Situation, said: Expected, actor: Actor, world: World) -> tuple[int, int]:
    """The number of the stop and its place: a firm's own, else the one that is named."""
    stops = situation.movement.stops or tuple(s.place_id for s in situation.loop.stops)
    wanted = place_of(actor) if Role.FIRM in actor.roles else said.place_id
    own = own_district(actor)
    for number, place_id in enumerate(stops):
        place = world.places.get(place_id)
        if place is not None and covers(own, place.district_code) and wanted in {None, place_id}:
            return number, place_id
    raise NotFound("unknown_movement", movement_id=situation.movement.movement_id)


def _check(said: Expected, world: World) -> None:
    if said.answer not in ANSWERS:
        raise Unprocessable("expectation_unknown", known=list(ANSWERS))
    if (said.answer == "later") != (said.later_at is not None):
        raise Unprocessable("later_needed")
    if said.other_place_id is not None:
        other = world.places.get(said.other_place_id)
        if said.answer != "not_us" or other is None or other.kind is not PlaceKind.DESTINATION:
            raise Unprocessable("destination_unknown")


def _is_in(loop: Loop) -> bool:
    return loop.released_at is not None


def _sealed(office: Office, note: str) -> bytes | None:
    kept = plain(note, LONGEST_NOTE)
    return office.vault.seal(kept, field=NOTE) if kept else None


async def _again(conn: Connection, movement_id: int, said: Expected, digest: bytes) -> Told:
    row = await conn.fetchrow(
        """
        SELECT body_hash, answer, after_entry FROM alerts.expectation_answer
         WHERE movement_id = $1 AND event_id = $2
        """,
        movement_id,
        said.id,
    )
    if row is None or row["body_hash"] != digest:
        raise Conflict("event_id_taken", id=str(said.id))
    return Told(
        id=said.id,
        movement_id=movement_id,
        answer=row["answer"],
        after_entry=row["after_entry"],
        repeated=True,
    )


async def _warn(
    conn: Connection, movement_id: int, said: Expected, place_id: int, now: datetime
) -> None:
    await post(
        conn,
        kind="truck_not_expected",
        key=f"{movement_id}:not_expected:{said.id}",
        recipient="duty",
        facts={"movement_id": movement_id, "place_id": place_id, "answer": said.answer},
        now=now,
    )


async def ask_due(
    conn: Connection, office: Office, now: datetime, last: datetime | None = None
) -> int:
    """Tells firms and their districts of trucks that have got a pass, once for each stop; how many.
    What is shown does not wait for it (`expecting_queries.expectations`): this is the message.
    `last` is when it was done before, to the end: what has not changed since was told then.
    """
    world = await office.cache.now(conn)
    if not world.rule_sets:
        return 0
    since = last - MARGIN if last else EVER
    total = 0
    while True:
        found, asked = await _ask_some(conn, world, now, since)
        total += asked
        if found < MOST:
            return total
        await asyncio.sleep(REST)


async def _ask_some(
    conn: Connection, world: World, now: datetime, since: datetime
) -> tuple[int, int]:
    """How many were still to be asked, and how many were asked here: another process may be at it,
    and whoever takes its share for the end leaves the rest for ever.
    """
    row = await conn.fetchrow(
        f"""
        WITH due AS (
            SELECT m.movement_id, (n.number - 1)::int AS stop, n.place_id
              FROM closedloop.loop l
              JOIN registry.movement m ON m.movement_id = l.movement_id
              CROSS JOIN LATERAL unnest(m.stops) WITH ORDINALITY AS n (place_id, number)
             WHERE l.updated_at >= $3 AND l.state = 'issued' AND m.window_to > $1::timestamptz
               AND NOT EXISTS (
                   SELECT 1 FROM alerts.expectation e
                    WHERE (e.movement_id, e.stop, e.place_id)
                          = (m.movement_id, (n.number - 1)::int, n.place_id))
             LIMIT {MOST:d}
        ), asked AS (
            INSERT INTO alerts.expectation (movement_id, stop, place_id, asked_at, due_at)
            SELECT movement_id, stop, place_id, $1::timestamptz,
                   $1::timestamptz + $2 * interval '1 minute' FROM due
            ON CONFLICT DO NOTHING
            RETURNING movement_id, stop, place_id, due_at
        ), told AS (
            INSERT INTO kernel.outbox (id, key, kind, recipient, facts, created_at, next_at)
            SELECT gen_random_uuid(),
                   concat_ws(':', a.movement_id, a.stop, 'announced', a.place_id, w.whom),
                   'truck_announced',
                   CASE w.whom WHEN 'firm' THEN 'place:' || a.place_id ELSE w.whom END,
                   jsonb_build_object('movement_id', a.movement_id, 'place_id', a.place_id,
                                      'due_at', a.due_at, 'district', p.district_code), $1, $1
              FROM asked a JOIN registry.place p ON p.id = a.place_id
              CROSS JOIN (VALUES ('firm'), ('grid')) AS w (whom)
            ON CONFLICT (key) DO NOTHING
        )
        SELECT (SELECT count(*) FROM due) AS found, (SELECT count(*) FROM asked) AS asked
        """,
        now,
        world.rules_at(now).information.expected_minutes,
        since,
    )
    return (row["found"], row["asked"]) if row else (0, 0)
