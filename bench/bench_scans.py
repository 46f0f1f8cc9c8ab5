"""Scans a second over HTTP against pgbench storing the same, and waiting times.

Rounds are taken in turn and medians shown with their spread, because machines are noisy. The
last line is one JSON object. Ends with an error where a scan was lost or answered wrongly.

Environment: BENCH_SECONDS (8) is the length of a round, BENCH_ROUNDS (3) their number,
BENCH_WORKERS the service's processes (one a core), BENCH_MOVEMENTS how many are prepared.
"""

import asyncio
import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from bench import pgbench
from bench.city import Stage, checkpoint, pass_numbers, scans_kept, set_up
from bench.load import Plan, Tally
from bench.service import own_server, service
from kernel.db import connected

SECONDS = int(os.environ.get("BENCH_SECONDS", "8"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
WORKERS = int(os.environ.get("BENCH_WORKERS", str(os.cpu_count() or 1)))
#: For the service; its rival gets as many.
MOVEMENTS = int(os.environ.get("BENCH_MOVEMENTS", str(20_000 + SECONDS * (ROUNDS + 2) * 5_000)))
ROOT = Path(__file__).parent.parent
CONNECTIONS = 64
BATCH = 20
RATE = 500
STEADY_SECONDS = 20


class Lane:
    """Sends scans to the service, and after each round looks whether all of them are kept."""

    def __init__(self, stage: Stage, port: int, passes: list[str]) -> None:
        self.stage, self.port, self.passes = stage, port, passes
        self.used = 0
        self.recorded = 0

    async def round(self, seconds: float, *, batch: int = 1, rate: float = 0) -> Tally:
        plan = Plan(
            port=self.port,
            token=self.stage.token,
            place_id=self.stage.place_id,
            passes=self.passes[self.used :],
            connections=CONNECTIONS,
            batch=batch,
            seconds=seconds,
            rate=rate,
        )
        await checkpoint(self.stage.dsn)
        tally = await _in_own_process(plan)
        self.used += tally.sent
        self.recorded += tally.recorded
        kept = await scans_kept(self.stage)
        if tally.wrong or set(kept.values()) != {self.recorded}:
            sys.exit(f"of {self.recorded} recorded: {kept}; wrong: {tally.wrong}")
        return tally


async def _in_own_process(plan: Plan) -> Tally:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.load"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate(msgspec.json.encode(plan))
    if process.returncode:
        sys.exit("the sender of scans failed")
    return msgspec.json.decode(said, type=Tally)


async def measure_scans(stage: Stage, data_dir: Path) -> dict[str, Any]:
    port = free_port()
    lane = Lane(stage, port, await pass_numbers(stage))
    given = await pgbench.values(stage)

    async def rival(seconds: int) -> float:
        await checkpoint(stage.dsn)
        return await pgbench.tps(stage, data_dir, given, seconds)

    with service(stage, data_dir, port, WORKERS):
        single, rivals = await _in_turn(lane.round, rival)
        batched = await lane.round(SECONDS, batch=BATCH)
        steady = await lane.round(STEADY_SECONDS, rate=RATE)
    rates = [tally.per_second for tally in single]
    show("scans a second, one in a request", rates)
    show("pgbench, transactions a second", rivals)
    show("p50 at full load, ms", [tally.percentile(0.5) for tally in single])
    show("p99 at full load, ms", [tally.percentile(0.99) for tally in single])
    show(f"scans a second, {BATCH} in a request", [batched.per_second])
    show(f"p50 at {RATE} scans a second, ms", [steady.percentile(0.5)])
    show(f"p99 at {RATE} scans a second, ms", [steady.percentile(0.99)])
    print(f"{lane.recorded} scans answered `recorded`, all of them kept")
    return {
        "scans_per_s": round(median(rates)),
        "pgbench_tps": round(median(rivals)),
        "ratio": round(median(rates) / median(rivals), 2),
        "scans_per_s_batched": round(batched.per_second),
        "p50_ms": round(median(tally.percentile(0.5) for tally in single), 1),
        "p99_ms": round(median(tally.percentile(0.99) for tally in single), 1),
        "p50_ms_at_500": round(steady.percentile(0.5), 1),
        "p99_ms_at_500": round(steady.percentile(0.99), 1),
    }


async def _in_turn(
    ours: Callable[[float], Awaitable[Tally]], rival: Callable[[int], Awaitable[float]]
) -> tuple[list[Tally], list[float]]:
    """A warm-up of each that is not counted, then turn about."""
    single: list[Tally] = []
    rivals: list[float] = []
    for _ in range(ROUNDS + 1):
        single.append(await ours(SECONDS))
        rivals.append(await rival(SECONDS))
        print(f"  {single[-1].per_second:.0f} scans/s  {rivals[-1]:.0f} tps", flush=True)
    return single[1:], rivals[1:]


async def measure(server: str, data_dir: Path) -> dict[str, Any]:
    load = round(os.getloadavg()[0], 1)  # others on this machine spoil the figures
    print(f"preparing 2 x {MOVEMENTS} movements ...", flush=True)
    stage = await set_up(server, MOVEMENTS, datetime.now(UTC))
    figures = await measure_scans(stage, data_dir)
    async with connected(server) as conn:
        version = await conn.fetchval("SHOW server_version")
        durable = [
            await conn.fetchval(f"SHOW {name}")
            for name in ("fsync", "synchronous_commit", "full_page_writes")
        ]
    assert durable == ["on", "on", "on"], "this server may lose what it acknowledged"
    return figures | {
        "workers": WORKERS,
        "machine": machine(),
        "load_before": load,
        "commit": commit_of(),
        "python": platform.python_version(),
        "postgres": version,
    }


def show(name: str, values: list[float]) -> None:
    print(f"{name:36} {median(values):9.1f}   ({min(values):.1f} to {max(values):.1f})", flush=True)


def machine() -> str:
    processor = platform.processor() or platform.machine()
    file = Path("/proc/cpuinfo")
    names = file.read_text().splitlines() if file.exists() else []
    named = next((line.partition(":")[2] for line in names if line.startswith("model name")), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {named.strip() or processor}, {memory:.0f} GiB"


def commit_of() -> str:
    git = shutil.which("git")
    if git is None:
        return "unknown"
    asked = [git, "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    return subprocess.run(asked, check=False, capture_output=True, text=True).stdout.strip()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    with own_server() as (server, data_dir):
        figures = asyncio.run(measure(server, data_dir))
    print(msgspec.json.encode(figures).decode())


if __name__ == "__main__":
    main()
