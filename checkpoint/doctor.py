"""What is wrong, in words: for whoever is called at three in the morning."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg

from alerts.overdue import HEARTBEAT
from alerts.queries import last_beat
from alerts.watching import WATCHED, look, standing_still
from kernel.db import Connection, clean_dsn, prepare
from kernel.keyring import FINGERPRINT, DamagedKeyError, read_keys, unwrap
from kernel.privacy import Vault, load_master_key
from kernel.senders import given_up_since
from kernel.settings import Settings
from registry.pulses import Pulse, pulses

STALE = timedelta(seconds=120)
WHAT = {
    "deliveries": "nobody is told anything. Look for job_failed in the log.",
    "seals": "an edit of the ledger would not be found. Look for job_failed job=seals in the log.",
    "canary": "a missing truck may not be flagged. Look for job_failed job=canary in the log.",
}
#: The sweep has words of its own.
OTHERS = {name: seconds for name, seconds in WATCHED.items() if name != HEARTBEAT} | {"seals": 30}
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
            *([] if unapplied else await _watched(conn, now)),
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


async def _watched(conn: Connection, now: datetime) -> list[str]:
    """Jobs that stand still, messages that nobody got, devices that keep scans."""
    still = await standing_still(conn, OTHERS, now)
    said = [f"The job {name!r} {_since(age)}: {WHAT[name]}" for name, age in still.items()]
    found = await look(conn, now)
    if found.dead:
        said.append(f"{found.dead} messages were got by nobody: look at /admin/channels.")
    if found.lag > STALE.total_seconds():
        said.append(f"A step of the ladder has been due for {int(found.lag)} s and did not come.")
    keeping = [each.name for each in await pulses(conn) if each.waiting and _silent(each, now)]
    if keeping:
        names = ", ".join(keeping)
        said.append(f"These devices keep scans and have been silent for long: {names}.")
    return said


def _since(age: float) -> str:
    return "has never run" if age == float("inf") else f"last ran {int(age)} s ago"


def _silent(each: Pulse, now: datetime) -> bool:
    return each.seen_at is not None and now - each.seen_at > STALE


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
