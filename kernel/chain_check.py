"""Whether what was sealed is still what it was: every link and every row, read again."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from kernel.chain import FORM, LEAF_BYTES, Link, Row, Stream, links_of, rows_between
from kernel.db import Connection
from kernel.errors import Malformed
from kernel.privacy import Vault

_LINKS_AT_ONCE = 20


class Wrong(StrEnum):
    """What is the matter with a link or with a row."""

    LINK_ALTERED = "link_altered"
    LINK_MISSING = "link_missing"
    #: A row is not what was sealed, or was not there: `numbers` says which.
    ROW_ALTERED = "row_altered"
    #: A row is gone that was not due.
    ROW_GONE = "row_gone"


class Finding(Struct, frozen=True, kw_only=True):
    stream: str
    link: int
    wrong: Wrong
    #: Numbers of the rows that do not fit.
    numbers: tuple[int, ...] = ()


class Head(Struct, frozen=True, kw_only=True):
    """A link that somebody outside wrote down: its number and its tag."""

    stream: str
    number: int
    tag: bytes


class Checked(Struct, frozen=True, kw_only=True):
    """`let_go` rows were erased when their time was over; `open` rows are not sealed yet; `head`
    is the last link, to be written down elsewhere.
    """

    stream: str
    links: int
    rows: int
    let_go: int
    open: int
    head: Head | None
    findings: tuple[Finding, ...]


def read_head(text: str) -> Head:
    """`stream:number:tag`, as it is logged and printed. Raises Malformed `head_malformed`."""
    try:
        stream, number, tag = text.strip().split(":")
        return Head(stream=stream, number=int(number), tag=bytes.fromhex(tag))
    except ValueError as error:
        raise Malformed("head_malformed") from error


def show_head(head: Head) -> str:
    return f"{head.stream}:{head.number}:{head.tag.hex()}"


async def check_stream(
    conn: Connection,
    vault: Vault,
    stream: Stream,
    now: datetime,
    heads: Sequence[Head] = (),
) -> Checked:
    """Reads the whole stream, a portion at a time. `heads` are links as they were once."""
    kept = await _kept_for(conn, stream)
    wanted = {head.number: head.tag for head in heads if head.stream == stream.name}
    walk = _Walk(vault, stream, wanted)
    while links := await links_of(conn, stream, walk.number, _LINKS_AT_ONCE):
        for link in links:
            rows = await rows_between(conn, stream, walk.upto, max(link.upto, walk.upto))
            walk.take(link, rows, due=kept is not None and link.first_at < now - kept)
    await _look_outside(conn, stream, walk)
    return walk.checked(await _open_rows(conn, stream, walk.upto))


async def _kept_for(conn: Connection, stream: Stream) -> timedelta | None:
    """The shortest time that the class ever had: what went by it stays gone when it is longer. The
    changes are sealed themselves.
    """
    if stream.kept is None:
        return None
    days = await conn.fetchval(
        """
        SELECT least(r.amount, min(c.before), min(c.after))
          FROM kernel.retention r LEFT JOIN kernel.retention_change c ON c.class = r.class
         WHERE r.class = $1 GROUP BY r.amount
        """,
        stream.kept,
    )
    return timedelta(days=days)


async def _open_rows(conn: Connection, stream: Stream, upto: int) -> int:
    return await conn.fetchval(f"SELECT count(*) FROM {stream.table} WHERE number > $1", upto)


async def _look_outside(conn: Connection, stream: Stream, walk: "_Walk") -> None:
    """No sequence gives these numbers: such a row would be in no link's range."""
    rows = await conn.fetch(f"SELECT number FROM {stream.table} WHERE number < 1 LIMIT 100")
    if rows:
        walk.say(0, Wrong.ROW_ALTERED, tuple(row["number"] for row in rows))


class _Walk:
    """From link to link; each is held against the one before it and against its rows."""

    def __init__(self, vault: Vault, stream: Stream, wanted: Mapping[int, bytes]) -> None:
        self._vault, self._stream, self._wanted = vault, stream, dict(wanted)
        self.number, self.upto, self._tag = 0, 0, b""
        self._links = self._rows = self._let_go = 0
        self._findings: list[Finding] = []

    def say(self, link: int, wrong: Wrong, numbers: tuple[int, ...] = ()) -> None:
        self._findings.append(
            Finding(stream=self._stream.name, link=link, wrong=wrong, numbers=numbers)
        )

    def take(self, link: Link, rows: Sequence[Row], *, due: bool) -> None:
        if link.number != self.number + 1:
            self.say(self.number + 1, Wrong.LINK_MISSING)
        if not self._fits(link):
            self.say(link.number, Wrong.LINK_ALTERED)
        self._compare(link, rows, due=due)
        self.number, self.upto, self._tag = link.number, max(link.upto, self.upto), link.tag
        self._links += 1

    def _fits(self, link: Link) -> bool:
        return (
            link.form == FORM
            and link.above == self.upto
            and link.tag == link.expected_tag(self._vault, self._tag)
            and self._wanted.pop(link.number, link.tag) == link.tag
        )

    def _compare(self, link: Link, rows: Sequence[Row], *, due: bool) -> None:
        """Hashes count: the same row twice is once too often."""
        sealed = Counter(
            link.leaves[at : at + LEAF_BYTES] for at in range(0, len(link.leaves), LEAF_BYTES)
        )
        found = Counter(row.leaf for row in rows)
        strange = found - sealed
        if strange:
            numbers = {row.number for row in rows if row.leaf in strange}
            self.say(link.number, Wrong.ROW_ALTERED, tuple(sorted(numbers)))
        gone = (sealed - found).total() - strange.total()
        if gone > 0 and not due:
            self.say(link.number, Wrong.ROW_GONE)
        self._rows += len(rows)
        self._let_go += max(gone, 0) if due else 0

    def checked(self, open_rows: int) -> Checked:
        for number in self._wanted:
            self.say(number, Wrong.LINK_MISSING)
        head = Head(stream=self._stream.name, number=self.number, tag=self._tag)
        return Checked(
            stream=self._stream.name,
            links=self._links,
            rows=self._rows,
            let_go=self._let_go,
            open=open_rows,
            head=head if self.number else None,
            findings=tuple(self._findings),
        )
