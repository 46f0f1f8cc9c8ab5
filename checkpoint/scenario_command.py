"""Scenario packs on the command line: installed, or tried over the scans of the past days."""

import argparse
import csv
import time
from datetime import datetime, timedelta
from pathlib import Path

from closedloop.shadow import Shadow, judged_anew, run
from kernel.clock import SystemClock
from kernel.db import Connection, connected
from registry.rule_faults import check_rule_set
from registry.rules import RuleSet, read_scenario
from registry.scenario import install

COLUMNS = ("movement_id", "event_id", "plate", "at", "before", "after", "rules")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, dest="action", metavar="install|shadow")
    installed = actions.add_parser("install", help="a rule set from a file: on trial, or ruling")
    installed.add_argument("file", type=Path)
    installed.add_argument("--in-force", action="store_true", help="it rules from now on")
    tried = actions.add_parser(
        "shadow", help="what it would have said to past scans; keeps nothing"
    )
    tried.add_argument("file", type=Path)
    tried.add_argument("--days", type=float, default=7, help="scans of the past days (%(default)g)")
    tried.add_argument("--list", type=Path, help="every scan with another card, into a CSV file")


async def scenario_command(dsn: str, arguments: argparse.Namespace) -> str:
    """What was done, in words. Raises msgspec.ValidationError and Unprocessable
    `rule_set_faulty`, which name the place in the file.
    """
    async with connected(dsn) as conn:
        if arguments.action == "shadow":
            return await _shadow(conn, arguments)
        now = SystemClock().now()
        async with conn.transaction():
            at = now if arguments.in_force else None
            version = await install(conn, arguments.file, now, at)
    return f"rule set {version} is {'in force' if arguments.in_force else 'on trial'}"


async def _shadow(conn: Connection, arguments: argparse.Namespace) -> str:
    rules = check_rule_set(read_scenario(arguments.file))
    until = SystemClock().now()
    since = until - timedelta(days=arguments.days)
    began = time.perf_counter()
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        found = await run(conn, rules, since, until)
        took = time.perf_counter() - began
        if arguments.list is not None:
            await _write(conn, rules, since, until, arguments.list)
    return "\n".join(_told(found, took))


def _told(found: Shadow, took: float) -> list[str]:
    lines = [f"{found.scans} scans in {took:.1f} s, {found.changes} would get another card"]
    if found.unknown:
        lines.append(f"{found.unknown} more cannot be judged: their people were erased")
    for before, afters in found.cards.items():
        lines += [f"  {before:>6} -> {after:<6} {n:>8}" for after, n in afters.items()]
    return lines


async def _write(
    conn: Connection, rules: RuleSet, since: datetime, until: datetime, file: Path
) -> None:
    with file.open("w", newline="", encoding="utf-8") as opened:
        table = csv.writer(opened)
        table.writerow(COLUMNS)
        async for _, change, _ in judged_anew(conn, rules, since, until):
            if change is not None:
                table.writerow(
                    (
                        change.movement_id,
                        change.event_id,
                        change.plate,
                        change.at.isoformat(),
                        change.before,
                        change.after,
                        " ".join(change.codes),
                    )
                )
