"""How devices and people reach the server: over HTTP, patiently, and counting."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import msgspec
from msgspec import Struct

from registry.demo import SOURCE

TRIES = 8
TOO_BUSY = f"after {TRIES} tries"
BACK_OFF = 0.1
#: What a device does about these is to send the same again a little later.
PASSING = frozenset({429, 503})
MOST_IN_A_BATCH = 25
GATHERING_SECONDS = 0.03

Json = dict[str, Any]


class UnexpectedAnswerError(RuntimeError):
    """The server said something that no device can go on with."""


def unexpected(method: str, path: str, status: int, said: str) -> UnexpectedAnswerError:
    return UnexpectedAnswerError(f"{method} {path}: {status} {said[:500]}")


class Tally(Struct, kw_only=True):
    requests: int = 0
    retried: int = 0
    scans: int = 0
    recorded: int = 0
    repeated: int = 0
    conflict: int = 0
    refused: int = 0

    def count(self, status: str) -> None:
        setattr(self, status, getattr(self, status) + 1)


class Wire:
    """One way to the server; `headers` say who is calling."""

    def __init__(self, http: httpx.AsyncClient, tally: Tally, headers: dict[str, str]) -> None:
        self.http, self.tally, self.headers = http, tally, headers

    async def get(self, path: str, **query: Any) -> Json:  # noqa: ANN401 - what a query holds
        return await self.ask("GET", path, params=query)

    async def post(self, path: str, body: object) -> Json:
        return await self.ask("POST", path, json=body)

    async def import_rows(self, kind: str, rows: Sequence[Json]) -> None:
        """Evidence as JSON lines; a row that is refused is a mistake of the simulator."""
        content = b"\n".join(msgspec.json.encode(row) for row in rows)
        headers = {"content-type": "application/x-ndjson"}
        query = {"source": SOURCE}
        path = f"/evidence/{kind}"
        report = await self.ask("POST", path, content=content, headers=headers, params=query)
        if report["refused"]:
            raise unexpected("POST", path, 200, str(report))

    async def ask(self, method: str, path: str, **said: Any) -> Json:  # noqa: ANN401 - httpx's own
        """Raises UnexpectedAnswerError for whatever is no success in the end."""
        answer = await self._patiently(method, path, said)
        if not answer.is_success:
            raise unexpected(method, path, answer.status_code, answer.text)
        return answer.json()

    async def _patiently(self, method: str, path: str, said: dict[str, Any]) -> httpx.Response:
        headers = self.headers | said.pop("headers", {})
        for attempt in range(TRIES):
            self.tally.requests += 1
            try:
                answer = await self.http.request(method, f"/api/v1{path}", headers=headers, **said)
            except httpx.TransportError:
                if attempt == TRIES - 1:
                    raise
            else:
                if answer.status_code not in PASSING:
                    return answer
            self.tally.retried += 1
            await asyncio.sleep(BACK_OFF * 2**attempt)
        raise unexpected(method, path, 503, TOO_BUSY)


class Device:
    """A device of one place: it numbers its scans, and sends them singly or gathered."""

    def __init__(self, place_id: int, wire: Wire) -> None:
        self.place_id, self.wire = place_id, wire
        self._sequence = 0
        self._waiting: list[tuple[Json, asyncio.Future[Json]]] = []
        self._sender: asyncio.Task[None] | None = None

    def next_sequence(self) -> int:
        self._sequence += 1
        return self._sequence

    async def send(self, scan: Json) -> Json:
        return (await self._post([scan]))[0]

    async def upload(self, scan: Json) -> Json:
        """Together with what the device has to send just now, in one batch."""
        answered: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting.append((scan, answered))
        if self._sender is None:
            self._sender = asyncio.create_task(self._empty())
        return await answered

    async def _empty(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(GATHERING_SECONDS)
                batch = self._waiting[:MOST_IN_A_BATCH]
                del self._waiting[: len(batch)]
                await self._settle(batch)
        finally:
            self._sender = None

    async def _settle(self, batch: list[tuple[Json, asyncio.Future[Json]]]) -> None:
        try:
            results = await self._post([scan for scan, _ in batch])
        except Exception as error:  # noqa: BLE001 - whoever waits for this batch is told
            for _, answered in batch:
                answered.set_exception(error)
            return
        for (_, answered), result in zip(batch, results, strict=True):
            answered.set_result(result)

    async def _post(self, scans: Sequence[Json]) -> list[Json]:
        answer = await self.wire.post("/scans", {"scans": scans})
        self.wire.tally.scans += len(scans)
        for result in answer["results"]:
            self.wire.tally.count(result["status"])
        return answer["results"]
