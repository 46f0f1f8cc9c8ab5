"""Visitors at many doors: visits over kept-alive connections, from a process of its own.

`python -m bench.visitors` reads a Plan as JSON from its input and prints a Tally.
"""

import asyncio
import itertools
import sys
import time
from datetime import UTC, datetime

import msgspec
import uvloop
from msgspec import Struct

from bench.load import Tally, Wire
from kernel.ids import uuid7


class Plan(Struct, frozen=True, kw_only=True):
    """`rate`: requests a second on a fixed schedule; 0 for as many as come back."""

    port: int
    tokens: list[str]
    #: Document numbers, taken in turn.
    numbers: list[str]
    connections: int
    batch: int
    seconds: float
    rate: float = 0.0


class Requests:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.numbers = itertools.cycle(plan.numbers)
        self.tokens = itertools.cycle(plan.tokens)

    def next(self) -> bytes:
        now = datetime.now(UTC)
        items = ",".join(
            f'{{"id":"{uuid7(now)}","occurred_at":"{now.isoformat()}","gate":"1",'
            f'"id_number":"{next(self.numbers)}"}}'
            for _ in range(self.plan.batch)
        )
        body = f'{{"visits":[{items}]}}'
        return (
            f"POST /api/v1/visits HTTP/1.1\r\nHost: 127.0.0.1:{self.plan.port}\r\n"
            f"Authorization: Bearer {next(self.tokens)}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


def count(tally: Tally, answer: bytes, batch: int, late: float) -> None:
    """A visit that is turned away was sent and not recorded: its device keeps it."""
    recorded = answer.count(b'"status":"recorded"')
    turned_away = answer.startswith(b"HTTP/1.1 503")
    if not (turned_away or tally.wrong) and not (
        answer.startswith(b"HTTP/1.1 200") and recorded == batch
    ):
        tally.wrong = answer.decode(errors="replace")
    tally.sent += batch
    tally.recorded += recorded
    tally.green += answer.count(b'"shown":"clear"')
    tally.late_ms.append(late * 1000)


async def drive(plan: Plan) -> Tally:
    loop = asyncio.get_running_loop()
    free: asyncio.Queue[Wire] = asyncio.Queue()
    for _ in range(plan.connections):
        free.put_nowait((await loop.create_connection(Wire, "127.0.0.1", plan.port))[1])
    tally, requests, began = Tally(), Requests(plan), time.perf_counter()

    async def one(wire: Wire, intended: float) -> None:
        answer = await wire.ask(requests.next())
        count(tally, answer, plan.batch, time.perf_counter() - intended)
        free.put_nowait(wire)

    async with asyncio.TaskGroup() as tasks:
        for number in itertools.count():
            intended = began + number / plan.rate if plan.rate else time.perf_counter()
            if intended > began + plan.seconds:
                break
            if (ahead := intended - time.perf_counter()) > 0:
                await asyncio.sleep(ahead)
            wire = await free.get()
            tasks.create_task(one(wire, intended if plan.rate else time.perf_counter()))
            if not plan.rate and time.perf_counter() > began + plan.seconds:
                break
    tally.seconds = time.perf_counter() - began
    tally.late_ms.sort()
    return tally


if __name__ == "__main__":
    given = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(drive(given))))
