"""Real receivers on loopback: a webhook, a chat robot's host, a mail server. Each remembers."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OK: dict[str, Any] = {"errcode": 0, "errmsg": "ok"}


class Receiver(ThreadingHTTPServer):
    """`answers` are taken in their order, then 200: a status, or what a robot says with a 200."""

    daemon_threads = True

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, str], Any]] = []
        self.answers: list[int | dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), _Ear)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def ids(self) -> list[str]:
        return [headers["x-checkpoint-id"] for _, headers, _ in self.heard]


class _Ear(BaseHTTPRequestHandler):
    server: Receiver  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.heard.append((self.path, headers, body))
        given = self.server.answers.pop(0) if self.server.answers else 200
        status, said = (200, given) if isinstance(given, dict) else (given, OK)
        answer = json.dumps(said).encode()
        self.send_response(status)
        if status in {301, 302, 307, 308}:
            self.send_header("location", f"{self.server.url}/elsewhere")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Nothing: a test says what it found."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(
        target=made.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
    )
    thread.start()
    try:
        yield made
    finally:
        made.shutdown()
        made.server_close()
        thread.join(5)


class Mailbox:
    """A mail server that takes everything (RFC 5321, as much as a client needs)."""

    def __init__(self) -> None:
        self.letters: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 loopback\r\n")
        while line := await reader.readline():
            word = line[:4].upper()
            if word == b"DATA":
                writer.write(b"354 go on\r\n")
                letter = await reader.readuntil(b"\r\n.\r\n")
                self.letters.append(letter.decode())
                writer.write(b"250 kept\r\n")
            elif word == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
        writer.close()


@asynccontextmanager
async def mailbox() -> AsyncIterator[Mailbox]:
    made = Mailbox()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made
