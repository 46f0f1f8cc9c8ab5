import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import asyncpg
from litestar import Litestar, get
from litestar.datastructures import State
from litestar.response import ServerSentEvent

from kernel.live import QUEUE_LENGTH, RESYNC, Hub, stream


async def coming(payloads: AsyncGenerator[str]) -> str:
    return await asyncio.wait_for(anext(payloads), 5)


async def notify(dsn: str, channel: str, *payloads: str) -> None:
    conn = await asyncpg.connect(dsn)
    for payload in payloads:
        await conn.execute("SELECT pg_notify($1, $2)", channel, payload)
    await conn.close()


async def test_every_subscriber_of_a_channel_hears_it_and_only_it(cloned: str) -> None:
    hub = Hub(cloned)
    async with hub.running():
        first, second, other = (hub.subscribe(name) for name in ("board", "board", "other"))
        for payloads in (first, second, other):
            assert await coming(payloads) == RESYNC
        await notify(cloned, "board", "1")
        await notify(cloned, "other", "2")
        assert [await coming(p) for p in (first, second, other)] == ["1", "1", "2"]


async def test_later_subscribers_hear_after_the_first_has_gone(cloned: str) -> None:
    hub = Hub(cloned)
    async with hub.running():
        for payload in ("1", "2", "3"):
            payloads = hub.subscribe("board")
            assert await coming(payloads) == RESYNC
            await notify(cloned, "board", payload)
            assert await coming(payloads) == payload
            await payloads.aclose()
            assert not hub.queues["board"]


async def test_a_lost_connection_comes_back_and_says_so(cloned: str) -> None:
    hub = Hub(cloned)
    async with hub.running():
        payloads = hub.subscribe("board")
        assert await coming(payloads) == RESYNC
        assert hub.connection is not None
        admin = await asyncpg.connect(cloned)
        await admin.execute("SELECT pg_terminate_backend($1)", hub.connection.get_server_pid())
        await admin.close()
        assert await coming(payloads) == RESYNC
        await notify(cloned, "board", "after")
        assert await coming(payloads) == "after"


async def test_a_slow_page_is_told_to_read_everything_again(cloned: str) -> None:
    hub = Hub(cloned)
    async with hub.running(), hub.queue("board") as queue:
        assert await asyncio.wait_for(queue.get(), 5) == RESYNC
        await notify(cloned, "board", *(str(n) for n in range(QUEUE_LENGTH + 1)), "last")
        heard: list[str] = []
        while not heard or heard[-1] != "last":
            heard.append(await asyncio.wait_for(queue.get(), 5))
        assert RESYNC in heard or len(heard) == QUEUE_LENGTH + 2


@get("/events")
async def events(state: State) -> ServerSentEvent:
    return stream(state.hub, "board")


async def test_a_page_receives_server_sent_events_and_is_forgotten_when_it_leaves(
    cloned: str,
) -> None:
    hub = Hub(cloned)
    app = Litestar([events], state=State({"hub": hub}), openapi_config=None)
    sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    left = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await left.wait()
        return {"type": "http.disconnect"}

    async def until(text: bytes) -> None:
        while text not in (await asyncio.wait_for(sent.get(), 5)).get("body", b""):
            pass

    scope: Any = {
        "type": "http",
        "method": "GET",
        "path": "/events",
        "raw_path": b"/events",
        "query_string": b"",
        "headers": [],
        "root_path": "",
    }
    async with hub.running():
        serving = asyncio.create_task(app(scope, receive, sent.put))  # type: ignore[arg-type]
        start = await asyncio.wait_for(sent.get(), 5)
        assert (b"content-type", b"text/event-stream; charset=utf-8") in start["headers"]
        await until(b"data: resync")
        await notify(cloned, "board", "1")
        await until(b"data: 1")
        left.set()
        await asyncio.wait_for(serving, 5)
        assert not hub.queues["board"]
