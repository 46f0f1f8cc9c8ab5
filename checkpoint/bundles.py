"""The bundle of one checkpoint: all passes expected there, as its consoles keep them, signed.

The first one is whole; later ones hold what changed since. A change is looked for a little before
the last bundle was made, because a transaction that began earlier may end later: to hear of the
same pass twice does no harm, to miss one does.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from alerts.watch_list import wanted
from checkpoint.bundle import Pass, compact, key_of, last_of, ms, standing_of
from closedloop.model import Loop
from kernel.db import Connection
from kernel.privacy import Vault
from registry.jose import sign
from registry.model import Area, Movement, Place, Subject
from registry.passes import pass_numbers
from registry.rules import RuleSet, Visitors
from registry.signing_keys import SigningKey, private_of, published
from registry.stepladders import Supervision
from registry.world import World

FORMAT = 1
CHUNK = 1000
#: No scan, act or report takes longer to be stored (kernel/db.py: statements 5 s, idle 10 s).
OVERLAP = timedelta(seconds=60)
#: An import is one transaction of up to a hundred thousand rows, stamped at its beginning.
IMPORT_OVERLAP = timedelta(minutes=10)
#: What is over for so long is expected by nobody.
KEPT_AFTER = timedelta(hours=24)
#: A console that was away for longer gets the whole.
MOST_BEHIND = timedelta(hours=24)
CONTEXT = b"checkpoint gate bundle\0"


class Reader(Struct, frozen=True, kw_only=True):
    """For whom a bundle is made, of what, and since when (None: all)."""

    world: World
    place: Place
    since: datetime | None
    now: datetime


class Signed(Struct, frozen=True, kw_only=True):
    signed: str
    signature: str
    kid: int


_MOVEMENT = msgspec.json.Decoder(Movement)
_PEOPLE = msgspec.json.Decoder(tuple[Subject, ...])
_LOOP = msgspec.json.Decoder(Loop)


def since_of(cursor: int | None, now: datetime) -> datetime | None:
    """The hour from which changes are wanted; None where only the whole will do."""
    if cursor is None:
        return None
    said = datetime.fromtimestamp(min(max(cursor, 0), 2**43) / 1000, now.tzinfo)
    return said if now - MOST_BEHIND <= said <= now else None


async def make(conn: Connection, vault: Vault, reader: Reader, signing: SigningKey) -> Signed:
    """Runs in small steps: lanes of the same process wait for nothing longer than one of them."""
    if reader.since is not None and await _areas_changed(conn, reader.since):
        reader = msgspec.structs.replace(reader, since=None)
    passes: dict[str, Pass] = {}
    gone: list[str] = []
    after = 0
    while rows := await _expected(conn, reader, after):
        after = rows[-1]["movement_id"]
        here, away = await asyncio.to_thread(_read, vault, reader, rows)
        passes |= here
        gone += away
    body = _body(reader, passes, gone) | {"watch": await _watched(conn, reader)}
    return await asyncio.to_thread(_sign, vault, signing, body)


async def _watched(conn: Connection, reader: Reader) -> list[str]:
    """Plates that every checkpoint looks out for: tractors and trailers (mission §7, L4)."""
    found = await wanted(conn, reader.world.rules_at(reader.now).ladder)
    return sorted({plate for each in found for plate in (each.plate, each.trailer_plate) if plate})


async def _areas_changed(conn: Connection, since: datetime) -> bool:
    return await conn.fetchval(
        """
        SELECT EXISTS (SELECT 1 FROM registry.area a
                         JOIN registry.evidence_batch b ON b.id = a.batch_id
                        WHERE b.imported_at >= $1)
        """,
        since - OVERLAP,
    )


async def _expected(conn: Connection, reader: Reader, after: int) -> list[Any]:
    """Movements expected at the place, or seen there; since an hour, those that changed. Of the
    changed ones also those that are expected elsewhere now.
    """
    changed = "" if reader.since is None else f"AND m.movement_id IN ({_CHANGED})"
    amended = "OR m.version > 1" if reader.since is not None else ""
    since = reader.since
    from_when = () if since is None else (since - OVERLAP, since - IMPORT_OVERLAP)
    return await conn.fetch(
        f"""
        SELECT m.movement_id,
               coalesce(m.entry_place_id = $1, true) OR coalesce(l.entry_place_id = $1, false)
                   AS here,
               json_build_object(
                   'movement_id', m.movement_id, 'version', m.version, 'plate', m.plate,
                   'trailer_plate', m.trailer_plate, 'origin', m.origin, 'goods', m.goods,
                   'entry_place_id', m.entry_place_id, 'stops', m.stops,
                   'expected_entry_at', m.expected_entry_at, 'expected_exit_at', m.expected_exit_at,
                   'window_from', m.window_from, 'window_to', m.window_to, 'failures', m.failures,
                   'channel', m.channel, 'reported_at', m.reported_at,
                   'vehicle', m.vehicle)::text AS movement,
               (SELECT json_agg(json_build_object(
                           'ordinal', p.ordinal, 'role', p.role, 'masked_name', '',
                           'declared', p.declared, 'evidence', p.evidence) ORDER BY p.ordinal)::text
                  FROM registry.movement_person p WHERE p.movement_id = m.movement_id) AS people,
               l.view::text AS loop
          FROM registry.movement m JOIN closedloop.loop l ON l.movement_id = m.movement_id
         WHERE m.movement_id > $2 AND (m.window_to IS NULL OR m.window_to > $3)
           AND (m.entry_place_id = $1 OR l.entry_place_id = $1
                OR m.entry_place_id IS NULL AND l.updated_at > $3 {amended})
           {changed}
         ORDER BY m.movement_id LIMIT {CHUNK}
        """,
        reader.place.id,
        after,
        reader.now - KEPT_AFTER,
        *from_when,
    )


#: Loops that moved from $4 on, and people or trucks about whom something came in from $5 on.
_CHANGED = """
    SELECT movement_id FROM closedloop.loop WHERE updated_at >= $4
    UNION
    SELECT p.movement_id FROM registry.evidence_batch b
      JOIN registry.evidence e ON e.batch_id = b.id
      JOIN registry.movement_person p ON p.subject = e.subject WHERE b.imported_at >= $5
    UNION
    SELECT t.movement_id FROM registry.evidence_batch b
      JOIN registry.evidence e ON e.batch_id = b.id
      JOIN registry.plate_lookup t ON t.plate = convert_from(substring(e.subject FROM 7), 'UTF8')
     WHERE b.imported_at >= $5 AND substring(e.subject FROM 1 FOR 6) = 'plate:'::bytea"""


def _read(vault: Vault, reader: Reader, rows: Sequence[Any]) -> tuple[dict[str, Pass], list[str]]:
    here: dict[str, Pass] = {}
    away: list[str] = []
    for row in rows:
        keys = [key_of(number) for number in pass_numbers(row["movement_id"], vault)]
        if not row["here"]:
            away += keys
            continue
        made = _pass(row, reader.world.areas)
        here |= dict.fromkeys(keys, made)
    return here, away


def _pass(row: Any, areas: Sequence[Area]) -> Pass:  # noqa: ANN401 - a row
    loop = _LOOP.decode(row["loop"])
    people = _PEOPLE.decode(row["people"] or "[]")
    movement = _MOVEMENT.decode(row["movement"])
    return compact(movement, people, standing_of(loop), areas, last_of(loop))


def _body(reader: Reader, passes: dict[str, Pass], gone: list[str]) -> dict[str, Any]:
    world, place = reader.world, reader.place
    return {
        "format": FORMAT,
        "kind": "full" if reader.since is None else "delta",
        "cursor": ms(reader.now),
        "base": ms(reader.since),
        "made_at": ms(reader.now),
        "place": {"id": place.id, "name": place.name, "gates": place.gates, "lanes": place.lanes},
        "rules": _rules(world, reader.now),
        "sources": {kind: ms(at) for kind, at in world.sources.items()},
        "keys": [published(key) for key in world.signing_keys],
        "passes": passes,
        "gone": gone,
    }


def _rules(world: World, now: datetime) -> list[dict[str, Any]]:
    """The rule set in force, and those whose hour comes: a console without network obeys it."""
    ruling = world.rules_at(now)
    to_come = [(at, rules) for at, rules in world.rule_sets if at > now]
    since: list[tuple[int | None, RuleSet]] = [(0, ruling), *((ms(at), r) for at, r in to_come)]
    # No visitor comes to a lane, and how places are supervised is nothing for one.
    bare, gone = msgspec.structs.replace, {"visitors": Visitors(), "supervision": Supervision()}
    return [{"from": at, "body": bare(rules, **gone)} for at, rules in since]


def _sign(vault: Vault, key: SigningKey, body: dict[str, Any]) -> Signed:
    text = msgspec.json.encode(body)
    signature = sign(private_of(key, vault), CONTEXT + text)
    return Signed(signed=text.decode(), signature=signature, kid=key.kid)
