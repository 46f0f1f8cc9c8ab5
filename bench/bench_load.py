"""Lanes and offices at once: 500 scans a second beside pages at twenty and at a hundred times the
base.

The base is 100 pages a minute of duty desk, firm and registry together, over 200 trucks that are
missing. Rounds are taken in turn; the last line is one JSON object. The twin serves the offices
as if nobody waited at a lane. Ends with an error where a scan was refused, lost or answered
wrongly.

Environment: BENCH_SECONDS (10), BENCH_ROUNDS (3), BENCH_WORKERS (one a core).
"""

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import msgspec

from bench.bench_scans import RATE, WORKERS, Lane, free_port, show
from bench.city import FIRST, RANGE, STRIDE, Stage, pass_numbers, set_up
from bench.load import Tally
from bench.office import Plan, Visit
from bench.office import Tally as Pages
from bench.service import own_server, service
from kernel.clock import SetClock
from kernel.db import connected
from tests.http import add_account, log_in

SECONDS = float(os.environ.get("BENCH_SECONDS", "10"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
ROOT = Path(__file__).parent.parent
BASE_PER_MINUTE = 100
MISSING = 200
#: Whose pages, and which.
PAGES = {
    "duty": ("/duty", "/duty/rows", "/duty/board", "/loops"),
    "firm": ("/firm",),
    "registrar": ("/reg/applications", "/reg/evidence", "/reg/posters"),
}
#: Offices at so many times the base; whether they may be turned away.
SCENES = {"alone": 0, "times_20": 20, "times_100": 100}


async def visits(stage: Stage, port: int, firm: int) -> list[Visit]:
    """Each page with the cookie of somebody who is logged in and may see it."""
    found: list[Visit] = []
    clock = SetClock(datetime.now(UTC))
    for role, paths in PAGES.items():
        async with connected(stage.dsn) as conn:
            login = await add_account(conn, role, clock, firm if role == "firm" else None)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            answer = await log_in(client, login)
            assert answer.status_code == 303, answer.text
            for path in paths:
                assert (await client.get(path)).status_code == 200, path
            cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        found += [Visit(path=path, cookie=cookie) for path in paths]
    return found


async def lose(stage: Stage) -> int:
    """The highest numbered trucks of the rival's half went in long ago and did not arrive."""
    now = datetime.now(UTC)
    async with connected(stage.dsn) as conn:
        firm = await conn.fetchval(
            "SELECT id FROM registry.place WHERE kind = 'destination' LIMIT 1"
        )
        await conn.execute(
            f"""
            WITH lost AS (
                UPDATE closedloop.loop SET state = 'released', released_at = $3, next_place_id = $4
                 WHERE movement_id IN (SELECT {FIRST} + n * {STRIDE} % {RANGE}
                                         FROM generate_series($1::bigint, $2::bigint) n)
                RETURNING movement_id)
            INSERT INTO closedloop.deadline
                   (movement_id, stop, limb, limit_no, due_at, flag_at, next_at, place_id)
            SELECT movement_id, 0, 'arrival', 1, $5, $5, $5, $4 FROM lost
            """,
            2 * stage.served - MISSING + 1,
            2 * stage.served,
            now - timedelta(hours=3),
            firm,
            now - timedelta(hours=1),
        )
    return firm


async def scene(lane: Lane, asked: list[Visit], times: int) -> tuple[Tally, Pages]:
    rate = times * BASE_PER_MINUTE / 60
    scans, pages = await asyncio.gather(
        lane.round(SECONDS, rate=RATE),
        _pages(Plan(port=lane.port, visits=asked, rate=rate, seconds=SECONDS)),
    )
    print(f"  {times:4} x  card p99 {scans.percentile(0.99):.0f} ms", flush=True)
    if pages.wrong:
        sys.exit(f"a page was answered {pages.wrong}")
    return scans, pages


async def _pages(plan: Plan) -> Pages:
    if not plan.rate:
        return Pages()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.office"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate(msgspec.json.encode(plan))
    if process.returncode:
        sys.exit("the reader of pages failed")
    return msgspec.json.decode(said, type=Pages)


async def measure(server: str, data_dir: Path) -> dict[str, Any]:
    load = round(os.getloadavg()[0], 1)
    needed = int((2 * ROUNDS + 1) * (len(SCENES) + 1) * SECONDS * RATE)
    print(f"preparing 2 x {needed} movements ...", flush=True)
    stage = await set_up(server, needed, datetime.now(UTC))
    firm = await lose(stage)
    lane = Lane(stage, free_port(), await pass_numbers(stage))
    taken: dict[str, list[tuple[Tally, Pages]]] = {}
    with service(stage, data_dir, lane.port, WORKERS):
        asked = await visits(stage, lane.port, firm)
        await lane.round(SECONDS, rate=RATE)
        for _ in range(ROUNDS):
            for name, times in SCENES.items():
                taken.setdefault(name, []).append(await scene(lane, asked, times))
    lane.port = free_port()
    with service(stage, data_dir, lane.port, WORKERS, CHECKPOINT_URGENT_MS="0"):
        asked = await visits(stage, lane.port, firm)
        for _ in range(ROUNDS):
            taken.setdefault("twin_times_100", []).append(await scene(lane, asked, 100))
    figures = {name: tell(name, rounds) for name, rounds in taken.items()}
    print(f"{lane.recorded} scans answered `recorded`, all of them kept, none refused")
    return figures | {"rate": RATE, "workers": WORKERS, "load_before": load}


def tell(name: str, rounds: list[tuple[Tally, Pages]]) -> dict[str, float]:
    p99 = [scans.percentile(0.99) for scans, _ in rounds]
    p50 = [scans.percentile(0.5) for scans, _ in rounds]
    show(f"{name}: card p50, ms", p50)
    show(f"{name}: card p99, ms", p99)
    figures = {"p50_ms": round(median(p50), 1), "p99_ms": round(median(p99), 1)}
    if any(pages.asked for _, pages in rounds):
        served = [100 * pages.served / pages.asked for _, pages in rounds]
        show(f"{name}: pages served, %", served)
        slow = [pages.late_ms[len(pages.late_ms) // 2] for _, pages in rounds if pages.late_ms]
        show(f"{name}: page p50, ms", slow or [0.0])
        figures |= {"pages_served_percent": round(median(served), 1)}
    return figures


def main() -> None:
    with own_server() as (server, data_dir):
        figures = asyncio.run(measure(server, data_dir))
    print(msgspec.json.encode(figures).decode())


if __name__ == "__main__":
    main()
