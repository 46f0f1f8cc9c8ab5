"""A gateway for text messages: a small real HTTP server on loopback that remembers what it got."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from kernel.db import Connection, Pool
from kernel.outbox import post_to_phone
from kernel.privacy import Vault
from kernel.senders import Addressed, Waiting, send_due, to_gateway

NOW = datetime(2022, 4, 12, 13, 0, tzinfo=UTC)
PHONE = "+8613812345678"
SECRET = "a secret of the gateway and of us"


class Gateway(ThreadingHTTPServer):
    """`answers` are taken in their order, then 204; `silence` makes it wait to be released."""

    daemon_threads = True

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.silence = False
        self.released = threading.Event()
        self.heard: list[tuple[str, dict[str, str], bytes]] = []
        super().__init__(("127.0.0.1", 0), Ear)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/send"

    @property
    def letters(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(body) for _, _, body in self.heard]

    def twice(self) -> list[str]:
        """Ids that came more than once."""
        ids = [letter["id"] for letter in self.letters]
        return sorted({each for each in ids if ids.count(each) > 1})


class Ear(BaseHTTPRequestHandler):
    server: Gateway  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.heard.append((self.path, headers, body))
        if self.server.silence:
            self.server.released.wait(10)
            return
        status = self.server.answers.pop(0) if self.server.answers else 204
        self.send_response(status)
        if status in {301, 302, 307, 308}:
            self.send_header("location", "/elsewhere")
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_POST  # noqa: N815 - the name that the server calls

    def log_message(self, *_: object) -> None:
        """Nothing: a test says what it found."""


@contextmanager
def listening() -> Generator[Gateway]:
    gateway = Gateway()
    thread = threading.Thread(target=gateway.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield gateway
    finally:
        gateway.released.set()
        gateway.shutdown()
        thread.join()
        gateway.server_close()


async def nobody(_: Connection, __: Waiting) -> Addressed | None:
    return None


class House:
    """What posts messages and sends them to the gateway."""

    def __init__(self, pool: Pool, vault: Vault, gateway: Gateway) -> None:
        self.pool, self.vault, self.gateway = pool, vault, gateway
        self.send = to_gateway(gateway.url, SECRET)

    async def posts(self, *keys: str, kind: str = "phone_code", lang: str = "en") -> None:
        async with self.pool.acquire() as conn:
            for key in keys:
                await post_to_phone(
                    conn,
                    self.vault,
                    to=PHONE,
                    kind=kind,
                    facts={"code": key},
                    key=key,
                    lang=lang,
                    now=NOW,
                )

    async def sends(self, now: datetime = NOW, send: Any = None, find: Any = nobody) -> int:
        return await send_due(self.pool, self.vault, find, send or self.send, now)

    async def row(self, key: str) -> Any:
        return await self.pool.fetchrow(
            """
            SELECT sent_at, gave_up_at, next_at, attempts, sealed IS NOT NULL AS sealed
              FROM kernel.outbox WHERE key = $1
            """,
            key,
        )
