"""Visitors at venues beside trucks at lanes: visits a second, and how long a card takes meanwhile.

Four scenes, in rounds taken in turn: lanes alone at 200 scans a second; lanes beside 500 visits a
second, one in a request; visits alone, as many as come back; and in batches of twenty. Medians with
their spread; the last line is one JSON object. Ends with an error where a scan or a visit was lost
or answered wrongly.

Environment: BENCH_SECONDS (8), BENCH_ROUNDS (3), BENCH_WORKERS (one a core), BENCH_VISITORS how
many people are known (20,000).
"""

import asyncio
import base64
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from bench.bench_scans import WORKERS, Lane, free_port, show
from bench.city import Stage, checkpoint, pass_numbers, set_up
from bench.load import Tally
from bench.service import own_server, service
from bench.visitors import Plan
from kernel.auth import new_token, token_hash
from kernel.db import connected
from kernel.privacy import Vault
from registry.people import check_character
from registry.visitors import Document, file_people

SECONDS = float(os.environ.get("BENCH_SECONDS", "8"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
VISITORS = int(os.environ.get("BENCH_VISITORS", "20000"))
ROOT = Path(__file__).parent.parent
SCANS_RATE, VISITS_RATE = 200, 500
VENUES, CONNECTIONS, BATCH, CHUNK = 50, 64, 20, 1000


def made_up(n: int) -> str:
    """A resident number with a right check digit; nobody's."""
    day = f"{60 + n // 280_000 % 40}{n // 28_000 % 10 + 1:02d}{n // 1000 % 28 + 1:02d}"
    digits = f"41022119{day}{n % 1000:03d}"
    return digits + check_character(digits)


async def venues(stage: Stage) -> list[str]:
    """Tokens of devices, one at each venue."""
    now, tokens = datetime.now(UTC), [new_token() for _ in range(VENUES)]
    async with connected(stage.dsn) as conn:
        await conn.execute(
            """
            WITH places AS (
                INSERT INTO registry.place
                       (kind, category, name, district_code, screen_secret, created_at)
                SELECT 'venue', 'mall', 'venue ' || n, '410221', 'x', $2
                  FROM generate_series(1, cardinality($1::bytea[])) n RETURNING id),
            numbered AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM places),
            gates AS (INSERT INTO registry.gate (place_id, gate) SELECT id, '1' FROM places),
            devices AS (
                INSERT INTO registry.device (id, name, place_id, role, created_at)
                SELECT md5('venue' || n)::uuid, 'screen', id, 'firm', $2 FROM numbered)
            INSERT INTO registry.token (token_hash, device_id, label, created_at)
            SELECT ($1::bytea[])[n], md5('venue' || n)::uuid, 'screen', $2 FROM numbered
            """,
            [token_hash(token) for token in tokens],
            now,
        )
    return tokens


async def visitors(stage: Stage) -> list[str]:
    numbers = [made_up(n) for n in range(VISITORS)]
    vault, now = Vault(base64.b64decode(stage.master_key)), datetime.now(UTC)
    async with connected(stage.dsn) as conn:
        for first in range(0, VISITORS, CHUNK):
            chunk = numbers[first : first + CHUNK]
            people = [
                Document(
                    subject=vault.blind(each, field="person_id"),
                    id_type="resident",
                    number=each,
                    name="某人",
                )
                for each in chunk
            ]
            await file_people(conn, vault, people, now)
        await conn.execute("VACUUM ANALYZE registry.person, closedloop.visit")
    return numbers


class Doors:
    """Sends visits, and after each round looks whether all of them are kept."""

    def __init__(self, stage: Stage, port: int, tokens: list[str], numbers: list[str]) -> None:
        self.stage, self.port, self.tokens, self.numbers = stage, port, tokens, numbers
        self.recorded = 0

    async def round(self, *, batch: int = 1, rate: float = 0) -> Tally:
        plan = Plan(
            port=self.port,
            tokens=self.tokens,
            numbers=self.numbers,
            connections=CONNECTIONS,
            batch=batch,
            seconds=SECONDS,
            rate=rate,
        )
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.visitors"),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate(msgspec.json.encode(plan))
        if process.returncode:
            sys.exit("the sender of visits failed")
        tally = msgspec.json.decode(said, type=Tally)
        self.recorded += tally.recorded
        async with connected(self.stage.dsn) as conn:
            kept = await conn.fetchval("SELECT count(*) FROM closedloop.visit")
        if tally.wrong or kept < self.recorded:
            sys.exit(f"of {self.recorded} recorded {kept} kept; wrong: {tally.wrong}")
        return tally


async def measure(server: str, data_dir: Path) -> dict[str, Any]:
    needed = int((2 * ROUNDS + 2) * SECONDS * SCANS_RATE * 1.2)
    print(f"preparing 2 x {needed} movements, {VISITORS} visitors ...", flush=True)
    stage = await set_up(server, needed, datetime.now(UTC))
    tokens, numbers = await venues(stage), await visitors(stage)
    lane = Lane(stage, free_port(), await pass_numbers(stage))
    doors = Doors(stage, lane.port, tokens, numbers)
    taken: dict[str, list[Tally]] = {}
    with service(stage, data_dir, lane.port, WORKERS):
        await lane.round(SECONDS, rate=SCANS_RATE)
        await doors.round(rate=VISITS_RATE)
        for number in range(ROUNDS):
            await checkpoint(stage.dsn)
            alone = await lane.round(SECONDS, rate=SCANS_RATE)
            scans, beside = await asyncio.gather(
                lane.round(SECONDS, rate=SCANS_RATE), doors.round(rate=VISITS_RATE)
            )
            single, batched = await doors.round(), await doors.round(batch=BATCH)
            scenes = {
                "lanes_alone": alone,
                "lanes_beside": scans,
                "visits_beside": beside,
                "visits_alone": single,
                "visits_batched": batched,
            }
            for name, tally in scenes.items():
                taken.setdefault(name, []).append(tally)
            print(f"  round {number + 1}: card p99 {scans.percentile(0.99):.0f} ms", flush=True)
    print(f"{lane.recorded} scans and {doors.recorded} visits recorded, all of them kept")
    return tell(taken)


def tell(taken: dict[str, list[Tally]]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for name, tallies in taken.items():
        per_second = [tally.per_second for tally in tallies]
        p99 = [tally.percentile(0.99) for tally in tallies]
        show(f"{name}: a second", per_second)
        show(f"{name}: p50, ms", [tally.percentile(0.5) for tally in tallies])
        show(f"{name}: p99, ms", p99)
        away = [100 * (1 - tally.recorded / max(1, tally.sent)) for tally in tallies]
        show(f"{name}: turned away, %", away)
        figures |= {
            f"{name}_per_s": round(median(per_second)),
            f"{name}_p99_ms": round(median(p99), 1),
            f"{name}_turned_away_percent": round(median(away), 1),
        }
    return figures | {"workers": WORKERS, "visitors": VISITORS}


def main() -> None:
    with own_server() as (server, data_dir):
        figures = asyncio.run(measure(server, data_dir))
    print(msgspec.json.encode(figures).decode())


if __name__ == "__main__":
    main()
