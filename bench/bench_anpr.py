"""Cameras: a replay of readings with doubles, misreadings, strangers and gaps, counted against the
truth from which it was made.

Prints how many passages were matched, how many misread plates led to the right truck, how many
doubles counted once, and how many readings a second were taken. The last line is one JSON object.
Ends with an error where a count differs. Environment: BENCH_READS (100,000), BENCH_BATCH (200).
"""

import asyncio
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from msgspec import Struct

from bench.service import ROOT, own_server
from checkpoint.camera_matching import MOST_CANDIDATES, candidates
from checkpoint.cameras import take_reads
from closedloop.reporting import Office
from kernel.auth import Actor
from kernel.db import Connection, open_pool
from kernel.keyring import unlock
from kernel.migrate import migrate
from kernel.privacy import Vault
from registry.accounts import create_device
from registry.demo import seed
from registry.plates import near
from registry.world import WorldCache

READS = int(os.environ.get("BENCH_READS", "100000"))
BATCH = int(os.environ.get("BENCH_BATCH", "200"))
SEED = 20220412
NOON = datetime(2022, 5, 1, 12, tzinfo=UTC)
#: Of a hundred trucks: misread by one character, never reported, not read at all.
MISREAD, STRANGERS, GAPS = 4, 6, 3
#: What a camera confuses: each stands for the other.
CONFUSED = {"0": "D", "8": "B", "1": "7", "2": "Z", "5": "S", "6": "G"}


class Passage(Struct, frozen=True):
    """A truck that came by: its plate, the one that was read, and what it must come to."""

    plate: str
    read: str
    outcome: str


class Found(Struct, frozen=True, kw_only=True):
    reads: int
    passages: int
    gaps: int
    matched: int
    matched_truth: int
    candidates: int
    candidates_truth: int
    candidates_right: int
    unregistered: int
    unregistered_truth: int
    doubles: int
    doubles_truth: int
    reads_per_s: float

    @property
    def wrong(self) -> int:
        return (
            abs(self.matched - self.matched_truth)
            + abs(self.candidates - self.candidates_truth)
            + abs(self.candidates_truth - self.candidates_right)
            + abs(self.unregistered - self.unregistered_truth)
            + abs(self.doubles - self.doubles_truth)
        )


