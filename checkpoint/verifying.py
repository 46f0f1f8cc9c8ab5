"""Whether the ledger and the record of accesses are what was written, said on the command line."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from kernel.chain import ACCESSES, KEEPING, Stream
from kernel.chain_check import Checked, Finding, Head, Wrong, check_stream, read_head, show_head
from kernel.clock import SystemClock
from kernel.db import connected
from kernel.keyring import unlock
from kernel.privacy import Vault, load_master_key
from kernel.settings import Settings
from registry.ledger import EVENTS

STREAMS: tuple[Stream, ...] = (EVENTS, ACCESSES, KEEPING)
SAYS = {
    Wrong.LINK_ALTERED: "the link is not what was sealed",
    Wrong.LINK_MISSING: "the link is missing",
    Wrong.ROW_ALTERED: "rows that are not what was sealed, or that were added",
    Wrong.ROW_GONE: "a row is gone whose time is not over",
}
_SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--head", action="append", default=[], help="stream:number:tag, as it was printed before"
    )
    parser.add_argument("--log", type=Path, help="a log of the service, whose links are compared")


async def verify_command(
    arguments: argparse.Namespace, settings: Settings, dsn: str
) -> tuple[list[str], bool]:
    """Lines to print, and whether all is as it was. Raises Malformed `head_malformed`."""
    heads = [read_head(text) for text in arguments.head]
    heads += list(heads_of(arguments.log)) if arguments.log else []
    checked = await verify(settings, dsn, heads)
    whole = not any(each.findings for each in checked)
    return [line for each in checked for line in lines(each)], whole


async def verify(settings: Settings, dsn: str, heads: Sequence[Head]) -> list[Checked]:
    now, vault = SystemClock().now(), Vault(load_master_key(settings))
    async with connected(dsn) as conn:
        async with conn.transaction():
            await unlock(conn, vault, now)
        return [await check_stream(conn, vault, stream, now, heads) for stream in STREAMS]


def heads_of(log: Path) -> Iterator[Head]:
    """The links that the service said it sealed; other lines are passed over."""
    with log.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            if '"link_sealed"' in line and line.startswith("{"):
                said = msgspec.json.decode(line)
                yield Head(
                    stream=said["name"], number=said["count"], tag=bytes.fromhex(said["seal"])
                )


def lines(checked: Checked) -> Iterator[str]:
    yield (
        f"{checked.stream:<9} {checked.links} links, {checked.rows} rows, {checked.let_go} erased "
        f"in their time, {checked.open} not sealed yet"
    )
    if checked.head:
        yield f"          head {show_head(checked.head)}"
    yield from (_told(finding) for finding in checked.findings)


def _told(finding: Finding) -> str:
    numbers = ", ".join(map(str, finding.numbers[:_SHOWN]))
    more = " …" if len(finding.numbers) > _SHOWN else ""
    which = f": {numbers}{more}" if numbers else ""
    return f"WRONG     {finding.stream} link {finding.link}: {SAYS[finding.wrong]}{which}"
