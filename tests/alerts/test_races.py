"""An arrival against claims, calls, escalations and closings, in any order and at once: what was seen
of the truck always wins (mission §3, rule 3).

CHECKPOINT_RACES makes a longer run.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from alerts.acting import call, close, reply
from alerts.claims import claim
from alerts.climbing import climb
from alerts.closing import Close
from alerts.replies import Call, Reply
from closedloop import pursuit
from closedloop.fold import fold
from closedloop.model import State
from closedloop.reporting import Office
from kernel.auth import Actor
from kernel.db import SERVER_SETTINGS, Connection, prepare
from kernel.errors import Refused
from kernel.ids import uuid7
from kernel.keyring import unlock
from kernel.privacy import Vault
from registry.model import Event
from tests.alerts.enquiry import after, officer
from tests.checkpoint.moves import released, scanned
from tests.city import City, build
from tests.closedloop.tales import arrival, entry, event, report
from tests.conftest import NOON
from tests.http import MASTER_KEY

RACES = int(os.environ.get("CHECKPOINT_RACES", "10000"))
AT_ONCE = int(os.environ.get("CHECKPOINT_RACES_AT_ONCE", "40"))
WORDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("call", {"whom": "driver", "code": 8, "answers": {}}),
    ("reply", {"code": 8}),
    ("reply", {"code": 5, "minutes": 30, "most": 60}),
    ("reply", {"code": 6}),
    ("reply", {"code": 3, "claimed": "x"}),
    ("extended", {"minutes": 60, "reason": "fog"}),
    ("close_proposed", {"reason": "settled", "proof": "x"}),
    ("close_refused", {}),
    ("closed", {"reason": "settled", "proposed_by": "a", "second_approver": "b"}),
    ("referred", {}),
    ("incident", {}),
    ("resumed", {"minutes": 30}),
    ("cancelled", {}),
)


def tale(random: Random) -> list[Event]:
    """A truck that is let in and arrives; a handful of officers' words fall anywhere around it."""
    arrives = random.uniform(65, 900)
    words = random.choices(WORDS, k=random.randint(1, 8))
    said = [event(kind, random.uniform(61, 1000), **body) for kind, body in words]
    if random.random() < 0.5:  # in the same instant as the arrival
        said = [event(each.kind, arrives, **each.body) if n == 0 else each
                for n, each in enumerate(said)]  # fmt: skip
    events = [report(), entry(), arrival(arrives), *said]
    random.shuffle(events)
    return events


def lost(random: Random, races: int) -> int:
    """In how many of so many interleavings the arrival did not win."""
    return sum(fold(1, tale(random)).state is not State.DISCHARGED for _ in range(races))


def test_in_every_interleaving_the_arrival_wins() -> None:
    assert lost(Random(1), RACES) == 0
    print(f"races: interleavings={RACES} arrivals lost=0 (bound {3 / RACES:.4f} at 95 %)")


def test_an_officers_word_that_beats_an_arrival_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pursuit, "ENDED", frozenset())
    assert lost(Random(1), 2000) > 0


def test_at_once_on_connections_of_their_own(cloned: str) -> None:
    """An officer claims, another calls, two close, the ladder climbs to its end, the truck arrives:
    all at the same time, truck by truck.
    """
    states, left = asyncio.run(_race(cloned))
    assert states == ["discharged"] * AT_ONCE
    assert left == 0


async def _race(dsn: str) -> tuple[list[str], int]:
    conns = [await asyncpg.connect(dsn, server_settings=SERVER_SETTINGS) for _ in range(7)]
    for conn in conns:
        await prepare(conn)
    vault = Vault(MASTER_KEY)
    await unlock(conns[0], vault, NOON)
    city = await build(conns[0], vault, NOON - timedelta(days=1))
    duty = [await officer(conns[0], f"officer {n}") for n in range(3)]
    for n in range(AT_ONCE):
        await _one(conns, city, duty, n)
    states = await conns[0].fetch("SELECT state FROM closedloop.loop ORDER BY movement_id")
    left = await conns[0].fetchval(
        "SELECT count(*) FROM closedloop.deadline WHERE closed_at IS NULL"
    )
    for conn in conns:
        await conn.close()
    return [row["state"] for row in states], left


async def _one(conns: Sequence[Connection], city: City, duty: list[Actor], n: int) -> None:
    movement_id = await released(conns[0], city, plate=f"豫B{n:05d}", tested=n == 0)
    for minutes in (1, 20, 50, 125, 245):
        await climb(conns[0], city.office, after(minutes))
    office = city.office
    at = after(1441)
    words: list[Word] = [
        _in_one(lambda c: scanned(c, city, movement_id, "arrival", at)),
        _in_one(lambda c: claim(c, movement_id, duty[0], at)),
        _in_one(lambda c: call(c, office, movement_id, _call(at), duty[0], at)),
        _in_one(lambda c: reply(c, office, movement_id, Reply(id=_id(at), code=6), None, at)),
        _in_one(lambda c: _close(c, office, movement_id, duty, at)),
        lambda c: climb(c, office, at),  # as the scheduler does, each step for itself
    ]
    await asyncio.gather(*map(_settled, words, conns))


async def _close(
    conn: Connection, office: Office, movement_id: int, duty: list[Actor], at: Any
) -> None:
    said = Close(id=_id(at), reason="settled", proof="x")
    await close(conn, office, movement_id, said, duty[1], at)
    await close(conn, office, movement_id, Close(id=_id(at), decision="approve"), duty[2], at)


Word = Callable[[Connection], Awaitable[object]]


def _in_one(word: Word) -> Word:
    """One request, one transaction."""

    async def run(conn: Connection) -> None:
        async with conn.transaction():
            await word(conn)

    return run


async def _settled(word: Word, conn: Connection) -> None:
    """Refused, done, or tried again after a deadlock, as every caller does."""
    for _ in range(5):
        try:
            await word(conn)
        except asyncpg.DeadlockDetectedError:
            continue
        except Refused:
            pass
        return
    pytest.fail("five deadlocks")


def _call(at: Any) -> Call:
    return Call(id=_id(at), whom="firm", code=8)


def _id(at: Any) -> UUID:
    return uuid7(at)
