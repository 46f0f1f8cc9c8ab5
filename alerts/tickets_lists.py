"""Lists of people to be called: from a file, or of those of whom the record has some evidence."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID, uuid5

from msgspec import Struct, convert

from alerts.tickets import NewTicket, Origin, receive
from alerts.tickets_model import Kind
from alerts.tickets_words import plain
from closedloop.reporting import Office, body_hash
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import Conflict, Refused, Unprocessable
from registry.tables import RowError, read_rows

#: Columns with the headings that lists have in practice.
COLUMNS = {
    "name": ("姓名", "人员姓名"),
    "phone": ("电话", "手机号", "联系电话", "手机号码"),
    "district": ("区县代码", "属地代码"),
    "words": ("事由", "备注", "说明"),
}
OPTIONAL = ("name", "district", "words")
MOST_ROWS = 2_000
LARGEST = 1024 * 1024


class NewBatch(Struct, frozen=True, kw_only=True):
    id: UUID
    name: str
    category: str
    district: str = ""


class Person(Struct, frozen=True, kw_only=True):
    line: int
    name: str
    phone: str
    district: str = ""
    words: str = ""

    def __repr__(self) -> str:
        return f"Person({self.line})"


class Refusal(Struct, frozen=True, kw_only=True):
    line: int
    code: str
    facts: dict[str, object] = {}


class Made(Struct, frozen=True, kw_only=True):
    id: UUID
    accepted: int
    refused: tuple[Refusal, ...]
    repeated: bool = False


class Batch(Struct, frozen=True, kw_only=True):
    """`waiting` are to be called, `open` are not finished."""

    id: UUID
    name: str
    category: str
    accepted: int
    refused: int
    waiting: int
    open: int
    made_by: str
    made_at: datetime


def people_of(data: bytes) -> Iterator[Person | Refusal]:
    """Rows of a CSV file. Raises as `read_rows` does about the whole file."""
    for row in read_rows(data, "text/csv", columns=COLUMNS, optional=OPTIONAL, row_cap=MOST_ROWS):
        if isinstance(row, RowError):
            yield Refusal(line=row.line, code=row.code, facts=row.facts)
        else:
            yield Person(line=row.line, **row.values)


async def take_list(
    conn: Connection,
    office: Office,
    batch: NewBatch,
    people: Sequence[Person | Refusal],
    actor: Actor,
    now: datetime,
) -> Made:
    """One item for each person; a line that is refused spoils no other, and the same telephone
    twice is called once. Sent twice the list is one. Raises Unprocessable `batch_name_needed`,
    `category_unknown`; Conflict `event_id_taken`.
    """
    rules, name = (await office.cache.now(conn)).rules_at(now).information, plain(batch.name, 100)
    if not name:
        raise Unprocessable("batch_name_needed")
    if rules.category(Kind.SCREENING, batch.category) is None:
        raise Unprocessable(
            "category_unknown", known=[each.code for each in rules.categories(Kind.SCREENING)]
        )
    digest = body_hash([batch, people])
    if (known := await _known(conn, batch.id, digest)) is not None:
        return known
    refused, seen = list[Refusal](), set[str]()
    accepted = 0
    for each in people:
        wrong = await _take(conn, office, batch, each, seen, actor, now)
        accepted += wrong is None
        refused += [] if wrong is None else [wrong]
    await conn.execute(
        """
        INSERT INTO alerts.ticket_batch
               (id, body_hash, name, category, district_code, accepted, refused, made_by, made_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        batch.id,
        digest,
        name,
        batch.category,
        batch.district,
        accepted,
        len(refused),
        actor.id,
        now,
    )
    return Made(id=batch.id, accepted=accepted, refused=tuple(refused))


async def _known(conn: Connection, batch_id: UUID, digest: bytes) -> Made | None:
    row = await conn.fetchrow(
        "SELECT body_hash, accepted FROM alerts.ticket_batch WHERE id = $1", batch_id
    )
    if row is not None and row["body_hash"] != digest:
        raise Conflict("event_id_taken", id=str(batch_id))
    if row is None:
        return None
    return Made(id=batch_id, accepted=row["accepted"], refused=(), repeated=True)


async def _take(
    conn: Connection,
    office: Office,
    batch: NewBatch,
    each: Person | Refusal,
    seen: set[str],
    actor: Actor,
    now: datetime,
) -> Refusal | None:
    if isinstance(each, Refusal):
        return each
    digits = "".join(c for c in each.phone if c.isdigit())[-11:]
    if not digits or digits in seen:
        return Refusal(line=each.line, code="phone_twice" if digits else "phone_needed")
    seen.add(digits)
    said = NewTicket(
        id=uuid5(batch.id, digits),
        category=batch.category,
        words=each.words[:1000],
        name=each.name[:50],
        phone=each.phone[:40],
        district=each.district.strip() or batch.district,
    )
    try:
        async with conn.transaction():
            origin = Origin(source="list", batch_id=batch.id)
            await receive(conn, office, Kind.SCREENING, said, origin, actor, now)
    except Refused as refused:
        return Refusal(line=each.line, code=refused.code, facts=refused.facts)
    return None


async def people_with_evidence(
    conn: Connection, office: Office, kind: str, value: str, since: datetime, district: str
) -> list[Person]:
    """Whoever the record knows with a telephone, and of whom a source has said this since."""
    rows = await conn.fetch(
        """
        SELECT DISTINCT ON (p.id) p.id, p.name_sealed, p.phone_sealed, e.source
          FROM registry.evidence e JOIN registry.person p ON p.id_blind = e.subject
         WHERE e.kind = $1 AND e.value = $2 AND e.taken_at >= $3
           AND p.phone_sealed IS NOT NULL AND p.erased_at IS NULL
         ORDER BY p.id, e.taken_at DESC LIMIT $4
        """,
        kind,
        value,
        since,
        MOST_ROWS,
    )
    return [
        Person(
            line=number,
            name=office.vault.read(row["name_sealed"], field="person_name") or "",
            phone=office.vault.read(row["phone_sealed"], field="phone") or "",
            district=district,
            words=row["source"],
        )
        for number, row in enumerate(rows, 1)
    ]


async def batches(conn: Connection, limit: int = 50) -> list[Batch]:
    """The newest first."""
    rows = await conn.fetch(
        """
        SELECT b.id, b.name, b.category, b.accepted, b.refused,
               count(t.id) FILTER (WHERE t.state = 'received') AS waiting,
               count(t.id) FILTER (WHERE t.finished_at IS NULL) AS open,
               coalesce(a.name, '') AS made_by, b.made_at
          FROM alerts.ticket_batch b
          LEFT JOIN alerts.ticket t ON t.batch_id = b.id
          LEFT JOIN registry.account a ON a.id = b.made_by
         GROUP BY b.id, a.name ORDER BY b.made_at DESC, b.id LIMIT $1
        """,
        limit,
    )
    return [convert(dict(row), Batch) for row in rows]
