"""A proof that lapses voids the unused pass, once, and tells the driver; a new one gives it back."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

import closedloop.lapsing
from closedloop.lapsing import lapse_and_renew
from closedloop.model import State
from closedloop.reporting import Office
from kernel.db import Connection, open_pool
from kernel.privacy import Vault
from registry.imports import import_evidence
from registry.world import WorldCache
from tests.checkpoint.moves import REPORTED, loop_of, released, reported
from tests.city import IDS, City, build
from tests.conftest import NOON
from tests.journeys.day import an_account

#: The proof of `reported` is five hours old when it is reported, ten minutes before noon.
LAPSES = REPORTED + timedelta(hours=43)


async def tick(conn: Connection, city: City, at: datetime) -> tuple[int, int]:
    await conn.execute("UPDATE registry.evidence_source SET as_of = $1", at)
    return await lapse_and_renew(conn, city.office, at)


async def a_pass(conn: Connection, city: City, **about: Any) -> int:
    """Expected so late that its proof lapses before its window ends."""
    comes, leaves = NOON + timedelta(hours=40), NOON + timedelta(hours=60)
    return await reported(conn, city, expected_entry_at=comes, expected_exit_at=leaves, **about)


async def told(conn: Connection) -> list[str]:
    rows = await conn.fetch(
        "SELECT kind FROM kernel.outbox WHERE recipient LIKE 'movement:%' ORDER BY created_at, kind"
    )
    return [row["kind"] for row in rows]


async def new_test(
    conn: Connection, city: City, taken_at: datetime, now: datetime, number: str = IDS[0]
) -> None:
    """As a laboratory's file brings it."""
    rules = (await city.office.cache.now(conn)).rules_at(now)
    line = f"{number},negative,{taken_at.isoformat()}"
    await import_evidence(
        conn,
        city.office.vault,
        rules,
        "test",
        f"id_number,value,taken_at\n{line}\n".encode(),
        "text/csv",
        source="lab",
        as_of=None,
        dry_run=False,
        actor=None,
        now=now,
    )


async def test_a_lapse_voids_the_pass_once_and_tells_the_driver(
    conn: Connection, city: City
) -> None:
    movement_id = await a_pass(conn, city)
    assert await tick(conn, city, LAPSES) == (0, 0)
    assert await tick(conn, city, LAPSES + timedelta(seconds=1)) == (1, 0)
    loop = await loop_of(conn, movement_id)
    assert (loop.state, loop.void_reason) == (State.VOIDED, "evidence_lapsed")
    assert await tick(conn, city, LAPSES + timedelta(minutes=1)) == (0, 0)
    assert await told(conn) == ["pass_voided"]


async def test_a_new_proof_gives_it_back(conn: Connection, city: City) -> None:
    movement_id = await a_pass(conn, city)
    voided = LAPSES + timedelta(minutes=1)
    await tick(conn, city, voided)
    later = voided + timedelta(hours=1)
    await new_test(conn, city, later - timedelta(minutes=30), later)
    assert await tick(conn, city, later) == (0, 1)
    assert (await loop_of(conn, movement_id)).state is State.ISSUED
    assert await told(conn) == ["pass_voided", "pass_reissued"]
    assert await tick(conn, city, later + timedelta(minutes=1)) == (0, 0)


async def test_a_new_proof_in_time_keeps_it(conn: Connection, city: City) -> None:
    movement_id = await a_pass(conn, city)
    await new_test(conn, city, NOON + timedelta(hours=20), NOON + timedelta(hours=21))
    assert await tick(conn, city, LAPSES + timedelta(hours=1)) == (0, 0)
    assert (await loop_of(conn, movement_id)).state is State.ISSUED


async def test_what_an_officer_gave_back_on_a_paper_proof_is_not_voided_again(
    conn: Connection, city: City, client: Any, clock: Any
) -> None:
    movement_id = await a_pass(conn, city)
    clock.at = LAPSES + timedelta(minutes=1)
    await tick(conn, city, clock.at)
    clock.at += timedelta(minutes=5)
    registrar = await an_account(conn, "registrar", clock.at)
    body = {"id": str(uuid4()), "kind": "reissue", "proof": "paper of the lab"}
    path = f"/api/v1/movements/{movement_id}/events"
    assert (await client.post(path, json=body, headers=registrar)).status_code == 200
    assert await tick(conn, city, clock.at + timedelta(minutes=1)) == (0, 0)
    assert (await loop_of(conn, movement_id)).state is State.ISSUED


