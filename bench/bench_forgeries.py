"""How many forged passes are accepted: none may be.

Genuine passes are changed by the ways in `forgeries.py` until the time is over. The last line is
one JSON object: how many were tried, how many were accepted, and the bound that follows where none
was (three in N, at 95 %). Ends with an error where one was accepted.

Environment: BENCH_SECONDS (30) is the time for all of it, BENCH_SEED repeats a run.
"""

import os
import sys
import time
from collections import Counter
from itertools import islice
from random import Random, randrange

import msgspec

from bench.forgeries import accepted, forgeries, stock

SECONDS = float(os.environ.get("BENCH_SECONDS", "30"))
SEED = int(os.environ.get("BENCH_SEED", str(randrange(2**32))))
PASSES = 500
ENOUGH = 100_000
#: Between two looks at the clock.
STRIDE = 500


def main() -> int:
    random = Random(SEED)
    genuine = stock(random, PASSES)
    assert all(accepted(digits, genuine.keys) for digits in genuine.digits)
    tried: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    source = forgeries(random, genuine)
    began = time.monotonic()
    while time.monotonic() - began < SECONDS:
        for name, digits in islice(source, STRIDE):
            tried[name] += 1
            taken[name] += accepted(digits, genuine.keys)
    number, through = tried.total(), taken.total()
    for name, count in sorted(tried.items()):
        print(f"{name:<22} {count:>9,} tried {taken[name]:>3} accepted")
    print(f"{number:,} forged passes in {SECONDS:g} s, {through} accepted")
    figures = {
        "bench": "forgeries",
        "n": number,
        "accepted": through,
        "bound": 3 / number if not through else None,
        "enough": number >= ENOUGH,
        "seed": SEED,
    }
    print(msgspec.json.encode(figures).decode())
    return 1 if through else 0


if __name__ == "__main__":
    sys.exit(main())
