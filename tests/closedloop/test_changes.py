"""The feed of changes: complete and in order while many commit, each reader its own, 30 days."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import httpx

from closedloop import changes as feed
from closedloop.changes import KEPT_FOR, ChangeQuery, changes, keep_up
from kernel.clock import SetClock
from kernel.db import Connection, open_pool
from tests.checkpoint.moves import released, reported, scanned
from tests.city import IDS, City
from tests.conftest import NOON

Client = httpx.AsyncClient


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def test_a_reader_sees_each_version_once_and_in_order(
    client: Client, conn: Connection, city: City
) -> None:
    movement_id = await released(conn, city)
    await scanned(conn, city, movement_id, "arrival", NOON + timedelta(minutes=50))
    headers, after, seen = bearer(city.firm_token), 0, list[Any]()
    while True:
        url = f"/api/v1/changes?after={after}&limit=1"
        answer = (await client.get(url, headers=headers)).json()
        seen += answer["changes"]
        after = answer["after"]
        if not answer["more"]:
            break
    assert [each["version"] for each in seen] == list(range(1, len(seen) + 1))
    assert [each["state"] for each in seen][:2] == ["issued", "released"]
    assert {each["movement_id"] for each in seen} == {movement_id}
    assert seen[-1]["position"] == after


async def test_a_firm_sees_its_own_trucks_only(
    client: Client, conn: Connection, city: City
) -> None:
    own = await released(conn, city)
    await reported(conn, city, stops=(city.depot,), plate="豫B54321", id_number=IDS[1])
    answer = (await client.get("/api/v1/changes", headers=bearer(city.firm_token))).json()
    assert {each["movement_id"] for each in answer["changes"]} == {own}
    lane = (await client.get("/api/v1/changes", headers=bearer(city.lane_token))).json()
    assert len({each["movement_id"] for each in lane["changes"]}) == 2
    assert answer["after"] == lane["after"], "it has gone through the others'"


async def test_a_cursor_that_is_too_old_is_told_so(
    client: Client, conn: Connection, city: City, clock: SetClock
) -> None:
    movement_id = await released(conn, city)
    first = (await client.get("/api/v1/changes", headers=bearer(city.lane_token))).json()["after"]
    clock.at = NOON + KEPT_FOR + timedelta(days=1)
    await scanned(conn, city, movement_id, "arrival", clock.at)
    await keep_up(conn, clock.at)
    assert await conn.fetchval("SELECT count(*) FROM closedloop.change") == 1
    headers = bearer(city.lane_token)
    kept = await client.get(f"/api/v1/changes?after={first}", headers=headers)
    assert len(kept.json()["changes"]) == 1
    lost = await client.get(f"/api/v1/changes?after={first - 1}", headers=headers)
    assert (lost.status_code, lost.json()["code"]) == (422, "cursor_too_old")
    assert lost.json()["oldest"] == first
    assert len((await client.get("/api/v1/changes", headers=headers)).json()["changes"]) == 1


WRITE = "INSERT INTO closedloop.change (movement_id, version, state, at) VALUES ($1, $2, 'x', $3)"
LOOP = """
    INSERT INTO closedloop.loop (movement_id, version, state, view, updated_at)
    VALUES ($1, 1, 'x', '{}', $2)"""
MOVEMENT = """
    INSERT INTO registry.movement (movement_id, version, channel, actor, reported_at)
    VALUES ($1, 1, 'x', 'x', $2)"""
LOOPS, VERSIONS = 20, 15


async def busy(dsn: str, read: Any) -> tuple[list[tuple[int, int]], int]:
    """Twenty loops move at once, each fifteen times, in transactions of different lengths and with
    clocks that disagree, while a reader follows them.
    """
    pool = await open_pool(dsn, size=8)
    seen: list[tuple[int, int]] = []
    done = asyncio.Event()
    try:
        async with pool.acquire() as conn:
            for n in range(LOOPS):
                await conn.execute(LOOP, 1_000_000_000_000 + n, NOON)
                await conn.execute(MOVEMENT, 1_000_000_000_000 + n, NOON)

        async def writer(n: int) -> None:
            for version in range(1, VERSIONS + 1):
                async with pool.acquire() as conn, conn.transaction():
                    at = NOON + timedelta(seconds=version - 3 * (version % 2))
                    await conn.execute(WRITE, 1_000_000_000_000 + n, version, at)
                    await asyncio.sleep(0.001 * ((n * version) % 7))

        async def reader() -> None:
            after = 0
            while True:
                last = done.is_set()
                async with pool.acquire() as conn, conn.transaction():
                    page = await read(conn, after)
                seen.extend((each.movement_id, each.version) for each in page.changes)
                after = page.after
                if last and not page.changes:
                    return

        following = asyncio.create_task(reader())
        await asyncio.gather(*(writer(n) for n in range(LOOPS)))
        done.set()
        await following
    finally:
        await pool.close()
    out_of_order = sum(
        seen.index((number, version)) > seen.index((number, version + 1))
        for number, version in set(seen)
        if (number, version + 1) in seen
    )
    return seen, out_of_order


async def by_position(conn: Connection, after: int) -> Any:
    return await changes(conn, ChangeQuery(after=after, limit=10))


async def test_nothing_is_missed_or_seen_twice_while_many_commit(cloned: str) -> None:
    seen, out_of_order = await busy(cloned, by_position)
    print(f"{len(seen)} of {LOOPS * VERSIONS} versions read, {out_of_order} out of order")
    assert len(seen) == len(set(seen)) == LOOPS * VERSIONS
    assert out_of_order == 0


async def test_a_feed_in_the_order_of_the_clocks_is_found_out(cloned: str) -> None:
    """The twin: whoever asks for what is newer than the newest it saw misses the slower ones."""
    newest = [NOON - timedelta(days=1)]

    async def by_time(conn: Connection, _: int) -> Any:
        rows = await conn.fetch(
            "SELECT movement_id, version, at FROM closedloop.change WHERE at > $1 ORDER BY at",
            newest[0],
        )
        newest[0] = max([newest[0], *(row["at"] for row in rows)])
        told = [
            feed.Change(position=0, state="x", plate="", entry_place_id=None, next_place_id=None,
                        movement_id=row["movement_id"], version=row["version"], at=row["at"])
            for row in rows
        ]  # fmt: skip
        return feed.Changes(changes=told, after=0, more=False)

    seen, out_of_order = await busy(cloned, by_time)
    assert len(set(seen)) < LOOPS * VERSIONS or out_of_order > 0


async def test_the_feed_reads_by_its_index(conn: Connection) -> None:
    await conn.execute(
        """
        INSERT INTO closedloop.change (movement_id, version, state, at, position)
        SELECT 1000000000000 + n, 1, 'x', now(), n FROM generate_series(1, 20000) n
        """
    )
    await conn.execute("ANALYZE closedloop.change")
    plan = await conn.fetch(
        """
        EXPLAIN SELECT position FROM closedloop.change
         WHERE position > 19000 ORDER BY position LIMIT 100
        """
    )
    assert "change_by_position" in "\n".join(row[0] for row in plan)
    assert asyncpg is not None
