from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta

from kernel.clock import SetClock
from kernel.db import Connection
from kernel.store import PostgresStore

NOW = datetime(2022, 4, 12, 13, 0, tzinfo=UTC)


def always(conn: Connection) -> Callable[[], AbstractAsyncContextManager[Connection]]:
    @asynccontextmanager
    async def acquire() -> AsyncGenerator[Connection]:
        yield conn

    return acquire


async def test_a_value_is_kept_until_it_expires(conn: Connection) -> None:
    clock = SetClock(NOW)
    store = PostgresStore(always(conn), clock)
    await store.set("key", b"value", expires_in=60)
    assert await store.get("key") == b"value"
    assert await store.expires_in("key") == 60
    clock.at = NOW + timedelta(seconds=60)
    assert await store.get("key") is None
    assert not await store.exists("key")


async def test_reading_may_renew_but_not_revive(conn: Connection) -> None:
    clock = SetClock(NOW)
    store = PostgresStore(always(conn), clock)
    await store.set("key", "value", expires_in=60)
    clock.at = NOW + timedelta(seconds=59)
    assert await store.get("key", renew_for=60) == b"value"
    assert await store.expires_in("key") == 60
    clock.at = NOW + timedelta(seconds=200)
    assert await store.get("key", renew_for=60) is None


async def test_the_table_does_not_hold_what_the_browser_holds(conn: Connection) -> None:
    await PostgresStore(always(conn), SetClock(NOW)).set("secret-id", b"value")
    ids = [row["id"] for row in await conn.fetch("SELECT id FROM kernel.session")]
    assert len(ids) == 1
    assert "secret-id" not in ids[0]


async def test_values_are_deleted_one_by_one_when_expired_or_all(conn: Connection) -> None:
    clock = SetClock(NOW)
    store = PostgresStore(always(conn), clock)
    await store.set("a", b"1")
    await store.set("b", b"2", expires_in=10)
    await store.set("c", b"3")
    await store.delete("a")
    clock.at = NOW + timedelta(seconds=10)
    await store.delete_expired()
    assert await conn.fetchval("SELECT count(*) FROM kernel.session") == 1
    await store.delete_all()
    assert not await store.exists("c")
