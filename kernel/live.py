"""What PostgreSQL notifies, handed to the pages that are open."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import asyncpg
from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

logger = logging.getLogger(__name__)

# Says: something may have been missed, read everything again.
RESYNC = "resync"
QUEUE_LENGTH = 100
RECONNECT_SECONDS = 0.2
PING_SECONDS = 15.0
TROUBLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class Hub:
    """One LISTEN connection for all the open pages of this process.

    A subscriber gets RESYNC as soon as its channel is listened to, then the payloads as they come,
    and RESYNC again after a lost connection or when it was too slow to take them. A channel once
    listened to stays so: channels are few and fixed, their payloads carry the ids.
    """

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.queues: defaultdict[str, set[asyncio.Queue[str]]] = defaultdict(set)
        self.connection: asyncpg.Connection[asyncpg.Record] | None = None
        self.turn = asyncio.Lock()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        task = asyncio.create_task(self._stay_connected())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def subscribe(self, channel: str) -> AsyncGenerator[str]:
        async with self.queue(channel) as queue:
            while True:
                yield await queue.get()

    @asynccontextmanager
    async def queue(self, channel: str) -> AsyncGenerator[asyncio.Queue[str]]:
        queue: asyncio.Queue[str] = asyncio.Queue(QUEUE_LENGTH)
        self.queues[channel].add(queue)
        try:
            await self._listen(channel, queue)
            yield queue
        finally:
            self.queues[channel].discard(queue)

    async def _listen(self, channel: str, queue: asyncio.Queue[str]) -> None:
        async with self.turn:
            if self.connection is None:
                return  # the next connection listens to every channel and tells every queue
            try:
                await self.connection.add_listener(channel, self._deliver)
            except TROUBLE:
                return
            _put(queue, RESYNC)

    async def _stay_connected(self) -> None:
        while True:
            try:
                await self._listen_until_lost()
            except TROUBLE as trouble:
                logger.warning("live pages are cut off: %s", type(trouble).__name__)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen_until_lost(self) -> None:
        connection = await asyncpg.connect(self.dsn, timeout=3)
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        try:
            async with self.turn:
                for channel in self.queues:
                    await connection.add_listener(channel, self._deliver)
                self.connection = connection
                for queue in [queue for queues in self.queues.values() for queue in queues]:
                    _put(queue, RESYNC)
            await _watch(connection, lost)
        finally:
            self.connection = None
            connection.terminate()

    def _deliver(self, _connection: object, _pid: int, channel: str, payload: object) -> None:
        for queue in self.queues[channel]:
            _put(queue, str(payload))


def _put(queue: asyncio.Queue[str], payload: str) -> None:
    if not queue.full():
        queue.put_nowait(payload)
        return
    while not queue.empty():
        queue.get_nowait()
    queue.put_nowait(RESYNC)


async def _watch(connection: "asyncpg.Connection[asyncpg.Record]", lost: asyncio.Event) -> None:
    """Wait for the end of the connection; ask now and then, for a cut cable sends no goodbye."""
    while not lost.is_set():
        try:
            await asyncio.wait_for(lost.wait(), PING_SECONDS)
        except TimeoutError:
            await connection.execute("SELECT 1", timeout=3)


def stream(hub: Hub, channel: str) -> ServerSentEvent:
    """Answer with the channel as server-sent events, one unnamed event for each payload.

    The handler must not hold `tx`: it is over before the stream begins.
    """
    return ServerSentEvent(_events(hub, channel), comment_message="open", retry_duration=2000)


async def _events(hub: Hub, channel: str) -> AsyncGenerator[ServerSentEventMessage]:
    async with hub.queue(channel) as queue:
        while True:
            try:
                payload = await asyncio.wait_for(queue.get(), PING_SECONDS)
            except TimeoutError:
                yield ServerSentEventMessage(data=None, comment="still here")
            else:
                yield ServerSentEventMessage(data=payload)
