import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from kernel.audit import record_access
from kernel.auth import Actor
from kernel.db import Connection, prepare
from kernel.outbox import feed, post

NOW = datetime(2022, 4, 12, 13, 0, tzinfo=UTC)


async def send(conn: Connection, key: str) -> bool:
    return await post(conn, kind="note", key=key, recipient="duty", facts={"n": key}, now=NOW)


async def test_a_message_posted_twice_is_written_once(conn: Connection) -> None:
    assert await send(conn, "a")
    assert not await send(conn, "a")
    (message,) = await feed(conn, 0, 10)
    assert (message.key, message.facts, message.created_at) == ("a", {"n": "a"}, NOW)


async def test_the_feed_goes_on_where_the_reader_stopped(conn: Connection) -> None:
    for key in "abc":
        await send(conn, key)
    first = await feed(conn, 0, 2)
    await send(conn, "d")
    rest = await feed(conn, first[-1].position, 10)
    assert [message.key for message in first + rest] == ["a", "b", "c", "d"]


async def test_what_waits_for_its_position_gets_it_in_order_of_time(conn: Connection) -> None:
    for key, minutes in (("later", 1), ("sooner", 0)):
        at = NOW + timedelta(minutes=minutes)
        await post(conn, kind="note", key=key, recipient="duty", facts={}, now=at)
    assert [message.key for message in await feed(conn, 0, 10)] == ["sooner", "later"]


async def test_a_slow_transaction_is_not_stepped_over(cloned: str) -> None:
    slow, quick, reader = [await asyncpg.connect(cloned) for _ in range(3)]
    for conn in (slow, quick, reader):
        await prepare(conn)
    opened = slow.transaction()
    await opened.start()
    await send(slow, "slow")
    await send(quick, "quick")
    seen = await feed(reader, 0, 10)
    assert [message.key for message in seen] == ["quick"]
    await opened.commit()
    later = await feed(reader, seen[-1].position, 10)
    assert [message.key for message in later] == ["slow"]
    await asyncio.gather(slow.close(), quick.close(), reader.close())


async def test_what_was_looked_at_stays_on_record(conn: Connection) -> None:
    actor = Actor(id=uuid4(), kind="account", name="王五", roles=frozenset({"tracer"}))
    await record_access(
        conn, actor, action="read", subject_kind="person", subject="7", reason="case 12", now=NOW
    )
    row = await conn.fetchrow("SELECT actor_id, actor_name, reason, at FROM kernel.audit")
    assert row is not None
    assert tuple(row) == (actor.id, "王五", "case 12", NOW)
    for change in (
        "UPDATE kernel.audit SET reason = ''",
        "DELETE FROM kernel.audit",
        "TRUNCATE kernel.audit",
    ):
        with pytest.raises(asyncpg.RestrictViolationError):
            async with conn.transaction():
                await conn.execute(change)
