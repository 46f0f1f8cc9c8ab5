"""A database server and the service on it, both real, both there to be killed.

The database is durable as it is in use; the service is `checkpoint serve` with two workers. Only
processes that were started here are ever ended.
"""

import base64
import http.client
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

from bench.city import copy_movements, movement_number
from kernel.db import connected
from kernel.migrate import migrate
from kernel.postgres import Embedded, ensure_running, stop
from kernel.privacy import Vault
from registry.passes import pass_number
from tests.city import City, a_report, build
from tests.faults.processes import alive, children, command, free_port, kill, refused, wait_until
from tests.support import MIGRATIONS, REPOSITORY

WORKERS = 2
MOVEMENTS = 600
PATIENCE = 60.0
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
#: What was acknowledged stays in the server's memory until it is swept out, ten seconds later.
FORGETFUL = {
    "synchronous_commit": "off",
    "wal_writer_delay": "10s",
    "wal_writer_flush_after": "256MB",
    "wal_buffers": "16MB",
}


class Stand:
    """`marks` numbers what is written, over all that is sent to this stand."""

    def __init__(self, folder: Path, workers: int = WORKERS) -> None:
        self.folder = folder
        self.many = workers
        self.marks = count(1)
        self.vault = Vault(key := os.urandom(32))
        self._key = base64.b64encode(key).decode()
        self.port = free_port()
        (folder / "postgres.port").write_text(str(free_port()))
        self.database: Embedded = ensure_running(folder, configuration=DURABLE)
        self.dsn = self.database.dsn
        self.serving: subprocess.Popen[bytes] | None = None
        self.city: City
        self.passes: list[tuple[int, str]] = []

    async def seed(self) -> None:
        now = datetime.now(UTC)
        await migrate(self.dsn, MIGRATIONS)
        async with connected(self.dsn) as conn:
            self.city = await build(conn, self.vault, now)
            original = await a_report(conn, self.city, now)
            await copy_movements(conn, original.movement.movement_id, MOVEMENTS)
            await conn.execute("VACUUM ANALYZE")
        ids = [movement_number(n) for n in range(1, MOVEMENTS + 1)]
        self.passes = [(known, pass_number(known, self.vault)) for known in ids]

    # ── the database ──

    def kill_database(self) -> None:
        """Every process of it at once, so that nobody is left to answer or to write."""
        pid = int((self.database.cluster / "postmaster.pid").read_text().split()[0])
        assert pid == self.database.pid, f"{pid} is not the server that was started"
        assert alive(pid), f"{pid} was not running: nothing would be killed"
        family = [pid, *children(pid)]
        for each in family:
            kill(each)
        wait_until(lambda: not any(map(alive, family)), 20, f"the end of {family}")
        port = urlsplit(self.dsn).port or 0
        assert refused(port), f"somebody still answers on {port}"

    def start_database(self, configuration: Mapping[str, str] = DURABLE) -> None:
        dead = self.database.pid
        self.database = ensure_running(self.folder, configuration=configuration)
        assert self.database.dsn == self.dsn, "the database came back at another address"
        assert self.database.pid != dead, f"{dead} is said to run again"

    # ── the service ──

    def start_service(self) -> None:
        settings = {
            "DATABASE_URL": self.dsn,
            "CHECKPOINT_DATA": str(self.folder / "data"),
            "CHECKPOINT_MASTER_KEY": self._key,
            "PORT": str(self.port),
        }
        with (self.folder / "serve.log").open("ab") as log:
            self.serving = subprocess.Popen(
                [sys.executable, "-m", "checkpoint", "serve", "--workers", str(self.many)],
                cwd=REPOSITORY,
                env=os.environ | settings,
                stdout=log,
                stderr=log,
            )
        wait_until(self.ready, PATIENCE, f"the service is ready\n{self.log()}")
        self.wait_for_workers()

    def ready(self) -> bool:
        assert self.runs(), f"the service ended by itself\n{self.log()}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def runs(self) -> bool:
        return self.serving is not None and self.serving.poll() is None

    def log(self) -> str:
        return (self.folder / "serve.log").read_text(errors="replace")[-2000:]

    def workers(self) -> list[int]:
        """The oldest first. The supervisor has a helper of its own beside them."""
        assert self.serving is not None
        return [pid for pid in children(self.serving.pid) if b"spawn_main" in command(pid)]

    def kill_worker(self) -> float:
        """The oldest, so that its successors must really serve. Returns the seconds without it."""
        killed, began = self.workers()[0], time.monotonic()
        kill(killed)
        wait_until(lambda: not alive(killed), 10, f"the end of worker {killed}")
        self.wait_for_workers()
        return time.monotonic() - began

    def wait_for_workers(self) -> None:
        def complete() -> bool:
            assert self.runs(), f"the supervisor is gone\n{self.log()}"
            return len(self.workers()) == self.many

        wait_until(complete, PATIENCE, f"{self.many} workers, not {self.workers()}")

    def kill_service(self) -> float:
        """The supervisor alone; its workers must not stay behind on the port."""
        assert self.serving is not None
        left = self.workers()
        began = time.monotonic()
        self.serving.kill()
        self.serving.wait()
        try:
            wait_until(lambda: not any(map(alive, left)), 15, f"the end of workers {left}")
        finally:
            for each in left:
                kill(each)
        # A worker that was born while we looked sees that it has no parent, and ends by itself.
        wait_until(lambda: refused(self.port), 60, f"the end of whoever listens on {self.port}")
        return time.monotonic() - began

    def end(self) -> None:
        if self.serving is not None and self.serving.poll() is None:
            left = self.workers()
            self.serving.terminate()
            try:
                self.serving.wait(30)
            except subprocess.TimeoutExpired:
                self.serving.kill()
                self.serving.wait()
            for each in left:
                kill(each)
        stop(self.database)


@contextmanager
def a_folder() -> Generator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="checkpoint-faults-"))
    folder.chmod(0o711)  # as root, the server's own user must get through
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