async def test_a_truck_that_was_seen_is_the_lanes_and_not_the_jobs(
    conn: Connection, city: City
) -> None:
    movement_id = await released(conn, city)
    assert await tick(conn, city, LAPSES + timedelta(hours=1)) == (0, 0)
    assert (await loop_of(conn, movement_id)).state is State.RELEASED


async def test_a_report_without_a_proof_has_nothing_that_lapses(
    conn: Connection, city: City
) -> None:
    movement_id = await a_pass(conn, city, tested=False)
    assert await tick(conn, city, LAPSES + timedelta(hours=1)) == (0, 0)
    assert (await loop_of(conn, movement_id)).state is State.ISSUED


async def test_a_stale_list_voids_nobody(conn: Connection, city: City) -> None:
    await a_pass(conn, city)
    old = NOON - timedelta(days=9)
    await conn.execute("UPDATE registry.evidence_source SET as_of = $1", old)
    assert await lapse_and_renew(conn, city.office, NOON + timedelta(hours=1)) == (0, 0)


async def test_a_last_moment_that_is_said_counts_for_a_proof_that_is_needed(
    conn: Connection, city: City
) -> None:
    movement_id = await a_pass(conn, city)
    until = NOON + timedelta(hours=3)
    await conn.execute(
        """
        UPDATE registry.movement_person
           SET evidence = jsonb_set(evidence, '{test,until}', to_jsonb($1::text))
        """,
        until.isoformat(),
    )
    assert await tick(conn, city, until) == (0, 0)
    assert await tick(conn, city, until + timedelta(seconds=1)) == (1, 0)
    assert (await loop_of(conn, movement_id)).state is State.VOIDED


async def test_a_window_that_is_over_is_not_looked_at(conn: Connection, city: City) -> None:
    await reported(conn, city)
    assert await tick(conn, city, LAPSES + timedelta(days=3)) == (0, 0)


async def test_all_are_looked_at_however_few_together(
    conn: Connection, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closedloop.lapsing, "MOST", 1)
    for number in range(4):
        await a_pass(conn, city, plate=f"豫B1234{number}", id_number=IDS[number])
    assert await tick(conn, city, LAPSES + timedelta(minutes=1)) == (4, 0)
    for number in range(4):
        await new_test(conn, city, LAPSES, LAPSES + timedelta(hours=1), IDS[number])
    assert await tick(conn, city, LAPSES + timedelta(hours=1)) == (0, 4)


async def test_a_service_that_is_being_set_up_has_nothing_that_lapses(
    conn: Connection, vault: Vault
) -> None:
    office = Office(cache=WorldCache(), vault=vault, city="4102")
    assert await lapse_and_renew(conn, office, NOON) == (0, 0)


async def test_many_processes_at_once_void_once(cloned: str, vault: Vault) -> None:
    pool = await open_pool(cloned, size=6)
    async with pool.acquire() as conn:
        city = await build(conn, vault, NOON)
        movement_id = await a_pass(conn, city)
    after = LAPSES + timedelta(minutes=1)

    async def one() -> tuple[int, int]:
        async with pool.acquire() as conn:
            return await lapse_and_renew(conn, city.office, after)

    done = await asyncio.gather(*(one() for _ in range(6)))
    async with pool.acquire() as conn:
        events = await conn.fetchval("SELECT count(*) FROM registry.event WHERE kind = 'voided'")
        messages = await told(conn)
        state = (await loop_of(conn, movement_id)).state
    await pool.close()
    assert sum(voided for voided, _ in done) == 1
    assert (events, messages, state) == (1, ["pass_voided"], State.VOIDED)


def blind_to_officers(right: Callable[..., Any]) -> Callable[..., Any]:
    """Planted: what an officer gave back counts for nothing."""

    def wrong(at: Any, world: Any, now: datetime) -> datetime | None:
        events = tuple(each for each in at.events if each.kind != "reissued")
        without = type(at)(movement=at.movement, people=at.people, events=events, version=0)
        without.__dict__["loop"] = at.loop
        return right(without, world, now)

    return wrong


async def test_a_job_that_is_blind_to_officers_is_found(
    conn: Connection, city: City, client: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = closedloop.lapsing.lapsed_at
    monkeypatch.setattr(closedloop.lapsing, "lapsed_at", blind_to_officers(right))
    # The event's id alone would keep it from being voided for the same lapse twice.
    monkeypatch.setattr(closedloop.lapsing, "uuid5", lambda *_: uuid4())
    with pytest.raises(AssertionError):
        await test_what_an_officer_gave_back_on_a_paper_proof_is_not_voided_again(
            conn, city, client, clock
        )
