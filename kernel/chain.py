"""Append-only tables, sealed link by link, so that an edit by the database's owner is found.

A link holds the hash of every row of its range of numbers, and a tag (HMAC-SHA-256 under a key of
the vault) over those hashes, its facts and the tag before it. Numbers are drawn when rows are
written; a range is sealed when every transaction that could still write into it is over, whatever
the clocks say. Rows whose time is over (kernel/retention.py) may be gone; no other may.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
import structlog
from msgspec import Struct, convert

from kernel.db import Connection
from kernel.privacy import Vault

FORM = 1
LEAF_BYTES = 32
#: So many numbers make a link at most; and so many seconds between two, since others wait for the
#: same database.
PORTION, REST = 1_000, 0.02
PURPOSE = "chain"
_LOCK = 0x636861696E  # "chain"

_log: Any = structlog.get_logger(__name__)


class Stream(Struct, frozen=True, kw_only=True):
    """A table in which each row has a `number`. `columns` are hashed in this order; a change of
    them needs a new form. `at` is the column by which the rows of class `kept` become due; None
    where they stay for ever.
    """

    name: str
    table: str
    columns: tuple[str, ...]
    at: str
    kept: str | None


class Link(Struct, frozen=True, kw_only=True):
    """Rows with numbers above `above` and up to `upto`."""

    stream: str
    number: int
    form: int
    above: int
    upto: int
    first_at: datetime
    last_at: datetime
    leaves: bytes
    tag: bytes

    def expected_tag(self, vault: Vault, previous: bytes) -> bytes:
        """What the tag must be behind a link with the tag `previous` (empty for the first)."""
        facts = (
            *(self.stream, self.number, self.form, self.above, self.upto),
            *(self.first_at, self.last_at, sha256(self.leaves).hexdigest(), previous.hex()),
        )
        return vault.mac(PURPOSE, msgspec.json.encode(facts))


class End(Struct, frozen=True, kw_only=True):
    """Of the last link; before the first one, that of none."""

    number: int = 0
    upto: int = 0
    tag: bytes = b""


class Row(Struct, frozen=True, kw_only=True):
    """`leaf` is the row's hash."""

    number: int
    at: datetime
    leaf: bytes


ACCESSES = Stream(
    name="accesses",
    table="kernel.audit",
    columns=("id", "at", "actor_id", "actor_name", "action", "subject_kind", "subject", "reason"),
    at="at",
    kept="audit",
)
KEEPING = Stream(
    name="keeping",
    table="kernel.retention_change",
    columns=("id", "class", "before", "after", "reason", "actor_id", "actor_name", "at"),
    at="at",
    kept=None,
)


async def rows_between(conn: Connection, stream: Stream, above: int, upto: int) -> list[Row]:
    """Numbers above the first and up to the second, in their order."""
    rows = await conn.fetch(
        f"""
        SELECT number, {stream.at} AS at,
               sha256(convert_to(jsonb_build_array(number, {", ".join(stream.columns)})::text,
                                 'UTF8')) AS leaf
          FROM {stream.table} WHERE number > $1 AND number <= $2 ORDER BY number, leaf
        """,
        above,
        upto,
    )
    return [convert(dict(row), Row) for row in rows]


async def links_of(conn: Connection, stream: Stream, after: int, limit: int) -> list[Link]:
    rows = await conn.fetch(
        """
        SELECT stream, number, form, above, upto, first_at, last_at, leaves, tag FROM kernel.link
         WHERE stream = $1 AND number > $2 ORDER BY number LIMIT $3
        """,
        stream.name,
        after,
        limit,
    )
    return [Link(**dict(row)) for row in rows]


async def end_of(conn: Connection, stream: Stream) -> End:
    """Where the next link is made fast."""
    row = await conn.fetchrow(
        """
        SELECT number, upto, tag FROM kernel.link
         WHERE stream = $1 ORDER BY number DESC LIMIT 1
        """,
        stream.name,
    )
    return End() if row is None else End(**dict(row))


