"""The statements of an import: rows are copied into a table of the transaction's own, and judged,
kept and matched there as sets.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from kernel.auth import Actor
from kernel.db import Connection
from registry.coverage_rows import Due

#: One statement is over before the server would end it.
CHUNK = 2000

_NEAR = "public.similarity(d.address_key, p.address_key)"
_SAME_CREDIT = (
    "d.credit_code <> '' AND p.credit_code = d.credit_code AND p.district_code = d.district_code"
)
#: An address that one of them lacks contradicts nothing.
_SAME_NAME = (
    "p.district_code = d.district_code AND p.name_key = d.name_key AND d.name_key <> ''"
    f" AND (d.address = '' OR p.address = '' OR {_NEAR} >= 0.5)"
)


async def copy_rows(conn: Connection, due: Sequence[Due]) -> None:
    """Of several rows with one key the first is taken."""
    await conn.execute(
        """
        DROP TABLE IF EXISTS pg_temp.due_stage;
        CREATE TEMP TABLE due_stage (
            number int PRIMARY KEY, line int NOT NULL, key text NOT NULL, credit_code text NOT NULL,
            name text NOT NULL, district text NOT NULL, street text NOT NULL, trade text NOT NULL,
            address text NOT NULL, status text NOT NULL, code text NOT NULL
        ) ON COMMIT DROP
        """
    )
    seen: set[str] = set()
    for start in range(0, len(due), 5 * CHUNK):
        records: list[tuple[object, ...]] = []
        for number, row in enumerate(due[start : start + 5 * CHUNK], start):
            status = ("refused", "row_twice") if row.key in seen else ("accepted", "")
            seen.add(row.key)
            records.append(
                (number, row.line, row.key, row.credit_code, row.name, row.district, row.street,
                 row.trade, row.address, *status)
            )  # fmt: skip
        await conn.copy_records_to_table("due_stage", records=records)
    await conn.execute("ANALYZE pg_temp.due_stage")


async def judge_rows(conn: Connection, start: int, end: int) -> Counter[str]:
    """What is known already, and what in another district; how many rows are of which status."""
    await conn.execute(
        """
        UPDATE due_stage s
           SET status = CASE WHEN d.district_code <> s.district THEN 'refused'
                             WHEN (d.name, d.street, d.trade, d.credit_code)
                                  IS DISTINCT FROM (s.name, s.street, s.trade, s.credit_code)
                             THEN 'changed' ELSE 'repeated' END,
               code = CASE WHEN d.district_code <> s.district THEN 'due_elsewhere' ELSE '' END
          FROM registry.due_place d
         WHERE d.key = s.key AND s.status = 'accepted' AND s.number >= $1 AND s.number < $2
        """,
        start,
        end,
    )
    rows = await conn.fetch(
        """
        SELECT status, count(*) AS n FROM due_stage
         WHERE number >= $1 AND number < $2 GROUP BY status
        """,
        start,
        end,
    )
    return Counter({row["status"]: row["n"] for row in rows})


async def staged_rows(conn: Connection, start: int, end: int) -> list[Any]:
    """Line, status and code of each, and the place that its row is matched to."""
    return await conn.fetch(
        """
        SELECT s.line, s.status, s.code, d.place_id
          FROM due_stage s LEFT JOIN registry.due_place d ON d.key = s.key AND s.status <> 'refused'
         WHERE s.number >= $1 AND s.number < $2 ORDER BY s.number
        """,
        start,
        end,
    )


async def keep_rows(
    conn: Connection, start: int, end: int, list_id: UUID, actor: Actor, now: datetime
) -> None:
    """New rows, and what a list says anew of old ones; a new name and new units stay on record."""
    await conn.execute(
        """
        INSERT INTO registry.due_change (id, due_id, kind, before, after, reason, actor_id, at)
        SELECT gen_random_uuid(), d.id, c.kind, c.before, c.after, '', $3, $4
          FROM due_stage s JOIN registry.due_place d ON d.key = s.key
         CROSS JOIN LATERAL (VALUES
               ('renamed', d.name, s.name),
               ('units', d.street || ' / ' || d.trade, s.street || ' / ' || s.trade)
         ) AS c (kind, before, after)
         WHERE s.status = 'changed' AND s.number >= $1 AND s.number < $2 AND c.before <> c.after
        """,
        start,
        end,
        actor.id,
        now,
    )
    await conn.execute(
        """
        INSERT INTO registry.due_place AS d (key, list_id, credit_code, name, district_code, street,
                                             trade, address, created_at)
        SELECT key, $3, credit_code, name, district, street, trade, address, $4
          FROM due_stage WHERE status <> 'refused' AND number >= $1 AND number < $2
        ON CONFLICT ON CONSTRAINT due_place_once DO UPDATE
           SET list_id = excluded.list_id, name = excluded.name, street = excluded.street,
               trade = excluded.trade, credit_code = excluded.credit_code, struck_at = NULL
        """,
        start,
        end,
        list_id,
        now,
    )


async def match_rows(conn: Connection, start: int, end: int) -> None:
    """First by credit code, then by name in the same district with an address like it; a place
    belongs to one row, and a row to one place.
    """
    for by, condition in (("credit", _SAME_CREDIT), ("name", _SAME_NAME)):
        await conn.execute(
            f"""
            WITH pair AS (
                SELECT d.id, p.id AS place_id, {_NEAR} AS near
                  FROM due_stage s
                  JOIN registry.due_place d ON d.key = s.key AND d.place_id IS NULL
                  JOIN registry.place p ON {condition} AND p.status <> 'revoked'
                 WHERE s.status <> 'refused' AND s.number >= $1 AND s.number < $2
                   AND NOT EXISTS (SELECT 1 FROM registry.due_place o WHERE o.place_id = p.id)
            ), mine AS (
                SELECT DISTINCT ON (id) id, place_id, near FROM pair
                 ORDER BY id, near DESC, place_id
            ), one AS (
                SELECT DISTINCT ON (place_id) id, place_id FROM mine
                 ORDER BY place_id, near DESC, id
            )
            UPDATE registry.due_place d SET place_id = one.place_id, matched_by = '{by}'
              FROM one WHERE one.id = d.id
            """,
            start,
            end,
        )
    await conn.execute(
        """
        UPDATE registry.place p SET credit_code = s.credit_code
          FROM due_stage s JOIN registry.due_place d ON d.key = s.key
         WHERE d.place_id = p.id AND p.credit_code = '' AND s.credit_code <> ''
           AND s.number >= $1 AND s.number < $2
        """,
        start,
        end,
    )
