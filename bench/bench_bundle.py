"""The bundle of a checkpoint that expects very many trucks: bytes and seconds, whole and changed.

The last line is one JSON object. Environment: BENCH_TRUCKS (20,000), BENCH_ROUNDS (3).
"""

import asyncio
import base64
import gzip
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import msgspec
from msgspec.structs import replace

from bench.city import Stage, set_up
from bench.service import own_server
from checkpoint.bundles import Reader, Signed, make
from kernel.db import Connection, connected
from kernel.privacy import Vault
from registry.signing_keys import ensure_signer
from registry.world import load_world

TRUCKS = int(os.environ.get("BENCH_TRUCKS", "20000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
CHANGED = 200


async def measure(server: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    load = round(os.getloadavg()[0], 1)
    print(f"preparing {TRUCKS} expected trucks ...", flush=True)
    stage = await set_up(server, TRUCKS // 2, now)
    async with connected(stage.dsn) as conn:
        return {"load_before": load, **await _bundles(conn, stage, now)}


async def _bundles(conn: Connection, stage: Stage, now: datetime) -> dict[str, Any]:
    vault = Vault(base64.b64decode(stage.master_key))
    key = await ensure_signer(conn, vault, (), now)
    world = await load_world(conn)
    whole = Reader(world=world, place=world.place(stage.place_id), since=None, now=now)
    later = now + timedelta(hours=1)
    await conn.execute(
        """
        UPDATE closedloop.loop SET updated_at = $1
         WHERE movement_id IN (SELECT movement_id FROM closedloop.loop LIMIT $2)
        """,
        later,
        CHANGED,
    )
    delta = replace(whole, since=later - timedelta(minutes=1), now=later)
    full = [await _timed(conn, vault, whole, key) for _ in range(ROUNDS)]
    short = [await _timed(conn, vault, delta, key) for _ in range(ROUNDS)]
    figures = {"whole": _told(full), "changed": _told(short)}
    if figures["whole"]["passes"] < TRUCKS or figures["changed"]["passes"] != CHANGED:
        sys.exit(f"not the passes that were expected: {figures}")
    return figures


async def _timed(
    conn: Connection,
    vault: Vault,
    reader: Reader,
    key: Any,  # noqa: ANN401
) -> tuple[float, Signed]:
    began = time.perf_counter()
    made = await make(conn, vault, reader, key)
    return time.perf_counter() - began, made


def _told(rounds: list[tuple[float, Signed]]) -> dict[str, Any]:
    body = msgspec.json.encode(rounds[0][1])
    passes = len(msgspec.json.decode(rounds[0][1].signed)["passes"])
    told = {
        "passes": passes,
        "bytes": len(body),
        "gzip_bytes": len(gzip.compress(body, 5)),
        "seconds": round(median(took for took, _ in rounds), 2),
    }
    print(told, flush=True)
    return told


def main() -> None:
    with own_server() as (server, _):
        figures = asyncio.run(measure(server))
    print(msgspec.json.encode(figures).decode())


if __name__ == "__main__":
    main()
