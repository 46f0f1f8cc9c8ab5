"""Looking through a whole database for what belongs to a person."""

import re
from collections.abc import Iterable

from kernel.db import Connection
from kernel.errors import Refused
from kernel.privacy import Vault
from tests.support import REPOSITORY

FLOORS = ("kernel", "registry", "closedloop", "alerts", "checkpoint")
FIELD = re.compile(r"""field=["'](\w+)["']""")


def sealed_fields() -> list[str]:
    """Every name under which the program seals, so that a new one is tried as well."""
    files = (file for floor in FLOORS for file in (REPOSITORY / floor).rglob("*.py"))
    return sorted({name for file in files for name in FIELD.findall(file.read_text("utf-8"))})


async def columns(conn: Connection) -> list[tuple[str, str, str]]:
    """Table, column and type of all that can hold text, JSON or bytes."""
    rows = await conn.fetch(
        """
        SELECT format('%I.%I', c.table_schema, c.table_name) AS "table", c.column_name AS "column",
               c.udt_name AS kind
          FROM information_schema.columns c
          JOIN information_schema.tables t USING (table_schema, table_name)
         WHERE c.table_schema = ANY($1) AND t.table_type = 'BASE TABLE'
           AND c.udt_name IN ('text', '_text', 'varchar', 'bytea', 'jsonb', 'json')
         ORDER BY 1, 2
        """,
        list(FLOORS),
    )
    return [(row["table"], row["column"], row["kind"]) for row in rows]


def opened(vault: Vault, value: bytes, fields: Iterable[str]) -> str:
    """What any of the fields opens, with the bytes themselves."""
    said = [value.decode("utf-8", "replace")]
    for field in fields:
        try:
            said.append(vault.read(value, field=field) or "")
        except Refused:
            continue
    return "\n".join(said)


async def traces(conn: Connection, vault: Vault, looked_for: Iterable[str]) -> list[str]:
    """Columns in which one of the texts stands, plain or sealed."""
    fields, wanted, found = sealed_fields(), list(looked_for), []
    for table, column, kind in await columns(conn):
        cast = "" if kind == "bytea" else "::text"
        rows = await conn.fetch(
            f'SELECT "{column}"{cast} AS v FROM {table} WHERE "{column}" IS NOT NULL'
        )
        for row in rows:
            text = opened(vault, row["v"], fields) if kind == "bytea" else row["v"]
            if any(each in text for each in wanted):
                found.append(f"{table}.{column}")
                break
    return found


async def hashes(conn: Connection, vault: Vault, number: str, phone: str) -> list[str]:
    """Columns in which a look-up hash of the person stands."""
    blinds = [
        vault.blind(text, field=field) for text in (number, phone) for field in sealed_fields()
    ]
    found = []
    for table, column, kind in await columns(conn):
        if kind == "bytea" and await conn.fetchval(
            f'SELECT count(*) FROM {table} WHERE "{column}" = ANY($1)', blinds
        ):
            found.append(f"{table}.{column}")
    return found
