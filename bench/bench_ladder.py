"""The ladder: how long a sweep over what is due takes among few and among very many open limits,
and how fast the backlog of an outage is worked off.

Both databases are swept in turn, medians with their spread. The last line is one JSON object. Ends
with an error where a limit was flagged twice or missed. Environment: BENCH_LIMITS (10,000,000) is
how many limits are open in the large one; 10^6 take a tenth of the time to prepare.
"""

import asyncio
import os
import sys
from statistics import median

import msgspec

from bench import sweep
from bench.service import own_server

LIMITS = int(os.environ.get("BENCH_LIMITS", "10000000"))


async def main() -> None:
    with own_server() as (server, _):
        found = await sweep.measure(server, LIMITS)
    few, many = median(found.ms_few), median(found.ms_many)
    print(f"sweep with {sweep.DUE} due, ms: 10^5 open {few:.1f}, {LIMITS} open {many:.1f}")
    print(f"  spread: {min(found.ms_few):.1f}-{max(found.ms_few):.1f}, "
          f"{min(found.ms_many):.1f}-{max(found.ms_many):.1f}")  # fmt: skip
    print(f"  ratio {found.ratio:.2f} (goal 1.5)")
    print(f"backlog of {sweep.BACKLOG}: {found.flags_per_s:.0f} flags/s (goal 20000)")
    print(msgspec.json.encode(found).decode())
    if found.ratio > 1.5:
        sys.exit("a sweep among many limits takes too long")


if __name__ == "__main__":
    asyncio.run(main())
