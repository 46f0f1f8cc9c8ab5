"""The file of rows that were not taken: sealed, for whoever uploaded them, for a day."""

import csv
from collections.abc import Iterable
from datetime import datetime, timedelta
from io import StringIO
from uuid import UUID, uuid4

from kernel.audit import record_access
from kernel.auth import Actor
from kernel.db import Connection
from kernel.errors import NotFound
from kernel.i18n import t
from kernel.privacy import Vault
from registry.bulk import PARTICULARS, RISKY, Reject

KEPT = timedelta(hours=24)
FIELD = "import_rejects"
#: By this mark spreadsheet programs know UTF-8.
BOM = "\ufeff"


def rejects_csv(rejects: Iterable[Reject]) -> str:
    """In the reader's language: the columns as they came, and what is wrong with each row."""
    written = StringIO()
    table = csv.writer(written, lineterminator="\r\n")
    names = ("line", *PARTICULARS, "problem")
    table.writerow([t(f"ui.import.column.{name}") for name in names])
    for each in rejects:
        problem = t(f"error.{each.result.code}", **each.result.facts)
        cells = (each.values.get(name, "") for name in PARTICULARS)
        table.writerow([each.result.line, *map(defused, cells), problem])
    return BOM + written.getvalue()


def defused(cell: str) -> str:
    """What a spreadsheet would calculate is text with a quote before it."""
    flat = " ".join(cell.split("\n")).replace("\r", " ")
    return f"'{flat}" if flat.startswith(RISKY) else flat


async def keep_rejects(
    conn: Connection, vault: Vault, rejects: Iterable[Reject], actor: Actor, now: datetime
) -> UUID:
    return await conn.fetchval(
        """
        INSERT INTO registry.import_rejects (id, account_id, sealed, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5) RETURNING id
        """,
        uuid4(),
        actor.id,
        vault.seal(rejects_csv(rejects), field=FIELD),
        now,
        now + KEPT,
    )


async def fetch_rejects(
    conn: Connection, vault: Vault, rejects_id: UUID, actor: Actor, now: datetime
) -> str:
    """Raises NotFound `rejects_gone`: for what is over, and for what somebody else uploaded."""
    sealed = await conn.fetchval(
        """
        SELECT sealed FROM registry.import_rejects
         WHERE id = $1 AND account_id = $2 AND expires_at > $3
        """,
        rejects_id,
        actor.id,
        now,
    )
    if sealed is None:
        raise NotFound("rejects_gone")
    await record_access(
        conn,
        actor,
        action="read_rejects",
        subject_kind="import",
        subject=str(rejects_id),
        reason="mending a list",
        now=now,
    )
    return vault.open(sealed, field=FIELD)


async def forget_rejects(conn: Connection, now: datetime) -> None:
    await conn.execute("DELETE FROM registry.import_rejects WHERE expires_at <= $1", now)
