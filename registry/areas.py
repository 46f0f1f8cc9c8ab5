"""Areas that a source names: who sets out there, and what the record keeps of them."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from kernel.db import Connection
from registry.model import Area


def covers(area: Area, address: str) -> bool:
    """Whether an address lies in an area, as far as its words tell.

    An address that is coarser than the area is not in it: of such a truck nobody knows, and its
    driver is asked. An exclusion wins over an inclusion.
    """
    text = plain(address)
    if not all(plain(word) in text for word in area.words):
        return False
    if any(plain(word) in text for word in area.spared):
        return False
    return not area.included or any(plain(word) in text for word in area.included)


def plain(text: str) -> str:
    """Without spaces: people write 历下区 泉城路 and 历下区泉城路."""
    return "".join(text.split()).casefold()


async def read_areas(conn: Connection) -> tuple[Area, ...]:
    """All that may still begin or last; an end in the past is kept for verdicts about the past."""
    rows = await conn.fetch(
        """
        SELECT kind, name, level, since, until, words, included, spared, source
          FROM registry.area ORDER BY kind, name, since
        """
    )
    return tuple(msgspec.convert(dict(row), Area) for row in rows)


async def store_areas(
    conn: Connection, kind: str, source: str, batch_id: UUID, areas: Sequence[Area]
) -> None:
    """What a source says of an area and its beginning stands; an end may be added to it."""
    await conn.executemany(
        """
        INSERT INTO registry.area AS a
               (kind, source, name, since, until, level, words, included, spared, batch_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (kind, source, name, since) DO UPDATE
           SET until = excluded.until, level = excluded.level, words = excluded.words,
               included = excluded.included, spared = excluded.spared,
               batch_id = excluded.batch_id
         WHERE (a.until, a.level, a.words, a.included, a.spared)
               IS DISTINCT FROM (excluded.until, excluded.level, excluded.words,
                                 excluded.included, excluded.spared)
        """,
        [
            (
                kind,
                source,
                each.name,
                each.since,
                each.until,
                each.level,
                list(each.words),
                list(each.included),
                list(each.spared),
                batch_id,
            )
            for each in areas
        ],
    )
