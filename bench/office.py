"""Officers at their pages, on a schedule, from a process of its own.

`python -m bench.office` reads a Plan as JSON from its input and prints a Tally.
"""

import asyncio
import sys
import time
from itertools import cycle, islice

import msgspec
import uvloop
from msgspec import Struct

from bench.load import Wire

CONNECTIONS = 64


class Visit(Struct, frozen=True, kw_only=True):
    path: str
    cookie: str


class Plan(Struct, frozen=True, kw_only=True):
    """`rate`: pages a second, taken in turn from `visits`."""

    port: int
    visits: list[Visit]
    rate: float
    seconds: float


class Tally(Struct, kw_only=True):
    """`late_ms`: of each page that was served, from when it was meant to be asked for; sorted."""

    asked: int = 0
    served: int = 0
    turned_away: int = 0
    late_ms: list[float] = []
    wrong: str = ""

    def count(self, answer: bytes, late: float) -> None:
        self.asked += 1
        if answer.startswith(b"HTTP/1.1 200"):
            self.served += 1
            self.late_ms.append(late * 1000)
        elif answer.startswith(b"HTTP/1.1 503"):
            self.turned_away += 1
        elif not self.wrong:
            self.wrong = answer[:200].decode(errors="replace")


async def visit(plan: Plan) -> Tally:
    loop = asyncio.get_running_loop()
    free: asyncio.Queue[Wire] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait((await loop.create_connection(Wire, "127.0.0.1", plan.port))[1])
    tally = Tally()

    async def run(wire: Wire, request: bytes, meant: float) -> None:
        tally.count(await wire.ask(request), time.perf_counter() - meant)
        free.put_nowait(wire)

    began = time.perf_counter()
    pages = cycle([_request(plan.port, each) for each in plan.visits])
    async with asyncio.TaskGroup() as tasks:
        for number, request in enumerate(islice(pages, int(plan.seconds * plan.rate))):
            meant = began + number / plan.rate
            if (ahead := meant - time.perf_counter()) > 0:
                await asyncio.sleep(ahead)
            tasks.create_task(run(await free.get(), request, meant))
    tally.late_ms.sort()
    return tally


def _request(port: int, visit: Visit) -> bytes:
    return (
        f"GET {visit.path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/html\r\n"
        f"Cookie: {visit.cookie}\r\n\r\n"
    ).encode()


if __name__ == "__main__":
    given = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(visit(given))))
