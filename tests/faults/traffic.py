"""Clients that write and remember: what they sent, what was acknowledged, what got no answer.

A write that was not acknowledged is sent again under the same id until it is, as the pages and the
devices do. `idempotent=False` is the sabotaged client, which makes a new id for every try.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import msgspec
from msgspec import Struct

from kernel.ids import uuid7
from tests.city import a_submission
from tests.faults.harness import Stand

CLIENTS = 4
BATCH = 8
#: Longer than any answer may take, whatever was killed.
HANGS_SECONDS = 20.0
GIVE_UP_SECONDS = 60.0
ACKNOWLEDGED = frozenset({"recorded", "repeated"})


class Write(Struct, kw_only=True):
    """One thing to be stored once. `mark` tells it whatever id it goes under."""

    id: str
    mark: int
    said: dict[str, Any]
    acknowledged: bool = False
    #: What it came to where it was not stored: refused or conflict, and the code.
    refusal: str = ""
    #: Tries that were not acknowledged (no answer, or 503), and the time of the last try.
    unanswered: int = 0
    sent_at: datetime = datetime.min.replace(tzinfo=UTC)


class Errand(Struct, frozen=True, kw_only=True):
    path: str
    token: str
    writes: list[Write]

    def body(self) -> dict[str, Any]:
        said = [write.said | {"id": write.id} for write in self.writes]
        return {"scans": said} if self.path.endswith("/scans") else said[0]


class Traffic:
    def __init__(
        self,
        stand: Stand,
        *,
        clients: int = CLIENTS,
        idempotent: bool = True,
        only_scans: bool = False,
    ) -> None:
        self._stand, self._clients, self._idempotent = stand, clients, idempotent
        self._kinds = [self._scan, self._batch, self._arrival]
        if not only_scans:
            self._kinds += [self._unreported, self._report, self._confirm]
        self._stopping = False
        self.writes: list[Write] = []
        self.wrong: list[str] = []
        self.hung = self.broken_off = self.turned_away = 0
        self.slowest = 0.0
        #: When the try began that was acknowledged last.
        self.acknowledged_at = 0.0

    # ── what is sent ──

    def _write(self, said: dict[str, Any], mark: int) -> Write:
        write = Write(id=str(uuid7(datetime.now(UTC))), mark=mark, said=said)
        self.writes.append(write)
        return write

    def _scanned(self, kind: str, place_id: int, **said: Any) -> Write:
        mark = next(self._stand.marks)
        at = datetime.now(UTC).isoformat()
        if not said:
            said = {"plate": f"豫E{mark:05d}"}
        fixed = {"kind": kind, "place_id": place_id, "occurred_at": at, "sequence": mark}
        return self._write(fixed | said, mark)

    def _pass(self) -> str:
        return random.choice(self._stand.passes)[1]

    def _entries(self, number: int) -> Errand:
        city = self._stand.city
        writes = [
            self._scanned("entry", city.north, pass_number=self._pass()) for _ in range(number)
        ]
        return Errand(path="/api/v1/scans", token=city.lane_token, writes=writes)

    def _scan(self) -> Errand:
        return self._entries(1)

    def _batch(self) -> Errand:
        return self._entries(BATCH)

    def _unreported(self) -> Errand:
        city = self._stand.city
        write = self._scanned("entry", city.north)
        return Errand(path="/api/v1/scans", token=city.lane_token, writes=[write])

    def _arrival(self) -> Errand:
        city = self._stand.city
        write = self._scanned("arrival", city.mill, pass_number=self._pass())
        return Errand(path="/api/v1/scans", token=city.firm_token, writes=[write])

    def _report(self) -> Errand:
        mark = next(self._stand.marks)
        now, plate = datetime.now(UTC), f"豫D{mark:05d}"
        said = a_submission(self._stand.city, now, plate=plate, origin=str(mark))
        write = self._write(msgspec.to_builtins(said), mark)
        return Errand(path="/api/v1/movements", token="", writes=[write])

    def _confirm(self) -> Errand:
        mark = next(self._stand.marks)
        movement_id, _ = random.choice(self._stand.passes)
        write = self._write({"kind": "confirm", "note": str(mark)}, mark)
        path = f"/api/v1/movements/{movement_id}/events"
        return Errand(path=path, token=self._stand.city.firm_token, writes=[write])

    # ── how it is sent ──

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Leaving it waits until everything that was sent has its answer."""
        base = f"http://127.0.0.1:{self._stand.port}"
        async with (
            httpx.AsyncClient(base_url=base, timeout=HANGS_SECONDS, trust_env=False) as http,
            asyncio.TaskGroup() as tasks,
        ):
            for _ in range(self._clients):
                tasks.create_task(self._client(http))
            try:
                yield
            finally:
                self._stopping = True

    async def _client(self, http: httpx.AsyncClient) -> None:
        while not self._stopping:
            await self._carry(http, random.choice(self._kinds)())

    async def _carry(self, http: httpx.AsyncClient, errand: Errand) -> None:
        give_up = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < give_up:
            if await self._try(http, errand):
                return
            await asyncio.sleep(0.05)
            if not self._idempotent:
                for write in errand.writes:
                    write.id = str(uuid4())
        self.wrong.append(f"{errand.path}: not acknowledged in {GIVE_UP_SECONDS:.0f} s")

    async def _try(self, http: httpx.AsyncClient, errand: Errand) -> bool:
        began, now = time.monotonic(), datetime.now(UTC)
        headers = {"Authorization": f"Bearer {errand.token}"} if errand.token else {}
        for write in errand.writes:
            write.sent_at = now
        try:
            answer = await http.post(errand.path, json=errand.body(), headers=headers)
        except httpx.TransportError as error:
            self.hung += isinstance(error, httpx.TimeoutException)
            self.broken_off += 1
            return _unanswered(errand)
        finally:
            self.slowest = max(self.slowest, time.monotonic() - began)
        if answer.status_code == 503 and _is_problem(answer):
            self.turned_away += 1
            return _unanswered(errand)
        if answer.status_code not in {200, 201}:
            self.wrong.append(f"{errand.path}: {answer.status_code} {answer.text[:300]}")
        else:
            self._settle(errand, answer.json())
            self.acknowledged_at = max(self.acknowledged_at, began)
        return True

    def _settle(self, errand: Errand, answer: dict[str, Any]) -> None:
        if errand.path == "/api/v1/movements":
            errand.writes[0].acknowledged = True
            return
        results = answer.get("results", [answer])
        assert [result["id"] for result in results] == [write.id for write in errand.writes]
        for write, result in zip(errand.writes, results, strict=True):
            if result["status"] in ACKNOWLEDGED:
                write.acknowledged = True
            else:
                write.refusal = f"{result['status']} {result['code']}"

    # ── what is known of it ──

    @property
    def acknowledged(self) -> list[Write]:
        return [write for write in self.writes if write.acknowledged]

    @property
    def refusals(self) -> Counter[str]:
        return Counter(write.refusal for write in self.writes if write.refusal)

    async def under_load(self, writes: int, seconds: float = 60.0) -> None:
        """Until so many more writes were acknowledged."""
        wanted = len(self.acknowledged) + writes
        ends = time.monotonic() + seconds
        while len(self.acknowledged) < wanted:
            assert time.monotonic() < ends, f"{self.figures()} {self._stand.log()}"
            await asyncio.sleep(0.01)

    async def answered_after(self, moment: float) -> float:
        """Seconds from `moment` until something sent later was acknowledged."""
        while self.acknowledged_at <= moment:
            late = time.monotonic() - moment
            assert late < GIVE_UP_SECONDS, f"{self.figures()} {self._stand.log()}"
            await asyncio.sleep(0.01)
        return time.monotonic() - moment

    def figures(self) -> str:
        return (
            f"sent={len(self.writes)} acked={len(self.acknowledged)} hung={self.hung} "
            f"broken off={self.broken_off} 503s={self.turned_away} slowest={self.slowest:.1f}s refusals={dict(self.refusals)} "
            f"wrong={self.wrong[:3]}"
        )


def _unanswered(errand: Errand) -> bool:
    for write in errand.writes:
        write.unanswered += 1
    return False


def _is_problem(answer: httpx.Response) -> bool:
    return answer.headers.get("content-type", "").startswith("application/problem+json")