def passages(count: int, chance: random.Random) -> Iterator[Passage]:
    """In the order in which they come by."""
    for n in range(count):
        digits = f"{n:04d}"
        letter = "ABCEFGHJKL"[(n // 10_000) % 10]
        other = "MNPQRSTUVW"[sum(map(int, digits)) % 10]
        plate = f"豫{letter}{other}{digits[-4:]}"
        drawn = chance.randrange(100)
        if drawn < MISREAD:
            at = next((i for i in range(2, 7) if plate[i] in CONFUSED), None)
            if at is not None:
                read = f"{plate[:at]}{CONFUSED[plate[at]]}{plate[at + 1 :]}"
                yield Passage(plate, read, "candidate")
                continue
        if drawn < MISREAD + STRANGERS:
            yield Passage("", f"京{plate[1:]}", "unregistered")
        elif drawn < MISREAD + STRANGERS + GAPS:
            yield Passage(plate, "", "gap")
        else:
            yield Passage(plate, plate, "matched")


def told_apart(all_passed: list[Passage]) -> list[Passage]:
    """Whoever cannot be told from another, or has more look-alikes than are shown, is a gap."""
    known = {each.plate for each in all_passed} - {""}

    def clear(each: Passage) -> bool:
        close = near(each.read) & known
        if each.outcome == "candidate":
            return each.read not in known and len(close) <= MOST_CANDIDATES
        return each.outcome != "unregistered" or not (close or each.read in known)

    return [each if clear(each) else Passage(each.plate, "", "gap") for each in all_passed]


def readings(all_passed: list[Passage], most: int, chance: random.Random) -> list[dict[str, Any]]:
    """Bursts of one to thirty, within a second, in the order of their times."""
    made: list[dict[str, Any]] = []
    at = NOON - timedelta(days=2)
    for n, passed in enumerate(all_passed):
        at += timedelta(seconds=1.5)
        if passed.outcome == "gap":
            continue
        for k in range(chance.randint(1, 30)):
            said = at + timedelta(milliseconds=33 * k)
            made.append(
                {"id": f"{n}-{k}", "plate": passed.read, "confidence": 0.95,
                 "taken_at": said.isoformat(), "offline": True}
            )  # fmt: skip
        if len(made) >= most:
            break
    return made


async def registered(conn: Connection, plates: list[str], place_id: int) -> None:
    """Reports as they stand in the record, without the work of making them."""
    numbers = [9_000_000_000_000 + n for n in range(len(plates))]
    await conn.execute(
        """
        INSERT INTO registry.movement (movement_id, version, plate, entry_place_id, window_from,
                                       window_to, expected_entry_at, channel, actor, reported_at)
        SELECT n, 1, plate, $3, $4, $5, $4, 'bench', 'bench', $4
          FROM unnest($1::bigint[], $2::text[]) AS said (n, plate)
        """,
        numbers,
        plates,
        place_id,
        NOON - timedelta(days=3),
        NOON + timedelta(days=3),
    )
    await conn.execute(
        """
        INSERT INTO registry.plate_lookup (plate, movement_id)
        SELECT plate, n FROM unnest($1::bigint[], $2::text[]) AS said (n, plate)
        """,
        numbers,
        plates,
    )
    await conn.execute(
        """
        INSERT INTO closedloop.loop (movement_id, version, state, entry_place_id, view, updated_at)
        SELECT n, 1, 'issued', $2, '{}', $3 FROM unnest($1::bigint[]) AS n
        """,
        numbers,
        place_id,
        NOON,
    )
    await conn.execute("ANALYZE")


async def measure(dsn: str) -> Found:
    await migrate(dsn, ROOT / "migrations")
    chance = random.Random(SEED)
    all_passed = told_apart(list(passages(READS // 12 + 10, chance)))
    sent = readings(all_passed, READS, chance)
    came = all_passed[: int(sent[-1]["id"].partition("-")[0]) + 1]
    vault = Vault(os.urandom(32))
    pool = await open_pool(dsn, size=2)
    try:
        async with pool.acquire() as conn:
            place_id, actor, office = await _stage(conn, vault, came)
            took = 0.0
            for start in range(0, len(sent), BATCH):
                began = time.perf_counter()
                async with conn.transaction():
                    await take_reads(conn, office, actor, sent[start : start + BATCH], NOON)
                took += time.perf_counter() - began
            right = await _right(conn, office, place_id, came)
            rows = await conn.fetch(
                "SELECT outcome, count(*) AS n FROM registry.camera_read GROUP BY outcome"
            )
    finally:
        await pool.close()
    return _found(sent, came, {row["outcome"]: row["n"] for row in rows}, right, took)


async def _stage(conn: Connection, vault: Vault, came: list[Passage]) -> tuple[int, Actor, Office]:
    with TemporaryDirectory() as folder:
        async with conn.transaction():
            await unlock(conn, vault, NOON)
            await seed(conn, vault, NOON, Path(folder))
    place_id = await conn.fetchval(
        "SELECT id FROM registry.place WHERE kind = 'checkpoint' ORDER BY id LIMIT 1"
    )
    await registered(conn, sorted({each.plate for each in came} - {""}), place_id)
    device_id = await create_device(conn, name="bench", place_id=place_id, role="camera", now=NOON)
    actor = Actor(
        id=device_id, kind="device", name="bench", roles=frozenset({"camera"}),
        place_id=place_id, device_id=device_id,
    )  # fmt: skip
    return place_id, actor, Office(cache=WorldCache(), vault=vault, city="4102")


async def _right(conn: Connection, office: Office, place_id: int, came: list[Passage]) -> int:
    """Misread plates to which the right truck is offered."""
    place = (await office.cache.now(conn)).place(place_id)
    asked = [each for each in came if each.outcome == "candidate"]
    right = 0
    for start in range(0, len(asked), BATCH):
        some = asked[start : start + BATCH]
        found = await candidates(conn, {each.read for each in some}, place, NOON)
        right += sum(
            each.plate in {other.plate for other in found.get(each.read, ())} for each in some
        )
    return right


def _found(
    sent: list[dict[str, Any]],
    came: list[Passage],
    counted: dict[str, int],
    right: int,
    took: float,
) -> Found:
    truth = Counter(each.outcome for each in came)
    seen = len(came) - truth["gap"]
    return Found(
        reads=len(sent),
        passages=len(came),
        gaps=truth["gap"],
        matched=counted.get("matched", 0),
        matched_truth=truth["matched"],
        candidates=counted.get("candidate", 0),
        candidates_truth=truth["candidate"],
        candidates_right=right,
        unregistered=counted.get("unregistered", 0),
        unregistered_truth=truth["unregistered"],
        doubles=counted.get("double", 0),
        doubles_truth=len(sent) - seen,
        reads_per_s=round(len(sent) / took, 1),
    )


async def main() -> None:
    with own_server() as (server, _):
        found = await measure(server)
    print(f"{found.reads} readings of {found.passages - found.gaps} trucks, {found.gaps} not read")
    print(f"matched {found.matched} of {found.matched_truth}")
    print(f"one character off {found.candidates} of {found.candidates_truth}, "
          f"the right truck offered for {found.candidates_right}")  # fmt: skip
    print(f"not registered {found.unregistered} of {found.unregistered_truth}")
    print(f"doubles {found.doubles} of {found.doubles_truth}: each burst counted once")
    print(f"{found.reads_per_s:.0f} readings/s in batches of {BATCH}, one camera, one connection")
    print(msgspec.json.encode(found).decode())
    if found.wrong:
        sys.exit(f"{found.wrong} counts differ from the truth")


if __name__ == "__main__":
    asyncio.run(main())
