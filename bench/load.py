"""The load: scans over many kept-alive connections, from a process of its own.

`python -m bench.load` reads a Plan as JSON from its input and prints a Tally. No HTTP library:
the sender shares the machine with the service and must take little of it.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import cast

import msgspec
import uvloop
from msgspec import Struct

from kernel.ids import uuid7


class Plan(Struct, frozen=True, kw_only=True):
    """`rate`: requests a second on a fixed schedule; 0 for as many as come back (closed loop)."""

    port: int
    token: str
    place_id: int
    #: One scan each, in this order, none twice.
    passes: list[str]
    connections: int
    batch: int
    seconds: float
    rate: float = 0.0


class Tally(Struct, kw_only=True):
    """`late_ms`: of each request, from the time it was meant to be sent, sorted."""

    sent: int = 0
    recorded: int = 0
    green: int = 0
    seconds: float = 0.0
    late_ms: list[float] = []
    #: The first answer that was not as it should be.
    wrong: str = ""

    @property
    def per_second(self) -> float:
        return self.recorded / self.seconds

    def percentile(self, share: float) -> float:
        return self.late_ms[min(len(self.late_ms) - 1, int(len(self.late_ms) * share))]


class Wire(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self.buffer = b""
        self.waiting: asyncio.Future[bytes] | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by class

    def connection_lost(self, exc: Exception | None) -> None:
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_exception(exc or ConnectionError("closed by the service"))

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        at = self.buffer.lower().find(b"content-length:", 0, head) + 15
        length = int(self.buffer[at : self.buffer.find(b"\r\n", at)])
        if len(self.buffer) >= head + 4 + length and self.waiting is not None:
            answer, self.buffer = self.buffer, b""
            self.waiting.set_result(answer)

    def ask(self, request: bytes) -> asyncio.Future[bytes]:
        assert self.transport is not None
        self.waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.waiting


class Requests:
    """Each next request of the plan as bytes."""

    def __init__(self, plan: Plan) -> None:
        self.batch = plan.batch
        self.passes = iter(plan.passes)
        self.place_id = plan.place_id
        self.head = (
            f"POST /api/v1/scans HTTP/1.1\r\nHost: 127.0.0.1:{plan.port}\r\n"
            f"Authorization: Bearer {plan.token}\r\nContent-Type: application/json\r\n"
        )
        self.sequence = 1

    def next(self) -> bytes:
        body = '{"scans":[' + ",".join(self._scans()) + "]}"
        return f"{self.head}Content-Length: {len(body)}\r\n\r\n{body}".encode()

    def _scans(self) -> Iterator[str]:
        now = datetime.now(UTC)
        for _ in range(self.batch):
            number = next(self.passes, None)
            if number is None:
                sys.exit("too few movements were prepared: raise BENCH_MOVEMENTS")
            self.sequence += 1
            yield (
                f'{{"id":"{uuid7(now)}","kind":"entry","pass_number":"{number}",'
                f'"place_id":{self.place_id},"gate":"1","occurred_at":"{now.isoformat()}",'
                f'"device":"lane","sequence":{self.sequence},'
                f'"clock":{{"monotonic":{self.sequence},"offset":0}},"offline":false}}'
            )


def count(tally: Tally, answer: bytes, batch: int, late: float) -> None:
    recorded = answer.count(b'"status":"recorded"')
    green = answer.count(b'"card":"green"')
    if not tally.wrong and not (answer.startswith(b"HTTP/1.1 200") and recorded == green == batch):
        tally.wrong = answer.decode(errors="replace")
    tally.sent += batch
    tally.recorded += recorded
    tally.green += green
    tally.late_ms.append(late * 1000)


async def closed_loop(plan: Plan, wires: list[Wire], requests: Requests, tally: Tally) -> None:
    """Every connection sends its next request when it has the answer to its last."""
    end = time.perf_counter() + plan.seconds

    async def run(wire: Wire) -> None:
        while (began := time.perf_counter()) < end:
            answer = await wire.ask(requests.next())
            count(tally, answer, plan.batch, time.perf_counter() - began)

    await asyncio.gather(*(run(wire) for wire in wires))


async def open_loop(plan: Plan, wires: list[Wire], requests: Requests, tally: Tally) -> None:
    """On schedule, whatever comes back; a request that finds no connection free is late already."""
    free: asyncio.Queue[Wire] = asyncio.Queue()
    for wire in wires:
        free.put_nowait(wire)

    async def run(wire: Wire, intended: float) -> None:
        answer = await wire.ask(requests.next())
        count(tally, answer, plan.batch, time.perf_counter() - intended)
        free.put_nowait(wire)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number in range(int(plan.seconds * plan.rate)):
            intended = began + number / plan.rate
            if (ahead := intended - time.perf_counter()) > 0:
                await asyncio.sleep(ahead)
            tasks.create_task(run(await free.get(), intended))


async def drive(plan: Plan) -> Tally:
    loop = asyncio.get_running_loop()
    wires = [
        (await loop.create_connection(Wire, "127.0.0.1", plan.port))[1]
        for _ in range(plan.connections)
    ]
    tally, began = Tally(), time.perf_counter()
    await (open_loop if plan.rate else closed_loop)(plan, wires, Requests(plan), tally)
    tally.seconds = time.perf_counter() - began
    tally.late_ms.sort()
    return tally


if __name__ == "__main__":
    given = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(drive(given))))
