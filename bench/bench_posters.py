"""All posters of a district, chunk by chunk as a registrar takes them, and one poster by itself.

80,921 places were given codes in one district; their names here are invented. Every chunk is one
PDF; some are read back. The last line is one JSON object.

Environment: BENCH_POSTERS (80921) is their number, BENCH_CHUNK (100) how many are in a file,
BENCH_PRESSES (one a core) the processes that draw.
"""

import json
import os
import random
import resource
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from statistics import median

import pypdfium2
import zxingcpp

from registry.posters import CODE_ALPHABET, CODE_LENGTH, place_url
from registry.printing import poster_pdf
from registry.sheets import Poster

POSTERS = int(os.environ.get("BENCH_POSTERS", "80921"))
CHUNK = int(os.environ.get("BENCH_CHUNK", "100"))
PRESSES = int(os.environ.get("BENCH_PRESSES", str(os.cpu_count() or 1)))
SINGLES = 60
#: One chunk in so many is read back, one page of it.
READ_BACK = 20
MIB = 1024 * 1024
HEADS = (
    "祥云",
    "汴河",
    "金城",
    "龙亭",
    "永丰",
    "惠济",
    "长兴",
    "五里",
    "大同",
    "青龙",
    "𬭎发",
    "㐂来",
)
MIDDLES = ("面粉", "冷链物流", "建材", "蔬菜批发", "机械配件", "纸业", "饲料", "医药", "日用百货")
TAILS = ("厂", "有限公司", "有限责任公司杞县分公司", "市场", "超市", "仓储配送中心", "合作社")
GATES = ("东门", "西门", "南门", "北门", "正门", "货运通道", "1号门", "")
KINDS = ("venue",) * 18 + ("destination", "checkpoint")


def poster(number: int) -> Poster:
    dice = random.Random(number)
    code = "".join(dice.choices(CODE_ALPHABET, k=CODE_LENGTH))
    return Poster(
        kind=dice.choice(KINDS),  # pyright: ignore[reportArgumentType]
        url=place_url("https://checkpoint.example", code),
        code=code,
        place=f"{dice.choice(HEADS)}{dice.choice(MIDDLES)}{dice.choice(TAILS)}{number}号",
        gate=dice.choice(GATES),
        issued_on=date(2022, 4, 12),
    )


def chunks() -> Iterator[range]:
    for first in range(0, POSTERS, CHUNK):
        yield range(first, min(first + CHUNK, POSTERS))


def draw(numbers: range) -> tuple[int, bool]:
    """Bytes of the file, and whether a page that was looked at is read back."""
    posters = [poster(number) for number in numbers]
    file = poster_pdf(posters, "a4")
    right = True
    if numbers.start // CHUNK % READ_BACK == 0:
        document = pypdfium2.PdfDocument(file)
        at = numbers.start % len(posters)
        found = zxingcpp.read_barcodes(document[at].render(scale=1).to_pil())
        right = len(document) == len(posters) and [f.text for f in found] == [posters[at].url]
    return len(file), right


def singles() -> list[float]:
    """Milliseconds for one poster, warm."""
    poster_pdf([poster(0)], "a4")
    taken: list[float] = []
    for number in range(1, SINGLES + 1):
        one = poster(number)
        began = time.perf_counter()
        poster_pdf([one], "a3" if number % 2 else "a4")
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def peak(whose: int) -> float:
    return resource.getrusage(whose).ru_maxrss * 1024 / MIB


def main() -> None:
    load = round(os.getloadavg()[0], 1)  # others on this machine spoil the figures
    taken = singles()
    print(f"one poster, ms: median {median(taken):.1f}, from {min(taken):.1f} to {max(taken):.1f}")
    began, size, done = time.perf_counter(), 0, 0
    # Typst has threads of its own, which a forked process would wait for in vain.
    with ProcessPoolExecutor(PRESSES, mp_context=get_context("spawn")) as presses:
        for each, (length, right) in zip(chunks(), presses.map(draw, chunks()), strict=True):
            if not right:
                sys.exit(f"a poster of chunk {each} was not read back")
            size, done = size + length, done + len(each)
            if each.start % (CHUNK * 100) == 0:
                print(f"  {done} after {time.perf_counter() - began:.0f} s", flush=True)
    seconds = time.perf_counter() - began
    figures = {
        "posters": done,
        "seconds": round(seconds, 1),
        "posters_per_s": round(done / seconds),
        "mib": round(size / MIB, 1),
        "bytes_per_poster": round(size / done),
        "peak_mib_of_a_press": round(peak(resource.RUSAGE_CHILDREN)),
        "single_ms": round(median(taken), 1),
        "chunk": CHUNK,
        "presses": PRESSES,
        "load_before": load,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
