"""What is wrong, in words: for whoever is called at three in the morning."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg

from alerts.overdue import HEARTBEAT
from alerts.queries import last_beat
from kernel.db import Connection, clean_dsn, prepare
from kernel.keyring import FINGERPRINT, DamagedKeyError, read_keys, unwrap
from kernel.privacy import Vault, load_master_key
from kernel.senders import given_up_since
from kernel.settings import Settings

STALE = timedelta(seconds=120)
DAY = timedelta(days=1)


async def examine(
    settings: Settings, dsn: str, migrations: Sequence[str], now: datetime
) -> list[str]:
    """Findings, each with what to do; none when all is well."""
    try:
        conn = await asyncpg.connect(clean_dsn(dsn), timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        what = type(error).__name__
        return [f"The database does not answer ({what}). Start it, or check DATABASE_URL."]
    try:
        await prepare(conn)
        if await conn.fetchval("SELECT to_regclass('kernel.migration')") is None:
            return ["The database is empty. Run: checkpoint migrate"]
        unapplied = await _migrations(conn, migrations)
        return [
            *unapplied,
            *([] if unapplied else await _messages(conn, now)),
            *await _key(conn, settings, now),
            *await _sweep(conn, now),
            *await _rules(conn, now),
        ]
    finally:
        await conn.close()


async def _migrations(conn: Connection, files: Sequence[str]) -> list[str]:
    applied = {row["name"] for row in await conn.fetch("SELECT name FROM kernel.migration")}
    missing = sorted(set(files) - applied)
    return [f"Not applied: {', '.join(missing)}. Run: checkpoint migrate"] if missing else []


async def _key(conn: Connection, settings: Settings, now: datetime) -> list[str]:
    vault = Vault(load_master_key(settings))
    known = await conn.fetchval("SELECT value FROM kernel.fact WHERE name = $1", FINGERPRINT)
    if known is not None and known != vault.fingerprint():
        return [
            "The master key is not the one that sealed this database. Restore it from its backup."
        ]
    if await conn.fetchval("SELECT to_regclass('kernel.data_key')") is None:
        return []  # a migration is missing, which is said already
    try:
        keys = await read_keys(conn)
        if keys:
            unwrap(vault, keys, now)
    except DamagedKeyError as error:
        return [str(error)]
    return []


async def _sweep(conn: Connection, now: datetime) -> list[str]:
    beat = await last_beat(conn, HEARTBEAT)
    if beat is None:
        return ["No sweep has run yet. Start the service: checkpoint serve"]
    if now - beat > STALE:
        seconds = int((now - beat).total_seconds())
        return [
            f"The last sweep ran {seconds} s ago: missing trucks are not noticed. Is it running?"
        ]
    return []


async def _rules(conn: Connection, now: datetime) -> list[str]:
    ruling = await conn.fetchval(
        "SELECT count(*) FROM registry.rule_set WHERE in_force_from <= $1", now
    )
    return [] if ruling else ["No rule set is in force: no card can be given. Install a scenario."]


async def _messages(conn: Connection, now: datetime) -> list[str]:
    lost = await given_up_since(conn, now - DAY)
    if not lost:
        return []
    were = "1 message was" if lost == 1 else f"{lost} messages were"
    found = f"{were} given up in the last day: drivers were not told."
    return [f"{found} Look for message_not_sent in the log, and check CHECKPOINT_SMS."]
