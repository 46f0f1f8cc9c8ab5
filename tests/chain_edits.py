"""What the owner of the database might do to the ledger and the record of accesses: each edit is
one transaction, and leaves no trace but in the rows. None has the key of the seals.
"""

from collections.abc import Awaitable, Callable
from hashlib import sha256
from random import Random
from typing import Any

from kernel.chain import ACCESSES, KEEPING, Stream, rows_between
from kernel.db import Connection
from registry.ledger import EVENTS

Edit = Callable[[Connection, Random], Awaitable[None]]

#: Other values of each column.
CHANGES: dict[str, dict[str, str]] = {
    "registry.event": {
        "movement_id": "movement_id + 1000000000000",
        "event_id": "gen_random_uuid()",
        "kind": "CASE kind WHEN 'entry' THEN 'exit' ELSE 'entry' END",
        "occurred_at": "occurred_at + interval '1 microsecond'",
        "received_at": "received_at - interval '1 minute'",
        "uncertainty_ms": "uncertainty_ms + 1",
        "place_id": "coalesce(place_id, 0) + 1",
        "gate": "gate || '2'",
        "device_id": "gen_random_uuid()",
        "sequence": "coalesce(sequence, 0) + 1",
        "offline": "NOT offline",
        "actor": "actor || ' '",
        "body": """body || '{"plate_seen": "豫A00001"}'""",
    },
    "kernel.audit": {
        "id": "gen_random_uuid()",
        "at": "at + interval '1 day'",
        "actor_id": "gen_random_uuid()",
        "actor_name": "actor_name || '?'",
        "action": "action || '?'",
        "subject_kind": "subject_kind || '?'",
        "subject": "subject || '?'",
        "reason": "'核对证件'",
    },
    "kernel.retention_change": {
        "before": "before + 1",
        "reason": "reason || '!'",
        "actor_name": "'另一人'",
        "at": "at - interval '1 day'",
    },
}
KEYS = {"registry.event": "event_id", "kernel.audit": "id", "kernel.retention_change": "id"}


async def unlocked(conn: Connection) -> None:
    """What the owner may do: the tables' triggers are theirs."""
    for table in (*CHANGES, "kernel.link"):
        await conn.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")


async def _one(conn: Connection, random: Random, stream: Stream) -> int:
    numbers = await conn.fetch(f"SELECT number FROM {stream.table} ORDER BY number")
    return random.choice(numbers)["number"]


def _stream(random: Random) -> Stream:
    return random.choices((EVENTS, ACCESSES, KEEPING), (6, 3, 1))[0]


async def change_a_row(conn: Connection, random: Random) -> None:
    await _change(conn, random, _stream(random))


async def _change(conn: Connection, random: Random, stream: Stream) -> int:
    number = await _one(conn, random, stream)
    column, value = random.choice(list(CHANGES[stream.table].items()))
    await conn.execute(f"UPDATE {stream.table} SET {column} = {value} WHERE number = $1", number)
    return number


async def delete_a_row(conn: Connection, random: Random) -> None:
    stream = _stream(random)
    number = await _one(conn, random, stream)
    await conn.execute(f"DELETE FROM {stream.table} WHERE number = $1", number)


async def add_a_row(conn: Connection, random: Random) -> None:
    """A copy under another id, in a number that was given already, or in one that never is."""
    stream = random.choice((EVENTS, ACCESSES))
    number = await _one(conn, random, stream)
    columns = [name for name in stream.columns if name != KEYS[stream.table]]
    await conn.execute(
        f"""
        INSERT INTO {stream.table} (number, {KEYS[stream.table]}, {", ".join(columns)})
        SELECT $2::bigint, gen_random_uuid(), {", ".join(columns)} FROM {stream.table}
         WHERE number = $1::bigint
        """,
        number,
        random.choice((number, 0, -number)),
    )


async def exchange_two_bodies(conn: Connection, random: Random) -> None:
    """Nothing is lost and nothing is new: only each stands at the other's place."""
    del random
    await conn.execute(
        """
        UPDATE registry.event e SET body = o.body FROM registry.event o
         WHERE (e.number, o.number) IN (
               SELECT a.number, b.number FROM registry.event a, registry.event b
                WHERE a.body <> b.body ORDER BY a.number, b.number LIMIT 1)
        """
    )


async def change_a_row_and_its_leaf(conn: Connection, random: Random) -> None:
    """Whoever knows how the hashes are made makes the one that fits; only the tag is beyond them."""
    stream = _stream(random)
    await _change(conn, random, stream)
    links = await conn.fetch(
        "SELECT number, above, upto FROM kernel.link WHERE stream = $1", stream.name
    )
    for link in links:
        rows = await rows_between(conn, stream, link["above"], link["upto"])
        await conn.execute(
            "UPDATE kernel.link SET leaves = $3 WHERE stream = $1 AND number = $2",
            stream.name,
            link["number"],
            b"".join(row.leaf for row in rows),
        )


async def change_a_link(conn: Connection, random: Random) -> None:
    change = random.choice(
        (
            "last_at = last_at - interval '400 days', first_at = first_at - interval '400 days'",
            f"tag = '\\x{sha256(random.randbytes(8)).hexdigest()}'",
            "leaves = leaves || substr(leaves, 1, 32)",
            "upto = upto + 1",
        )
    )
    await _at_a_link(conn, random, f"UPDATE kernel.link SET {change} WHERE number = $1")


async def delete_a_link(conn: Connection, random: Random) -> None:
    await _at_a_link(conn, random, "DELETE FROM kernel.link WHERE number = $1")


async def _at_a_link(conn: Connection, random: Random, statement: str) -> None:
    links = await conn.fetch("SELECT number FROM kernel.link WHERE stream = 'events'")
    number = random.choice(links)["number"]
    await conn.execute(f"{statement} AND stream = 'events'", number)


async def cut_off_the_end(conn: Connection, random: Random) -> None:
    """Rows and links after a moment, all of them: what is left is whole, and only whoever wrote
    down a later link knows.
    """
    links = await conn.fetch("SELECT number, above FROM kernel.link WHERE stream = 'events'")
    link: Any = random.choice(links)
    await conn.execute("DELETE FROM registry.event WHERE number > $1", link["above"])
    await conn.execute(
        "DELETE FROM kernel.link WHERE stream = 'events' AND number >= $1", link["number"]
    )


EDITS: dict[str, tuple[int, Edit]] = {
    "a row changed": (10, change_a_row),
    "a row deleted": (4, delete_a_row),
    "a row added": (3, add_a_row),
    "two bodies exchanged": (1, exchange_two_bodies),
    "a row and its leaf changed": (4, change_a_row_and_its_leaf),
    "a link changed": (2, change_a_link),
    "a link deleted": (1, delete_a_link),
    "the end cut off": (1, cut_off_the_end),
}