async def seal_settled(
    conn: Connection, vault: Vault, streams: Sequence[Stream], now: datetime
) -> int:
    """Seals what had been numbered at the last run, if everybody who wrote then is done; returns
    how many links were made. Whoever holds the lock does it; the others go on.
    """
    made = 0
    for stream in streams:
        while link := await _seal_next(conn, vault, stream, now):
            made += 1
            # Once it is committed: a log must not speak of links that never came to be.
            _log.info("link_sealed", name=stream.name, count=link.number, seal=link.tag.hex())
            await asyncio.sleep(REST)
    return made


async def _seal_next(conn: Connection, vault: Vault, stream: Stream, now: datetime) -> Link | None:
    """One link; where there is none left to be made, up to where the next run may go."""
    async with conn.transaction():
        if not await conn.fetchval("SELECT pg_try_advisory_xact_lock($1)", _LOCK):
            return None
        settled = await _settled(conn, stream)
        if settled is None:
            return None
        link = await _seal_upto(conn, vault, stream, settled, now)
        if link is None:
            await _mark(conn, stream)
        return link


async def _settled(conn: Connection, stream: Stream) -> int | None:
    """Up to which number every row is there that will ever be; None while somebody may still write.
    A database that was restored counts its transactions anew: all it was given is there.
    """
    row = await conn.fetchrow(
        """
        SELECT upto, pg_snapshot_xmin(pg_current_snapshot()) >= horizon
                     OR pg_snapshot_xmax(pg_current_snapshot()) < horizon AS over
          FROM kernel.link_mark WHERE stream = $1
        """,
        stream.name,
    )
    if row is None:
        return 0
    return row["upto"] if row["over"] else None


async def _mark(conn: Connection, stream: Stream) -> None:
    """The highest number so far, and the transaction that begins next."""
    await conn.execute(
        f"""
        INSERT INTO kernel.link_mark AS m (stream, upto, horizon)
        SELECT $1, coalesce(pg_sequence_last_value(pg_get_serial_sequence('{stream.table}',
                   'number')::regclass), 0), pg_snapshot_xmax(pg_current_snapshot())
        ON CONFLICT (stream) DO UPDATE
           SET upto = greatest(m.upto, excluded.upto), horizon = excluded.horizon
        """,
        stream.name,
    )


async def _seal_upto(
    conn: Connection, vault: Vault, stream: Stream, settled: int, now: datetime
) -> Link | None:
    end = await end_of(conn, stream)
    upto, rows = await _portion(conn, stream, end.upto, settled)
    if not rows:
        return None  # the next link begins where the last one ended
    link = _link(vault, stream, end, upto, rows)
    await _add(conn, link, now)
    return link


async def _portion(
    conn: Connection, stream: Stream, above: int, settled: int
) -> tuple[int, list[Row]]:
    """The next rows, and up to which number they are all. Writers who fail have drawn numbers
    too: a gap may be wider than a portion.
    """
    upto = min(settled, above + PORTION)
    rows = await rows_between(conn, stream, above, upto)
    if rows or upto == settled:
        return upto, rows
    following = await conn.fetchval(
        f"SELECT min(number) FROM {stream.table} WHERE number > $1 AND number <= $2", upto, settled
    )
    if following is None:
        return settled, []
    upto = min(settled, following + PORTION - 1)
    return upto, await rows_between(conn, stream, above, upto)


def _link(vault: Vault, stream: Stream, end: End, upto: int, rows: Sequence[Row]) -> Link:
    bare = Link(
        stream=stream.name,
        number=end.number + 1,
        form=FORM,
        above=end.upto,
        upto=upto,
        first_at=min(row.at for row in rows),
        last_at=max(row.at for row in rows),
        leaves=b"".join(row.leaf for row in rows),
        tag=b"",
    )
    return msgspec.structs.replace(bare, tag=bare.expected_tag(vault, end.tag))


async def _add(conn: Connection, link: Link, now: datetime) -> None:
    await conn.execute(
        """
        INSERT INTO kernel.link (stream, number, form, above, upto, first_at, last_at, leaves, tag,
                                 made_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        """,
        *(link.stream, link.number, link.form, link.above, link.upto),
        *(link.first_at, link.last_at, link.leaves, link.tag, now),
    )
