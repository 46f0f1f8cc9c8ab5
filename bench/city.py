"""A database as the service fills it: many reported movements, all copies of a real one.

One movement is reported, and one scanned, through the application itself; the others are copied
from its rows in bulk, so that what is measured stays true to the application.
"""

import asyncio
import base64
import os
from datetime import datetime
from pathlib import Path
from uuid import UUID

from msgspec import Struct

from alerts.expecting import ask_due
from checkpoint.intake import propose
from checkpoint.scans import Scan
from closedloop.commit import append
from closedloop.reporting import accepted
from kernel.db import Connection, connected, with_database
from kernel.ids import uuid7
from kernel.migrate import migrate
from kernel.privacy import Vault
from registry.passes import pass_number
from tests.city import City, a_report, build

MIGRATIONS = Path(__file__).parent.parent / "migrations"
#: Numbers are strewn over the city's range as real ones are: n times this, modulo 10^9, is
#: different for each n.
STRIDE = 618_033_989
FIRST = 4_102_000_000_000
RANGE = 10**9


class Stage(Struct, frozen=True, kw_only=True):
    """`served` movements are for the service, as many again (numbers above) for its rival."""

    dsn: str
    master_key: str
    token: str
    place_id: int
    served: int
    #: A movement that was scanned: what a scan writes is copied from its rows.
    scanned: int


def movement_number(n: int) -> int:
    return FIRST + n * STRIDE % RANGE


async def make_database(server: str, name: str) -> str:
    async with connected(server) as conn:
        await conn.execute(f"CREATE DATABASE {name}")
    dsn = with_database(server, name)
    await migrate(dsn, MIGRATIONS)
    return dsn


async def set_up(server: str, served: int, now: datetime) -> Stage:
    dsn = await make_database(server, "bench")
    key = os.urandom(32)
    vault = Vault(key)
    async with connected(dsn) as conn:
        city = await build(conn, vault, now)
        reported = await a_report(conn, city, now)
        await ask_due(conn, city.office, now)  # else there would be as many to ask about as copies
        scanned = await a_report(conn, city, now, tested=False, plate="豫B54321")
        await copy_movements(conn, reported.movement.movement_id, 2 * served)
        await _scan(conn, city, scanned.movement.movement_id, now)
        await conn.execute("VACUUM ANALYZE")
    return Stage(
        dsn=dsn,
        master_key=base64.b64encode(key).decode(),
        token=city.lane_token,
        place_id=city.north,
        served=served,
        scanned=scanned.movement.movement_id,
    )


async def _scan(conn: Connection, city: City, movement_id: int, now: datetime) -> UUID:
    scan = Scan(
        id=uuid7(now),
        kind="entry",
        place_id=city.north,
        occurred_at=now,
        gate="1",
        sequence=1,
        plate_seen="豫B54321",
    )
    proposal = propose(scan, movement_id, city.lane, None)
    accepted(await append(conn, city.office.cache, [proposal], now))
    return scan.id


async def copy_movements(conn: Connection, original: int, number: int) -> None:
    """Copies of a reported movement: the report, its person, its event and receipt, its loop."""
    columns = await _columns(conn)
    numbers = "generate_series(1, $2::bigint) n"
    ids = f"(SELECT n, {FIRST} + n * {STRIDE} % {RANGE} AS new FROM {numbers}) ids"
    fresh = {
        "movement_id": "new",
        "plate": "'豫C' || lpad(n::text, 7, '0')",
        "event_id": "md5('reported' || n)::uuid",
        "subject": "sha256(n::text::bytea)",
        "person_id": "md5('person' || n)::uuid",
        "view": "jsonb_set(t.view, '{movement_id}', to_jsonb(new))",
    }
    for table, names in columns.items():
        values = ", ".join(fresh.get(name, f"t.{name}") for name in names)
        await conn.execute(
            f"""
            INSERT INTO {table} ({", ".join(names)})
            SELECT {values} FROM {table} t CROSS JOIN {ids} WHERE t.movement_id = $1::bigint
            """,
            original,
            number,
        )


TABLES = (
    "registry.movement",
    "registry.movement_person",
    "registry.plate_lookup",
    "registry.event",
    "registry.receipt",
    "closedloop.loop",
    "alerts.expectation",
)


async def _columns(conn: Connection) -> dict[str, list[str]]:
    rows = await conn.fetch(
        """
        SELECT table_schema || '.' || table_name AS name,
               array_agg(column_name::text ORDER BY ordinal_position) AS columns
          FROM information_schema.columns
         WHERE table_schema || '.' || table_name = ANY($1) AND is_identity = 'NO' GROUP BY 1
        """,
        TABLES,
    )
    found = {row["name"]: list(row["columns"]) for row in rows}
    return {table: found[table] for table in TABLES}


async def pass_numbers(stage: Stage) -> list[str]:
    """Of the service's movements, in order: number n stands at n - 1."""
    vault = Vault(base64.b64decode(stage.master_key))
    numbers = range(1, stage.served + 1)
    return await asyncio.to_thread(
        lambda: [pass_number(movement_number(n), vault) for n in numbers]
    )


async def scans_kept(stage: Stage) -> dict[str, int]:
    """What the database holds of the service's scans; each count must be the same."""
    async with connected(stage.dsn) as conn:
        row = await conn.fetchrow(
            """
            WITH served AS (
                SELECT $1 + n * $2 % $3 AS movement_id FROM generate_series(1, $4::bigint) n)
            SELECT count(v.event_id) AS events, count(DISTINCT v.movement_id) AS movements,
                   count(r.event_id) AS receipts,
                   count(*) FILTER (WHERE l.state = 'released' AND l.version = 2) AS released,
                   count(d.movement_id) AS limits
              FROM served s
              JOIN registry.event v ON v.movement_id = s.movement_id AND v.kind = 'entry'
              LEFT JOIN registry.receipt r ON r.event_id = v.event_id
              LEFT JOIN closedloop.loop l ON l.movement_id = s.movement_id
              LEFT JOIN closedloop.deadline d ON d.movement_id = s.movement_id
                                             AND d.limb = 'arrival' AND d.closed_at IS NULL
            """,
            FIRST,
            STRIDE,
            RANGE,
            stage.served,
        )
    assert row is not None
    return dict(row)


async def checkpoint(dsn: str) -> None:
    """Makes the server write its pages now, so that no round pays for the one before."""
    async with connected(dsn) as conn:
        await conn.execute("CHECKPOINT")
